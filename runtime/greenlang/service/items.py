"""What came of each activity as JSON: no object is made for a row or a figure."""

from __future__ import annotations

__all__ = ["encode_items", "failures"]

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from greenlang.engine.calculations import Outcome
from greenlang.ledger import FIRST_ROW
from greenlang.service.messages import Fault, ItemData
from greenlang_core.listing import write_rows

_encode = msgspec.json.Encoder().encode


def encode_items(outcome: Outcome, refused: Mapping[int, Sequence[Fault]]) -> bytes:
    """The list of `ItemData` of a calculation.

    Parameters
    ----------
    refused : mapping
        Better reasons than the outcome's for what failed, by row from 0.
    """
    if len(outcome) == 1 and not outcome.refused and not refused:
        return _encode([_single(outcome)])
    failed = failures(outcome, refused)
    return write_rows(
        outcome.ids,
        outcome.codes,
        [
            (
                _encode(one.name) + b":",
                None if one.row_bytes is None else one.rows(len(outcome)),
                one.figure_bytes,
            )
            for one in outcome.series
        ],
        [_ending(outcome, entries or ()) for entries in outcome.entries],
        {row: _encode(item) for row, item in failed.items()},
        scale=outcome.scale,
        first_number=FIRST_ROW,
    )


def _single(outcome: Outcome) -> ItemData:
    """The only item; arrays cost more than they give here."""
    entries = outcome.entries[int.from_bytes(outcome.code_bytes, "little")] or ()
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


def _ending(outcome: Outcome, entries: Sequence[str]) -> bytes:
    """What stands behind the figures of an item."""
    item = ItemData(0, "", "computed", selections=list(entries), factors=_factors(outcome, entries))
    return _encode(item).removeprefix(_encode(ItemData(0, "", "computed"))[:-1])


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
