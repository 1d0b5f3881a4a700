"""Text to tokens: words, numbers, strings, signs and the line ends that separate statements.

Nothing here is ever raised for a wrong character: it becomes an `ERROR` token that says what is wrong, so
that the parser tells it in its place and reads on.
"""

from __future__ import annotations

__all__ = [
    "END",
    "ERROR",
    "MAXIMUM_BYTES",
    "NAME",
    "NEWLINE",
    "NUMBER",
    "SIGNS",
    "STRING",
    "VERSION",
    "Token",
    "string_value",
    "tokenize",
]

import json
import re
from collections.abc import Callable

from msgspec import Struct

from greenlang.agents.places import Source

#: 1 MiB of text, in UTF-8.
MAXIMUM_BYTES = 1024 * 1024

NAME = "name"
VERSION = "version"
NUMBER = "number"
STRING = "string"
NEWLINE = "the end of the line"
END = "the end of the program"
ERROR = "error"
#: A sign is its own kind.
SIGNS = frozenset({">>", "|", "&", "*", "/", "?", ":", "=", ",", "-", "(", ")", "[", "]"})

#: After one of these a line goes on: the operators, and what cannot end a statement.
_CONTINUING = frozenset({">>", "|", "&", "*", "/", "?", ":", "=", ",", "-"})

_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_TOKEN = re.compile(
    rf"""
      (?P<blank> [ \t\r\f\v]+ | \#[^\n]* )
    | (?P<newline> \n )
    | (?P<name> {_IDENTIFIER} (?: [ \t]*\.[ \t]* {_IDENTIFIER} )* )
    | (?P<number> [0-9]+ (?: \.[0-9]+ )? (?: [eE][+-]?[0-9]+ )? (?P<tail> [A-Za-z0-9_.]+ )? )
    | (?P<string> "(?: [^"\\\n] | \\[^\n] )*" | '(?: [^'\\\n] | \\[^\n] )*' )
    | (?P<version> @[ \t]*[0-9][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)* )
    | (?P<sign> >> | [|&*/?:=,()\[\]-] )
    | (?P<error> [^\n] )
    """,
    re.VERBOSE,
)

#: A pair of surrogates is one character; other escapes of four digits stand alone.
_ESCAPE = re.compile(r"\\(u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)")


class Token(Struct, frozen=True, eq=False):
    """A piece of the program: its kind, what it says, and its place in the text."""

    kind: str
    #: The text itself; for an error, what is wrong.
    text: str
    start: int
    end: int
    #: For an error, what would mend it.
    fix: str = ""


def tokenize(source: Source) -> list[Token]:
    """All tokens of a program, ending with `END`; a line that goes on has no `NEWLINE`.

    Line ends inside brackets are kept: only the parser knows which brackets are truly open.
    """
    tokens: list[Token] = []
    text = source.text
    position = 1 if text.startswith("\ufeff") else 0
    last = NEWLINE
    for match in _TOKEN.finditer(text, position):
        group = match.lastgroup
        if group == "blank":
            continue
        if group == "newline":
            if last == NEWLINE or last in _CONTINUING:
                continue
            kind = NEWLINE
            token = Token(NEWLINE, "", match.start(), match.end())
        elif group == "sign":
            kind = match.group()
            token = Token(kind, kind, match.start(), match.end())
        elif group == "name":
            kind = NAME
            word = match.group()
            token = Token(NAME, "".join(word.split()), *match.span())
        else:
            token = _READERS[group or ""](match)
            kind = token.kind
        tokens.append(token)
        last = kind
    tokens.append(Token(END, "", len(text), len(text)))
    return tokens


def string_value(token: Token) -> tuple[str, str]:
    """The text that a STRING token stands for, and what is wrong with it (empty if nothing is)."""
    wrong: list[str] = []

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code == "'":
            return code
        try:
            # Encoding refuses half of a pair of surrogates, which is no character.
            return str(json.loads(f'"\\{code}"')).encode().decode()
        except ValueError:
            wrong.append(f"\\{code} is no escape")
            return ""

    value = _ESCAPE.sub(replace, token.text[1:-1])
    return value, wrong[0] if wrong else ""


def _number(match: re.Match[str]) -> Token:
    text, tail = match.group(), match.group("tail")
    if tail:
        plain = text.replace("_", "")
        fix = f"write {plain}" if plain.isdigit() else "write digits and at most one point"
        return Token(ERROR, f"'{text}' is not a number", *match.span(), fix)
    if text[0] == "0" and text[1:2].isdigit():
        # Python refuses `007` too, and text moved into Python must mean the same.
        return Token(ERROR, f"'{text}' starts with a zero", *match.span(), "leave out the zeros before it")
    return Token(NUMBER, text, *match.span())


def _string(match: re.Match[str]) -> Token:
    return Token(STRING, match.group(), *match.span())


def _version(match: re.Match[str]) -> Token:
    return Token(VERSION, match.group()[1:].strip(), *match.span())


def _unexpected(match: re.Match[str]) -> Token:
    character = match.group()
    if character in "\"'":
        end = match.string.find("\n", match.start())
        end = len(match.string) if end < 0 else end
        message, fix = "a string does not end on its line", f"close it with {character}"
        return Token(ERROR, message, match.start(), end, fix)
    shown = f"'{character}'" if character.isprintable() else f"the character U+{ord(character):04X}"
    message = f"{shown} means nothing in GCEL"
    return Token(ERROR, message, match.start(), match.end(), _FIXES.get(character, ""))


#: What people write who mean something else.
_FIXES = {
    "@": "pin an agent with digits, as in agent@1.2",
    ".": "write 0.5, not .5; points join names without a space at their ends",
    ">": "the output of a step goes on with >>",
    "<": "steps run from left to right, with >>",
    "+": "let an agent compute; GCEL composes",
    "{": "records are made by branch(name=step)",
    "}": "records are made by branch(name=step)",
    ";": "write one statement a line",
    "“": 'write "straight" quotes',
    "”": 'write "straight" quotes',
}

_READERS: dict[str, Callable[[re.Match[str]], Token]] = {
    "number": _number,
    "string": _string,
    "version": _version,
    "error": _unexpected,
}
