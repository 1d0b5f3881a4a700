"""Composing agents with Python's operators: `load * calculate & total | audit`.

An `Expression` is anything that stands for a step: an agent, a built-in, or a `Graph`, which is what the
operators give and what the text parser gives. Both build the same tree (`greenlang.agents.syntax`), which
is why the two faces of the language cannot drift apart.

A subclass says which node stands for it (`node`) and inherits the rest.
"""

from __future__ import annotations

__all__ = ["Expression", "Graph", "configured", "step_of"]

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import final

from msgspec import structs

from greenlang.agents.places import Diagnostic, Line, diagnose, gcel_error, here
from greenlang.agents.syntax import (
    Argument,
    Call,
    Node,
    binary,
    call,
    canonical_text,
    literal,
)


class Expression(ABC):
    """A step that composes.

    A subclass owes one thing: `node`, the tree that stands for it. An agent gives
    `syntax.call(name, agent=self)`; one that is called with options alone gives `configured(...)`.

    Python places: every operator records the file and line that it stands on, for messages.
    """

    __slots__ = ()

    #: To NumPy: an array beside an operator is one value, not many.
    __array_ufunc__ = None

    @property
    @abstractmethod
    def node(self) -> Node:
        """The syntax tree of this step."""

    def at(self, version: str) -> Graph:
        """The same agent, pinned: `agent.at("1.2")` is `agent@1.2` in text."""
        node = self.node
        place = here(2)
        if not isinstance(node, Call) or node.version is not None or not isinstance(version, str):
            raise gcel_error(
                [
                    diagnose(
                        place,
                        f"'{self}' cannot be pinned to {version}",
                        "pin an agent, once, to a text as 1.2",
                    )
                ]
            )
        return Graph(structs.replace(node, version=version, origin=place))

    def __rshift__(self, other: object) -> Graph:
        return _composed(">>", self, other)

    def __rrshift__(self, other: object) -> Graph:
        return _composed(">>", other, self)

    def __or__(self, other: object) -> Graph:
        return _composed("|", self, other)

    def __ror__(self, other: object) -> Graph:
        return _composed("|", other, self)

    def __and__(self, other: object) -> Graph:
        return _composed("&", self, other)

    def __rand__(self, other: object) -> Graph:
        return _composed("&", other, self)

    def __mul__(self, other: object) -> Graph:
        return _composed("*", self, other)

    def __rmul__(self, other: object) -> Graph:
        return _composed("*", other, self)

    def __truediv__(self, other: object) -> Graph:
        return _composed("/", self, other)

    def __rtruediv__(self, other: object) -> Graph:
        return _composed("/", other, self)


@final
class Graph(Expression):
    """Composed steps. `str(graph)` is the canonical text, and graphs with the same text are equal."""

    __slots__ = ("_node", "names", "unused", "warnings")

    def __init__(
        self,
        node: Node,
        *,
        warnings: tuple[Diagnostic, ...] = (),
        unused: tuple[Node, ...] = (),
        names: tuple[str, ...] = (),
    ) -> None:
        self._node = node
        #: What the reader of the program should know, though it compiles.
        self.warnings = warnings
        #: Bindings that the graph does not use; they are checked all the same.
        self.unused = unused
        #: What the program binds; named when one of them is mistyped.
        self.names = names

    @property
    def node(self) -> Node:
        """The syntax tree."""
        return self._node

    def __str__(self) -> str:
        return canonical_text(self._node)

    def __repr__(self) -> str:
        return f"<Graph {self}>"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Expression):
            return canonical_text(self._node) == canonical_text(other.node)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(canonical_text(self._node))


def configured(
    name: str,
    options: Mapping[str, object],
    *,
    version: str | None = None,
    agent: object | None = None,
    depth: int = 2,
) -> Graph:
    """An agent with options, as `agent(x=1)` writes it in both faces.

    `depth` counts the frames up to the user's own line: 2 when a method that the user calls calls this.
    """
    place = here(depth + 1)
    arguments = [Argument(option, literal(value, place), place) for option, value in options.items()]
    return Graph(call(name, version=version, arguments=arguments, origin=place, agent=agent))


def step_of(value: object, place: Line, operand: str = "") -> Node:
    """The node of an operand ("left" or "right" of the operator at `place`): its own, or a constant step."""
    if isinstance(value, Expression):
        node = value.node
        if node.origin is not None:
            return node
        place = Line(place.code, place.instruction, operand)
        if type(node) is Call:
            # An agent as it is, by far the most frequent operand: this takes a third of `structs.replace`.
            return Call(node.name, node.version, node.arguments, place, node.agent, node.size, node.depth)
        return structs.replace(node, origin=place)
    return literal(value, Line(place.code, place.instruction, operand))


def _composed(operator: str, left: object, right: object) -> Graph:
    place = here(3)
    # A chain grows on its left: what it was so far is a graph, and needs none of the questions below.
    left_node = left._node if type(left) is Graph else step_of(left, place, "left")
    return Graph(binary(operator, left_node, step_of(right, place, "right"), place))
