"""Tokens to a `Graph`: statements, bindings and expressions, with every error of the program told at once.

A statement that cannot be read is told once and skipped; the others are read on. A binding is a definition:
its tree stands wherever its name does.
"""

from __future__ import annotations

__all__ = ["Reading", "parse", "read"]

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, TypeVar

from greenlang.agents.expressions import Graph
from greenlang.agents.places import Diagnostic, Place, Source, Span, diagnose, gcel_error
from greenlang.agents.syntax import (
    COMBINATORS,
    MAXIMUM_DIGITS,
    MAXIMUM_NESTING,
    MAXIMUM_STEPS,
    PRECEDENCE,
    Argument,
    Binary,
    Call,
    Literal,
    Node,
    binary,
    call,
    canonical_text,
    conditional,
    literal,
)
from greenlang.errors import GcelError
from greenlang.gcel.text.language import ALIASES, MODIFIERS, RESERVED_NAMES
from greenlang.gcel.text.tokens import (
    END,
    ERROR,
    MAXIMUM_BYTES,
    NAME,
    NEWLINE,
    NUMBER,
    STRING,
    VERSION,
    Token,
    string_value,
    tokenize,
)

_CONSTANTS = {"true": True, "false": False, "null": None}
_CLOSING = {"(": ")", "[": "]"}


def parse(text: str, *, file: str = "<text>") -> Graph:
    """Read a program.

    Parameters
    ----------
    text : str
        The program; at most 1 MiB in UTF-8.
    file : str
        What messages call it.

    Raises
    ------
    GcelError
        With every error of the program's form; unknown names and wrong options are told by `compile`.
    """
    if not isinstance(text, str):
        raise GcelError(f"a program is text, and a {type(text).__name__} is given", fix="decode it first")
    reading = read(text, file)
    if reading.graph is None:
        raise gcel_error(reading.diagnostics)
    return reading.graph


class Reading(NamedTuple):
    """What came of reading a program: its graph, or what is wrong and the statements that could be read."""

    graph: Graph | None
    diagnostics: list[Diagnostic]
    readable: list[Node]


def read(text: str, file: str) -> Reading:
    """Read a program, and tell what is wrong with it rather than raise."""
    if len(text) > MAXIMUM_BYTES or len(text.encode(errors="surrogatepass")) > MAXIMUM_BYTES:
        message = f"the program is larger than {MAXIMUM_BYTES // 1024**2} MiB"
        told = diagnose(Place(file, 0, 0, 0, ""), message, "keep data in files, and repeat steps with `*`")
        return Reading(None, [told], [])
    return _Parser(Source(text, file)).program()


class _Refusal(Exception):
    """A statement cannot be read further; carries what is told of it."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__()
        self.diagnostics = diagnostics


class _Parser:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = tokenize(source)
        self.position = 0
        #: Open brackets, with the token that opened each.
        self.brackets: list[Token] = []
        #: Where the last sequence in parentheses, or that a binding stands for, ended; -1 for none.
        self.sequence_end = -1
        #: Conditionals that are being read.
        self.conditionals = 0
        self.diagnostics: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        #: None for a binding whose own statement could not be read.
        self.bindings: dict[str, Node | None] = {}
        self.binding_tokens: dict[str, Token] = {}
        self.used: set[str] = set()
        #: Those of the statement being read.
        self.statement_uses: set[str] = set()
        #: Statements that could be read: the name bound, the tree, the bindings in it.
        self.statements: list[tuple[str, Node, frozenset[str]]] = []
        #: Where each name that is no binding was first used, and those of the statement being read.
        self.free: dict[str, Token] = {}
        self.statement_free: dict[str, Token] = {}
        #: Whether the statement being read uses a binding that could not be read.
        self.broken = False

    # Statements

    def program(self) -> Reading:
        """Read all statements; the last, or the one named `main`, is the graph."""
        last: tuple[str, Node | None, Token] | None = None
        while self.tokens[self.position].kind != END:
            if last is not None and not last[0]:
                self._warn(
                    last[2],
                    "this expression is not used: the graph is the last one, or the binding named main",
                    "give it a name, or join it to the next with an operator at the end of the line",
                )
            first = self.tokens[self.position]
            name, node = self._statement()
            last = (name, node, first)
            if node is not None:
                self.statements.append((name, node, frozenset(self.statement_uses)))
        if last is None:
            self._tell(self.tokens[-1], "the program has no steps", "write an expression, such as identity")
            return Reading(None, self.diagnostics, [])
        self._tell_late_bindings()
        if "main" in self.bindings:
            if not last[0]:
                self._warn(
                    last[2], "this expression is not used: the binding named main is the graph", "remove it"
                )
            graph_name, graph = "main", self.bindings["main"]
        else:
            graph_name, graph = last[0], last[1]
        if self.diagnostics or graph is None:
            return Reading(None, self.diagnostics, self._readable())
        unused = self._unused(graph_name, graph.size)
        if self.diagnostics:
            return Reading(None, self.diagnostics, [])
        names = tuple(self.bindings)
        return Reading(Graph(graph, warnings=tuple(self.warnings), unused=unused, names=names), [], [])

    def _statement(self) -> tuple[str, Node | None]:
        name_token = self._binding_name()
        name = name_token.text if name_token else ""
        node: Node | None = None
        self.broken = False
        self.statement_free = {}
        self.statement_uses = set()
        try:
            node = self.expression()
            self._end_of_statement()
            for free_name, token in self.statement_free.items():
                self.free.setdefault(free_name, token)
        except _Refusal as refusal:
            self.diagnostics.extend(refusal.diagnostics)
            self._recover()
            node = None
        if name_token is not None:
            self._bind(name_token, None if self.broken else node)
        return name, None if self.broken else node

    def _binding_name(self) -> Token | None:
        if not self._starts_binding(self.position):
            return None
        token = self.tokens[self.position]
        self.position += 2
        return token

    def _starts_binding(self, position: int) -> bool:
        return self.tokens[position].kind == NAME and self.tokens[position + 1].kind == "="

    def _starts_line_of_binding(self, position: int) -> bool:
        """Whether an unindented `name =` stands here: no argument of a call is written so."""
        start = self.tokens[position].start
        return (not start or self.source.text[start - 1] == "\n") and self._starts_binding(position)

    def _bind(self, token: Token, node: Node | None) -> None:
        name = token.text
        if name in RESERVED_NAMES:
            self._tell(token, f"'{name}' is a word of GCEL and cannot be bound", "choose another name")
        elif "." in name:
            self._tell(token, f"'{name}' has a point, as names of agents do", "bind a plain name")
        elif name in self.bindings:
            line, _ = self.source.line_and_column(self.binding_tokens[name].start)
            self._tell(token, f"'{name}' is already bound on line {line}", "choose another name")
        else:
            self.bindings[name] = node
            self.binding_tokens[name] = token

    def _end_of_statement(self) -> None:
        token = self.tokens[self.position]
        if token.kind == NEWLINE:
            self.position += 1
            self._refuse_leading_operators()
        elif token.kind != END:
            raise self._unexpected(token, "an operator or the end of the line")

    def _refuse_leading_operators(self) -> None:
        """Tell of every line from here on that starts with an operator: they are one mistake, made again."""
        told: list[Diagnostic] = []
        while (token := self.tokens[self.position]).kind in PRECEDENCE or token.kind in {"?", ":"}:
            told.append(
                diagnose(
                    self._span(token),
                    f"a line starts with '{token.kind}'",
                    "put it at the end of the line before, or the whole in parentheses",
                )
            )
            while self.tokens[self.position].kind not in {NEWLINE, END}:
                self.position += 1
            if self.tokens[self.position].kind == NEWLINE:
                self.position += 1
        if told:
            # What follows is read as a statement of its own.
            self.position -= self.tokens[self.position - 1].kind == NEWLINE
            raise _Refusal(told)

    def _recover(self) -> None:
        """Go on at the next statement: after a line end, or where an unindented `name =` starts a line."""
        self.brackets.clear()
        self.conditionals = 0
        while self.tokens[self.position].kind != END:
            if self._starts_line_of_binding(self.position):
                return
            self.position += 1
            if self.tokens[self.position - 1].kind == NEWLINE:
                return

    def _tell_late_bindings(self) -> None:
        for name, token in self.free.items():
            if name in self.bindings:
                line, _ = self.source.line_and_column(self.binding_tokens[name].start)
                self._tell(token, f"'{name}' is used before its definition on line {line}", "define it above")

    def _readable(self) -> list[Node]:
        """Statements to check though others could not be read: each once, and no more steps than words."""
        readable: list[Node] = []
        covered: set[str] = set()
        room = len(self.tokens)
        for name, node, uses in reversed(self.statements):
            if name in covered:
                # It stands in one that follows.
                covered |= uses
            elif node.size <= room:
                room -= node.size
                covered |= uses
                readable.append(node)
        return readable

    def _unused(self, graph_name: str, size: int) -> tuple[Node, ...]:
        """Bindings that the graph, which has `size` steps, does not use; with it they keep to its limit."""
        unused = []
        for name, node in self.bindings.items():
            if name not in self.used and name != graph_name and node is not None:
                self._warn(self.binding_tokens[name], f"'{name}' is never used", "remove it")
                size += node.size
                if size > MAXIMUM_STEPS:
                    message = (
                        f"the program has more than {MAXIMUM_STEPS:,} steps once its bindings are expanded"
                    )
                    self._tell(self.binding_tokens[name], message, "remove bindings that are never used")
                    break
                unused.append(node)
        return tuple(unused)

    # Expressions

    def expression(self) -> Node:
        """Read operators by precedence, then `? :`."""
        operands = [self.operand()]
        operators: list[Token] = []
        while True:
            token = self._peek()
            precedence = PRECEDENCE.get(token.kind, 0)
            while operators and PRECEDENCE[operators[-1].kind] >= precedence:
                right = operands.pop()
                sign = operators.pop()
                operands.append(self._kept(binary, sign.kind, operands.pop(), right, self._span(sign)))
            if not precedence:
                break
            self.position += 1
            operators.append(token)
            if token.kind == ">>":
                self._warn_of_parentheses(operands[-1])
            operands.append(self.operand())
        return self._conditional(operands[0], token) if token.kind == "?" else operands[0]

    def _warn_of_parentheses(self, left: Node) -> None:
        """Say so where a modifier covers less than the parentheses (or the binding) before it suggest."""
        modifier = self._peek()
        if modifier.kind != NAME or modifier.text not in MODIFIERS or self.position != self.sequence_end + 1:
            return
        last = left
        while isinstance(last, Binary) and last.operator in {">>", "&"}:
            last = last.right
        self._warn(
            modifier,
            f"'{modifier.text}' covers only the last step of the sequence before it, {canonical_text(last)}",
            "write group(…) around the sequence to cover all of it",
        )

    def _conditional(self, test: Node, sign: Token) -> Node:
        self.position += 1
        self.conditionals += 1
        self._keep_nesting(sign)
        yes = self.expression()
        self._expect(":", "':' and the other side of '?'")
        no = self.expression()
        self.conditionals -= 1
        return self._kept(conditional, test, yes, no, self._span(sign))

    def operand(self) -> Node:
        """Read one step: a name with its arguments, a literal, or an expression in parentheses."""
        token = self._peek()
        if token.kind == "(":
            self._open(token)
            node = self.expression()
            self._close(token, "an operator or ')'")
            self._note_sequence(node)
            return node
        if token.kind != NAME or token.text in _CONSTANTS:
            return self._literal(token)
        self.position += 1
        name = token.text
        if name in self.bindings:
            return self._binding(token)
        name = ALIASES.get(name, name)
        if "." not in name and name not in RESERVED_NAMES:
            self.statement_free.setdefault(name, token)
        version, end = None, token.end
        if self._peek().kind == VERSION:
            pin = self._take()
            version, end = pin.text, pin.end
        arguments = self._arguments(name) if self._peek().kind == "(" else []
        span = Span(self.source, token.start, end)
        return self._kept(_call, name, version, arguments, span)

    def _binding(self, token: Token) -> Node:
        follower = self._peek()
        if follower.kind in {VERSION, "("}:
            raise self._refusal(
                follower,
                f"'{token.text}' is a binding, and only agents have versions and options",
                "configure the agent where the binding is defined",
            )
        self.used.add(token.text)
        self.statement_uses.add(token.text)
        node = self.bindings[token.text]
        if node is None:
            self.broken = True
            return literal(None)
        self._note_sequence(node)
        return node

    def _note_sequence(self, node: Node) -> None:
        """Remember that several steps, written as if they were one, end here."""
        if isinstance(node, Binary) and node.operator in {">>", "&"}:
            self.sequence_end = self.position

    def _arguments(self, name: str) -> list[Argument]:
        opening = self._peek()
        self._open(opening)
        arguments: list[Argument] = []
        given: set[str] = set()
        while self._peek().kind != ")":
            first = self._peek()
            argument = self._argument(name)
            if argument.name is None and given:
                self._tell(
                    first, "an argument without a name stands after one with a name", "name it, or move it"
                )
            elif argument.name in given:
                self._tell(first, f"'{argument.name}' is given twice", "remove one")
            if argument.name is not None:
                given.add(argument.name)
            arguments.append(argument)
            if self._peek().kind != ",":
                break
            self.position += 1
        self._close(opening, "an operator, ',' or ')'" if arguments else "an argument or ')'")
        return arguments

    def _argument(self, call_name: str) -> Argument:
        token = self._peek()
        name: str | None = None
        if token.kind in {NAME, STRING} and self.tokens[self.position + 1].kind == "=":
            self.position += 2
            name = token.text if token.kind == NAME else self._string(token)
        if call_name not in COMBINATORS and self._is_bare_word():
            word = self._take()
            return Argument(name, literal(word.text, self._span(word), bare=True), self._span(token))
        return Argument(name, self.expression(), self._span(token))

    def _is_bare_word(self) -> bool:
        token = self._peek()
        if token.kind != NAME or token.text in self.bindings or token.text in _CONSTANTS or "." in token.text:
            return False
        return self.tokens[self.position + 1].kind in {",", ")", NEWLINE}

    def _literal(self, token: Token) -> Literal:
        start = token.start
        value = self._value()
        span = Span(self.source, start, self.tokens[self.position - 1].end)
        return self._kept(literal, value, span)

    def _value(self) -> object:
        token = self._take()
        if token.kind == NUMBER:
            return self._number(token, "")
        if token.kind == STRING:
            return self._string(token)
        if token.kind == "-" and self._peek().kind == NUMBER:
            return self._number(self._take(), "-")
        if token.kind == NAME and token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        if token.kind == "[":
            return self._list(token)
        expected = "a number after '-'" if token.kind == "-" else "a step"
        if "[" in {bracket.kind for bracket in self.brackets}:
            expected = "a literal (a list holds nothing else)"
        raise self._unexpected(self._peek() if token.kind == "-" else token, expected)

    def _number(self, token: Token, sign: str) -> int | Decimal:
        try:
            return _number(sign + token.text)
        except InvalidOperation:
            # An exponent that no Decimal has.
            raise self._refusal(
                token, f"a number of more than {MAXIMUM_DIGITS} digits", "use fewer digits"
            ) from None

    def _list(self, opening: Token) -> list[object]:
        self.position -= 1
        self._open(opening)
        values: list[object] = []
        while self._peek().kind != "]":
            values.append(self._value())
            if self._peek().kind != ",":
                break
            self.position += 1
        self._close(opening, "',' or ']'")
        return values

    def _string(self, token: Token) -> str:
        value, wrong = string_value(token)
        if wrong:
            self._tell(token, wrong, "write a backslash as \\\\")
        return value

    # Tokens and brackets

    def _peek(self) -> Token:
        token = self.tokens[self.position]
        if self.brackets:
            while token.kind == NEWLINE:
                self.position += 1
                token = self.tokens[self.position]
        return token

    def _take(self) -> Token:
        token = self._peek()
        if token.kind != END:
            self.position += 1
        return token

    def _open(self, token: Token) -> None:
        self.position += 1
        self.brackets.append(token)
        self._keep_nesting(token)

    def _close(self, opening: Token, expected: str) -> None:
        self._expect(_CLOSING[opening.kind], expected)
        self.brackets.pop()

    def _expect(self, kind: str, expected: str) -> None:
        token = self._peek()
        if token.kind != kind:
            raise self._unexpected(token, expected)
        self.position += 1

    def _keep_nesting(self, token: Token) -> None:
        if len(self.brackets) + self.conditionals > MAXIMUM_NESTING:
            raise self._refusal(
                token,
                f"the program nests deeper than {MAXIMUM_NESTING} levels",
                "name inner parts with bindings, or make an agent of them",
            )

    # What is told

    def _span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.end)

    def _kept(self, make: Callable[..., _Made], *arguments: object) -> _Made:
        """A node, unless it breaks a limit of the language."""
        try:
            return make(*arguments)
        except GcelError as error:
            raise _Refusal([told for told in error.diagnostics if isinstance(told, Diagnostic)]) from None

    def _tell(self, token: Token, message: str, fix: str) -> None:
        self.diagnostics.append(diagnose(self._span(token), message, fix))

    def _warn(self, token: Token, message: str, fix: str) -> None:
        self.warnings.append(diagnose(self._span(token), message, fix))

    def _refusal(self, token: Token, message: str, fix: str = "") -> _Refusal:
        return _Refusal([diagnose(self._span(token), message, fix)])

    def _unexpected(self, token: Token, expected: str) -> _Refusal:
        if token.kind == ERROR:
            return self._refusal(token, token.text, token.fix)
        if self.brackets and (token.kind == END or self._starts_line_of_binding(self.position)):
            opening = self.brackets[-1]
            return self._refusal(
                opening, f"'{opening.kind}' is never closed", f"close it with '{_CLOSING[opening.kind]}'"
            )
        if token.kind in {")", "]"} and not self.brackets:
            return self._refusal(token, f"'{token.kind}' closes nothing", "remove it, or open it before")
        if token.kind == "=":
            return self._refusal(
                token,
                "'=' stands where a binding cannot start",
                "write `name = expression` on a line of its own; compare inside an agent",
            )
        found = token.kind if token.kind in {END, NEWLINE} else f"'{token.text}'"
        return self._refusal(token, f"expected {expected}, found {found}")


_Made = TypeVar("_Made")


def _call(name: str, version: str | None, arguments: list[Argument], origin: Span) -> Call:
    return call(name, version=version, arguments=arguments, origin=origin)


def _number(text: str) -> int | Decimal:
    if text.lstrip("-").isdigit():
        # int() refuses more than 4,300 digits, Decimal() does not, and `literal` tells of both.
        return int(text) if len(text) <= 2 * MAXIMUM_DIGITS else Decimal(text)
    return Decimal(text)
