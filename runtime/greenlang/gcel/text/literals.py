"""Literals as they stand in a plan: text that GCEL itself reads, exact to the last trailing zero."""

from __future__ import annotations

__all__ = ["fresh_value", "literal_options", "read_literal"]

import functools
from collections.abc import Mapping
from typing import Any

from greenlang.agents.syntax import Literal, LiteralValue
from greenlang.errors import GcelError
from greenlang.gcel.text.parser import parse


@functools.lru_cache(maxsize=1024)
def read_literal(text: str) -> LiteralValue:
    """The value of a literal; lists are tuples.

    Raises
    ------
    GcelError
        If the text is not one literal.
    """
    node = parse(text, file="<plan>").node
    if not isinstance(node, Literal):
        raise GcelError(f"the plan holds {text!r} where a literal belongs", fix="compile the program again")
    return node.value


def fresh_value(value: LiteralValue) -> Any:
    """The value of a literal as steps get it, its tuples as new lists: a step may keep one."""
    return [fresh_value(item) for item in value] if isinstance(value, tuple) else value


def literal_options(options: Mapping[str, str]) -> dict[str, LiteralValue]:
    """The values of a step's options."""
    return {name: read_literal(text) for name, text in options.items()}
