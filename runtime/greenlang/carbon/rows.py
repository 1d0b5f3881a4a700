"""What one row of activity data asks for, in the terms of the factor book."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from greenlang.carbon.activity import ActivityData, RowProblem
from greenlang.carbon.factors import FactorSet, Wanted, activity_key
from greenlang.carbon.tables import StringColumn, Table
from greenlang.carbon.tags import parse_tags
from greenlang.errors import InputError, nearest

__all__ = ["misspelt_tags", "own_activities", "own_factors", "rows_taken", "tag_columns", "wanted_of"]

Rows = npt.NDArray[np.int32]


def wanted_of(
    data: ActivityData,
    row: int,
    *,
    kinds: tuple[str, ...] = ("",),
    holder: str = "",
) -> Wanted:
    """What a row asks a factor for, by its activity, unit, region and period."""
    period = data.periods[data.period.codes[row]]
    if period is None:
        raise InputError(f"period '{data.period[row]}' was not read", place="period")
    region = int(data.region.codes[row])
    return Wanted(
        activity=data.activity[row],
        unit=data.units[int(data.unit.codes[row]), region],
        regions=data.regions[region],
        period=period,
        kinds=kinds,
        holder=holder,
    )


def tag_columns(data: ActivityData, *keys: str) -> tuple[StringColumn, ...]:
    """Tags of every row as columns of their own, one for each key; empty where a row does not have it.

    A row whose key is nearly one of these is refused when the inventory is put together.
    """
    data.tag_keys.update(keys)
    tags = map(_readable_tags, data.tags.values)
    found = Table.from_rows("tags", keys, (tuple(of.get(key, "") for key in keys) for of in tags))
    return tuple(
        StringColumn(found.columns[key].codes[data.tags.codes], found.columns[key].values) for key in keys
    )


def misspelt_tags(data: ActivityData) -> list[RowProblem]:
    """Rows with a tag that no agent looked for and that is nearly one that some did."""
    wrong: dict[int, tuple[str, str]] = {}
    for code, text in enumerate(data.tags.values):
        for key in sorted(_readable_tags(text).keys() - data.tag_keys):
            close = nearest(key, data.tag_keys, count=1)
            if close:
                wrong[code] = (f"there is no tag '{key}'", f"did you mean {close[0]}?")
    if not wrong:
        return []
    rows = np.flatnonzero(np.isin(data.tags.codes, list(wrong)) & data.usable).tolist()
    return [(row, data.problem(row, "tags", *wrong[int(data.tags.codes[row])])) for row in rows]


def _readable_tags(text: str) -> Mapping[str, str]:
    try:
        return parse_tags(text)
    except InputError:
        return {}  # its rows are not usable, which whoever read them has told


def rows_taken(data: ActivityData, activities: Collection[str], methods: Collection[str]) -> Rows:
    """The usable rows of certain activities and methods, ascending.

    Parameters
    ----------
    activities : collection of str
        Names and aliases, in any letter case.
    methods : collection of str
        Words of column `method`, in lower case; the empty one for rows that leave it open.
    """
    names = {activity_key(activity) for activity in activities}
    right_activity = [activity_key(activity) in names for activity in data.activity.values]
    right_method = [method.casefold() in methods for method in data.method.values]
    taken = np.array(right_activity)[data.activity.codes] & np.array(right_method)[data.method.codes]
    return np.flatnonzero(taken & data.usable).astype(np.int32)


def own_activities(own: Iterable[FactorSet], categories: Collection[str]) -> frozenset[str]:
    """What the user's own factors of certain categories are for."""
    return frozenset(
        factor.activity for factors in own for factor in factors if factor.category.casefold() in categories
    )


def own_factors(
    own: Iterable[FactorSet], activities: Collection[str], categories: Collection[str]
) -> list[FactorSet]:
    """Those of the user's own factors that an agent may use.

    They are of one of its categories, or of none and for an activity that it knows.
    """
    names = {activity_key(activity) for activity in activities}
    return [
        FactorSet(
            factors.name,
            tuple(
                factor
                for factor in factors
                if factor.category.casefold() in categories
                or (not factor.category and activity_key(factor.activity) in names)
            ),
        )
        for factors in own
    ]
