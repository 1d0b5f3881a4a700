"""What each installed pack would choose for a row that somebody asks about, before there is such a row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from greenlang.carbon.categories import GHG_PROTOCOL_CATEGORIES
from greenlang.carbon.factors import (
    OWN,
    Explanation,
    FactorBook,
    FactorLibrary,
    FactorSet,
    Wanted,
    activity_key,
    check_pinned,
    explain,
)
from greenlang.carbon.periods import parse_period
from greenlang.carbon.policy import AccountingPolicy, parse_editions
from greenlang.carbon.regions import region_path
from greenlang.carbon.units import parse_unit
from greenlang.errors import FactorError, InputError, either, nearest

__all__ = ["Choice", "explain_choices"]

#: Kinds that need not be asked for by name.
_ANYBODYS = ("", "grid-average", "composition")


@dataclass(frozen=True, slots=True)
class Choice:
    """What one pack would choose among its factors of one category and the user's own."""

    pack: str
    category: str
    explanation: Explanation


def explain_choices(
    library: FactorLibrary,
    activity: str,
    *,
    unit: str,
    region: str = "",
    period: str = "",
    supplier: str = "",
    instrument: str = "",
    residual_mix: bool = False,
    vehicle: str = "",
    engine: str = "",
    model_year: int | None = None,
    vintage: Literal["nearest", "strict"] = "nearest",
    straddle: Literal["split", "refuse"] = "split",
    as_at: str = "",
    editions: tuple[str, ...] = (),
) -> list[Choice]:
    """Explain the selection of every pack that knows an activity, and of the user's own factors.

    Parameters
    ----------
    activity, unit, region, period : str
        As columns of a row; an empty period is the current year.
    supplier, instrument, residual_mix
        Which rung of the market-based ladder is asked for; by default the grid average.
    vehicle, engine, model_year
        As tags of a row.
    vintage, straddle, as_at, editions
        The accounting policy; editions as `DATASET=EDITION`.

    Raises
    ------
    InputError
        For a unit, region or period that there is not, and for an activity that nobody has a factor for.
    """
    policy = AccountingPolicy(
        vintage=vintage,
        straddle=straddle,
        as_at=as_at,
        editions=parse_editions(editions),
    )
    if policy.editions:
        known = ((listed.factor.dataset, listed.factor.edition) for listed in library.factors)
        check_pinned(policy.editions, known)
    rungs = {"supplier": supplier, "instrument": instrument, "residual-mix": residual_mix}
    asked = tuple(kind for kind, named in rungs.items() if named)
    if len(asked) > 1:
        raise InputError(
            f"{either(asked)} is asked for, and a row gets one of them", fix="ask for one at a time"
        )
    wanted = Wanted(
        activity=activity,
        unit=parse_unit(unit, region=region),
        regions=region_path(region),
        period=parse_period(period or str(datetime.now(UTC).year)),
        kinds=asked or _ANYBODYS,
        holder=supplier or instrument,
        vehicle=vehicle,
        engine=engine,
        model_year=model_year,
    )
    choices = []
    for pack, category, book in _books(library, policy):
        if book.meanings(wanted):
            choices.append(Choice(pack, category, explain(book, book.as_offered(wanted))))
    if not choices:
        raise _unknown(library, activity)
    return choices


def _books(library: FactorLibrary, policy: AccountingPolicy) -> Iterator[tuple[str, str, FactorBook]]:
    """A book for each category of each pack, as its agent makes it; last the user's own that none takes."""
    taken: set[str] = set()
    of_packs = {listed.factor.category.casefold() for listed in library.factors if listed.pack != OWN}
    filed = of_packs.union(GHG_PROTOCOL_CATEGORIES) - {""}
    for pack, sets in library.sets.items():
        aliases = library.aliases.get(pack, {})
        for category in sorted({factor.category for factors in sets for factor in factors}):
            of_category = [
                FactorSet(factors.name, tuple(factor for factor in factors if factor.category == category))
                for factors in sets
            ]
            names = {factor.activity for factors in of_category for factor in factors} | set(aliases)
            own = [_own_of(factors, category, names, filed) for factors in library.own]
            taken.update(factor.ef_cid for factors in own for factor in factors)
            yield pack, category, FactorBook(own, of_category, policy, aliases)
    left = [
        FactorSet(factors.name, tuple(factor for factor in factors if factor.ef_cid not in taken))
        for factors in library.own
    ]
    if any(left):
        yield OWN, "", FactorBook(left, [], policy)


def _own_of(own: FactorSet, category: str, activities: Collection[str], filed: Collection[str]) -> FactorSet:
    """The user's factors of a category, and those for its activities that are `filed` under no category.

    An agent may have other names for its category than its pack's factors say; none of these is in `filed`.
    """
    names = {activity_key(activity) for activity in activities}
    return FactorSet(
        own.name,
        tuple(
            factor
            for factor in own
            if (category and factor.category.casefold() == category)
            or (factor.category.casefold() not in filed and activity_key(factor.activity) in names)
        ),
    )


def _unknown(library: FactorLibrary, activity: str) -> FactorError:
    names = {activity_key(listed.factor.activity): listed.factor.activity for listed in library.factors}
    words = {alias for aliases in library.aliases.values() for alias in aliases}
    close = nearest(activity, {*names.values(), *words})
    return FactorError(
        f"there is no factor for activity '{activity}'",
        fix=f"did you mean {either(close)}?" if close else "`greenlang factors search` lists what there is",
    )
