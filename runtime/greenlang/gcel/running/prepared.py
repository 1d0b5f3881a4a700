"""A compiled program made ready for the scheduler, and its failures told in the program's own words."""

from __future__ import annotations

__all__ = ["Prepared"]

import functools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from greenlang.agents.once import once
from greenlang.gcel.compiled import Compiled
from greenlang.gcel.running.executable import build_executable
from greenlang.gcel.running.failures import add_failure_note
from greenlang.gcel.steps import Program
from greenlang_core import scheduler
from greenlang_core.runs import Run

if TYPE_CHECKING:
    from greenlang.gcel.passes import Wiring
    from greenlang_core.scheduler import Trail


class Prepared:
    """The programs of a plan as the scheduler takes them, and what people call their steps."""

    def __init__(self, compiled: Compiled, wiring: Wiring | None = None) -> None:
        self.compiled = compiled
        self._wiring = wiring

    @property
    def wiring(self) -> Wiring:
        """The steps that run: what the planner made, or the same steps with other functions."""
        return self._wiring or self.compiled.planned.wiring

    @functools.cached_property
    def program(self) -> scheduler.Program:
        """The first of the plan's programs, ready to run."""
        return self._executable[0]

    @functools.cached_property
    def labels(self) -> list[list[str]]:
        """What people call each step of each program."""
        programs = self.compiled.planned.wiring.programs
        return [[self.compiled.label(step) for step in program.steps] for program in programs]

    @functools.cached_property
    def numbers(self) -> dict[scheduler.Program, int]:
        """Which of the plan's programs each is that the scheduler names."""
        return {program: number for number, program in enumerate(self._executable)}

    @once
    def _executable(self) -> Sequence[scheduler.Program]:
        return self.executable(self.wiring.programs[0])

    @functools.cached_property
    def _own_key(self) -> str:
        # Code that cannot be told apart by a digest shares nothing.
        return "" if self.compiled.portable else os.urandom(16).hex()

    def _key_of(self, number: int, index: int) -> str:
        """What the outputs of a step are kept by."""
        return self._own_key + self.compiled.as_it_runs.step_keys[number][index]

    def executable(self, first: Program) -> Sequence[scheduler.Program]:
        """What the scheduler runs: `first`, and after it the programs that the plan's steps name."""
        wiring = self.wiring
        programs = (first, *wiring.programs[1:])
        return build_executable(programs, wiring.agents, wiring.resources, self.labels, self._key_of)

    def annotate(self, error: BaseException, trail: Trail, value: Any, run: Run | None = None) -> None:
        """Add to an error which step failed, and leave the scheduler's own frames out of its traceback."""
        self.annotate_in(self._executable, error, trail, value, run)

    def annotate_in(
        self,
        executable: Sequence[scheduler.Program],
        error: BaseException,
        trail: Trail,
        value: Any,
        run: Run | None,
    ) -> None:
        """The same for a run of other programs than the plan's own (see `executable`)."""
        numbers = {program: number for number, program in enumerate(executable)}
        add_failure_note(error, trail, numbers, self.labels, self.wiring.origins, value, run)
