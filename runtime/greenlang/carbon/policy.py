"""The choices an inventory is made under; they are part of its input, and so of its hash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

from greenlang.carbon.periods import parse_day
from greenlang.errors import InputError

__all__ = ["AccountingPolicy", "parse_editions"]


class AccountingPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to do where the data leave a choice."""

    #: GWP set that turns gas masses into CO2e: `AR4`, `AR5`, `AR6` or a set with its table named.
    gwp_set: str = "AR5"
    #: A period outside every edition of its factor: `nearest` takes the nearest one and records it,
    #: `strict` refuses the row.
    vintage: Literal["nearest", "strict"] = "nearest"
    #: A period that crosses editions: `split` it by days and record that, or `refuse` the row.
    straddle: Literal["split", "refuse"] = "split"
    #: Only factors published on or before this day, `YYYY-MM-DD`; empty for all.
    as_at: str = ""
    #: Editions to keep to, `{dataset: edition}`.
    editions: dict[str, str] = {}
    #: Kinds of fallback that are errors instead of records: `region`, `vintage`, `method`.
    forbidden_fallbacks: tuple[Literal["region", "vintage", "method"], ...] = ()
    #: A row that cannot be used: `stop` the inventory, or `skip` the row, which the result lists.
    on_error: Literal["stop", "skip"] = "stop"

    def as_at_day(self) -> date | None:
        """The day that `as_at` is; `InputError` for a text that is none."""
        return parse_day(self.as_at)


def parse_editions(texts: Iterable[str]) -> dict[str, str]:
    """Editions as they are typed, `DATASET=EDITION` each.

    Raises
    ------
    InputError
        If one is no such text, or a dataset is named twice.
    """
    editions: dict[str, str] = {}
    for text in texts:
        dataset, _, edition = (part.strip() for part in text.partition("="))
        if not dataset or not edition:
            raise InputError(
                f"'{text[:80]}' is not DATASET=EDITION",
                fix="write ghg-emission-factors-hub=2025",
                place="editions",
            )
        if dataset in editions:
            raise InputError(f"'{dataset[:80]}' is to have two editions", fix="keep to one", place="editions")
        editions[dataset] = edition
    return editions
