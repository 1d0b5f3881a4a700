"""The plan: a program compiled, immutable, known by its hash, and ready to run."""

from __future__ import annotations

__all__ = ["Plan"]

import functools
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from greenlang.agents.contract import AgentSpec
from greenlang.agents.places import Diagnostic, Origin
from greenlang.agents.resource import Resource
from greenlang.gcel.checking import Types
from greenlang.gcel.running import add_failure_note, build_executable, current_run, fold
from greenlang.gcel.steps import (
    AgentStep,
    BuiltinStep,
    ChooseStep,
    ConstantStep,
    FilterStep,
    GroupStep,
    ListStep,
    MapStep,
    Program,
    RecordStep,
    RouteStep,
    Step,
)
from greenlang_core import executions, scheduler
from greenlang_core.runs import Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from greenlang.gcel.calls import Agents
    from greenlang.gcel.passes import Planned, Wiring
    from greenlang.gcel.running import Report
    from greenlang.gcel.running.runs import Clock, Pull
    from greenlang_core.scheduler import Trail

#: The version of the form that is hashed and saved.
FORM = 1

_ENCODER = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """A compiled program. Plans with the same hash are equal: they run the same code on the same wiring.

    Made by `greenlang.compile`, or read back by `Plan.from_json`.
    """

    programs: tuple[Program, ...]
    #: Beside each step of each program, where it was written.
    origins: tuple[tuple[Origin, ...], ...]
    #: The agents that its steps name by number, each in one exact version.
    agents: tuple[AgentSpec, ...]
    #: The identity of each agent's code; None where it cannot be told.
    codes: tuple[str | None, ...]
    resources: tuple[Resource, ...]
    types: Types
    #: What the reader of the program should know, though it compiles.
    warnings: tuple[Diagnostic, ...] = ()
    #: `sha256:` and the digest of the plan's canonical form: wiring, configuration, agents, code.
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(_ENCODER.encode(self.form())).hexdigest()
        object.__setattr__(self, "hash", f"sha256:{digest}")

    def form(self) -> dict[str, Any]:
        """What the hash covers: everything that can change a result, and nothing else."""
        return {
            "form": FORM,
            "agents": [
                {"name": spec.name, "version": spec.version, "code": code}
                for spec, code in zip(self.agents, self.codes, strict=True)
            ],
            "programs": self.programs,
            "resources": [resource.sha256 for resource in self.resources],
        }

    @property
    def portable(self) -> bool:
        """Whether the code of every agent is known, so that another machine can tell it runs the same."""
        return None not in self.codes

    @property
    def input_type(self) -> Any:
        """What the plan takes; `Any` where that is not known."""
        return self.types.input

    @property
    def output_type(self) -> Any:
        """What the plan gives; `Any` where that is not known."""
        return self.types.output

    @property
    def is_async(self) -> bool:
        """Whether some step is asynchronous: such a plan is awaited, or run where no event loop runs."""
        return self._program.is_async

    @property
    def step_count(self) -> int:
        """How many steps all of its programs have."""
        return sum(len(program.steps) for program in self.programs)

    def run(
        self,
        value: Any,
        *,
        deadline: float | None = None,
        clock: Clock | None = None,
        report: Report | None = None,
        patience: float = 1.0,
        tenant: str = "",
    ) -> Any:
        """Run the plan on one value, of any type, which is handed through untouched.

        An exception of a step is raised as it is, with a note that says which step, where it is written and
        at which item.

        Parameters
        ----------
        value : object
            The input. Maps pull from lists, iterators and (in `arun`) asynchronous ones.
        deadline : float, optional
            Seconds that the whole run may take; tries again, back-off and queueing count against them.
        clock : VirtualClock, optional
            Time for tests, instead of the machine's.
        report : Report, optional
            Told what modifiers did: what was caught, tried again, late or given up.
        patience : float
            Seconds that a cancelled step may take to end, before it is given up and named.
        tenant : str
            Whom the run is for: a `cache` keeps outputs apart by it.

        Raises
        ------
        TimeoutError
            If the deadline passes first.
        GcelError
            If the plan is asynchronous and an event loop already runs in this thread.
        """
        program = self._program
        trail: Trail = []
        try:
            if program.is_async or deadline is not None or clock is not None or report is not None or tenant:
                return self._run_specially(value, _run_of(deadline, clock, report, patience, tenant))
            return program.run(value, trail)
        except BaseException as error:
            if trail:
                self.annotate(error, trail, value)
            else:
                fold(error)
            raise

    async def arun(
        self,
        value: Any,
        *,
        deadline: float | None = None,
        clock: Clock | None = None,
        report: Report | None = None,
        patience: float = 1.0,
        tenant: str = "",
    ) -> Any:
        """Run the plan on one value inside an event loop; steps that wait overlap where they can.

        Takes what `run` takes. A virtual clock must be the running loop's own (`clock.run(plan.arun(…))`).
        """
        return await self._arun(value, _run_of(deadline, clock, report, patience, tenant))

    async def _arun(self, value: Any, run: Run) -> Any:
        if run.clock is not None:
            from greenlang.gcel.running.runs import check_clock

            check_clock(run.clock)
        program = self._program
        trail: Trail = []
        # What only agents of such runs can ask for.
        previous = current_run.set(run) if run.is_special else None
        try:
            if program.is_async or hasattr(type(value), "__aiter__"):
                return await executions.arun(program, value, trail, run)
            return program.run(value, trail, run)
        except BaseException as error:
            self.annotate(error, trail, value, run)
            raise
        finally:
            if previous is not None:
                current_run.reset(previous)

    def _run_specially(self, value: Any, run: Run) -> Any:
        """Run with what most runs do without: an event loop, a clock, a deadline, a report."""
        if self._program.is_async:
            from greenlang.gcel.running.runs import run_in_new_loop

            return run_in_new_loop(self._arun(value, run), run)
        trail: Trail = []
        previous = current_run.set(run)
        try:
            return self._program.run(value, trail, run)
        except BaseException as error:
            self.annotate(error, trail, value, run)
            raise
        finally:
            current_run.reset(previous)

    @functools.cached_property
    def planned(self) -> Planned:
        """What the planner makes of the plan: the steps that run, and how they came about."""
        from greenlang.gcel.passes import Wiring, plan_wiring

        return plan_wiring(Wiring(self.programs, self.origins, self.agents, self.resources))

    @property
    def _running(self) -> Wiring:
        return self.planned.wiring

    @functools.cached_property
    def as_it_runs(self) -> Plan:
        """The plan with the steps that run in the place of those that are written."""
        wiring = self.planned.wiring
        return replace(self, programs=wiring.programs, origins=wiring.origins)

    @functools.cached_property
    def step_keys(self) -> tuple[tuple[str, ...], ...]:
        """The key of every step: a digest of what it does and of all that comes before it."""
        from greenlang.gcel.keys import step_keys

        return step_keys(self.programs, self.agents, self.codes, self.resources)

    @functools.cached_property
    def own_forms(self) -> tuple[tuple[str, ...], ...]:
        """What every step does by itself, as text: all that its key covers but the keys before it."""
        from greenlang.gcel.keys import own_forms

        return own_forms(self.programs, self.agents, self.codes, self.resources)

    def explain(self, format: str = "text", *, planned: bool = False) -> str:  # noqa: A002  as the command's option
        """Draw the plan: as "text", "json", "mermaid" or "graphviz"; `planned`, as it runs, not as written.

        The text and the JSON tell both, and what each pass of the planner did.
        """
        from greenlang.gcel.pictures import draw

        return draw(self, format, planned=planned)

    def to_python(self) -> str:
        """The plan as a module of straight-line Python with a function `run(value)`, which needs no engine.

        Raises
        ------
        GcelError
            If an agent does not stand at the top of a module, where the text could import it from.
        """
        from greenlang.gcel.python_source import python_source

        return python_source(self)

    def differences(self, before: Plan) -> list[str]:
        """What changed since the plan `before`, and why steps would run again; empty if nothing did."""
        from greenlang.gcel.differences import differences

        return differences(before, self)

    def to_json(self) -> bytes:
        """The plan as JSON, with its resources and places; `from_json` gives it back."""
        from greenlang.gcel.documents import write_plan

        return write_plan(self)

    @classmethod
    def from_json(cls, document: bytes | str, *, registry: Agents | None = None) -> Plan:
        """Read a plan back; it is checked as a program is, against the agents that are installed here.

        Raises
        ------
        GcelError
            If it is no plan, was changed, or an agent's code here is not the code that it was compiled with.
        AgentError
            If an agent is not installed here in that version.
        """
        from greenlang.gcel.documents import read_plan

        return read_plan(document, registry)

    def label(self, step: Step) -> str:
        """What people call a step."""
        if isinstance(step, AgentStep):
            return self.agents[step.agent].name
        return step.name if isinstance(step, BuiltinStep) else _LABELS[type(step)]

    def __eq__(self, other: object) -> bool:
        return self.hash == other.hash if isinstance(other, Plan) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"<Plan {self.hash[:19]}… of {self.step_count:,} steps>"

    def executable(self, first: Program) -> Sequence[scheduler.Program]:
        """What the scheduler runs: `first`, and after it the programs that the plan's steps name."""
        form = self.form()
        keys = _ENCODER.encode([form["agents"], form["resources"], self._running.programs[1:]])
        if not self.portable:
            # Code that cannot be told apart by a digest shares nothing.
            keys += os.urandom(16)
        programs = (first, *self._running.programs[1:])
        return build_executable(programs, self.agents, self.resources, self._labels, keys)

    @functools.cached_property
    def _executable(self) -> Sequence[scheduler.Program]:
        return self.executable(self._running.programs[0])

    @functools.cached_property
    def _pull(self) -> Pull:
        from greenlang.gcel.running.runs import pull_of

        return pull_of(self)

    @functools.cached_property
    def _labels(self) -> list[list[str]]:
        return [[self.label(step) for step in program.steps] for program in self._running.programs]

    @functools.cached_property
    def _program(self) -> scheduler.Program:
        return self._executable[0]

    def each(
        self, value: Any, *, window: int = 64, deadline: float | None = None, report: Report | None = None
    ) -> Iterator[Any]:
        """Run a plan that ends in a map or a filter, and give the items of its result one at a time.

        Nothing is kept of what was given, so memory stays flat over any number of items. Steps that wait are
        at work on at most `window` items at once.
        """
        from greenlang.gcel.running.runs import each

        return each(self._pull, value, window, _run_of(deadline, None, report, 1.0, ""))

    def aeach(
        self,
        value: Any,
        *,
        window: int = 64,
        ordered: bool = True,
        deadline: float | None = None,
        report: Report | None = None,
    ) -> AsyncIterator[Any]:
        """`each` inside an event loop; not `ordered`, items come as they are done."""
        from greenlang.gcel.running.runs import aeach

        return aeach(self._pull, value, window, ordered, _run_of(deadline, None, report, 1.0, ""))

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
        add_failure_note(error, trail, numbers, self._labels, self._running.origins, value, run)


def _run_of(
    deadline: float | None, clock: Clock | None, report: Report | None, patience: float, tenant: str
) -> Run:
    return Run(clock=clock, deadline_s=deadline, patience_s=patience, report=report, tenant=tenant)


#: What a program writes for each kind of step that has no name of its own.
_LABELS: dict[type, str] = {
    ConstantStep: "constant",
    ListStep: "|",
    RecordStep: "branch",
    MapStep: "map",
    FilterStep: "filter",
    GroupStep: "group",
    ChooseStep: "?",
    RouteStep: "route",
}
