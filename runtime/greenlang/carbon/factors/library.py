"""The factor library: every factor that is installed or the user's own, searched and compared.

In: the factor files and tables of aliases that packs declare, and the user's own sets.  Out: listings.  Which
factor a row gets is decided by `book` and told by `explanation`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

from greenlang.agents.files import FactorFile, PackFile
from greenlang.carbon.factors.book import Aliases
from greenlang.carbon.factors.editions import choose_edition
from greenlang.carbon.factors.factor import EmissionFactor, FactorSet, activity_key
from greenlang.carbon.factors.files import load_aliases, load_factors
from greenlang.carbon.gwp import gases
from greenlang.carbon.periods import Period
from greenlang.carbon.policy import AccountingPolicy
from greenlang.carbon.regions import region_path
from greenlang.carbon.units import conversion_ratio
from greenlang.errors import FactorError, either, nearest

__all__ = ["OWN", "Change", "FactorLibrary", "Listed", "Sought", "compare_editions"]

#: What stands in place of a distribution's name for factors of the user's own.
OWN = "your own"


@dataclass(frozen=True, slots=True)
class Listed:
    """A factor of the library."""

    factor: EmissionFactor
    pack: str  #: the distribution that brings it, or `OWN`
    remark: str = ""  #: why it is in a listing although it does not plainly apply


@dataclass(frozen=True, slots=True)
class Sought:
    """What a search is for; what is empty is not asked."""

    words: tuple[str, ...] = ()  #: all in the activity, another word for it, vehicle, source or category
    region: str = ""  #: factors that a row of this region could get: its own and those around it
    year: int | None = None  #: factors that a row of this year would get
    gas: str = ""
    source: str = ""  #: part of the name of the source or the dataset
    pack: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A factor in two editions; one of them is missing where it was added or removed."""

    before: EmissionFactor | None
    after: EmissionFactor | None
    relative: Fraction | None  #: of the value; None where there is nothing to compare or it was zero


class FactorLibrary:
    """Factors with the pack that they come from; files are read when something is first asked.

    Parameters
    ----------
    files, aliases : iterable
        What packs declare, as the registry knows it.
    own : sequence of FactorSet
        The user's own.
    """

    def __init__(
        self, files: Iterable[FactorFile], aliases: Iterable[PackFile], own: Sequence[FactorSet] = ()
    ) -> None:
        self._files = tuple(files)
        self._alias_files = tuple(aliases)
        self.own = tuple(own)

    @cached_property
    def factors(self) -> tuple[Listed, ...]:
        """All of them: the user's own, then those of packs in the order of their files."""
        own = [Listed(factor, OWN) for factors in self.own for factor in factors]
        packs = [
            Listed(factor, pack) for pack, sets in self.sets.items() for factors in sets for factor in factors
        ]
        return (*own, *packs)

    @cached_property
    def sets(self) -> dict[str, list[FactorSet]]:
        """The factor sets of each pack."""
        sets: dict[str, list[FactorSet]] = defaultdict(list)
        for file in self._files:
            sets[file.pack].append(load_factors(file.read().text, file=f"{file.pack} {file.path.name}"))
        return dict(sets)

    @cached_property
    def aliases(self) -> dict[str, Aliases]:
        """The other words for activities that each pack knows."""
        words: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
        for file in self._alias_files:
            words[file.pack].update(load_aliases(file.read().text, file=f"{file.pack} {file.path.name}"))
        return dict(words)

    def search(self, sought: Sought) -> list[Listed]:
        """The factors that fit, by activity, place and edition.

        Raises
        ------
        FactorError
            For a region or gas that there is not, and where nothing fits; each with what is near.
        """
        regions = region_path(sought.region) if sought.region else None
        gas = _known_gas(sought.gas) if sought.gas else ""
        words = [word.casefold() for word in sought.words]
        spoken = self._spoken_words()
        found = [
            listed
            for listed in self.factors
            if (regions is None or listed.factor.region in regions)
            and (not gas or listed.factor.gas == gas)
            and (not sought.pack or listed.pack == sought.pack)
            and sought.source.casefold() in f"{listed.factor.source} {listed.factor.dataset}".casefold()
            and _has_words(listed, words, spoken)
        ]
        if sought.year is not None:
            found = _of_year(found, sought.year)
        if not found:
            raise self._nothing_found(sought)
        return sorted(found, key=_in_order)

    def edition(self, text: str) -> list[Listed]:
        """The factors of an edition: `DATASET=EDITION`, or the edition alone where only one dataset has it.

        Raises
        ------
        FactorError
            If there is no such edition, or several.
        """
        dataset, equals, edition = text.rpartition("=")
        factors = [listed.factor for listed in self.factors]
        editions = sorted({(factor.dataset, factor.edition) for factor in factors if factor.edition})
        meant = [one for one in editions if one[1] == edition and (not equals or one[0] == dataset)]
        if len(meant) != 1:
            known = [f"{name}={of}" for name, of in meant or editions]
            raise FactorError(
                f"there is no edition '{text}'"
                if not meant
                else f"several datasets have an edition '{text}'",
                fix=f"write {either(nearest(text, known) or known)}",
            )
        return [
            listed for listed in self.factors if (listed.factor.dataset, listed.factor.edition) == meant[0]
        ]

    def _spoken_words(self) -> dict[tuple[str, str], str]:
        """What else people say for the activities of each pack, joined."""
        spoken: dict[tuple[str, str], list[str]] = defaultdict(list)
        for pack, words in self.aliases.items():
            for alias, meanings in words.items():
                for activity in meanings.values():
                    spoken[pack, activity_key(activity)].append(alias.casefold())
        return {key: " ".join(aliases) for key, aliases in spoken.items()}

    def _nothing_found(self, sought: Sought) -> FactorError:
        asked = " ".join(sought.words)
        names = {listed.factor.activity for listed in self.factors}
        words = {alias for aliases in self.aliases.values() for alias in aliases}
        close = nearest(asked, names | words) if asked else []
        return FactorError(
            f"no factor matches '{asked}'" if asked else "no factor matches",
            fix=f"did you mean {either(close)}?" if close else "use fewer words or conditions",
        )


def compare_editions(before: Iterable[EmissionFactor], after: Iterable[EmissionFactor]) -> list[Change]:
    """What differs between two editions, in the order of the activities; equal figures are left out.

    Factors correspond where activity, gas, unit of activity, region, category and what burns the fuel are the
    same; their values are compared in the same unit of mass.
    """
    old = {_correspondence(factor): factor for factor in before}
    new = {_correspondence(factor): factor for factor in after}
    changes = []
    for key in sorted(old.keys() | new.keys(), key=str):
        one, other = old.get(key), new.get(key)
        if one is None or other is None:
            changes.append(Change(one, other, None))
            continue
        was = Fraction(one.value) * conversion_ratio(one.numerator, other.numerator)
        now = Fraction(other.value)
        if was != now:
            changes.append(Change(one, other, (now - was) / was if was else None))
    return changes


def _correspondence(factor: EmissionFactor) -> tuple[object, ...]:
    return (
        activity_key(factor.activity),
        factor.gas,
        factor.biogenic,
        str(factor.denominator),
        factor.region,
        factor.category,
        factor.kind,
        factor.holder,
        factor.vehicle,
        factor.engine,
        factor.model_year_from,
        factor.model_year_to,
    )


def _has_words(listed: Listed, words: Sequence[str], spoken: dict[tuple[str, str], str]) -> bool:
    if not words:
        return True
    factor = listed.factor
    said = spoken.get((listed.pack, activity_key(factor.activity)), "")
    texts = (factor.activity, factor.vehicle, factor.engine, factor.category, factor.source, factor.dataset)
    searched = f"{' '.join(texts).casefold()} {said}"
    return all(word in searched for word in words)


def _of_year(found: Sequence[Listed], year: int) -> list[Listed]:
    """Those that a row of a year gets: of each factor the editions that apply, or the nearest."""
    period = Period(date(year, 1, 1), date(year, 12, 31))
    editions: dict[tuple[object, ...], list[Listed]] = defaultdict(list)
    for listed in found:
        factor = listed.factor
        editions[listed.pack, factor.source, factor.dataset, *_correspondence(factor)].append(listed)
    kept = []
    for group in editions.values():
        unit = group[0].factor.denominator
        chosen = choose_edition([listed.factor for listed in group], period, AccountingPolicy(), unit)
        used = {factor for factor, _ in chosen.parts}
        outside = [fallback for fallback in chosen.fallbacks if fallback.kind == "vintage"]
        remark = f"nearest to {', '.join(fallback.wanted for fallback in outside)}" if outside else ""
        kept += [Listed(listed.factor, listed.pack, remark) for listed in group if listed.factor in used]
    return kept


def _in_order(listed: Listed) -> tuple[str, ...]:
    factor = listed.factor
    return (
        activity_key(factor.activity),
        factor.vehicle,
        factor.engine,
        str(factor.model_year_from or ""),
        factor.region,
        factor.dataset,
        factor.edition,
        str(factor.denominator),
        factor.gas,
        listed.pack,
    )


def _known_gas(text: str) -> str:
    known = {gas.casefold(): gas for gas in (*gases(), "CO2e")}
    if text.casefold() not in known:
        close = nearest(text, known.values())
        raise FactorError(
            f"there is no gas '{text}'",
            fix=f"did you mean {either(close)}?" if close else "write CO2, CH4, N2O, CO2e ...",
        )
    return known[text.casefold()]
