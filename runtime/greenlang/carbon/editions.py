"""Which edition of a factor each day of a period gets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from greenlang.carbon.factors import EmissionFactor
from greenlang.carbon.periods import Period
from greenlang.carbon.policy import AccountingPolicy
from greenlang.errors import FactorError

__all__ = ["Edition", "Fallback", "ambiguous", "choose_edition", "recorded"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Fallback:
    """One thing that was taken in place of what a row asked for."""

    kind: str  #: `region`, `vintage`, `straddle`, `method` or `heat basis`
    wanted: str
    used: str


@dataclass(frozen=True, slots=True)
class Edition:
    """The factors of a period and the part of its days that each covers."""

    parts: tuple[tuple[EmissionFactor, Fraction], ...]  #: the weights add up to 1
    fallbacks: tuple[Fallback, ...]


def choose_edition(factors: Sequence[EmissionFactor], period: Period, policy: AccountingPolicy) -> Edition:
    """Choose among the editions of one factor (same activity, gas, region, unit) by day.

    A later edition of a dataset takes over on the day from which it applies.  Days before, after or between
    all editions get the nearest one, which is recorded or, under `vintage="strict"`, refused.

    Raises
    ------
    FactorError
        If two factors apply on the same day, or the policy forbids what it would take.
    """
    days: dict[EmissionFactor, int] = defaultdict(int)
    fallbacks = []
    for stretch in _stretches(factors, period):
        in_force = _in_force(factors, stretch.start)
        if len(in_force) > 1:
            raise ambiguous(in_force)
        if in_force:
            factor = in_force[0]
        else:
            factor = _nearest(factors, stretch)
            outside = Fallback("vintage", str(stretch), f"{factor.dataset} {factor.edition}")
            fallbacks.append(recorded(policy, outside, column="period"))
        days[factor] += stretch.days
    if len(days) > 1:
        names = " and ".join(f"{factor.edition} ({count} days)" for factor, count in days.items())
        if policy.straddle == "refuse":
            raise FactorError(
                f"period {period} crosses editions {names}",
                fix="give the activity by edition, or allow splitting by days (--straddle split)",
                place="period",
            )
        fallbacks.append(Fallback("straddle", str(period), names))
    parts = tuple((factor, Fraction(count, period.days)) for factor, count in days.items())
    return Edition(parts, tuple(fallbacks))


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
        f"{factor.ef_cid} ({factor.dataset or factor.source} {factor.edition}: {factor.value_text} "
        f"{factor.numerator.symbol} {factor.gas} per {factor.denominator.symbol})"
        for factor in factors
    )
    return FactorError(
        f"several factors for '{factors[0].activity}' apply at once: {candidates}",
        fix="pin an edition (--edition DATASET=EDITION), or leave one of them out of your factor file",
        place="activity",
    )


def _stretches(factors: Sequence[EmissionFactor], period: Period) -> Iterator[Period]:
    """Cut a period wherever an edition starts or has ended."""
    cuts = {factor.applies_from for factor in factors if factor.applies_from}
    cuts |= {factor.applies_to + _DAY for factor in factors if factor.applies_to}
    inside = sorted(cut for cut in cuts if period.start < cut <= period.end)
    for start, following in zip([period.start, *inside], [*inside, period.end + _DAY], strict=True):
        yield Period(start, following - _DAY)


def _in_force(factors: Sequence[EmissionFactor], day: date) -> list[EmissionFactor]:
    """The factors that apply on a day, without those that a later edition of the same dataset replaced."""
    applying = [
        factor
        for factor in factors
        if (factor.applies_from is None or factor.applies_from <= day)
        and (factor.applies_to is None or day <= factor.applies_to)
    ]
    newest: dict[str, date] = {}
    for factor in applying:
        newest[factor.dataset] = max(newest.get(factor.dataset, date.min), factor.applies_from or date.min)
    return [factor for factor in applying if (factor.applies_from or date.min) == newest[factor.dataset]]


def _nearest(factors: Sequence[EmissionFactor], stretch: Period) -> EmissionFactor:
    """The factor fewest days away from a stretch that none covers; of two, the earlier."""

    def distance(factor: EmissionFactor) -> tuple[timedelta, date]:
        if factor.applies_from is not None and factor.applies_from > stretch.end:
            return factor.applies_from - stretch.end, factor.applies_from
        ended = factor.applies_to or date.max
        return stretch.start - ended, factor.applies_from or date.min

    nearest = min(factors, key=distance)
    alike = [factor for factor in factors if distance(factor) == distance(nearest)]
    if len(alike) > 1:
        raise ambiguous(alike)
    return nearest
