"""Where a piece of a program was written, and how what is wrong there is told.

A program is text, or Python operators: a `Span` points into the first, a `Line` into the second. Both
are made for every step and read only when something has to be said, so they keep no more than they must.
"""

from __future__ import annotations

__all__ = [
    "Diagnostic",
    "Line",
    "Origin",
    "Place",
    "Source",
    "Span",
    "diagnose",
    "gcel_error",
    "here",
    "place_of",
]

import ast
import linecache
import re
import sys
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import CodeType
from typing import TypeAlias

from msgspec import Struct

from greenlang.errors import GcelError

#: How many diagnostics one error prints before it only counts the rest.
PRINTED_DIAGNOSTICS = 20

#: A line longer than twice this is shown in part.
PRINTED_COLUMNS = 100


@dataclass(frozen=True)
class Source:
    """A program's text and the name of the file it came from."""

    text: str
    file: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return [line.rstrip("\r") for line in self.text.split("\n")]

    @cached_property
    def _line_starts(self) -> list[int]:
        """Offset of the first character of every line."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both counted from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


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


class Place(Struct, frozen=True):
    """A place as people are told it; lines and columns are counted from 1, and 0 is "not known"."""

    file: str
    line: int
    column: int
    #: How many characters of the line the caret underlines.
    length: int
    source_line: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def picture(self) -> str:
        """The line of the program and a caret under the place; empty if the place is not known."""
        if not self.line or not self.source_line:
            return ""
        # A program may be one line of a megabyte: what is shown is a window around the caret.
        first = 0 if self.column <= PRINTED_COLUMNS else self.column - PRINTED_COLUMNS // 2
        shown = self.source_line[first : first + 2 * PRINTED_COLUMNS]
        start = self.column - 1 - first
        # Tabs stay, so that the caret stands under its text whatever width the reader's tabs have.
        margin = "".join("\t" if character == "\t" else " " for character in shown[:start])
        return f"    {shown}\n    {margin}{'^' * max(1, min(self.length, len(shown) - start))}"


#: None where nothing is known, as for a node that no line of a program made.
Origin: TypeAlias = Span | Line | Place | None

_UNKNOWN = Place("", 0, 0, 0, "")


def here(depth: int) -> Line:
    """The place of the caller `depth` frames up; 1 is the function that calls this one."""
    frame = sys._getframe(depth)
    return Line(frame.f_code, frame.f_lasti)


def place_of(origin: Origin) -> Place:
    """The place that people are told."""
    if isinstance(origin, Span):
        source = origin.source
        line, column = source.line_and_column(origin.start)
        text = source.lines[line - 1]
        length = max(1, min(origin.end - origin.start, len(text) - column + 1))
        return Place(source.file, line, column, length, text)
    if isinstance(origin, Line):
        return _place_of_line(origin)
    return _UNKNOWN if origin is None else origin


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing wrong with a program, or worth a warning, and where it stands (as in `Place`)."""

    line: int
    column: int
    length: int
    message: str
    fix: str
    source_line: str
    file: str

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.file, self.line, self.column, self.length, self.source_line)

    def __str__(self) -> str:
        place = self.place
        said = f"{place}: {self.message}" if str(place) else self.message
        told = f"{said}; {self.fix}" if self.fix else said
        picture = place.picture()
        return f"{told}\n{picture}" if picture else told


def diagnose(origin: Origin, message: str, fix: str = "") -> Diagnostic:
    """What is wrong, at the place where it was written."""
    place = place_of(origin)
    return Diagnostic(place.line, place.column, place.length, message, fix, place.source_line, place.file)


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


def _place_of_line(origin: Line) -> Place:
    code = origin.code
    # Two bytes an instruction.
    first, last, start, end = next(islice(code.co_positions(), origin.instruction // 2, None))
    line, column, last_column = first or code.co_firstlineno, start or 0, end or 0
    lines = [
        linecache.getline(code.co_filename, number).rstrip("\n") for number in range(line, (last or line) + 1)
    ]
    if origin.operand and any(lines):
        line, column, last_column = _operand(lines, line, column, last_column, origin.operand)
    elif len(lines) > 1:
        last_column = len(lines[0].encode())
    text = linecache.getline(code.co_filename, line).rstrip("\n")
    # CPython counts columns in bytes.
    encoded = text.encode()
    start, end = len(encoded[:column].decode()), len(encoded[:last_column].decode())
    return Place(code.co_filename, line, start + 1, max(1, end - start), text)


def _operand(
    lines: list[str], line: int, column: int, last_column: int, operand: str
) -> tuple[int, int, int]:
    """Line, first and last column (in bytes) of one operand of the operator that these lines hold."""
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
    on_one_line = part.end_lineno == part.lineno and part.end_col_offset is not None
    end = part.end_col_offset if on_one_line else len(encoded[part.lineno - 1])
    return line + part.lineno - 1, part.col_offset + shift, (end or 0) + shift
