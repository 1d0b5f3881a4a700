"""Runs that take up an earlier one: each agent's step is looked for in a ledger before it runs.

A step is known by its key and by the digest of what reached it, so what is reused is what this very step gave
for this very input, in whichever run. Steps of the language's own are worked out again: that costs less than
reading what they gave.
"""

from __future__ import annotations

__all__ = ["LedgerStep", "StepLedger", "resumable"]

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import structs

from greenlang.errors import GcelError
from greenlang.gcel.running.digests import input_digest
from greenlang.gcel.steps import AgentStep, Program

if TYPE_CHECKING:
    from greenlang.agents.contract import AgentSpec
    from greenlang.gcel.compiled import Compiled
    from greenlang.gcel.passes import Wiring


@dataclass(frozen=True, slots=True)
class LedgerStep:
    """A step as a ledger knows it."""

    #: See `Compiled.step_keys`.
    key: str
    #: The way to it, without items: `map > acme.fetch`.
    path: str
    #: See `Compiled.own_forms`.
    form: str


class StepLedger(Protocol):
    """Keeps what steps gave. Blocking agents ask it from their threads."""

    def find(self, step: LedgerStep, digest: str | None) -> tuple[Any] | None:
        """What the step gave for an input with this digest, in a tuple; None if that is not known.

        Each output that was kept is given once: equal steps on equal inputs may differ where chance or the
        hour decide.
        """

    def keep(self, step: LedgerStep, digest: str | None, output: Any) -> None:
        """Note what the step gave."""

    def fail(self, step: LedgerStep, digest: str | None, error: Exception) -> None:
        """Note that the step failed."""


def resumable(compiled: Compiled, ledger: StepLedger) -> Wiring:
    """The steps that run, each agent's with the ledger before it.

    Raises
    ------
    GcelError
        If the code of an agent cannot be told: then nothing says that a step is the one that was kept.
    """
    if not compiled.portable:
        loose = ", ".join(compiled.loose_agents)
        raise GcelError(
            f"the plan cannot be resumed, because the code of {loose} cannot be told",
            fix="define agents at the top of a module, without a closure",
        )
    planned = compiled.as_it_runs
    agents: list[AgentSpec] = []
    programs: list[Program] = []
    for program, keys, forms, way in zip(
        planned.programs, planned.step_keys, planned.own_forms, planned.ways, strict=True
    ):
        steps = list(program.steps)
        for index, (step, key, form) in enumerate(zip(program.steps, keys, forms, strict=True)):
            if isinstance(step, AgentStep):
                known = LedgerStep(key, way + planned.label(step), form)
                steps[index] = structs.replace(step, agent=len(agents))
                agents.append(_with_ledger(planned.agents[step.agent], known, ledger))
        programs.append(Program(tuple(steps), program.result))
    return structs.replace(compiled.planned.wiring, programs=tuple(programs), agents=tuple(agents))


def _with_ledger(spec: AgentSpec, step: LedgerStep, ledger: StepLedger) -> AgentSpec:
    make = _awaited if spec.is_async else _called
    function: Any = make(spec.function, step, ledger)
    return replace(spec, function=function)


def _called(function: Callable[..., Any], step: LedgerStep, ledger: StepLedger) -> Callable[..., Any]:
    @wraps(function)
    def call(value: Any, **options: Any) -> Any:
        digest = input_digest(value)
        found = ledger.find(step, digest)
        if found is not None:
            return found[0]
        try:
            output = function(value, **options)
        except Exception as error:
            ledger.fail(step, digest, error)
            raise
        ledger.keep(step, digest, output)
        return output

    return call


def _awaited(function: Callable[..., Any], step: LedgerStep, ledger: StepLedger) -> Callable[..., Any]:
    @wraps(function)
    async def call(value: Any, **options: Any) -> Any:
        digest = input_digest(value)
        found = ledger.find(step, digest)
        if found is not None:
            return found[0]
        try:
            output = await function(value, **options)
        except Exception as error:
            ledger.fail(step, digest, error)
            raise
        ledger.keep(step, digest, output)
        return output

    return call
