"""What covers a step: the options of each modifier, and on which steps it may stand.

How they act is in `guards`.
"""

from __future__ import annotations

__all__ = ["MODIFIER_OPTIONS", "check_modifiers", "refused_value"]

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, Literal

from msgspec import Struct

from greenlang.agents.contract import AgentSpec, Option
from greenlang.gcel.steps import AgentStep, Program, Step, modifiers_of, programs_of

#: More tries than this are a loop that nobody meant.
MAXIMUM_TRIES = 1_000


def _option(name: str, kind: Any, *, required: bool = False, default: Any = None) -> Option:
    return Option(name, kind, default, required)


#: In the order in which they are given without names.
MODIFIER_OPTIONS: Mapping[str, tuple[Option, ...]] = {
    "retry": (
        _option("n", int, required=True),
        _option("backoff", Literal["exponential", "linear", "constant"], default="exponential"),
        _option("base", Decimal, default=Decimal("0.1")),
        _option("max", Decimal, default=Decimal(30)),
        _option("jitter", bool, default=True),
        _option("on", list[str], default=()),
    ),
    "timeout": (_option("seconds", Decimal, required=True),),
    "cache": (_option("ttl", Decimal, required=True),),
    "monitor": (_option("sla", Decimal),),
    "catch": (),
}


def refused_value(modifier: str, option: str, value: Any) -> tuple[str, str] | None:
    """Why an option cannot have this value, and what would mend it; None if it can."""
    if option == "n":
        if not 1 <= value <= MAXIMUM_TRIES:
            return f"is {value}, and tries are 1 to {MAXIMUM_TRIES:,}", "write 3"
    elif option == "on":
        wrong = [name for name in value if not all(part.isidentifier() for part in name.split("."))]
        if wrong:
            return f"names '{wrong[0]}', which is no class of errors", 'write on=["TimeoutError"]'
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        unit = "milliseconds" if modifier == "monitor" else "seconds"
        if value < 0 or (value == 0 and option not in {"base", "max"}):
            return f"is {value} {unit}", "give a time above 0"
    return None


class Misplaced(Struct, frozen=True):
    """A modifier that cannot cover its step: by program, number of the step there, and name."""

    program: int
    step: int
    modifier: str
    message: str
    fix: str


class _Facts(Struct, frozen=True):
    """What matters of a step, with all that it runs."""

    #: Whether a part of it waits, and so can be interrupted.
    waits: bool
    #: An agent in it that does not say that it is pure.
    impure: str


def check_modifiers(programs: Sequence[Program], agents: Sequence[AgentSpec]) -> Iterator[Misplaced]:
    """Find every `timeout` on what cannot be interrupted and every `cache` on what is not pure."""
    if not any(map(modifiers_of, chain.from_iterable(program.steps for program in programs))):
        return
    # A program names only later ones, so what it runs is known before it is.
    facts: dict[int, _Facts] = {}
    for number in reversed(range(len(programs))):
        of_steps = [_facts_of(step, agents, facts) for step in programs[number].steps]
        facts[number] = _together(of_steps)
        for index, step in enumerate(programs[number].steps):
            for modifier in modifiers_of(step):
                told = _refusal(modifier.name, of_steps[index])
                if told is not None:
                    yield Misplaced(number, index, modifier.name, *told)


def _facts_of(step: Step, agents: Sequence[AgentSpec], facts: Mapping[int, _Facts]) -> _Facts:
    inside = [facts[number] for number in programs_of(step)]
    if isinstance(step, AgentStep):
        # An agent that is not known was told of already.
        spec = agents[step.agent] if step.agent >= 0 else None
        waits = spec is None or spec.is_async or spec.blocking
        inside.append(_Facts(waits, "" if spec is None or "pure" in spec.effects else spec.name))
    return _together(inside)


def _together(parts: Sequence[_Facts]) -> _Facts:
    return _Facts(any(part.waits for part in parts), next((part.impure for part in parts if part.impure), ""))


def _refusal(modifier: str, covered: _Facts) -> tuple[str, str] | None:
    if modifier == "timeout" and not covered.waits:
        return (
            "'timeout' covers a step that runs in place and cannot be interrupted",
            "mark its agent blocking=True, so that it runs in a thread, or leave the timeout out",
        )
    if modifier == "cache" and covered.impure:
        return (
            f"'cache' covers '{covered.impure}', which does not say that it is pure",
            'declare effects=["pure"] if equal inputs always give equal outputs, or leave the cache out',
        )
    return None
