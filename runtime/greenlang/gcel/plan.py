"""The plan: a program compiled, immutable, known by its hash, and ready to run."""

from __future__ import annotations

__all__ = ["Plan"]

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from greenlang.agents.contract import AgentSpec
from greenlang.agents.places import Diagnostic, Origin
from greenlang.agents.resource import Resource
from greenlang.errors import GcelError
from greenlang.gcel.checker import Types
from greenlang.gcel.executable import build_executable
from greenlang.gcel.failures import Trail, add_failure_note
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
from greenlang_core import scheduler

if TYPE_CHECKING:
    from greenlang.gcel.calls import Agents

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

    def run(self, value: Any) -> Any:
        """Run the plan on one value, of any type, which is handed through untouched.

        An exception of a step is raised as it is, with a note that says which step, where it is written and
        at which item.

        Raises
        ------
        GcelError
            If the plan is asynchronous and an event loop already runs in this thread.
        """
        program = self._program
        if program.is_async:
            return self._run_in_new_loop(value)
        trail: Trail = []
        try:
            return program.run(value, trail)
        except BaseException as error:
            self._annotate(error, trail)
            raise

    async def arun(self, value: Any) -> Any:
        """Run the plan on one value inside an event loop; steps that wait overlap where they can."""
        program = self._program
        trail: Trail = []
        try:
            if program.is_async:
                return await program.arun(value, trail)
            return program.run(value, trail)
        except BaseException as error:
            self._annotate(error, trail)
            raise

    def explain(self, format: str = "text") -> str:  # noqa: A002  the command's option is called so too
        """Draw the plan: as "text", "json", "mermaid" or "graphviz"."""
        from greenlang.gcel.pictures import draw

        return draw(self, format)

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

    @functools.cached_property
    def _executable(self) -> Sequence[scheduler.Program]:
        return build_executable(self.programs, self.agents, self.resources)

    @functools.cached_property
    def _program(self) -> scheduler.Program:
        return self._executable[0]

    def _annotate(self, error: BaseException, trail: Trail) -> None:
        numbers = {program: number for number, program in enumerate(self._executable)}
        labels = [[self.label(step) for step in program.steps] for program in self.programs]
        add_failure_note(error, trail, numbers, labels, self.origins)

    def _run_in_new_loop(self, value: Any) -> Any:
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.arun(value))
        raise GcelError(
            "the plan has asynchronous steps, and an event loop already runs here",
            fix="write `await plan.arun(value)`",
        )


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
