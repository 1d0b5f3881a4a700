"""Which emission factors a row of activity data gets, and everything that was assumed on the way.

The cascade: the user's own factors before those of packs; within each the row's own region before
the ones around it.  The first place that has any factor of the right kind and unit decides, for all
gases: a gas that it does not publish is missing, never taken from elsewhere and never zero.  Then
the period picks the edition.  Whatever is not plainly what the row asked for is a recorded fallback.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from greenlang.carbon.factors.editions import Fallback, ambiguous, choose_edition, recorded
from greenlang.carbon.factors.factor import EmissionFactor, FactorSet, activity_key
from greenlang.carbon.periods import Period
from greenlang.carbon.policy import AccountingPolicy
from greenlang.carbon.units import Unit, conversion_ratio, parse_unit
from greenlang.errors import FactorError, UnitMismatch, either, nearest

__all__ = ["FactorBook", "GasRate", "Selection", "Wanted", "blend"]

_KILOGRAM = parse_unit("kg")

#: Kinds of factor that hold wherever the contract does; the region they are filed under is no fallback.
CONTRACTUAL = frozenset({"supplier", "instrument"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row asks a factor for."""

    activity: str
    unit: Unit
    regions: tuple[str, ...]  #: the row's region, then those around it; the last is empty, the world
    period: Period
    kinds: tuple[str, ...] = ("",)  #: kinds of factor that will do (see `EmissionFactor.kind`)
    holder: str = ""  #: the supplier or instrument asked for
    vehicle: str = ""  #: vehicle or equipment asked for
    engine: str = ""
    model_year: int | None = None


@dataclass(frozen=True, slots=True)
class GasRate:
    """How much of one gas comes with one of the row's unit."""

    gas: str
    biogenic: bool | None  #: whether its carbon is of biological origin; None where nobody says
    rate: Fraction  #: kg per unit of the row; kg CO2e where the gas is `CO2e`
    parts: tuple[tuple[EmissionFactor, Fraction], ...]  #: factors and their weights


@dataclass(frozen=True, slots=True)
class Selection:
    """The rates a row is multiplied by, and what was assumed."""

    activity: str  #: as the factor's publisher names it
    rates: tuple[GasRate, ...]
    fallbacks: tuple[Fallback, ...] = ()
    #: Of one that was blended: the gases of each of its parts.
    blended: tuple[frozenset[str], ...] = ()

    def gases(self) -> frozenset[str]:
        """The gases it has a rate for."""
        return frozenset(rate.gas for rate in self.rates)

    def covers(self, gas: str) -> bool:
        """Whether the whole quantity has a rate for a gas; a published CO2e total stands for all gases."""
        return all(not gases.isdisjoint((gas, "CO2e")) for gases in self.blended or (self.gases(),))

    def without_gases(self, gases: frozenset[str]) -> Selection:
        """The same selection without its rates of some gases."""
        return replace(self, rates=tuple(rate for rate in self.rates if rate.gas not in gases))


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
        Other words for an activity: `{"petrol": "Motor Gasoline"}`.
    """

    def __init__(
        self,
        own: Sequence[FactorSet],
        packs: Sequence[FactorSet],
        policy: AccountingPolicy,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._policy = policy
        self._as_at = date.fromisoformat(policy.as_at) if policy.as_at else None
        self._tiers: list[dict[str, list[EmissionFactor]]] = []
        self._names: dict[str, str] = {}
        for sets in (own, packs):
            tier: dict[str, list[EmissionFactor]] = defaultdict(list)
            for factor in (factor for factors in sets for factor in factors.factors):
                key = activity_key(factor.activity)
                tier[key].append(factor)
                self._names.setdefault(key, factor.activity)
            self._tiers.append(dict(tier))
        self._aliases = {activity_key(alias): activity_key(name) for alias, name in (aliases or {}).items()}

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

    def name(self, activity: str) -> str | None:
        """The publisher's name of an activity, or None where there is no factor for it."""
        key = activity_key(activity)
        return self._names.get(key) or self._names.get(self._aliases.get(key, ""))

    def offers(self, wanted: Wanted) -> bool:
        """Whether there is a factor of the right kind, region and unit; the period is not looked at."""
        name = self.name(wanted.activity)
        return name is not None and self._nearest_place(name, wanted) is not None

    def select(self, wanted: Wanted) -> Selection:
        """Choose factors for what a row asks.

        Raises
        ------
        FactorError, UnitMismatch
            Where there is no factor, more than one, or only one that the policy forbids; `place`
            is the column of the activity data that is to blame.
        """
        name = self.name(wanted.activity)
        if name is None:
            close = nearest(wanted.activity, [*self._names.values(), *self._aliases])
            raise FactorError(
                f"there is no factor for activity '{wanted.activity}'",
                fix=f"did you mean {either(close)}?" if close else "`greenlang factors` lists what there is",
                place="activity",
            )
        place = self._nearest_place(name, wanted)
        if place is None:
            raise self._nothing(name, wanted)
        found, region = place
        fallbacks = []
        if region != wanted.regions[0] and not CONTRACTUAL.issuperset(factor.kind for factor in found):
            fallbacks.append(
                recorded(
                    self._policy, Fallback("region", wanted.regions[0], region or "global"), column="region"
                )
            )
        by_gas: dict[str, list[EmissionFactor]] = defaultdict(list)
        for factor in found:
            by_gas[factor.gas].append(factor)
        rates = []
        for gas, factors in sorted(by_gas.items()):
            beside = [factor for factor in found if factor.gas != gas]
            edition = choose_edition(factors, wanted.period, self._policy, beside)
            fallbacks.extend(edition.fallbacks)
            rates.extend(_rates(gas, edition.parts, wanted.unit, beside))
        fallbacks.extend(_assumed_bases(found, wanted.unit))
        _refuse_two_totals(by_gas)
        return Selection(name, tuple(rates), tuple(sorted(set(fallbacks))))

    def _nearest_place(self, name: str, wanted: Wanted) -> tuple[list[EmissionFactor], str] | None:
        """The factors of the first tier and region that has any of the right kind and unit."""
        for tier in self._tiers:
            of_kind = [factor for factor in tier.get(activity_key(name), ()) if self._answers(factor, wanted)]
            for region in wanted.regions:
                here = [
                    factor for factor in of_kind if factor.region == region and _fits(factor, wanted.unit)
                ]
                if here:
                    return _one_basis(here, wanted.unit), region
        return None

    def _answers(self, factor: EmissionFactor, wanted: Wanted) -> bool:
        """Whether a factor is of the kind, holder, model year and edition asked for."""
        pinned = self._policy.editions.get(factor.dataset)
        return (
            factor.kind in wanted.kinds
            and activity_key(factor.holder) == activity_key(wanted.holder)
            and activity_key(factor.vehicle) == activity_key(wanted.vehicle)
            and activity_key(factor.engine) == activity_key(wanted.engine)
            and (pinned is None or factor.edition == pinned)
            and (self._as_at is None or factor.published is None or factor.published <= self._as_at)
            and _covers_model_year(factor, wanted.model_year)
        )

    def _nothing(self, name: str, wanted: Wanted) -> FactorError | UnitMismatch:
        """Say what kept every factor from fitting."""
        key = activity_key(name)
        right_kind = [
            factor for tier in self._tiers for factor in tier.get(key, ()) if self._answers(factor, wanted)
        ]
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


def blend(shares: Sequence[tuple[Selection, Fraction]]) -> Selection:
    """One selection of several, each for a share of the row's quantity; the shares add up to 1."""
    rates: dict[tuple[str, bool | None], GasRate] = {}
    for selection, share in shares:
        for rate in selection.rates:
            key = rate.gas, rate.biogenic
            before = rates.get(key, GasRate(*key, Fraction(0), ()))
            parts = tuple((factor, weight * share) for factor, weight in rate.parts)
            rates[key] = GasRate(*key, before.rate + rate.rate * share, before.parts + parts)
    return Selection(
        shares[0][0].activity,
        tuple(rates[key] for key in sorted(rates, key=str)),
        tuple(sorted({fallback for selection, _ in shares for fallback in selection.fallbacks})),
        tuple(selection.gases() for selection, _ in shares),
    )


def _rates(
    gas: str,
    parts: Sequence[tuple[EmissionFactor, Fraction]],
    unit: Unit,
    beside: Sequence[EmissionFactor],
) -> list[GasRate]:
    """The rates of one gas; two where its editions differ on whether its carbon is biogenic.

    A factor that is silent on that is taken as those of the other gases `beside` it, where these agree.
    """
    said = {factor.biogenic for factor in beside} - {None}
    unsaid = said.pop() if len(said) == 1 else None
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


def _fits(factor: EmissionFactor, unit: Unit) -> bool:
    """Whether a quantity in `unit` can be multiplied by a factor; a heat basis given by both must agree."""
    per = factor.denominator
    return per.dimension == unit.dimension and (not unit.basis or not per.basis or unit.basis == per.basis)


def _one_basis(factors: list[EmissionFactor], unit: Unit) -> list[EmissionFactor]:
    """The same factors, all on one heat basis: the row's, or the only one that there is."""
    bases = {factor.denominator.basis for factor in factors}
    if len(bases) > 1 and not unit.basis:
        raise FactorError(
            f"'{factors[0].activity}' has factors on several heat bases ({either(sorted(bases - {''}))})",
            fix=f"say which one the quantity has: {unit.symbol} (HHV) or {unit.symbol} (LHV)",
            place="unit",
        )
    return factors


def _covers_model_year(factor: EmissionFactor, model_year: int | None) -> bool:
    first, last = factor.model_year_from, factor.model_year_to
    if first is None and last is None:
        return True
    return model_year is not None and (first or 0) <= model_year <= (last or 9999)


def _refuse_two_totals(by_gas: Mapping[str, list[EmissionFactor]]) -> None:
    """A published CO2e total and published gases beside it would count the same emissions twice."""
    if "CO2e" in by_gas and len(by_gas) > 1:
        raise ambiguous([factors[0] for factors in by_gas.values()])
