"""The shape of a program: how many steps can run at once, and the longest way through it."""

from __future__ import annotations

__all__ = ["Shape", "shape_of"]

from collections import Counter

from msgspec import Struct

from greenlang.gcel.steps import Program, inputs_of


class Shape(Struct, frozen=True):
    """Widths and the critical path of one program, every step counted as one."""

    #: How many steps stand at each depth: with enough workers these run at once.
    widths: tuple[int, ...]
    #: Slots of the steps on the longest way from the input to the result.
    critical_path: tuple[int, ...]


def shape_of(program: Program) -> Shape:
    """Measure a program."""
    depths = [0]
    previous = [0]
    for step in program.steps:
        deepest = max(inputs_of(step), key=depths.__getitem__, default=0)
        previous.append(deepest)
        depths.append(depths[deepest] + 1)
    counts = Counter(depths[1:])
    path = []
    slot = program.result
    while slot:
        path.append(slot)
        slot = previous[slot]
    return Shape(tuple(counts[depth] for depth in sorted(counts)), tuple(reversed(path)))
