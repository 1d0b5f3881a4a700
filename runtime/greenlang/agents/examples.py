"""Examples of an agent: what it gives for an input, for people to read and the conformance kit to run."""

from __future__ import annotations

__all__ = ["Example", "check_examples"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from greenlang.agents.signatures import Option
from greenlang.errors import AgentError


@dataclass(frozen=True, slots=True)
class Example:
    """One call of an agent.

    Examples
    --------
    >>> Example(Decimal("1.5"), Decimal("4.5"), options={"times": 3})
    """

    input: Any
    #: What the agent gives, equal to the last digit.
    output: Any
    options: Mapping[str, Any] = field(default_factory=dict)


def check_examples(name: str, examples: Iterable[Example], options: Sequence[Option]) -> tuple[Example, ...]:
    """The examples of agent `name`, or AgentError for one that could not be run."""
    checked = tuple(examples)
    known = {option.name for option in options}
    required = {option.name for option in options if option.required}
    for number, example in enumerate(checked, start=1):
        if not isinstance(example, Example):
            raise AgentError(
                f"example {number} of agent '{name}' is {example!r}", fix="write Example(input, output)"
            )
        if unknown := sorted(set(example.options) - known):
            raise AgentError(
                f"example {number} of agent '{name}' sets {', '.join(unknown)}, which is no option of it",
                fix="leave it out",
            )
        if missing := sorted(required - set(example.options)):
            raise AgentError(
                f"example {number} of agent '{name}' does not set {', '.join(missing)}",
                fix="give its required options",
            )
    return checked
