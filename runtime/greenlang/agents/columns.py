"""The columnar form of an agent: one call for a whole column instead of one for each item.

It is another way to run the same agent, never another agent: no plan and no result tells which one ran. So
only a pure agent has one, with the same options, and its code is part of the agent's identity.
"""

from __future__ import annotations

__all__ = ["ColumnarForm", "columnar_form"]

import inspect
from collections.abc import Callable, Sized
from dataclasses import dataclass
from types import FunctionType
from typing import Any, get_origin

from greenlang.agents.signatures import Option, read_signature
from greenlang.errors import AgentError


@dataclass(frozen=True, slots=True)
class ColumnarForm:
    """A function that does for a collection what an agent does for an item."""

    function: FunctionType
    #: The class of collections that it takes; what else comes is run item by item.
    takes: type[Sized]


def columnar_form(
    name: str,
    function: Callable[..., Any],
    *,
    options: tuple[Option, ...],
    effects: frozenset[str],
    waits: bool,
) -> ColumnarForm:
    """The columnar form of agent `name`, or AgentError where this function cannot be it.

    The options, the effects and whether it waits are the agent's.
    """
    if "pure" not in effects:
        raise AgentError(
            f"agent '{name}' has a columnar form, but does not say that it is pure",
            fix='declare effects=["pure"], or leave the columnar form out',
        )
    if waits:
        raise AgentError(
            f"agent '{name}' has a columnar form, but waits for something",
            fix="leave the columnar form out",
        )
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        raise AgentError(
            f"the columnar form of agent '{name}' is {function!r}, which is not a plain function",
            fix=f"put @{name.rpartition('.')[2]}.columns on a function made with def",
        )
    signature = read_signature(name, function)
    if signature.options != options:
        raise AgentError(
            f"the columnar form of agent '{name}' has other options than the agent",
            fix="give it the same keyword-only parameters, with the same types and defaults",
        )
    takes = get_origin(signature.input_type) or signature.input_type
    if not isinstance(takes, type) or not issubclass(takes, Sized):
        raise AgentError(
            f"the columnar form of agent '{name}' does not say which collections it takes",
            fix="annotate its input with a class that has a length, as in `values: DecimalColumn`",
        )
    return ColumnarForm(function, takes)
