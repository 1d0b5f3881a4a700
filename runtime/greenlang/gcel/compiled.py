"""A program compiled: its steps, agents and files, and the hash that they are known by.

What is drawn, written or compared of a plan is made from this alone; `plan` runs it.
"""

from __future__ import annotations

__all__ = ["FORM", "Compiled"]

import functools
import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import msgspec

from greenlang.agents.contract import AgentSpec
from greenlang.agents.places import Diagnostic, Origin
from greenlang.agents.resource import Resource
from greenlang.gcel.checking import Types
from greenlang.gcel.keys import own_forms, step_keys
from greenlang.gcel.steps import AgentStep, Program, Step, label_of, modifiers_of, programs_of

if TYPE_CHECKING:
    from greenlang.gcel.passes import Planned

#: The version of the form that is hashed and saved.
FORM = 1

_ENCODER = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, eq=False, repr=False)
class Compiled:
    """A compiled program. Those with the same hash are equal: the same code on the same wiring."""

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
    def loose_agents(self) -> tuple[str, ...]:
        """The agents whose code cannot be told, which make the plan not portable."""
        return tuple(spec.name for spec, code in zip(self.agents, self.codes, strict=True) if code is None)

    @functools.cached_property
    def catches(self) -> bool:
        """Whether some step goes on after an error: then a result may come of less than the plan says."""
        return any(
            modifier.handler is not None
            for program in self.programs
            for step in program.steps
            for modifier in modifiers_of(step)
        )

    @property
    def input_type(self) -> Any:
        """What the plan takes; `Any` where that is not known."""
        return self.types.input

    @property
    def output_type(self) -> Any:
        """What the plan gives; `Any` where that is not known."""
        return self.types.output

    @property
    def step_count(self) -> int:
        """How many steps all of its programs have."""
        return sum(len(program.steps) for program in self.programs)

    @functools.cached_property
    def planned(self) -> Planned:
        """What the planner makes of the plan: the steps that run, and how they came about."""
        from greenlang.gcel.passes import Wiring, plan_wiring

        return plan_wiring(Wiring(self.programs, self.origins, self.agents, self.resources))

    @functools.cached_property
    def as_it_runs(self) -> Self:
        """The plan with the steps that run in the place of those that are written."""
        wiring = self.planned.wiring
        return replace(self, programs=wiring.programs, origins=wiring.origins)

    @functools.cached_property
    def step_keys(self) -> tuple[tuple[str, ...], ...]:
        """The key of every step: a digest of what it does and of all that comes before it."""
        return step_keys(self.programs, self.agents, self.codes, self.resources)

    @functools.cached_property
    def own_forms(self) -> tuple[tuple[str, ...], ...]:
        """What every step does by itself, as text: all that its key covers but the keys before it."""
        return own_forms(self.programs, self.agents, self.codes, self.resources)

    @functools.cached_property
    def ways(self) -> tuple[str, ...]:
        """Of each program what the paths of its steps begin with: `map > ` for what a map runs."""
        ways = [""] * len(self.programs)
        # A program names only later ones.
        for number, program in enumerate(self.programs):
            for step in program.steps:
                for named in programs_of(step):
                    ways[named] = f"{ways[number]}{self.label(step)} > "
        return tuple(ways)

    def label(self, step: Step) -> str:
        """What people call a step."""
        return self.agents[step.agent].name if isinstance(step, AgentStep) else label_of(step)

    def __eq__(self, other: object) -> bool:
        return self.hash == other.hash if isinstance(other, Compiled) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"<Plan {self.hash[:19]}… of {self.step_count:,} steps>"
