"""Graph to programs: operators and combinators become steps over slots.

A sequence disappears into the wiring, and so do `&` (its right side takes the whole list, as any step does)
and `group`: what is left is data flow. A modifier becomes part of the step that it covers; where it covers
what is several steps in a plan, as a parallel is, those become a program of their own. Programs that steps
name are written later, one after another, so nesting costs no recursion there.
"""

from __future__ import annotations

__all__ = ["Lowered", "lower"]

from collections import deque
from collections.abc import Sequence

from msgspec import Struct, structs

from greenlang.agents.places import Origin
from greenlang.agents.syntax import (
    COMBINATORS,
    Argument,
    Binary,
    Call,
    Conditional,
    Literal,
    Node,
    canonical_literal,
)
from greenlang.gcel.builtins import BUILTINS
from greenlang.gcel.calls import CallReader
from greenlang.gcel.steps import (
    AgentStep,
    BuiltinStep,
    ChooseStep,
    ConstantStep,
    FilterStep,
    GroupStep,
    ListStep,
    MapStep,
    Modifier,
    Program,
    RecordStep,
    RouteStep,
    Step,
)
from greenlang.gcel.text import MODIFIERS


class Lowered(Struct, frozen=True):
    """The programs, and beside each step the place that it was written at."""

    programs: tuple[Program, ...]
    origins: tuple[tuple[Origin, ...], ...]
    #: Where modifiers were written: by program, number of the step there, and the modifier's name.
    modifier_origins: dict[tuple[int, int, str], Origin]
    #: Slots, by program and number, that `&` wants to be lists, and where it was written.
    reduced: dict[tuple[int, int], Origin]


def lower(node: Node, calls: CallReader) -> Lowered:
    """Write the programs of a tree; what is wrong with its calls is told to `calls`."""
    return _Lowering(calls).run(node)


class _Draft:
    """A program that is being written."""

    def __init__(self, number: int) -> None:
        self.number = number
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
        self._modifier_origins: dict[tuple[int, int, str], Origin] = {}
        self._reduced: dict[tuple[int, int], Origin] = {}

    def run(self, node: Node) -> Lowered:
        programs: list[Program] = []
        origins: list[tuple[Origin, ...]] = []
        self._program(node)
        while self._waiting:
            draft = _Draft(len(programs))
            result = self._step(self._waiting.popleft(), 0, draft)
            programs.append(Program(tuple(draft.steps), result))
            origins.append(tuple(draft.origins))
        return Lowered(tuple(programs), tuple(origins), self._modifier_origins, self._reduced)

    def _program(self, node: Node) -> int:
        """The number that the program of this tree will have."""
        self._waiting.append(node)
        self._count += 1
        return self._count - 1

    def _step(self, node: Node, slot: int, draft: _Draft, modifiers: Sequence[Call] = ()) -> int:
        """Write the steps of a tree that reads `slot`, the last of them covered; gives its output slot."""
        # Along its left side a tree may be as long as a program; elsewhere it nests at most 200 deep.
        spine: list[Binary] = []
        while isinstance(node, Binary) and node.operator != "|":
            spine.append(node)
            node = node.left
        operator, origin = "", node.origin
        covering: list[Call] = []
        for each in (*reversed(spine), None):
            if each is None:
                covering += modifiers
            elif type(each.right) is Call and each.right.name in MODIFIERS and each.operator == ">>":
                covering.append(each.right)
                continue
            if operator == "*" or operator == "/":
                kind = MapStep if operator == "*" else FilterStep
                step = kind(slot, self._program(node), self._modifiers(covering, draft))
                slot = draft.add(step, origin)
            else:
                if operator == "&":
                    self._reduce(node, slot, draft, origin)
                # Programs nest, and so do these calls: each that is saved is one less for each level.
                if isinstance(node, Call):
                    slot = self._call(node, slot, draft, covering)
                else:
                    slot = self._element(node, slot, draft, covering)
            if each is not None:
                operator, node, origin = each.operator, each.right, each.origin
                if covering:
                    covering = []
        return slot

    def _reduce(self, node: Node, slot: int, draft: _Draft, origin: Origin) -> None:
        """Note that a slot must be a list; a built-in says so itself, and says what it wants instead."""
        if not (isinstance(node, Call) and node.name in BUILTINS):
            self._reduced[draft.number, slot] = origin

    def _element(
        self, node: Literal | Binary | Conditional, slot: int, draft: _Draft, modifiers: Sequence[Call]
    ) -> int:
        if isinstance(node, Binary) and node.operator != "|":
            # A sequence on the right of another: the last of its steps is the one before the modifier.
            return self._step(node, slot, draft, modifiers)
        if modifiers:
            return self._grouped(node, slot, draft, modifiers, node.origin)
        if isinstance(node, Literal):
            return draft.add(ConstantStep(canonical_literal(node.value)), node.origin)
        if isinstance(node, Binary):
            outputs = tuple([self._step(branch, slot, draft) for branch in _branches(node)])
            return draft.add(ListStep(outputs), node.origin)
        test = self._step(node.test, slot, draft)
        return draft.add(ChooseStep(test, slot, self._program(node.yes), self._program(node.no)), node.origin)

    def _grouped(
        self, node: Node, slot: int, draft: _Draft, modifiers: Sequence[Call], origin: Origin
    ) -> int:
        step = GroupStep(slot, self._program(node), self._modifiers(modifiers, draft))
        return draft.add(step, origin)

    def _call(self, call: Call, slot: int, draft: _Draft, modifiers: Sequence[Call]) -> int:
        name = call.name
        if name in MODIFIERS:
            self._calls.tell(
                call.origin,
                f"'{name}' covers nothing here: a modifier follows a step with >>",
                f"write it after the step that it covers, as in step >> {name}(…)",
            )
            return slot
        if name in COMBINATORS:
            return self._combinator(call, slot, draft, modifiers)
        if name == "when":
            self._calls.tell(
                call.origin, "'when' is how Python writes a conditional", "write test ? yes : no"
            )
            return slot
        if name == "identity" and not call.arguments and call.version is None and not modifiers:
            return slot
        step: AgentStep | BuiltinStep = (
            self._calls.builtin(call, slot) if name in BUILTINS else self._calls.agent(call, slot)
        )
        if modifiers:
            step = structs.replace(step, modifiers=self._modifiers(modifiers, draft))
        return draft.add(step, call.origin)

    def _modifiers(self, calls: Sequence[Call], draft: _Draft) -> tuple[Modifier, ...]:
        """What covers the step that `draft` gets next."""
        modifiers: list[Modifier] = []
        for call in calls:
            name = call.name
            self._refuse_version(call)
            if any(each.name == name for each in modifiers):
                self._calls.tell(
                    call.origin,
                    f"'{name}' covers this step twice",
                    "keep one, or put the inner one in group(…)",
                )
                continue
            self._modifier_origins[draft.number, len(draft.steps), name] = call.origin
            if name == "catch":
                handler = self._only(call)
                if handler is not None:
                    modifiers.append(Modifier(name, handler=self._program(handler)))
            else:
                modifiers.append(Modifier(name, self._calls.modifier(call)))
        return tuple(modifiers)

    def _combinator(self, call: Call, slot: int, draft: _Draft, modifiers: Sequence[Call]) -> int:
        name, origin = call.name, call.origin
        self._refuse_version(call)
        if name in {"map", "filter"}:
            inner = self._only(call)
            if inner is None:
                return slot
            kind = MapStep if name == "map" else FilterStep
            return draft.add(kind(slot, self._program(inner), self._modifiers(modifiers, draft)), origin)
        if name in {"group", "reduce"}:
            # `group(step)` and `reduce(step)` are the step itself.
            inner = self._only(call)
            if inner is None:
                return slot
            if name == "reduce":
                self._reduce(inner, slot, draft, origin)
            if modifiers and not isinstance(inner, Call):
                return self._grouped(inner, slot, draft, modifiers, origin)
            return self._step(inner, slot, draft, modifiers)
        if modifiers:
            return self._grouped(call, slot, draft, modifiers, origin)
        if name == "route":
            return self._route(call, slot, draft)
        branches = self._named(call, call.arguments)
        outputs = tuple([self._step(branch.value, slot, draft) for branch in branches])
        names = tuple([branch.name or "" for branch in branches])
        return draft.add(RecordStep(outputs, names), origin)

    def _refuse_version(self, call: Call) -> None:
        if call.version is not None:
            self._calls.tell(
                call.origin, f"'{call.name}' is a part of the language and has no versions", "leave out the @"
            )

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
