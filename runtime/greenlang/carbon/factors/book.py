"""Which emission factors a row of activity data gets, and everything that was assumed on the way.

The cascade: the user's own factors before those of packs; within each the row's own region before
the ones around it.  The first place that has any factor of the right kind and unit decides, for all
gases: a gas that it does not publish is missing, never taken from elsewhere and never zero.  Then
the period picks the edition.  Whatever is not plainly what the row asked for is a recorded fallback.

`explanation` tells of each factor what is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from enum import Enum, auto
from fractions import Fraction

from greenlang.carbon.factors.editions import Fallback, ambiguous, choose_edition, recorded
from greenlang.carbon.factors.factor import EmissionFactor, FactorSet, activity_key
from greenlang.carbon.factors.selection import GasRate, Selection, Wanted
from greenlang.carbon.policy import AccountingPolicy
from greenlang.carbon.units import Unit, as_vehicle_distance, conversion_ratio, parse_unit
from greenlang.errors import FactorError, UnitMismatch, either, nearest

__all__ = ["Aliases", "FactorBook", "Rule"]

#: Other words for activities: `{"petrol": {"": "Motor Gasoline", "GB": "Petrol (average biofuel blend)"}}`,
#: by the region that the word is used in, which is empty for all those not named.
Aliases = Mapping[str, Mapping[str, str]]

_KILOGRAM = parse_unit("kg")

#: Kinds of factor that hold wherever the contract or the substance does; the region they are filed under is
#: no fallback.
_PLACELESS = frozenset({"supplier", "instrument", "composition"})


class Rule(Enum):
    """What keeps a factor from answering a row, in the order in which it is asked."""

    KIND = auto()
    HOLDER = auto()
    VEHICLE = auto()
    ENGINE = auto()
    EDITION = auto()
    PUBLISHED = auto()
    MODEL_YEAR = auto()
    REGION = auto()
    UNIT = auto()
    HEAT_BASIS = auto()


#: Rules that a factor in the wrong place or unit has kept.
_AFTER_THE_REST = (Rule.REGION, Rule.UNIT, Rule.HEAT_BASIS)


class FactorBook:
    """Factors by what they are for, in the order of the cascade.

    Parameters
    ----------
    own : sequence of FactorSet
        The user's, which come before all others.
    packs : sequence of FactorSet
        Those of the packs.
    policy : AccountingPolicy
        Vintage, straddling, pinned editions, forbidden fallbacks.
    aliases : mapping
        Other words for an activity, see `Aliases`.
    """

    def __init__(
        self,
        own: Sequence[FactorSet],
        packs: Sequence[FactorSet],
        policy: AccountingPolicy,
        aliases: Aliases | None = None,
    ) -> None:
        self._policy = policy
        self._as_at = policy.as_at_day()
        self._tiers: list[dict[str, list[EmissionFactor]]] = []
        self._names: dict[str, str] = {}
        for sets in (own, packs):
            tier: dict[str, list[EmissionFactor]] = defaultdict(list)
            for factor in (factor for factors in sets for factor in factors.factors):
                key = activity_key(factor.activity)
                tier[key].append(factor)
                self._names.setdefault(key, factor.activity)
            self._tiers.append(dict(tier))
        self._aliases = {activity_key(alias): meanings for alias, meanings in (aliases or {}).items()}

    def activities(self) -> tuple[str, ...]:
        """Every activity that there is a factor for, as its publisher names it."""
        return tuple(sorted(self._names.values()))

    def vehicles(self) -> frozenset[str]:
        """Every vehicle and kind of equipment that there is a factor for."""
        return frozenset(
            factor.vehicle
            for tier in self._tiers
            for factors in tier.values()
            for factor in factors
            if factor.vehicle
        )

    def meanings(self, wanted: Wanted) -> tuple[str, ...]:
        """The publishers' names of an activity: itself, then what else it may mean, nearest region first."""
        key = activity_key(wanted.activity)
        words = self._aliases.get(key, {})
        keys = [key, *(activity_key(words[region]) for region in wanted.regions if region in words)]
        return tuple(self._names[key] for key in dict.fromkeys(keys) if key in self._names)

    def candidates(self, name: str) -> Iterator[tuple[int, EmissionFactor]]:
        """Every factor for an activity with its tier: 0 for the user's own, 1 for those of packs."""
        for tier, factors in enumerate(self._tiers):
            for factor in factors.get(activity_key(name), ()):
                yield tier, factor

    def offers(self, wanted: Wanted) -> bool:
        """Whether there is a factor of the right kind, region and unit; the period is not looked at."""
        return any(self.found(name, wanted) for name in self.meanings(wanted))

    def as_offered(self, wanted: Wanted) -> Wanted:
        """The same, with a plain distance read as that of a vehicle where only this has a factor."""
        unit = as_vehicle_distance(wanted.unit)
        if unit is None or self.offers(wanted):
            return wanted
        driven = replace(wanted, unit=unit)
        return driven if self.offers(driven) else wanted

    def select(self, wanted: Wanted) -> Selection:
        """Choose factors for what a row asks.

        Raises
        ------
        FactorError, UnitMismatch
            Where there is no factor, more than one, or only one that the policy forbids; `place`
            is the column of the activity data that is to blame.
        """
        names = self.meanings(wanted)
        if not names:
            raise self._unknown(wanted.activity)
        name, found = next(
            ((name, found) for name in names if (found := self.found(name, wanted))), (names[0], [])
        )
        if not found:
            raise self._nothing(name, wanted)
        _refuse_two_bases(found, wanted.unit)
        region = found[0].region
        fallbacks = list(self._passed_over(name, wanted, found[0]))
        if region != wanted.regions[0] and not _PLACELESS.issuperset(factor.kind for factor in found):
            fallback = Fallback("region", wanted.regions[0], region or "global")
            fallbacks.append(recorded(self._policy, fallback, column="region"))
        by_gas: dict[str, list[EmissionFactor]] = defaultdict(list)
        for factor in found:
            by_gas[factor.gas].append(factor)
        rates = []
        for gas, factors in sorted(by_gas.items()):
            beside = [factor for factor in found if factor.gas != gas]
            edition = choose_edition(factors, wanted.period, self._policy, wanted.unit, beside)
            fallbacks.extend(edition.fallbacks)
            rates.extend(_rates(gas, edition.parts, wanted.unit, beside))
        fallbacks.extend(_assumed_bases(found, wanted.unit))
        _refuse_two_totals(rates)
        return Selection(name, tuple(rates), tuple(sorted(set(fallbacks))))

    def found(self, name: str, wanted: Wanted) -> list[EmissionFactor]:
        """The factors of the place that decides: the first tier, in it the nearest region with any."""
        standing: dict[tuple[int, int], list[EmissionFactor]] = defaultdict(list)
        for tier, factor in self.candidates(name):
            position = self.standing(factor, wanted)
            if not isinstance(position, Rule):
                standing[tier, position].append(factor)
        return standing[min(standing)] if standing else []

    def _passed_over(self, name: str, wanted: Wanted, chosen: EmissionFactor) -> Iterator[Fallback]:
        """What is recorded where a pack's factor answers because the user's own is per something else."""
        of_tiers = list(self.candidates(name))
        if any(tier == 0 and factor is chosen for tier, factor in of_tiers):
            return
        units = {
            str(factor.denominator)
            for tier, factor in of_tiers
            if tier == 0 and self.standing(factor, wanted) in (Rule.UNIT, Rule.HEAT_BASIS)
        }
        for unit in sorted(units):
            yield Fallback("own factor", f"per {unit}", f"a pack's per {chosen.denominator}")

    def standing(self, factor: EmissionFactor, wanted: Wanted) -> Rule | int:
        """Where a factor stands for a row: the position of its region in the row's, or the rule it breaks."""
        pinned = self._policy.editions.get(factor.dataset)
        if factor.kind not in wanted.kinds:
            return Rule.KIND
        if activity_key(factor.holder) != activity_key(wanted.holder):
            return Rule.HOLDER
        if activity_key(factor.vehicle) != activity_key(wanted.vehicle):
            return Rule.VEHICLE
        if activity_key(factor.engine) != activity_key(wanted.engine):
            return Rule.ENGINE
        if pinned is not None and factor.edition != pinned:
            return Rule.EDITION
        if self._as_at is not None and _published_later(factor, self._as_at):
            return Rule.PUBLISHED
        if not _covers_model_year(factor, wanted.model_year):
            return Rule.MODEL_YEAR
        if factor.region not in wanted.regions:
            return Rule.REGION
        per, unit = factor.denominator, wanted.unit
        if per.dimension != unit.dimension:
            return Rule.UNIT
        if unit.basis and per.basis and unit.basis != per.basis:
            return Rule.HEAT_BASIS
        return wanted.regions.index(factor.region)

    def _unknown(self, activity: str) -> FactorError:
        close = nearest(activity, [*self._names.values(), *self._aliases])
        return FactorError(
            f"there is no factor for activity '{activity}'",
            fix=f"did you mean {either(close)}?"
            if close
            else "`greenlang factors search` lists what there is",
            place="activity",
        )

    def _nothing(self, name: str, wanted: Wanted) -> FactorError | UnitMismatch:
        """Say what kept every factor from fitting."""
        broken = [(factor, self.standing(factor, wanted)) for _, factor in self.candidates(name)]
        right_kind = [factor for factor, rule in broken if rule in _AFTER_THE_REST]
        if not right_kind:
            return FactorError(
                f"there is no factor for '{name}'{self._conditions(wanted)}",
                fix="correct the row, or add a factor of your own (--factors FILE)",
                place="tags" if wanted.holder or wanted.vehicle else "activity",
            )
        in_region = [factor for factor in right_kind if factor.region in wanted.regions]
        if not in_region:
            there = either(sorted({factor.region for factor in right_kind}))
            return FactorError(
                f"there is no factor for '{name}' in region '{wanted.regions[0]}'"
                if wanted.regions[0]
                else f"the region is empty, and the factors for '{name}' are for certain regions",
                fix=f"there are factors for {there}: write one of these, or add one of your own",
                place="region",
            )
        units = sorted({str(factor.denominator) for factor in in_region})
        return UnitMismatch(
            f"a quantity in {wanted.unit}, which measures {wanted.unit.dimension}, does not fit '{name}'",
            fix=f"its factors are per {either(units)}: give it in a unit that converts to one of these",
            place="unit",
        )

    def _conditions(self, wanted: Wanted) -> str:
        """What else was asked for, for a message."""
        conditions = [
            f"{what} '{value}'"
            for what, value in (
                ("supplier or instrument", wanted.holder),
                ("vehicle or equipment", wanted.vehicle),
                ("engine", wanted.engine),
                ("model year", wanted.model_year),
                ("publication date up to", self._policy.as_at),
            )
            if value
        ]
        conditions += [
            f"edition {edition} of {dataset}" for dataset, edition in self._policy.editions.items()
        ]
        return f" with {', '.join(conditions)}" if conditions else ""


def _rates(
    gas: str,
    parts: Sequence[tuple[EmissionFactor, Fraction]],
    unit: Unit,
    beside: Sequence[EmissionFactor],
) -> list[GasRate]:
    """The rates of one gas; two where its editions differ on whether its carbon is biogenic.

    A factor that is silent on that is taken as those of the other gases `beside` it, where these agree; but
    CO2 stands apart from the total only where it says so itself.
    """
    said = {factor.biogenic for factor in beside} - {None}
    # A total of all gases has no one origin.
    unsaid = said.pop() if len(said) == 1 and gas not in ("CO2", "CO2e") else None
    by_origin: dict[bool | None, list[tuple[EmissionFactor, Fraction]]] = defaultdict(list)
    for factor, weight in parts:
        by_origin[unsaid if factor.biogenic is None else factor.biogenic].append((factor, weight))
    return [
        GasRate(gas, biogenic, _rate(those, unit), tuple(those))
        for biogenic, those in sorted(by_origin.items(), key=str)
    ]


def _assumed_bases(factors: Sequence[EmissionFactor], unit: Unit) -> list[Fallback]:
    """What is assumed where either the row or its factors do not say on which basis heat is measured."""
    bases = {factor.denominator.basis for factor in factors}
    if unit.basis:
        return [Fallback("heat basis", str(unit), "not said by the factor")] if "" in bases else []
    assumed = " and ".join(sorted(bases - {""}))
    return [Fallback("heat basis", unit.symbol, assumed)] if assumed else []


def _rate(parts: Sequence[tuple[EmissionFactor, Fraction]], unit: Unit) -> Fraction:
    """Kg of a gas for one `unit` of activity, exactly."""
    rate = Fraction(0)
    for factor, weight in parts:
        per_unit = conversion_ratio(unit, factor.denominator) * conversion_ratio(factor.numerator, _KILOGRAM)
        rate += weight * Fraction(factor.value) * per_unit
    return rate


def _refuse_two_bases(factors: Sequence[EmissionFactor], unit: Unit) -> None:
    """A row that does not say its heat basis may have the only one that there is, and no other."""
    bases = {factor.denominator.basis for factor in factors}
    if len(bases) > 1 and not unit.basis:
        raise FactorError(
            f"'{factors[0].activity}' has factors on several heat bases ({either(sorted(bases - {''}))})",
            fix=f"say which one the quantity has: {unit.symbol} (HHV) or {unit.symbol} (LHV)",
            place="unit",
        )


def _published_later(factor: EmissionFactor, day: date) -> bool:
    """Whether nothing shows that a factor was published by a day; what a substance is made of is no news."""
    if factor.kind == "composition":
        return False
    return factor.published is None or factor.published > day


def _covers_model_year(factor: EmissionFactor, model_year: int | None) -> bool:
    first, last = factor.model_year_from, factor.model_year_to
    if first is None and last is None:
        return True
    return model_year is not None and (first or 0) <= model_year <= (last or 9999)


def _refuse_two_totals(rates: Sequence[GasRate]) -> None:
    """A published CO2e total and published gases beside it would count the same emissions twice.

    Only biogenic CO2 is in no total.
    """
    totals = [rate for rate in rates if not (rate.gas == "CO2" and rate.biogenic)]
    if len(totals) > 1 and any(rate.gas == "CO2e" for rate in totals):
        raise ambiguous([rate.parts[0][0] for rate in totals])
