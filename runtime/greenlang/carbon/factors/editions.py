"""Which edition of a factor each day of a period gets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal, NamedTuple

from greenlang.carbon.factors.factor import EmissionFactor
from greenlang.carbon.periods import Period
from greenlang.carbon.policy import AccountingPolicy
from greenlang.carbon.units import Unit
from greenlang.errors import FactorError

__all__ = ["Edition", "Fallback", "FallbackKind", "ambiguous", "choose_edition", "recorded"]

FallbackKind = Literal["region", "vintage", "straddle", "method", "heat basis", "own factor"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Fallback:
    """One thing that was taken in place of what a row asked for."""

    kind: FallbackKind
    wanted: str
    used: str


@dataclass(frozen=True, slots=True)
class Edition:
    """The factors of a period and the part of its days that each covers."""

    parts: tuple[tuple[EmissionFactor, Fraction], ...]  #: the weights add up to 1
    fallbacks: tuple[Fallback, ...]


def choose_edition(
    factors: Sequence[EmissionFactor],
    period: Period,
    policy: AccountingPolicy,
    unit: Unit,
    beside: Sequence[EmissionFactor] = (),
) -> Edition:
    """Choose among the editions of one factor (same activity, gas, region, dimension) by day.

    An edition that prints one figure per several units (per km and per mile) gives the one in `unit`, the
    row's own; where it has none, the one whose rounding weighs least.

    A later edition of a dataset takes over on the day from which it applies, also where it leaves out the
    gas in question: `beside` are the factors of the other gases.  Each day before, after or between all
    editions gets the nearest one, which is recorded or, under `vintage="strict"`, refused.

    Raises
    ------
    FactorError
        If two factors apply on the same day, or the policy forbids what it would take.
    """
    spans = _spans(factors, beside)
    days: dict[EmissionFactor, int] = defaultdict(int)
    fallbacks = []
    for stretch in _stretches(spans, period):
        in_force = _in_force(spans, stretch.start)
        if in_force:
            days[_only(in_force, unit)] += stretch.days
            continue
        for factor, part in _nearest(spans, stretch, unit):
            outside = Fallback("vintage", str(part), edition_name(factor))
            fallbacks.append(recorded(policy, outside, column="period"))
            days[factor] += part.days
    if len(days) > 1:
        names = " and ".join(f"{edition_name(factor)} ({count} days)" for factor, count in days.items())
        if policy.straddle == "refuse":
            raise FactorError(
                f"period {period} crosses editions {names}",
                fix="give the activity by edition, or allow splitting by days (--straddle split)",
                place="period",
            )
        fallbacks.append(Fallback("straddle", str(period), names))
    parts = tuple((factor, Fraction(count, period.days)) for factor, count in days.items())
    return Edition(parts, tuple(fallbacks))


def edition_name(factor: EmissionFactor) -> str:
    """What to call a factor's edition where its file leaves out the usual names."""
    since = f"from {factor.applies_from}" if factor.applies_from else ""
    return " ".join(filter(None, (factor.dataset or factor.source, factor.edition or since))) or factor.ef_cid


def recorded(policy: AccountingPolicy, fallback: Fallback, *, column: str) -> Fallback:
    """The fallback, to be recorded; a `FactorError` about `column` if the policy forbids its kind."""
    strict = fallback.kind == "vintage" and policy.vintage == "strict"
    if strict:
        raise FactorError(
            f"no edition applies in {fallback.wanted}; the nearest is {fallback.used}",
            fix="use it and have that recorded (--vintage nearest), or add the edition that applies",
            place=column,
        )
    if fallback.kind in policy.forbidden_fallbacks:
        raise FactorError(
            f"{fallback.kind} '{fallback.wanted}' would fall back to '{fallback.used}', which is forbidden",
            fix=f"correct the row, add a factor of your own, or allow {fallback.kind} fallbacks",
            place=column,
        )
    return fallback


def ambiguous(factors: Sequence[EmissionFactor]) -> FactorError:
    """Two factors would do: list them, choose none."""
    candidates = ", ".join(
        f"{factor.ef_cid} ({edition_name(factor)}: {factor.value_text} "
        f"{factor.numerator.symbol} {factor.gas} per {factor.denominator.symbol})"
        for factor in factors
    )
    return FactorError(
        f"several factors for '{factors[0].activity}' apply at once: {candidates}",
        fix="pin an edition (--edition DATASET=EDITION), or leave one of them out of your factor file",
        place="activity",
    )


class _Span(NamedTuple):
    """The days that a factor applies to."""

    first: date
    last: date
    publication: tuple[str, str]  #: whose later editions replace it
    factor: EmissionFactor


def _spans(factors: Sequence[EmissionFactor], beside: Sequence[EmissionFactor]) -> list[_Span]:
    """When each factor applies; one whose publisher sets no end lasts until the next edition begins."""
    starts: dict[tuple[str, str], set[date]] = defaultdict(set)
    for factor in (*factors, *(factor for factor in beside if factor.dataset)):
        starts[factor.source, factor.dataset].add(factor.applies_from or date.min)
    spans = []
    for factor in factors:
        publication = factor.source, factor.dataset
        first = factor.applies_from or date.min
        following = min((start for start in starts[publication] if start > first), default=None)
        last = factor.applies_to or (following - _DAY if following else date.max)
        spans.append(_Span(first, last, publication, factor))
    return spans


def _stretches(spans: Sequence[_Span], period: Period) -> Iterator[Period]:
    """Cut a period wherever an edition starts or has ended."""
    cuts = {span.first for span in spans} | {span.last + _DAY for span in spans if span.last < date.max}
    inside = sorted(cut for cut in cuts if period.start < cut <= period.end)
    for start, following in zip([period.start, *inside], [*inside, None], strict=True):
        yield Period(start, following - _DAY if following else period.end)


def _in_force(spans: Sequence[_Span], day: date) -> list[EmissionFactor]:
    """The factors that apply on a day; of one publication only the edition that began last."""
    covering = [span for span in spans if span.first <= day <= span.last]
    newest: dict[tuple[str, str], date] = {}
    for span in covering:
        newest[span.publication] = max(newest.get(span.publication, span.first), span.first)
    return [span.factor for span in covering if span.first == newest[span.publication]]


def _only(factors: Sequence[EmissionFactor], unit: Unit) -> EmissionFactor:
    """The one factor that applies; of one edition's figures per several units, the one to multiply with."""
    if len(factors) == 1:
        return factors[0]
    editions = {(factor.source, factor.dataset, factor.edition) for factor in factors}
    if len(editions) > 1 or len({factor.denominator for factor in factors}) < len(factors):
        raise ambiguous(factors)
    in_own_unit = [factor for factor in factors if factor.denominator.ratio == unit.ratio]
    return max(in_own_unit or factors, key=_fineness)


def _fineness(factor: EmissionFactor) -> tuple[int, str]:
    """Of two figures, the one with more units of its last place has lost less to rounding."""
    digits = "".join(map(str, factor.value.as_tuple().digits))
    return int(digits), factor.denominator.symbol


def _nearest(spans: Sequence[_Span], stretch: Period, unit: Unit) -> Iterator[tuple[EmissionFactor, Period]]:
    """The factors nearest to the days of a stretch that none covers; of two as near, the earlier."""
    ended = max((span.last for span in spans if span.last < stretch.start), default=None)
    begins = min((span.first for span in spans if span.first > stretch.end), default=None)
    if ended is not None and begins is not None:
        middle = date.fromordinal((ended.toordinal() + begins.toordinal()) // 2)
        if stretch.start <= middle:
            yield _only(_in_force(spans, ended), unit), Period(stretch.start, min(stretch.end, middle))
        if stretch.end > middle:
            yield (
                _only(_in_force(spans, begins), unit),
                Period(max(stretch.start, middle + _DAY), stretch.end),
            )
    else:
        day = next(day for day in (ended, begins) if day is not None)
        yield _only(_in_force(spans, day), unit), stretch
