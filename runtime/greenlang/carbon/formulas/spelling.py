"""The one way that a formula is written down, whatever spaces, brackets, comments and zeros its text has.

This is what its hash covers, so nothing here may depend on the version of Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

__all__ = ["RELATIONS", "spelled"]

RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}

#: Sign and how tightly it binds.
_OPERATORS: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", 1),
    ast.Sub: ("-", 1),
    ast.Mult: ("*", 2),
    ast.Div: ("/", 2),
}

_SIGN = 3  # binds tighter than any of them
_ATOM = 4


def spelled(expression: ast.expr, number: Callable[[ast.Constant], str]) -> str:
    """An expression that was found to be of the language, with brackets only where they are needed.

    `number` writes out a number, of which the tree holds a float alone.
    """
    return _spelled(expression, number)[0]


def _spelled(node: ast.expr, number: Callable[[ast.Constant], str]) -> tuple[str, int]:
    """The text and how tightly it binds."""
    match node:
        case ast.Constant(value=str() as text):
            return f'"{text}"', _ATOM
        case ast.Constant():
            return number(node), _ATOM
        case ast.Name(id=name):
            return name, _ATOM
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _spelled(operand, number)
        case ast.UnaryOp(operand=operand):
            return f"-{_bracketed(operand, _SIGN, number)}", _SIGN
        case ast.BinOp(left=left, op=operator, right=right):
            sign, binds = _OPERATORS[type(operator)]
            return f"{_bracketed(left, binds, number)} {sign} {_bracketed(right, binds + 1, number)}", binds
        case ast.Compare(left=left, ops=[relation], comparators=[right]):
            return f"{spelled(left, number)} {RELATIONS[type(relation)]} {spelled(right, number)}", 0
        case ast.Call(func=ast.Name(id=name), args=arguments):
            parts = [spelled(argument, number) for argument in arguments]
            if name == "round" and len(parts) == 2:
                parts.append('"half-even"')
            return f"{name}({', '.join(parts)})", _ATOM
    raise AssertionError(f"{type(node).__name__} is not of the language, and its reader refuses it")


def _bracketed(node: ast.expr, at_least: int, number: Callable[[ast.Constant], str]) -> str:
    text, binds = _spelled(node, number)
    return text if binds >= at_least else f"({text})"
