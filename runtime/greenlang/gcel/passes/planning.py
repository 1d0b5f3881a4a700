"""All passes in order, and what each made of the plan."""

from __future__ import annotations

__all__ = ["PASSES", "Pass", "Planned", "Stage", "plan_wiring"]

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from greenlang.gcel.passes.columns import use_columns
from greenlang.gcel.passes.constants import fold_constants
from greenlang.gcel.passes.dropping import drop_unread
from greenlang.gcel.passes.fusing import fuse_maps
from greenlang.gcel.passes.listing import list_again
from greenlang.gcel.passes.sharing import share_equal
from greenlang.gcel.passes.wiring import Wiring

Pass: TypeAlias = Callable[[Wiring], Wiring]

#: In the order in which they run: folding makes steps equal, sharing and folding leave steps unread,
#: of maps one after another those that run by columns are fused among themselves, and who reads what is
#: known when all else is done.
PASSES: Mapping[str, Pass] = {
    "fold constants": fold_constants,
    "share equal steps": share_equal,
    "drop unread steps": drop_unread,
    "use columns": use_columns,
    "fuse maps": fuse_maps,
    "list iterators": list_again,
}


class Stage(Struct, frozen=True):
    """One pass over a plan."""

    name: str
    before: Wiring
    after: Wiring


class Planned(Struct, frozen=True):
    """What runs, and how it came about."""

    wiring: Wiring
    stages: tuple[Stage, ...]


def plan_wiring(wiring: Wiring) -> Planned:
    """Run all passes."""
    stages = []
    for name, rewrite in PASSES.items():
        after = rewrite(wiring)
        stages.append(Stage(name, wiring, after))
        wiring = after
    return Planned(wiring, tuple(stages))
