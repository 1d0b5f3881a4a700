"""Fuse maps: `xs * a * b` runs as `xs * (a >> b)`, without the list between."""

from __future__ import annotations

__all__ = ["fuse_maps"]

from collections import Counter
from collections.abc import Sequence
from typing import TypeGuard

from greenlang.agents.places import Origin
from greenlang.gcel.passes.wiring import (
    Rewriting,
    Wiring,
    caught_programs,
    pure_programs,
    rewritten,
    step_reading,
)
from greenlang.gcel.steps import MapStep, Program, Step, inputs_of, programs_of


def fuse_maps(wiring: Wiring) -> Wiring:
    """Make one map of pure maps that follow one another.

    Items then go through the whole chain one by one, so of several items that fail another may be the first
    to be told of: where a `catch` sees that, maps stay as they are.
    """
    pure, caught = pure_programs(wiring), caught_programs(wiring)
    used = Counter(
        each for program in wiring.programs for step in program.steps for each in programs_of(step)
    )
    programs: list[Program] = list(wiring.programs)
    origins: list[tuple[Origin, ...]] = list(wiring.origins)
    for number in range(len(programs)):
        program = programs[number]
        readers = Counter(slot for step in program.steps for slot in inputs_of(step))
        readers[program.result] += 1
        chains: dict[int, list[int]] = {}
        by_columns: dict[int, bool] = {}
        for slot, step in enumerate(program.steps, start=1):
            if number not in caught and _is_plain_map(step, pure, used):
                # A map by columns and one by items stay two.
                follows = step.input in chains and by_columns[step.input] == step.columnar
                before = chains.pop(step.input) if follows and readers[step.input] == 1 else []
                chains[slot] = [*before, slot]
                by_columns[slot] = step.columnar
        fused = {slot: chain for slot, chain in chains.items() if len(chain) > 1}
        if not fused:
            continue
        inner = {slot for chain in fused.values() for slot in chain[:-1]}
        rewriting = Rewriting()
        for slot, (step, origin) in enumerate(zip(program.steps, origins[number], strict=True), start=1):
            if slot in inner:
                # Its one reader is the next map of the chain, which reads what the first of it reads.
                rewriting.replace(inputs_of(step)[0])
            else:
                rewriting.keep(step, origin)
                if slot in fused:
                    maps = [programs_of(program.steps[each - 1])[0] for each in fused[slot]]
                    chained, places = _chained([wiring.programs[each] for each in maps], maps, origins)
                    programs[maps[-1]], origins[maps[-1]] = chained, places
        programs[number] = rewriting.program(program.result)
        origins[number] = tuple(rewriting.origins)
    return rewritten(wiring, programs, origins)


def _is_plain_map(step: Step, pure: frozenset[int], used: Counter[int]) -> TypeGuard[MapStep]:
    return (
        isinstance(step, MapStep) and not step.modifiers and step.program in pure and used[step.program] == 1
    )


def _chained(
    parts: Sequence[Program], numbers: Sequence[int], origins: Sequence[tuple[Origin, ...]]
) -> tuple[Program, tuple[Origin, ...]]:
    """One program that runs several, each on the result of the one before."""
    steps: list[Step] = []
    places: list[Origin] = []
    result = 0
    for part, number in zip(parts, numbers, strict=True):
        base, taken = len(steps), result

        def moved(slot: int, base: int = base, taken: int = taken) -> int:
            return base + slot if slot else taken

        steps += [step_reading(step, moved) for step in part.steps]
        places += origins[number]
        result = moved(part.result)
    return Program(tuple(steps), result), tuple(places)
