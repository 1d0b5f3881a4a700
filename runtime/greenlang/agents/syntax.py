"""The syntax tree of GCEL: four kinds of node, immutable, the same from text and from Python.

A tree is as small as the language: an agent, a built-in, a combinator and a modifier are all a `Call`;
every operator is a `Binary`. What a call means is decided when the graph is compiled.

Nodes are made by the functions `call`, `literal`, `binary` and `conditional`, which keep the limits of
the language: a node knows how many steps stand below it and how deep they nest, so a program that is
too large is refused when the node that makes it so is made, whatever is shared below it.
"""

from __future__ import annotations

__all__ = [
    "COMBINATORS",
    "MAXIMUM_DIGITS",
    "MAXIMUM_NESTING",
    "MAXIMUM_STEPS",
    "PRECEDENCE",
    "Argument",
    "Binary",
    "Call",
    "Conditional",
    "Literal",
    "Node",
    "binary",
    "call",
    "canonical_literal",
    "canonical_text",
    "conditional",
    "literal",
]

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct, structs

from greenlang.agents.places import Diagnostic, Origin, diagnose, gcel_error
from greenlang.errors import GcelError, clipped

MAXIMUM_STEPS = 100_000
MAXIMUM_NESTING = 200
#: As everywhere in the runtime: what a column of 128-bit decimals holds.
MAXIMUM_DIGITS = 38

#: How tightly each operator binds; Python's own order, so that text moved into Python means the same.
PRECEDENCE = {"*": 4, "/": 4, ">>": 3, "&": 2, "|": 1}
_CONDITIONAL = 0
_PRIMARY = 5

#: Built-ins whose arguments are steps; the arguments of every other call are values.
COMBINATORS = frozenset({"branch", "catch", "filter", "group", "map", "reduce", "route"})

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset({"true", "false", "null"})


class Call(Struct, frozen=True, eq=False):
    """A name with what configures it: `ghg.stationary@1.2(basis="HHV")`."""

    name: str
    version: str | None
    arguments: tuple[Argument, ...]
    origin: Origin
    #: The agent itself where Python code gave it; None where only its name is known.
    agent: object | None
    size: int
    depth: int


class Literal(Struct, frozen=True, eq=False):
    """A value: a constant step, or the value of an option. Lists are kept as tuples."""

    value: LiteralValue
    origin: Origin
    #: A word without quotes, as in `retry(3, backoff=exponential)`.
    bare: bool = False
    size: int = 1
    depth: int = 0


class Binary(Struct, frozen=True, eq=False):
    """An operator between two steps."""

    operator: str
    left: Node
    right: Node
    origin: Origin
    size: int
    depth: int


class Conditional(Struct, frozen=True, eq=False):
    """`test ? yes : no`."""

    test: Node
    yes: Node
    no: Node
    origin: Origin
    size: int
    depth: int


class Argument(Struct, frozen=True, eq=False):
    """One argument of a call; `name` is None for one given by position."""

    name: str | None
    value: Node
    #: Where the name of the argument stands.
    origin: Origin = None


Node: TypeAlias = Call | Literal | Binary | Conditional
LiteralValue: TypeAlias = "int | Decimal | str | bool | tuple[LiteralValue, ...] | None"


def call(
    name: str,
    *,
    version: str | None = None,
    arguments: Sequence[Argument] = (),
    origin: Origin = None,
    agent: object | None = None,
) -> Call:
    """A step that an agent or a built-in does."""
    if not arguments:
        return Call(name, version, (), origin, agent, 1, 0)
    size, depth = 1, 0
    for argument in arguments:
        value = argument.value
        depth = max(depth, value.depth)
        if name in COMBINATORS:
            size += value.size
    _keep_limits(size, depth + 1, origin)
    return Call(name, version, tuple(arguments), origin, agent, size, depth + 1)


def literal(value: object, origin: Origin = None, *, bare: bool = False) -> Literal:
    """A value as a node; refuses what GCEL has no literal for."""
    return Literal(_literal_value(value, origin, 0), origin, bare)


def binary(operator: str, left: Node, right: Node, origin: Origin = None) -> Binary:
    """An operator between two steps; refused between two literals, which GCEL does not compute."""
    kind = type(left)
    if kind is Literal and type(right) is Literal:
        raise _error(
            origin,
            f"'{operator}' stands between two literals, and GCEL composes steps but computes nothing",
            "write the result, or let an agent compute it",
        )
    size = left.size + right.size
    # Operators join on the left without a parenthesis, so only one that needs it nests deeper there.
    left_depth, depth = left.depth, right.depth + 1
    if kind is Conditional or (type(left) is Binary and PRECEDENCE[left.operator] < PRECEDENCE[operator]):
        left_depth += 1
    if left_depth > depth:
        depth = left_depth
    if size > MAXIMUM_STEPS or depth > MAXIMUM_NESTING:
        _keep_limits(size, depth, origin)
    return Binary(operator, left, right, origin, size, depth)


def conditional(test: Node, yes: Node, no: Node, origin: Origin = None) -> Conditional:
    """`test ? yes : no`."""
    size = test.size + yes.size + no.size
    depth = 1 + max(test.depth, yes.depth, no.depth)
    _keep_limits(size, depth, origin)
    return Conditional(test, yes, no, origin, size, depth)


def placed(node: Node, origin: Origin) -> Node:
    """The same node, written at `origin`."""
    return structs.replace(node, origin=origin)


def _keep_limits(size: int, depth: int, origin: Origin) -> None:
    if size > MAXIMUM_STEPS:
        raise _error(
            origin,
            f"the program has more than {MAXIMUM_STEPS:,} steps once its bindings are expanded",
            "map one step over a list instead of writing it out",
        )
    if depth > MAXIMUM_NESTING:
        raise _error(
            origin,
            f"the program nests deeper than {MAXIMUM_NESTING} levels",
            "compose from left to right, or make an agent of the inner part",
        )


def _error(origin: Origin, message: str, fix: str) -> GcelError:
    diagnostic: Diagnostic = diagnose(origin, message, fix)
    return gcel_error([diagnostic])


def _literal_value(value: object, origin: Origin, depth: int) -> LiteralValue:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) >= 10**MAXIMUM_DIGITS:
            raise _error(origin, f"a number of more than {MAXIMUM_DIGITS} digits", "use fewer digits")
        return int(value)
    if isinstance(value, Decimal):
        return _decimal_value(value, origin)
    if isinstance(value, float):
        raise _error(
            origin,
            f"{value!r} is a binary float, and those are not exact",
            f"write Decimal({str(value)!r})",
        )
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _error(
                origin, f"{clipped(repr(value), 60)} is no Unicode text (a lone surrogate)", "remove it"
            ) from None
        return str(value)
    if isinstance(value, list | tuple):
        if depth == MAXIMUM_NESTING:
            raise _error(origin, f"a list nests deeper than {MAXIMUM_NESTING} levels", "flatten it")
        return tuple(_literal_value(item, origin, depth + 1) for item in value)
    raise _error(
        origin,
        f"{clipped(repr(value), 60)} is neither a step nor a literal of GCEL",
        "make a function an agent with @greenlang.agent; "
        "literals are integers, Decimals, strings, True, False, None and lists of them",
    )


def _decimal_value(value: Decimal, origin: Origin) -> Decimal:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise _error(origin, f"{value} is not a finite number", "write a finite one")
    if len(digits) > MAXIMUM_DIGITS or abs(exponent) > MAXIMUM_DIGITS:
        raise _error(origin, f"a number of more than {MAXIMUM_DIGITS} digits", "use fewer digits")
    return Decimal((sign, digits, exponent))


def _precedence(node: Node) -> int:
    if isinstance(node, Binary):
        return PRECEDENCE[node.operator]
    return _CONDITIONAL if isinstance(node, Conditional) else _PRIMARY


def canonical_text(node: Node) -> str:
    """The one way to write this tree; parsing it gives the same tree again."""
    parts: list[str] = []
    _write(node, 0, parts)
    return "".join(parts)


def _write(node: Node, least: int, parts: list[str]) -> None:
    """Append the text of `node`, in parentheses if it binds less tightly than `least`."""
    # Operators are unrolled along their left side, which may be long; the rest nests at most 200 deep.
    rights: list[tuple[str, Node, bool]] = []
    while True:
        enclosed = _precedence(node) < least
        if enclosed:
            parts.append("(")
        if not isinstance(node, Binary):
            break
        rights.append((node.operator, node.right, enclosed))
        least = PRECEDENCE[node.operator]
        node = node.left
    if isinstance(node, Call):
        _write_call(node, parts)
    elif isinstance(node, Literal):
        parts.append(canonical_literal(node.value))
    else:
        _write(node.test, _CONDITIONAL + 1, parts)
        parts.append(" ? ")
        _write(node.yes, _CONDITIONAL, parts)
        parts.append(" : ")
        _write(node.no, _CONDITIONAL, parts)
    if enclosed:
        parts.append(")")
    for operator, right, closes in reversed(rights):
        parts.append(f" {operator} ")
        _write(right, PRECEDENCE[operator] + 1, parts)
        if closes:
            parts.append(")")


def _write_call(node: Call, parts: list[str]) -> None:
    parts.append(node.name)
    if node.version is not None:
        parts.append(f"@{node.version}")
    if not node.arguments:
        return
    arguments = node.arguments
    if node.name not in COMBINATORS:
        # The order of options means nothing; that of branches does.
        arguments = tuple(sorted(arguments, key=lambda argument: argument.name or ""))
    for index, argument in enumerate(arguments):
        parts.append(", " if index else "(")
        if argument.name is not None:
            parts.append(f"{_canonical_name(argument.name)}=")
        # A name alone, where values are given, is read as a word; a step there, wrong as it is, is no word.
        bare = node.name not in COMBINATORS and isinstance(argument.value, Call)
        parts.append("(" if bare else "")
        _write(argument.value, _CONDITIONAL, parts)
        parts.append(")" if bare else "")
    parts.append(")")


def _canonical_name(name: str) -> str:
    plain = _IDENTIFIER.fullmatch(name) and name not in _RESERVED
    return name if plain else canonical_literal(name)


def canonical_literal(value: LiteralValue) -> str:
    """A value as GCEL writes it; parsing it gives the same value again, to the last trailing zero."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"[{', '.join(canonical_literal(item) for item in value)}]"
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        # `5` is an integer, so a decimal without decimal places is told from it by its exponent.
        return f"{value:f}" if isinstance(exponent, int) and exponent < 0 else _with_exponent(value)
    return str(value)


def _with_exponent(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}e{exponent}"
