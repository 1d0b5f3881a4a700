"""Numbers that a language model touched, followed field by field: none may reach a calculation.

What an agent with the effect `llm` gives is labelled, and so is whatever is made of it; the contract of an
agent (`greenlang.agents.flows`) may say for a field what it is made of. Two things clear a label: a choice
from a closed set (a field that is an enumeration or a `Literal`), and a person's approval that is recorded. A
test or key that is labelled labels what it decides on. No labelled field may enter an agent that calculates,
nor a sum or a mean.

Works on programs of steps, so that a plan read from a file is held to it as a program's text is.
"""

from __future__ import annotations

__all__ = ["check_labels"]

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from msgspec import Struct

from greenlang.agents.contract import AgentSpec
from greenlang.agents.flows import ANY_FIELD, declared_fields, record_type
from greenlang.agents.places import Diagnostic, Origin, diagnose, place_of
from greenlang.agents.syntax import LiteralValue
from greenlang.gcel.records import NoFieldError, field_type
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
    Step,
    modifiers_of,
    programs_of,
)
from greenlang.gcel.text import literal_options
from greenlang.gcel.types import MAXIMUM_TYPE_DEPTH, MAXIMUM_TYPE_SIZE


class _Model(Struct, frozen=True):
    """The step whose model touched a value."""

    name: str
    origin: Origin


class _Fields(dict[str, "_Label"]):
    """The labelled fields of a record, and none that are not."""

    __slots__ = ("depth", "size")

    def __init__(self, labels: Mapping[str, _Label]) -> None:
        super().__init__({name: label for name, label in labels.items() if label})
        inner = [label for label in self.values() if isinstance(label, _Fields)]
        self.depth: int = 1 + max([label.depth for label in inner], default=0)
        self.size: int = len(self) + sum(label.size for label in inner)


#: What of a value is labelled: all of it, or some of its fields (of its items, where it is a list); no field
#: is nothing.
_Label: TypeAlias = "_Model | _Fields"

_CLEAR = _Fields({})

#: Built-ins that give what they take, or some of it.
_HANDING_ON = frozenset({"identity", "first", "last", "min", "max", "sort", "merge"})

_CALCULATING = frozenset({"sum", "mean"})

_FIX = (
    "let the model choose from a closed set (an enum or a Literal field), or let a person approve the value "
    "in an agent that says so with approves="
)


def check_labels(
    programs: Sequence[Program], origins: Sequence[Sequence[Origin]], agents: Sequence[AgentSpec]
) -> list[Diagnostic]:
    """Every labelled field that enters a calculation."""
    if not any("llm" in spec.effects for spec in agents):
        return []
    checker = _Checker(programs, origins, agents)
    checker.run(0, _CLEAR)
    return checker.diagnostics


class _Checker:
    def __init__(
        self, programs: Sequence[Program], origins: Sequence[Sequence[Origin]], agents: Sequence[AgentSpec]
    ) -> None:
        self._programs = programs
        self._origins = origins
        self._agents = agents
        self.diagnostics: list[Diagnostic] = []

    def run(self, number: int, given: _Label) -> _Label:
        """What is labelled of that which a program gives."""
        program = self._programs[number]
        slots = [given]
        for step, origin in zip(program.steps, self._origins[number], strict=True):
            slots.append(self._covered(step, self._step(step, origin, slots), slots))
        return slots[program.result]

    def _covered(self, step: Step, output: _Label, slots: Sequence[_Label]) -> _Label:
        for modifier in modifiers_of(step):
            if modifier.handler is not None:
                # An error tells of the input, and of what the step had made of it.
                taken = slots[getattr(step, "input", 0)]
                error = _model_of(_united([taken, output])) or _CLEAR
                output = _united(
                    [output, self.run(modifier.handler, _labelled({"input": taken, "error": error}))]
                )
        return output

    def _step(self, step: Step, origin: Origin, slots: Sequence[_Label]) -> _Label:
        if isinstance(step, AgentStep):
            return (
                self._agent(self._agents[step.agent], origin, slots[step.input])
                if step.agent >= 0
                else _CLEAR
            )
        if isinstance(step, BuiltinStep):
            return self._builtin(step, origin, slots[step.input])
        if isinstance(step, ConstantStep):
            return _CLEAR
        if isinstance(step, ListStep):
            return _united([slots[slot] for slot in step.inputs])
        if isinstance(step, RecordStep):
            return _labelled({name: slots[slot] for name, slot in zip(step.names, step.inputs, strict=True)})
        if isinstance(step, MapStep | GroupStep):
            return self.run(step.program, slots[step.input])
        if isinstance(step, FilterStep):
            taken = slots[step.input]
            return _decided(self.run(step.program, taken), [taken])
        decider = slots[step.test if isinstance(step, ChooseStep) else step.key]
        return _decided(decider, [self.run(number, slots[step.input]) for number in programs_of(step)])

    def _agent(self, spec: AgentSpec, origin: Origin, taken: _Label) -> _Label:
        if "calculates" in spec.effects:
            self._refuse(f"'{spec.name}' calculates", origin, taken)
        model = _Model(spec.name, origin) if "llm" in spec.effects else _model_of(taken)
        if ANY_FIELD in spec.approves:
            return _CLEAR
        names = declared_fields(spec.output_type)
        if names is None or not (spec.flows or spec.approves):
            # Where it is not known which fields there are, nothing is known of those that are not named.
            return _by_type(model, spec.output_type)
        label: dict[str, _Label] = {}
        for name in names - spec.approves:
            made_of = spec.flows.get(name)
            source = (
                model if made_of is None else _model_of(_united([_field(taken, each) for each in made_of]))
            )
            label[name] = _by_type(source, _field_type(spec.output_type, name))
        return _labelled(label)

    def _builtin(self, step: BuiltinStep, origin: Origin, taken: _Label) -> _Label:
        if step.name in _CALCULATING:
            self._refuse(f"'{step.name}' adds up", origin, taken)
        if step.name == "get":
            return _field(taken, _name(step.options, "field"))
        if step.name == "merge":
            # The fields of a branch's records are mixed with those of others.
            return _united([taken, *taken.values()]) if isinstance(taken, _Fields) else taken
        if step.name in {"sort", "min", "max"} and "key" in step.options:
            return _decided(_field(taken, _name(step.options, "key")), [taken])
        return taken if step.name in _HANDING_ON else (_model_of(taken) or _CLEAR)

    def _refuse(self, does: str, origin: Origin, taken: _Label) -> None:
        found = _first(taken)
        if found is None:
            return
        path, model = found
        what = f"field '{path}' of what it takes" if path else "what it takes"
        here, there = place_of(origin), place_of(model.origin)
        line = f"line {there.line}" if there.file == here.file else str(there)
        self.diagnostics.append(
            diagnose(
                origin, f"{does}, and {what} was touched by a language model: '{model.name}' ({line})", _FIX
            )
        )


def _name(options: Mapping[str, str], option: str) -> str:
    value: LiteralValue = literal_options(options).get(option)
    return value if isinstance(value, str) else ""


def _field(label: _Label, name: str) -> _Label:
    return label if isinstance(label, _Model) else label.get(name, _CLEAR)


def _labelled(labels: Mapping[str, _Label]) -> _Label:
    """A record with these labels on its fields: on all of it where they are too many to follow."""
    fields = _Fields(labels)
    if fields.depth < MAXIMUM_TYPE_DEPTH and fields.size < MAXIMUM_TYPE_SIZE:
        return fields
    return _model_of(fields) or _CLEAR


def _united(labels: Iterable[_Label]) -> _Label:
    merged: dict[str, _Label] = {}
    for label in labels:
        if isinstance(label, _Model):
            return label
        for name, inner in label.items():
            known = merged.get(name, inner)
            merged[name] = inner if known is inner else _united([known, inner])
    return _labelled(merged)


def _decided(decider: _Label, outputs: Iterable[_Label]) -> _Label:
    """What comes out where a test or a key chose it."""
    return _model_of(decider) or _united(outputs)


def _model_of(label: _Label) -> _Model | None:
    found = _first(label)
    return None if found is None else found[1]


def _first(label: _Label, path: str = "") -> tuple[str, _Model] | None:
    """The first labelled field, as `a.b`, and who touched it."""
    if isinstance(label, _Model):
        return path, label
    for name in sorted(label):
        found = _first(label[name], f"{path}.{name}" if path else name)
        if found is not None:
            return found
    return None


def _by_type(model: _Model | None, kind: Any) -> _Label:
    """What is labelled of a value of this type that a model touched: all but choices from closed sets."""
    if model is None or _is_closed(kind):
        return _CLEAR
    names = declared_fields(kind)
    if names is None:
        return model
    return _labelled({name: model for name in names if not _is_closed(_field_type(kind, name))})


def _field_type(kind: Any, name: str) -> Any:
    try:
        return field_type(record_type(kind), name)
    except NoFieldError:
        return Any


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in {Union, UnionType} else ()


def _is_closed(kind: Any) -> bool:
    """Whether values of this type are a choice from a set that is written down."""
    if get_origin(kind) is Annotated:
        return _is_closed(get_args(kind)[0])
    if members := _members(kind):
        return all(member is NoneType or _is_closed(member) for member in members)
    return get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum))
