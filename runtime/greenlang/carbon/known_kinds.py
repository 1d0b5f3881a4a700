"""Kinds of rows whose factors were chosen before, so that rows of the same kind are multiplied at once.

A service computes the same few kinds of rows all day.  Choosing factors for one takes a thousand times as
long as multiplying by them, and gives the same each time: agents that promise `row_by_row` look at nothing
else than what makes a kind.  Rows with tags are left to them: a tag may bring the quantity into the choice.
"""

from __future__ import annotations

__all__ = ["KnownKinds"]

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from greenlang.agents.phases import phase
from greenlang.carbon.activity import ActivityData
from greenlang.carbon.emissions import Emissions, RowKind, calculate_again, kinds_of_rows
from greenlang.carbon.factors import Selection
from greenlang.carbon.inventory import Inventory

#: Activity, unit, region, period and method, as the row has them.
_Key = tuple[str, ...]

#: What a kind gets of one part of the inventory: its selection, and the gases that are missing and why.
_Answer = tuple[Selection, tuple[tuple[str, str], ...]]

#: Kinds kept; beyond that no more are learned.
_MOST_KINDS = 50_000


class KnownKinds:
    """What the agents of one program chose under one policy, without factors of the user's own."""

    def __init__(self) -> None:
        #: The parts of an inventory as an empty table gives them, in its order.
        self._parts: tuple[Emissions, ...] = ()
        #: By kind of row, then by position of the part.
        self._answers: dict[_Key, dict[int, _Answer]] = {}

    def inventory(self, data: ActivityData) -> Inventory | None:
        """The inventory that the program would give, or None where a kind of row is not known."""
        if not self._parts or not _plain(data):
            return None
        phase("execute", "factor lookup")
        known: list[tuple[RowKind, dict[int, _Answer]]] = []
        for kind, key in _kinds(data):
            answers = self._answers.get(key)
            if answers is None:
                return None
            known.append((kind, answers))
        phase("execute", "calculate")
        parts = []
        for position, empty in enumerate(self._parts):
            taken = [(kind, answers[position]) for kind, answers in known if position in answers]
            part = _part(empty, data, taken) if taken else replace(empty, data=data)
            if part is None:
                return None
            parts.append(part)
        return Inventory(data, tuple(parts), parts[0].gwp)

    def learn(self, inventory: Inventory) -> None:
        """Remember what the agents chose for the rows of an inventory."""
        data, parts = inventory.data, inventory.parts
        if not _plain(data) or not all(part.row_by_row for part in parts):
            return
        if len(self._answers) >= _MOST_KINDS:
            return
        self._parts = self._parts or tuple(map(_emptied, parts))
        chosen = [_chosen(part, len(data)) for part in parts]
        for kind, key in _kinds(data):
            self._answers[key] = {
                position: (part.selections[entry], _gaps(part, kind.example))
                for position, (part, entries) in enumerate(zip(parts, chosen, strict=True))
                if (entry := int(entries[kind.example])) >= 0
            }


def _plain(data: ActivityData) -> bool:
    return not data.own_factors and tuple(data.tags.values) in ((), ("",))


def _kinds(data: ActivityData) -> Iterator[tuple[RowKind, _Key]]:
    """The usable rows by all that decides on them."""
    columns = (data.activity, data.unit, data.region, data.period, data.method)
    rows = np.flatnonzero(data.usable).astype(np.int32)
    for kind in kinds_of_rows(rows, columns):
        yield kind, tuple(column[kind.example] for column in columns)


def _part(empty: Emissions, data: ActivityData, taken: Sequence[tuple[RowKind, _Answer]]) -> Emissions | None:
    if len(data.method.values) > 1:
        # To an agent rows are of one kind whose methods differ: the method has decided that it takes them.
        answer_of = {kind.example: answer for kind, answer in taken}
        rows = np.sort(np.concatenate([kind.rows for kind, _ in taken]))
        kinds = kinds_of_rows(rows, (data.activity, data.unit, data.region, data.period))
        taken = [(kind, answer_of[kind.example]) for kind in kinds]
    return calculate_again(empty, data, [(kind.rows, *answer) for kind, answer in taken])


def _emptied(part: Emissions) -> Emissions:
    nothing = np.empty(0, dtype=np.int32)
    return replace(part, rows=nothing, gases=(), selections=(), selection_rows=(), missing=(), refused=())


def _chosen(part: Emissions, count: int) -> npt.NDArray[np.int32]:
    """Which selection of a part each row has; -1 for none."""
    entries = np.full(count, -1, dtype=np.int32)
    for entry, rows in enumerate(part.selection_rows):
        entries[rows] = entry
    return entries


def _gaps(part: Emissions, row: int) -> tuple[tuple[str, str], ...]:
    """The gases that a row lacks, and why."""
    return tuple((gap.gas, gap.reason) for gap in part.missing if row in gap.rows)
