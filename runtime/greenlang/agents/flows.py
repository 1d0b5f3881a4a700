"""What an agent says of the way from its input to its output, field by field.

A number that a language model touched never reaches a calculation. Without a word from an agent, whatever it
gives is taken to be made of all that it takes, and all that an agent with the effect `llm` gives to be made
by its model. `flows` says less than that of a field, and `approves` that a person has looked:

    flows={"quantity": ["quantity"]}    `quantity` is copied or computed from `quantity` alone
    approves=["category"]               `category` was approved by a person, and the approval is recorded

Fields are those of the record, or of the records in the list, that an agent takes and gives.
"""

from __future__ import annotations

__all__ = ["ANY_FIELD", "check_approves", "check_flows", "declared_fields", "record_type"]

import dataclasses
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from greenlang.errors import AgentError, nearest

#: In `approves`: everything that the agent gives.
ANY_FIELD = "*"


def check_flows(
    name: str, flows: Mapping[str, Iterable[str]] | None, input_type: Any, output_type: Any
) -> Mapping[str, frozenset[str]]:
    """The flows of an agent, or AgentError where they name fields that its types do not have."""
    checked: dict[str, frozenset[str]] = {}
    for output, inputs in (flows or {}).items():
        if isinstance(inputs, str):
            raise AgentError(
                f"agent '{name}' declares that '{output}' flows from a text, {inputs!r}",
                fix=f"write a list: flows={{{output!r}: [{inputs!r}]}}",
            )
        checked[output] = frozenset(inputs)
        _check_fields(name, "gives", [output], output_type)
        _check_fields(name, "takes", checked[output], input_type)
    return types.MappingProxyType(checked)


def check_approves(
    name: str, approves: Iterable[str], effects: frozenset[str], output_type: Any
) -> frozenset[str]:
    """The fields that a person approves, or AgentError where that cannot be."""
    fields = frozenset([approves] if isinstance(approves, str) else approves)
    if fields and "llm" in effects:
        raise AgentError(
            f"agent '{name}' declares llm and approves, but a model cannot approve what it made",
            fix="make an agent of its own of the approval",
        )
    if fields and "io" not in effects:
        raise AgentError(
            f"agent '{name}' approves, but does not declare io: what a person decided comes from outside",
            fix='declare effects=["io"], and record the approval there',
        )
    _check_fields(name, "gives", fields - {ANY_FIELD}, output_type)
    return fields


def declared_fields(kind: Any) -> frozenset[str] | None:
    """The fields of a record type, or of the records in a list of them; None where it declares none."""
    record = record_type(kind)
    return _fields_of(record) if isinstance(record, type) else None


@functools.cache
def _fields_of(record: Any) -> frozenset[str] | None:
    if dataclasses.is_dataclass(record):
        return frozenset(declared.name for declared in dataclasses.fields(record))
    if typing.is_typeddict(record):
        return frozenset(record.__annotations__)
    # `__struct_fields__` is what msgspec gives its structs, `_fields` what named tuples have.
    names = getattr(record, "__struct_fields__", None) or (
        issubclass(record, tuple) and getattr(record, "_fields", None)
    )
    return frozenset(names) if names else None


def record_type(kind: Any) -> Any:
    """What is left of a type without `Annotated`, `| None` and the lists around it."""
    while True:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            kind = arguments[0]
        elif origin in {Union, types.UnionType}:
            members = [member for member in arguments if member is not types.NoneType]
            if len(members) != 1:
                return None
            kind = members[0]
        elif origin is not None and len(arguments) == 1:
            kind = arguments[0]
        else:
            return kind


def _check_fields(name: str, does: str, fields: Iterable[str], kind: Any) -> None:
    known = declared_fields(kind)
    if known is None:
        return
    for unknown in sorted(set(fields) - known):
        close = nearest(unknown, known)
        raise AgentError(
            f"agent '{name}' declares a flow of '{unknown}', and what it {does} has no such field",
            fix=f"did you mean {' or '.join(close)}?" if close else f"there is {', '.join(sorted(known))}",
        )
