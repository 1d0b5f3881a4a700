"""What came of each activity, written to JSON column by column: no object is made for a row or a figure."""

from __future__ import annotations

__all__ = ["encode_items", "failures"]

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from greenlang.engine.calculations import Outcome
from greenlang.ledger import FIRST_ROW
from greenlang.service.calculation_messages import ItemData
from greenlang.service.messages import Fault

_encode = msgspec.json.Encoder().encode

_Integers = npt.NDArray[np.int64]


def encode_items(outcome: Outcome, refused: Mapping[int, Sequence[Fault]]) -> bytes:
    """The list of `ItemData` of a calculation.

    Parameters
    ----------
    refused : mapping
        Better reasons than the outcome's for what failed, by row from 0.
    """
    count = len(outcome)
    if count == 1 and not outcome.refused and not refused:
        return _encode([_single(outcome)])
    items = np.empty(count, dtype=object)
    failed = failures(outcome, refused)
    cells, present = _figures(outcome)
    identities = np.fromiter(_quoted(outcome.ids), dtype=object, count=count)
    alike, groups = np.unique(outcome.codes.astype(np.int64) << len(cells) | present, return_inverse=True)
    for group, key in enumerate(alike.tolist()):
        rows = np.flatnonzero(groups == group)
        shown = [position for position in range(len(cells)) if key >> position & 1]
        template = _template(outcome, key >> len(cells), [outcome.series[one].name for one in shown])
        columns = [(rows + FIRST_ROW).tolist(), identities[rows].tolist()]
        columns += [cells[one][rows].tolist() for one in shown]
        made = map(template.__mod__, zip(*columns, strict=True))
        items[rows] = np.fromiter(made, dtype=object, count=len(rows))
    for row, item in failed.items():
        items[row] = _encode(item).decode()
    return f"[{','.join(items.tolist())}]".encode()


def _single(outcome: Outcome) -> ItemData:
    """The only item; arrays cost more than they give here."""
    entries = outcome.entries[0] or ()
    return ItemData(
        row=FIRST_ROW,
        id=outcome.ids[0],
        status="computed",
        figures={
            series.name: outcome.texts(series)[0] for series in outcome.series if series.row_bytes != b""
        },
        selections=list(entries),
        factors=_factors(outcome, entries),
    )


def _factors(outcome: Outcome, entries: Sequence[str]) -> list[str]:
    """Ids of the factors of some selections."""
    found = {
        part["ef_cid"]
        for entry in entries
        for rate in outcome.selections[int(entry)]["rates"]
        for part in rate["factors"]
    }
    return sorted(found)


def _figures(outcome: Outcome) -> tuple[list[npt.NDArray[np.object_]], _Integers]:
    """The figures of each series by row, and a bit for each series that a row has a figure in."""
    count = len(outcome)
    cells = []
    present = np.zeros(count, dtype=np.int64)
    for position, series in enumerate(outcome.series):
        rows = series.rows(count)
        column = np.empty(count, dtype=object)
        column[rows] = np.fromiter(outcome.texts(series), dtype=object, count=len(rows))
        present[rows] |= 1 << position
        cells.append(column)
    return cells, present


def _quoted(texts: Sequence[str]) -> Sequence[str]:
    """Texts as they stand between quotes in JSON."""
    together = "".join(texts)
    if together.isprintable() and '"' not in together and "\\" not in together:
        return texts
    return [_encode(text)[1:-1].decode() for text in texts]


def _template(outcome: Outcome, code: int, names: Sequence[str]) -> str:
    """An item of one kind, with `%` where rows of it differ."""
    entries = outcome.entries[code] or ()
    item = ItemData(
        row=0,
        id="\0",
        status="computed",
        figures=dict.fromkeys(names, "\0"),
        selections=list(entries),
        factors=_factors(outcome, entries),
    )
    text = _encode(item).decode().replace("%", "%%")
    return text.replace('"row":0', '"row":%d', 1).replace("\\u0000", "%s")


def failures(outcome: Outcome, refused: Mapping[int, Sequence[Fault]]) -> dict[int, ItemData]:
    """The items that were not computed, by row from 0 (see `encode_items`)."""
    reasons: dict[int, list[Fault]] = defaultdict(list)
    for one in outcome.refused:
        reasons[one.row - FIRST_ROW].append(Fault("activity", one.reason, one.column, one.fix))
    reasons.update((row, list(faults)) for row, faults in refused.items())
    return {
        row: ItemData(row + FIRST_ROW, outcome.ids[row], "failed", errors=faults)
        for row, faults in reasons.items()
    }
