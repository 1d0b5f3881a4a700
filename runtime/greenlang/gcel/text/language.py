"""The words of GCEL: those this version runs, and those it knows but refuses."""

from __future__ import annotations

__all__ = ["ALIASES", "MODIFIERS", "RESERVED_NAMES"]

from greenlang.agents.syntax import COMBINATORS

#: Another spelling, for text alone: Python keeps `continue` to itself.
ALIASES = {"continue": "identity"}

#: They cover the step before them.
MODIFIERS = frozenset({"cache", "catch", "monitor", "retry", "timeout"})

_AGGREGATES = frozenset({"count", "first", "get", "group_by", "last", "max", "mean", "min", "sort", "sum"})

#: Names that a binding cannot take.
RESERVED_NAMES = (
    COMBINATORS | MODIFIERS | _AGGREGATES | {"continue", "false", "identity", "merge", "null", "true", "when"}
)
