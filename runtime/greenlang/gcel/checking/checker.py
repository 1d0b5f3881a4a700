"""Types along the edges: every step is asked whether it can take what comes, before anything runs.

Works on programs of steps, so a plan read from a file is checked just as a program's text is.
"""

from __future__ import annotations

__all__ = ["Conversion", "Types", "check_types"]

from collections.abc import Mapping, Sequence
from types import GenericAlias
from typing import Any

from msgspec import Struct

from greenlang.agents.contract import AgentSpec
from greenlang.agents.places import Diagnostic, Origin, diagnose, place_of
from greenlang.gcel.builtins import BUILTINS, MisfitError
from greenlang.gcel.checking.edge_units import unit_edges
from greenlang.gcel.checking.labels import check_labels
from greenlang.gcel.steps import (
    AgentStep,
    BuiltinStep,
    ChooseStep,
    ConstantStep,
    FilterStep,
    GroupStep,
    ListStep,
    MapStep,
    Program,
    RecordStep,
    RouteStep,
    Step,
    inputs_of,
    modifiers_of,
    programs_of,
)
from greenlang.gcel.text import literal_options, read_literal
from greenlang.gcel.types import fits, is_list, item_type, list_of, record_of, type_text, union_of


class Conversion(Struct, frozen=True):
    """An edge on which a formula converts: into step `slot` of a program."""

    program: int
    slot: int
    given: str
    wanted: str


class Types(Struct, frozen=True):
    """What a plan takes and gives, and where units are converted on the way."""

    input: Any
    output: Any
    conversions: tuple[Conversion, ...] = ()
    #: What the reader of the program should know, though it compiles.
    warnings: tuple[Diagnostic, ...] = ()


def check_types(
    programs: Sequence[Program],
    origins: Sequence[Sequence[Origin]],
    agents: Sequence[AgentSpec],
    lists: Mapping[tuple[int, int], Origin] | None = None,
) -> tuple[Types, list[Diagnostic]]:
    """The types of the first program, and every edge on which they plainly do not fit.

    `lists` are slots, by program and number, that must be lists, and where that is written: `&` leaves no
    other trace.
    """
    checker = _Checker(programs, origins, agents, lists or {})
    output = checker.run(0, _Value(Any, "", None))
    types = Types(
        checker.input_type(programs[0]),
        output.type,
        tuple(checker.conversions),
        tuple(dict.fromkeys(checker.warnings)),
    )
    return types, [*checker.diagnostics, *check_labels(programs, origins, agents)]


class _Value(Struct, frozen=True):
    """What is known of a slot: its type, and who makes it (empty: the input, or several)."""

    type: Any
    maker: str
    origin: Origin

    def source(self, taker: Origin) -> str:
        """`'acme.double' (line 3) gives`, or with the file where that is another."""
        if not self.maker:
            return "it is given"
        here, there = place_of(taker), place_of(self.origin)
        if not there.line:
            return f"{self.maker} gives"
        place = f"line {there.line}" if there.file == here.file else f"{there.file}:{there.line}"
        return f"{self.maker} ({place}) gives"


class _Checker:
    def __init__(
        self,
        programs: Sequence[Program],
        origins: Sequence[Sequence[Origin]],
        agents: Sequence[AgentSpec],
        lists: Mapping[tuple[int, int], Origin],
    ) -> None:
        self._programs = programs
        self._origins = origins
        self._agents = agents
        #: By program, the slots that must be lists, and where that is written.
        self._lists: dict[int, list[tuple[int, Origin]]] = {}
        for (number, slot), origin in lists.items():
            self._lists.setdefault(number, []).append((slot, origin))
        self._makers = [f"'{spec.name}'" for spec in agents]
        #: The program and slot whose step is being asked.
        self._at = (0, 0)
        self.diagnostics: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.conversions: list[Conversion] = []

    def input_type(self, program: Program) -> Any:
        """What a program takes: what all of its readers say, if they agree."""
        wanted = [
            self._wanted(step)
            for step in program.steps
            if (step.input == 0 if type(step) is AgentStep else 0 in inputs_of(step))
        ]
        if not wanted or program.result == 0 or any(one != wanted[0] for one in wanted):
            return Any
        return wanted[0]

    def _wanted(self, step: Step) -> Any:
        return self._agents[step.agent].input_type if isinstance(step, AgentStep) and step.agent >= 0 else Any

    def run(self, number: int, given: _Value) -> _Value:
        """What a program gives for such an input; tells what does not fit on the way."""
        program = self._programs[number]
        slots = [given]
        for slot, (step, origin) in enumerate(
            zip(program.steps, self._origins[number], strict=True), start=1
        ):
            self._at = number, slot
            output = self._step(step, origin, slots)
            slots.append(self._covered(output, step, origin) if modifiers_of(step) else output)
        for slot, origin in self._lists.get(number, ()):
            if not is_list(slots[slot].type):
                self._misfit(origin, "'&'", "a list or a table", slots[slot])
        self._tell_unread(program, self._origins[number])
        return slots[program.result]

    def _tell_unread(self, program: Program, origins: Sequence[Origin]) -> None:
        """Warn of branches whose outputs nobody takes from a record that is only taken apart."""
        if not any(type(step) is RecordStep for step in program.steps):
            return
        #: By slot, the fields that are taken of a record; None where something reads all of it.
        taken: dict[int, set[object] | None] = {}
        for step in program.steps:
            if isinstance(step, BuiltinStep) and step.name == "get":
                fields = taken.setdefault(step.input, set())
                if fields is not None:
                    fields.add(literal_options(step.options).get("field"))
            else:
                taken.update(dict.fromkeys(inputs_of(step)))
        taken[program.result] = None
        for slot, (step, origin) in enumerate(zip(program.steps, origins, strict=True), start=1):
            fields = taken.get(slot)
            if isinstance(step, RecordStep) and fields is not None:
                for name in step.names:
                    if name not in fields:
                        self.warnings.append(diagnose(origin, f"nobody reads branch '{name}'", "remove it"))

    def _covered(self, output: _Value, step: Step, origin: Origin) -> _Value:
        """What a step gives once its modifiers have acted: what it would, or what its `catch` gives."""
        for modifier in modifiers_of(step):
            if modifier.handler is not None:
                handled = self.run(
                    modifier.handler, _Value(GenericAlias(dict, (str, Any)), "'catch'", origin)
                )
                output = _Value(union_of([output.type, handled.type]), output.maker, origin)
        return output

    def _step(self, step: Step, origin: Origin, slots: list[_Value]) -> _Value:
        if isinstance(step, AgentStep):
            return self._agent(step, origin, slots[step.input])
        if isinstance(step, BuiltinStep):
            return self._builtin(step, origin, slots[step.input])
        if isinstance(step, MapStep | FilterStep):
            return self._over_items(step, origin, slots[step.input])
        if isinstance(step, GroupStep):
            return self.run(step.program, slots[step.input])
        if isinstance(step, ChooseStep | RouteStep):
            return self._decision(step, origin, slots)
        if isinstance(step, ConstantStep):
            value = read_literal(step.value)
            return _Value(list if isinstance(value, tuple) else type(value), "the literal", origin)
        kinds = [slots[slot].type for slot in step.inputs]
        if isinstance(step, ListStep):
            return _Value(list_of(union_of(kinds)), "'|'", origin)
        return _Value(record_of(step.names, kinds), "'branch'", origin)

    def _agent(self, step: AgentStep, origin: Origin, given: _Value) -> _Value:
        if step.agent < 0:
            return _Value(Any, "", origin)
        spec = self._agents[step.agent]
        if given.type is Any or spec.input_type is Any:
            pass
        elif not fits(given.type, spec.input_type):
            self._misfit(origin, f"'{spec.name}'", type_text(spec.input_type), given)
        else:
            self._units(spec, origin, given)
        return _Value(spec.output_type, self._makers[step.agent], origin)

    def _units(self, spec: AgentSpec, origin: Origin, given: _Value) -> None:
        for edge in unit_edges(given.type, spec.input_type):
            if edge.refusal:
                field = f" in field '{edge.field}'" if edge.field else ""
                message = f"'{spec.name}' takes {edge.wanted}{field}, and {given.source(origin)} {edge.given}"
                self.diagnostics.append(diagnose(origin, f"{message}: {edge.refusal}", edge.fix))
            else:
                self.conversions.append(Conversion(*self._at, edge.given, edge.wanted))

    def _builtin(self, step: BuiltinStep, origin: Origin, given: _Value) -> _Value:
        builtin = BUILTINS[step.name]
        output: Any = Any
        if all(option.name in step.options for option in builtin.options if option.required):
            try:
                output = builtin.output_type(given.type, literal_options(step.options))
            except MisfitError as misfit:
                source = f"; {given.source(origin)} {type_text(given.type)}" if given.maker else ""
                self.diagnostics.append(diagnose(origin, f"'{step.name}' {misfit}{source}", misfit.fix))
        return _Value(output, f"'{step.name}'", origin)

    def _over_items(self, step: MapStep | FilterStep, origin: Origin, given: _Value) -> _Value:
        sign = "'*'" if isinstance(step, MapStep) else "'/'"
        items: Any = Any
        if is_list(given.type):
            items = item_type(given.type)
        else:
            self._misfit(origin, sign, "a list or a table", given)
        output = self.run(
            step.program, _Value(items, given.maker and f"an item of {given.maker}", given.origin)
        )
        if isinstance(step, MapStep):
            return _Value(list_of(output.type), sign, origin)
        if not fits(output.type, bool):
            self._misfit(origin, sign, "a test that gives bool", output)
        return _Value(list_of(items), sign, origin)

    def _decision(self, step: ChooseStep | RouteStep, origin: Origin, slots: list[_Value]) -> _Value:
        if isinstance(step, ChooseStep):
            if not fits(slots[step.test].type, bool):
                self._misfit(origin, "'?'", "a test that gives bool", slots[step.test])
        elif not fits(slots[step.key].type, str):
            self._misfit(origin, "'route'", "a key that is a string", slots[step.key])
        outputs = [self.run(number, slots[step.input]) for number in programs_of(step)]
        kinds = union_of([output.type for output in outputs])
        return _Value(kinds, "'?'" if isinstance(step, ChooseStep) else "'route'", origin)

    def _misfit(self, origin: Origin, taker: str, wanted: str, given: _Value) -> None:
        message = f"{taker} takes {wanted}, and {given.source(origin)} {type_text(given.type)}"
        self.diagnostics.append(
            diagnose(origin, message, "put a step between them that makes one of the other")
        )
