"""What the signature of an agent's function says: its input, its options and their types."""

from __future__ import annotations

__all__ = ["Option", "Signature", "read_signature"]

import inspect
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any, get_type_hints

from greenlang.errors import AgentError

_POSITIONAL = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
_VARIADIC = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


@dataclass(frozen=True, slots=True)
class Option:
    """A keyword-only parameter of an agent's function: part of a plan, not of its input."""

    name: str
    type: Any
    #: None where the option is required.
    default: Any
    required: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """One input, options, one output; `Any` where an annotation is missing."""

    input_name: str
    input_type: Any
    output_type: Any
    options: tuple[Option, ...]


def read_signature(name: str, function: FunctionType | MethodType) -> Signature:
    """The signature of a function of agent `name`, or AgentError where it is none that an agent may have."""
    hints = _types(name, function)
    input_parameter, *options = _parameters(name, function)
    return Signature(
        input_parameter.name,
        hints.get(input_parameter.name, Any),
        hints.get("return", Any),
        tuple(_option(parameter, hints) for parameter in options),
    )


def _types(name: str, function: FunctionType | MethodType) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise AgentError(
            f"an annotation of agent '{name}' cannot be read: {error}",
            fix="annotate with types that its module defines or imports at run time",
        ) from error


def _parameters(name: str, function: FunctionType | MethodType) -> list[inspect.Parameter]:
    """The input parameter, then the options."""
    parameters = list(inspect.signature(function).parameters.values())
    variadic = [str(parameter) for parameter in parameters if parameter.kind in _VARIADIC]
    if variadic:
        raise AgentError(
            f"agent '{name}' takes {', '.join(variadic)}", fix="name each option, after a * in the parameters"
        )
    if not parameters or parameters[0].kind not in _POSITIONAL:
        raise AgentError(f"agent '{name}' takes no input", fix="give it one positional parameter, its input")
    more = [parameter.name for parameter in parameters[1:] if parameter.kind in _POSITIONAL]
    if more:
        raise AgentError(
            f"agent '{name}' takes {', '.join(more)} beside its input {parameters[0].name}",
            fix=f"write `*, {more[0]}` to make options of them, or take one record",
        )
    return parameters


def _option(parameter: inspect.Parameter, hints: dict[str, Any]) -> Option:
    required = parameter.default is inspect.Parameter.empty
    return Option(
        name=parameter.name,
        type=hints.get(parameter.name, Any),
        default=None if required else parameter.default,
        required=required,
    )
