"""Graph to programs: operators and combinators become steps over slots.

A sequence disappears into the wiring, and so do `&` (its right side takes the whole list, as any step does)
and `group`: what is left is data flow. Programs that steps name are written later, one after another, so
nesting costs no recursion there.
"""

from __future__ import annotations

__all__ = ["Lowered", "lower"]

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from greenlang.agents.places import Origin
from greenlang.agents.syntax import (
    COMBINATORS,
    Argument,
    Binary,
    Call,
    Literal,
    Node,
    canonical_literal,
)
from greenlang.gcel.builtins import BUILTINS
from greenlang.gcel.calls import CallReader
from greenlang.gcel.language import MODIFIERS
from greenlang.gcel.steps import (
    BuiltinStep,
    ChooseStep,
    ConstantStep,
    FilterStep,
    ListStep,
    MapStep,
    Program,
    RecordStep,
    RouteStep,
    Step,
)


class Lowered(Struct, frozen=True):
    """The programs, and beside each step the place that it was written at."""

    programs: tuple[Program, ...]
    origins: tuple[tuple[Origin, ...], ...]


def lower(node: Node, calls: CallReader) -> Lowered:
    """Write the programs of a tree; what is wrong with its calls is told to `calls`."""
    return _Lowering(calls).run(node)


class _Draft:
    """A program that is being written."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.origins: list[Origin] = []

    def add(self, step: Step, origin: Origin) -> int:
        """Append a step; gives its output slot."""
        self.steps.append(step)
        self.origins.append(origin)
        return len(self.steps)


class _Lowering:
    def __init__(self, calls: CallReader) -> None:
        self._calls = calls
        #: Trees whose programs are still to be written, in the order of their numbers.
        self._waiting: deque[Node] = deque()
        self._count = 0

    def run(self, node: Node) -> Lowered:
        programs: list[Program] = []
        origins: list[tuple[Origin, ...]] = []
        self._program(node)
        while self._waiting:
            draft = _Draft()
            result = self._step(self._waiting.popleft(), 0, draft)
            programs.append(Program(tuple(draft.steps), result))
            origins.append(tuple(draft.origins))
        return Lowered(tuple(programs), tuple(origins))

    def _program(self, node: Node) -> int:
        """The number that the program of this tree will have."""
        self._waiting.append(node)
        self._count += 1
        return self._count - 1

    def _step(self, node: Node, slot: int, draft: _Draft) -> int:
        """Write the steps of a tree that reads `slot`; gives the slot of its output."""
        # Along its left side a tree may be as long as a program; elsewhere it nests at most 200 deep.
        spine: list[Binary] = []
        while isinstance(node, Binary) and node.operator != "|":
            spine.append(node)
            node = node.left
        if isinstance(node, Call):
            output = self._call(node, slot, draft)
        elif isinstance(node, Literal):
            output = draft.add(ConstantStep(canonical_literal(node.value)), node.origin)
        elif isinstance(node, Binary):
            branches = _branches(node)
            outputs = tuple([self._step(branch, slot, draft) for branch in branches])
            output = draft.add(ListStep(outputs), node.origin)
        else:
            test = self._step(node.test, slot, draft)
            step = ChooseStep(test, slot, self._program(node.yes), self._program(node.no))
            output = draft.add(step, node.origin)
        for operator in reversed(spine):
            right = operator.right
            if operator.operator == "*":
                output = draft.add(MapStep(output, self._program(right)), operator.origin)
            elif operator.operator == "/":
                output = draft.add(FilterStep(output, self._program(right)), operator.origin)
            elif isinstance(right, Call):
                output = self._call(right, output, draft)
            else:
                output = self._step(right, output, draft)
        return output

    def _call(self, call: Call, slot: int, draft: _Draft) -> int:
        name = call.name
        if name in COMBINATORS or name in MODIFIERS:
            return self._combinator(call, slot, draft)
        if name == "identity" and not call.arguments and call.version is None:
            return slot
        if name in BUILTINS:
            return draft.add(self._calls.builtin(call, slot), call.origin)
        return draft.add(self._calls.agent(call, slot), call.origin)

    def _combinator(self, call: Call, slot: int, draft: _Draft) -> int:
        name, origin = call.name, call.origin
        if call.version is not None:
            self._calls.tell(
                origin, f"'{name}' is a part of the language and has no versions", "leave out the @"
            )
        if name in MODIFIERS:
            self._calls.tell(
                origin,
                f"'{name}' is part of GCEL, but this version of the runtime does not run it yet",
                f"leave it out, or do the work of '{name}' inside the agent",
            )
            return slot
        if name == "branch":
            branches = self._named(call, call.arguments)
            outputs = tuple([self._step(branch.value, slot, draft) for branch in branches])
            names = tuple([branch.name or "" for branch in branches])
            return draft.add(RecordStep(outputs, names), origin)
        if name == "route":
            return self._route(call, slot, draft)
        inner = self._only(call)
        if inner is None:
            return slot
        if name == "map":
            return draft.add(MapStep(slot, self._program(inner)), origin)
        if name == "filter":
            return draft.add(FilterStep(slot, self._program(inner)), origin)
        # `group(step)` and `reduce(step)` are the step itself.
        return self._step(inner, slot, draft)

    def _route(self, call: Call, slot: int, draft: _Draft) -> int:
        key, *rest = call.arguments or (None,)
        if key is None or key.name is not None:
            self._calls.tell(
                call.origin,
                "'route' needs a key before its routes",
                'write route("field", name=step), or a step that gives the name',
            )
            return slot
        routes = self._named(call, rest)
        if isinstance(key.value, Literal) and isinstance(key.value.value, str):
            get = BuiltinStep(slot, "get", {"field": canonical_literal(key.value.value)})
            key_slot = draft.add(get, key.origin or call.origin)
        elif isinstance(key.value, Literal):
            self._calls.tell(
                key.origin, "the key of 'route' is neither a field nor a step", 'write route("field", …)'
            )
            return slot
        else:
            key_slot = self._step(key.value, slot, draft)
        programs = {route.name or "": self._program(route.value) for route in routes}
        default = programs.pop("default", None)
        return draft.add(
            RouteStep(key_slot, slot, tuple(programs), tuple(programs.values()), default), call.origin
        )

    def _named(self, call: Call, arguments: Sequence[Argument]) -> list[Argument]:
        """The branches of a combinator, each of which has a name."""
        if not arguments:
            self._calls.tell(
                call.origin,
                f"'{call.name}' has no branch",
                f"write {call.name}({'' if call.name == 'branch' else 'key, '}name=step)",
            )
        for argument in arguments:
            if argument.name is None:
                self._calls.tell(argument.origin, f"a branch of '{call.name}' has no name", "write name=step")
        return [argument for argument in arguments if argument.name is not None]

    def _only(self, call: Call) -> Node | None:
        """The one step that a combinator takes."""
        if len(call.arguments) == 1 and call.arguments[0].name is None:
            return call.arguments[0].value
        self._calls.tell(call.origin, f"'{call.name}' takes one step", f"write {call.name}(step)")
        return None


def _branches(node: Binary) -> list[Node]:
    """The branches of a parallel, from left to right."""
    branches: list[Node] = []
    left: Node = node
    while isinstance(left, Binary) and left.operator == "|":
        branches.append(left.right)
        left = left.left
    branches.append(left)
    branches.reverse()
    return branches
