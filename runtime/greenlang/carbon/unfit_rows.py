"""Rows that cannot stand in an inventory, whatever figures agents gave them: told, never guessed.

A row that no agent took is unmatched; one that two took would be counted twice; one that only one method of
scope 2 has would lack in the other's total; one whose own factor or tag has a misspelt word would get
other figures than its user meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from greenlang.carbon.activity import ActivityData, RowProblem
from greenlang.carbon.categories import GHG_PROTOCOL_CATEGORIES
from greenlang.carbon.emissions import Emissions
from greenlang.carbon.factors import activity_key
from greenlang.carbon.rows import misspelt_tags
from greenlang.errors import either, nearest

__all__ = ["unfit_rows"]

Rows = npt.NDArray[np.int32]


def unfit_rows(data: ActivityData, parts: Sequence[Emissions]) -> list[RowProblem]:
    """What is wrong with rows in the light of all parts of an inventory; a row may have several problems."""
    return [
        *_taken_twice(data, parts),
        *_of_one_method(data, parts),
        *_unmatched(data, parts),
        *_misfiled(data, parts),
        *misspelt_tags(data),
    ]


def _taken_twice(data: ActivityData, parts: Sequence[Emissions]) -> list[RowProblem]:
    """Rows that two agents would report under the same heading."""
    counts = {method: np.zeros(len(data), dtype=np.int8) for method in {"", *(part.method for part in parts)}}
    for part in parts:
        counts[part.method][part.rows] += 1
    plain = counts[""]
    twice = plain > 1
    for method, count in counts.items():
        if method:
            twice |= (count > 1) | ((count > 0) & (plain > 0))
    problems = []
    for row in np.flatnonzero(twice).tolist():
        takers = [part for part in parts if _holds(part.rows, row)]
        names = " and ".join(f"{part.agent} ({part.category})" for part in takers)
        meant = sorted({part.category for part in takers})
        problems.append(
            (
                row,
                data.problem(
                    row,
                    "activity",
                    f"'{data.activity[row]}' is taken by {names}",
                    f"write in column 'method' which is meant: {' or '.join(meant)}"
                    if len(meant) > 1
                    else "keep one of these agents in the program",
                ),
            )
        )
    return problems


def _of_one_method(data: ActivityData, parts: Sequence[Emissions]) -> list[RowProblem]:
    """Rows that did not ask for one method of scope 2 and stand in the total of one alone."""
    taken = {part.method: np.zeros(len(data), dtype=np.bool_) for part in parts if part.method}
    if len(taken) < 2:
        return []
    for part in parts:
        if part.method:
            taken[part.method][part.rows] = True
    of_each = np.array(list(taken.values()))
    asked_for_one = np.array([bool(text) for text in data.method.values], dtype=np.bool_)[data.method.codes]
    problems = []
    for row in np.flatnonzero(of_each.any(axis=0) & ~of_each.all(axis=0) & ~asked_for_one).tolist():
        counted = next(method for method, rows in taken.items() if rows[row])
        lacking = [method for method, rows in taken.items() if not rows[row]]
        problems.append(
            (
                row,
                data.problem(
                    row,
                    "method",
                    f"'{data.activity[row]}' is counted {counted} and not {' and '.join(lacking)}",
                    f"add a factor for the other method, or write {counted} if that one alone is meant",
                ),
            )
        )
    return problems


def _unmatched(data: ActivityData, parts: Sequence[Emissions]) -> list[RowProblem]:
    """Rows that no agent took."""
    open_rows = data.usable.copy()
    for part in parts:
        open_rows[part.rows] = False
    known = {activity_key(name): name for part in parts for name in part.activities}
    own = {activity_key(factor.activity) for factors in data.own_factors for factor in factors}
    categories = sorted({part.category for part in parts})
    reasons: dict[tuple[str, str], tuple[str, str]] = {}
    problems = []
    for row in np.flatnonzero(open_rows).tolist():
        asked = (data.activity[row], data.method[row])
        if asked not in reasons:
            reasons[asked] = _why_unmatched(*asked, known, own, categories)
        problems.append((row, data.problem(row, "activity", *reasons[asked])))
    return problems


def _why_unmatched(
    activity: str, method: str, known: Mapping[str, str], own: Collection[str], categories: Sequence[str]
) -> tuple[str, str]:
    """What to say of a row that no agent took, and what would mend it."""
    if activity_key(activity) in known:
        return (
            f"no agent of this program takes '{activity}'" + (f" with method '{method}'" if method else ""),
            "correct column 'method' or 'tags', or add the agent that takes it to the program",
        )
    if activity_key(activity) in own:
        known_ones = f"write in its column 'category' what it is for, such as {either(categories)}"
        return (
            f"no agent of this program uses your factor for '{activity}'",
            f"{known_ones}, or add ghg.emissions with its file to the program",
        )
    close = nearest(activity, known.values())
    return (
        f"unknown activity '{activity}': no agent of this program has a factor for it",
        f"did you mean {either(close)}?"
        if close
        else "`greenlang factors search` lists what there is; add a factor of your own with --factors FILE",
    )


def _misfiled(data: ActivityData, parts: Sequence[Emissions]) -> list[RowProblem]:
    """Rows with a factor of a pack because the user's own for them is of a category that nobody knows."""
    known = {name.casefold() for name in (*GHG_PROTOCOL_CATEGORIES, *(part.category for part in parts))}
    misfiled = {
        activity_key(factor.activity): factor.category
        for factors in data.own_factors
        for factor in factors
        if factor.category and factor.category.casefold() not in known
    }
    problems: list[RowProblem] = []
    if not misfiled:
        return problems
    for part in parts:
        for selection, rows in zip(part.selections, part.selection_rows, strict=True):
            category = misfiled.get(activity_key(selection.activity))
            of_chosen = {factor.category for rate in selection.rates for factor, _ in rate.parts}
            if category is None or category in of_chosen:
                continue
            message = (
                f"your factor for '{selection.activity}' is of category '{category}', which no agent has"
            )
            fix = f"write '{part.category}' in its column 'category', or leave it empty"
            problems += [(row, data.problem(row, "activity", message, fix)) for row in rows.tolist()]
    return problems


def _holds(rows: Rows, row: int) -> bool:
    position = int(np.searchsorted(rows, row))
    return position < len(rows) and int(rows[position]) == row
