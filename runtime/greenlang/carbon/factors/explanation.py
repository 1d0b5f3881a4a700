"""Why a row gets the factors that it gets: every candidate, and what speaks for or against it.

Nothing is decided here. `FactorBook` selects; its `standing` says what keeps a factor from answering, and
the selection says which of the others were used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from greenlang.carbon.factors.book import FactorBook, Rule
from greenlang.carbon.factors.editions import edition_name
from greenlang.carbon.factors.factor import EmissionFactor
from greenlang.carbon.factors.selection import Selection, Wanted
from greenlang.errors import InputError

__all__ = ["Candidate", "Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A factor for the activity, and why it won or lost."""

    factor: EmissionFactor
    own: bool  #: whether it is the user's
    used: Fraction  #: the part of the period that it is used for; 0 where it lost
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a row would get, or why it would be refused."""

    candidates: tuple[Candidate, ...]  #: those that won first, then those that came nearest
    selection: Selection | None
    refusal: InputError | None


def explain(book: FactorBook, wanted: Wanted) -> Explanation:
    """Select as for a row, and tell of every factor for its activity."""
    selection, refusal = None, None
    try:
        selection = book.select(wanted)
    except InputError as error:
        refusal = error
    candidates = sorted(_candidates(book, wanted, selection), key=lambda one: (-one[0].used, one[1]))
    return Explanation(tuple(candidate for candidate, _ in candidates), selection, refusal)


def _candidates(
    book: FactorBook, wanted: Wanted, selection: Selection | None
) -> Iterator[tuple[Candidate, int]]:
    """Each candidate and how far it came: the fewer, the farther."""
    used = {factor: part for rate in selection.rates for factor, part in rate.parts} if selection else {}
    for name in book.meanings(wanted):
        found = book.found(name, wanted)
        own = {factor for tier, factor in book.candidates(name) if tier == 0}
        for tier, factor in book.candidates(name):
            standing = book.standing(factor, wanted)
            if isinstance(standing, Rule):
                reason, distance = _broken(standing, factor, wanted), 10 + len(Rule) - standing.value
            elif factor in used:
                reason, distance = _won(used[factor], wanted), 0
            elif factor not in found:
                own_first = tier > 0 and found[0] in own
                reason, distance = _farther(found[0], own_first=own_first), 2
            else:
                reason, distance = _left(factor, found, used, name, selection), 1
            yield Candidate(factor, factor in own, used.get(factor, Fraction(0)), reason), distance


def _won(part: Fraction, wanted: Wanted) -> str:
    if part == 1:
        return "won: it is the nearest and applies"
    return f"won for {part * wanted.period.days} of {wanted.period.days} days"


def _farther(winner: EmissionFactor, *, own_first: bool) -> str:
    place = winner.region or "the world"
    return f"lost: your own factors for {place} come first" if own_first else f"lost: {place} is nearer"


def _left(
    factor: EmissionFactor,
    found: list[EmissionFactor],
    used: dict[EmissionFactor, Fraction],
    name: str,
    selection: Selection | None,
) -> str:
    """What to say of a factor of the place that decides, which was not used all the same."""
    if selection is None:
        return "would do, but the row is refused"
    if selection.activity != name:
        return f"lost: the row's activity is read as '{selection.activity}'"
    rivals = [one for one in found if one in used and one.gas == factor.gas]
    if rivals and all(one.edition == factor.edition for one in rivals):
        return f"lost: the figure per {rivals[0].denominator} fits the row's unit better"
    return f"lost: {' and '.join(edition_name(one) for one in rivals) or 'another edition'} is for the period"


def _broken(rule: Rule, factor: EmissionFactor, wanted: Wanted) -> str:
    match rule:
        case Rule.KIND:
            return f"out: it is of kind '{factor.kind or 'ordinary'}', which was not asked for"
        case Rule.HOLDER:
            return f"out: it is that of '{factor.holder}'" if factor.holder else "out: it is nobody's own"
        case Rule.VEHICLE:
            return f"out: it is for '{factor.vehicle}'" if factor.vehicle else "out: it is for no vehicle"
        case Rule.ENGINE:
            return f"out: it is for engine '{factor.engine}'" if factor.engine else "out: it is for no engine"
        case Rule.EDITION:
            return f"out: another edition of {factor.dataset} is pinned"
        case Rule.PUBLISHED:
            if factor.published is None:
                return "out: it does not say when it was published"
            return f"out: it was published on {factor.published}"
        case Rule.MODEL_YEAR:
            years = factor.model_year_from or "", factor.model_year_to or ""
            return f"out: it is for model years {years[0]} to {years[1]}"
        case Rule.REGION:
            return f"out: it is for '{factor.region}'"
        case Rule.UNIT:
            return f"out: it is per {factor.denominator}, and the row is in {wanted.unit}"
        case Rule.HEAT_BASIS:
            return f"out: it is on the {factor.denominator.basis} basis, and the row on {wanted.unit.basis}"
