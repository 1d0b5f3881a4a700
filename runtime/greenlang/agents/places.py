"""Where a piece of a program was written, and how what is wrong there is told.

A program is text, or Python operators: a `Span` points into the first, a `Line` into the second. Both
are made for every step and read only when something has to be said, so they keep no more than they must.
"""

from __future__ import annotations

__all__ = ["Diagnostic", "Line", "Origin", "Source", "Span", "diagnose", "gcel_error", "here"]

import ast
import linecache
import sys
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import TypeAlias

from msgspec import Struct

from greenlang.errors import GcelError

#: How many diagnostics one error prints before it only counts the rest.
PRINTED_DIAGNOSTICS = 20


@dataclass(frozen=True)
class Source:
    """A program's text and the name of the file it came from."""

    text: str
    file: str

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first character of every line."""
        return [0, *(offset + 1 for offset, character in enumerate(self.text) if character == "\n")]

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, without its end."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


class Span(Struct, frozen=True, eq=False):
    """A stretch of a program's text: offsets of its first character and of the one after its last."""

    source: Source
    start: int
    end: int


class Line(Struct, frozen=True, eq=False):
    """A place in a Python file: the instruction that made the step."""

    code: CodeType
    instruction: int
    #: Which operand of the operator standing there is meant: "left", "right", or "" for the whole.
    operand: str = ""


#: None for a step that was read from a plan.
Origin: TypeAlias = Span | Line | None


def here(depth: int) -> Line:
    """The place of the caller `depth` frames up; 1 is the function that calls this one."""
    frame = sys._getframe(depth)
    return Line(frame.f_code, frame.f_lasti)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing wrong with a program, or worth a warning, and where it stands.

    Lines and columns are counted from 1; a place that is not known is 0.
    """

    line: int
    column: int
    #: How many characters of the line the caret underlines.
    length: int
    message: str
    fix: str
    source_line: str
    file: str

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        said = f"{self.place}: {self.message}" if self.place else self.message
        told = f"{said}; {self.fix}" if self.fix else said
        picture = self.picture()
        return f"{told}\n{picture}" if picture else told

    def picture(self) -> str:
        """The line of the program and a caret under the place; empty if the place is not known."""
        if not self.line or not self.source_line:
            return ""
        # Tabs stay, so that the caret stands under its text whatever width the reader's tabs have.
        margin = "".join(
            "\t" if character == "\t" else " " for character in self.source_line[: self.column - 1]
        )
        return f"    {self.source_line}\n    {margin}{'^' * self.length}"


def diagnose(origin: Origin, message: str, fix: str = "") -> Diagnostic:
    """What is wrong, at the place where it was written."""
    if origin is None:
        return Diagnostic(0, 0, 0, message, fix, "", "")
    if isinstance(origin, Line):
        return _diagnose_line(origin, message, fix)
    source = origin.source
    line, column = source.line_and_column(origin.start)
    text = source.line(line)
    length = max(1, min(origin.end - origin.start, len(text) - column + 1))
    return Diagnostic(line, column, length, message, fix, text, source.file)


def gcel_error(diagnostics: Iterable[Diagnostic]) -> GcelError:
    """One error that tells every diagnostic, in the order of the program."""
    ordered = sorted(
        diagnostics, key=lambda diagnostic: (diagnostic.file, diagnostic.line, diagnostic.column)
    )
    told = [str(diagnostic) for diagnostic in ordered[:PRINTED_DIAGNOSTICS]]
    left = len(ordered) - len(told)
    if left:
        told.append(f"and {left:,} more errors")
    return GcelError("\n".join(told), diagnostics=ordered)


def _diagnose_line(origin: Line, message: str, fix: str) -> Diagnostic:
    code = origin.code
    positions = list(code.co_positions())[origin.instruction // 2]
    line = positions[0] or code.co_firstlineno
    last_line, column, last_column = positions[1] or line, positions[2] or 0, positions[3] or 0
    lines = [
        linecache.getline(code.co_filename, number).rstrip("\n") for number in range(line, last_line + 1)
    ]
    if origin.operand and any(lines):
        line, column, last_column = _operand(lines, line, column, last_column, origin.operand)
        last_line = line
    text = linecache.getline(code.co_filename, line).rstrip("\n")
    end = last_column if last_line == line else len(text)
    return Diagnostic(line, column + 1, max(1, end - column), message, fix, text, code.co_filename)


def _operand(
    lines: list[str], line: int, column: int, last_column: int, operand: str
) -> tuple[int, int, int]:
    """Line, first and last column of one operand of the operator that these lines hold.

    CPython gives columns in UTF-8 bytes; so does `ast`, which makes the two add up.
    """
    encoded = [text.encode() for text in lines]
    encoded[-1] = encoded[-1][:last_column]
    encoded[0] = encoded[0][column:]
    try:
        parsed = ast.parse(b"(" + b"\n".join(encoded) + b"\n)", mode="eval").body
    except SyntaxError:
        return line, column, last_column
    if not isinstance(parsed, ast.BinOp):
        return line, column, last_column
    part = parsed.left if operand == "left" else parsed.right
    # The first line was cut at `column`, and a parenthesis put before it.
    shift = column - 1 if part.lineno == 1 else 0
    last = part.end_col_offset if part.end_lineno == part.lineno else len(encoded[part.lineno - 1])
    return line + part.lineno - 1, part.col_offset + shift, (last or 0) + shift
