"""What a call means: the agent or built-in that it names, and the options that it gives.

Everything wrong with a call is told, not raised, so that one compilation tells all of a program's errors.
"""

from __future__ import annotations

__all__ = ["Agents", "CallReader", "option_values"]

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, get_args, get_origin

import msgspec

from greenlang.agents.contract import AgentSpec, Option
from greenlang.agents.naming import newest_matching
from greenlang.agents.places import Diagnostic, Origin, diagnose
from greenlang.agents.resource import Resource
from greenlang.agents.syntax import Argument, Call, Literal, LiteralValue, canonical_literal
from greenlang.errors import AgentError, InputError, clipped, nearest
from greenlang.gcel.builtins import BUILTINS
from greenlang.gcel.modifiers import MODIFIER_OPTIONS, refused_value
from greenlang.gcel.steps import AgentStep, BuiltinStep
from greenlang.gcel.text import RESERVED_NAMES, fresh_value, read_literal
from greenlang.gcel.types import type_text, words_of


class Agents(Protocol):
    """What a compiler asks of a registry."""

    def names(self) -> Sequence[str]:
        """The names of all agents."""

    def resolve(self, name: str, version_spec: str | None = None, /) -> AgentSpec:
        """The newest agent of this name that the version allows; AgentError if there is none."""

    def code_identity(self, spec: AgentSpec, /) -> str | None:
        """The digest of an agent's code; None where it cannot be told."""


class CallReader:
    """Reads the calls of one program; agents and resources are numbered as they are first met."""

    def __init__(self, registry: Agents, folder: Path | None, names: Sequence[str]) -> None:
        self._registry = registry
        #: Where the paths of resources start: the folder of the program's file, if it has one.
        self._folder = folder
        #: What the program binds; a name that is none of these may be one of them mistyped.
        self._names = names
        self.diagnostics: list[Diagnostic] = []
        self.agents: list[AgentSpec] = []
        self.resources: list[Resource] = []
        self._numbers: dict[tuple[str, str | None, int], int | None] = {}
        self._agent_numbers: dict[tuple[str, str, int], int] = {}
        self._resource_numbers: dict[tuple[str, str], int] = {}
        self._near: dict[str, str] = {}
        self._failures: dict[tuple[str, str | None, int], InputError] = {}

    def tell(self, origin: Origin, message: str, fix: str = "") -> None:
        """Note what is wrong, and go on."""
        self.diagnostics.append(diagnose(origin, message, fix))

    def builtin(self, call: Call, slot: int) -> BuiltinStep:
        """The step of a call to a built-in."""
        builtin = BUILTINS[call.name]
        if call.version is not None:
            self.tell(
                call.origin, f"'{call.name}' is a part of the language and has no versions", "leave out the @"
            )
        arguments = self._by_name(call, builtin.options)
        return BuiltinStep(slot, call.name, self._options(call, builtin.options, arguments)[0])

    def modifier(self, call: Call) -> dict[str, str]:
        """The options of a modifier, `catch` apart."""
        definition = MODIFIER_OPTIONS[call.name]
        options, _ = self._options(call, definition, self._by_name(call, definition))
        for name, text in options.items():
            if wrong := refused_value(call.name, name, read_literal(text)):
                self.tell(call.origin, f"option '{name}' of '{call.name}' {wrong[0]}", wrong[1])
        return options

    def agent(self, call: Call, slot: int) -> AgentStep:
        """The step of a call to an agent; one that cannot be found is told and stands as agent -1."""
        number = self._agent_number(call)
        if number is None:
            return AgentStep(slot, -1)
        spec = self.agents[number]
        if not call.arguments and not (spec.options and any(option.required for option in spec.options)):
            return AgentStep(slot, number)
        options, resources = self._options(call, spec.options, self._by_name(call, spec.options, agent=spec))
        return AgentStep(slot, number, options, resources)

    # Agents

    def _agent_number(self, call: Call) -> int | None:
        key = call.name, call.version, id(call.agent)
        number = self._numbers.get(key)
        if number is not None:
            return number
        if key not in self._numbers:
            try:
                self._numbers[key] = self._numbered(self._resolved(call))
            except InputError as error:
                self._numbers[key] = None
                self._failures[key] = error
        if self._numbers[key] is None:
            failure = self._failures[key]
            self.tell(call.origin, failure.message, self._nearest_names(call.name) or failure.fix)
        return self._numbers[key]

    def _resolved(self, call: Call) -> AgentSpec:
        own: AgentSpec | None = getattr(call.agent, "spec", None)
        if own is not None and (call.version is None or newest_matching([own.version], call.version)):
            return own
        if own is not None and call.name not in self._registry.names():
            raise AgentError(
                f"agent '{call.name}' has no version {call.version}", fix=f"there is {own.version}"
            )
        return self._registry.resolve(call.name, call.version)

    def _numbered(self, spec: AgentSpec) -> int:
        key = spec.name, spec.version, id(spec.function)
        if key not in self._agent_numbers:
            self._agent_numbers[key] = len(self.agents)
            self.agents.append(spec)
        return self._agent_numbers[key]

    def _nearest_names(self, name: str) -> str:
        """For an unknown name: what it may be mistyped from, wherever that is defined."""
        if name not in self._near:
            known = set(self._registry.names())
            words = {*known, *self._names, *RESERVED_NAMES}
            close = [] if name in known else ["null"] if name == "None" else nearest(name, words)
            self._near[name] = f"did you mean {' or '.join(close)}?" if close else ""
        return self._near[name]

    # Options

    def _by_name(
        self, call: Call, options: Sequence[Option], agent: AgentSpec | None = None
    ) -> list[tuple[Option, Argument]]:
        """The arguments beside the options that they set."""
        known = {option.name: option for option in options}
        paired: list[tuple[Option, Argument]] = []
        for position, argument in enumerate(call.arguments):
            name = argument.name
            if name is None and agent is not None:
                self.tell(
                    argument.origin,
                    f"agent '{call.name}' takes its options by name",
                    f"name it: {_known_options(known)}" if known else "remove it: the agent has none",
                )
            elif name is None and position >= len(options):
                self.tell(
                    argument.origin, f"'{call.name}' takes {_count(len(options), 'argument')}", "remove it"
                )
            elif name is not None and name not in known:
                close = nearest(name, known)
                fix = f"did you mean {' or '.join(close)}?" if close else _known_options(known)
                self.tell(argument.origin, f"'{call.name}' has no option '{name}'", fix)
            else:
                paired.append((options[position] if name is None else known[name], argument))
        return paired

    def _options(
        self, call: Call, options: Sequence[Option], paired: list[tuple[Option, Argument]]
    ) -> tuple[dict[str, str], dict[str, int]]:
        texts: dict[str, str] = {}
        resources: dict[str, int] = {}
        for option, argument in paired:
            if not isinstance(argument.value, Literal):
                self.tell(
                    argument.origin,
                    f"option '{option.name}' of '{call.name}' takes a value, and a step is given",
                    f"write {_example(option.type)}",
                )
            elif _is_resource(option.type) and isinstance(argument.value.value, str):
                number = self._resource(argument, argument.value.value)
                if number is not None:
                    resources[option.name] = number
            elif self._accepts(call, option, argument, argument.value):
                texts[option.name] = canonical_literal(argument.value.value)
        given = {option.name for option, _ in paired}
        for option in options:
            if option.required and option.name not in given:
                self.tell(
                    call.origin,
                    f"'{call.name}' needs its option '{option.name}'",
                    f"write {call.name}({option.name}={_example(option.type)})",
                )
        return dict(sorted(texts.items())), dict(sorted(resources.items()))

    def _accepts(self, call: Call, option: Option, argument: Argument, given: Literal) -> bool:
        words = words_of(option.type)
        if given.bare and given.value not in words:
            close = nearest(str(given.value), words)
            told = f"did you mean {' or '.join(close)}?" if close else f"write {_example(option.type)}"
            kind = "is none of its words" if words else "is a word without quotes"
            self.tell(
                argument.value.origin,
                f"option '{option.name}' of '{call.name}': '{given.value}' {kind}",
                told,
            )
            return False
        try:
            _converted(given.value, option.type)
        except (msgspec.ValidationError, TypeError) as error:
            self.tell(
                argument.value.origin,
                f"option '{option.name}' of '{call.name}' takes {type_text(option.type)}, "
                f"and {clipped(canonical_literal(given.value), 60)} is given{_detail(error)}",
                _mend(words, given.value) or f"write {_example(option.type)}",
            )
            return False
        return True

    def _resource(self, argument: Argument, name: str) -> int | None:
        if self._folder is None:
            self.tell(
                argument.value.origin,
                f"'{name}' is a file, and this program has none that it could stand beside",
                "give compile() the path of the program's file",
            )
            return None
        try:
            resource = Resource.read(name, folder=self._folder)
        except InputError as error:
            self.tell(argument.value.origin, error.message, error.fix)
            return None
        key = resource.name, resource.sha256
        if key not in self._resource_numbers:
            self._resource_numbers[key] = len(self.resources)
            self.resources.append(resource)
        return self._resource_numbers[key]


def _known_options(known: Mapping[str, Option]) -> str:
    """How the options of an agent are written."""
    if not known:
        return "it has none"
    return "its options are " + ", ".join(
        f"{option.name}: {type_text(option.type)}" for option in known.values()
    )


def _converted(value: LiteralValue, wanted: Any) -> Any:
    """A literal as an option's type takes it: lists fresh, integers as decimals where those are wanted.

    Raises
    ------
    msgspec.ValidationError, TypeError
        If the type takes no such value, or is one that no literal can be of.
    """
    plain = fresh_value(value)
    if wanted is Any:
        return plain
    if isinstance(value, Decimal) and wanted is float:
        raise TypeError("floats are not exact")
    return msgspec.convert(plain, wanted)


def option_values(
    options: Sequence[Option], given: Mapping[str, LiteralValue], resources: Mapping[str, Resource]
) -> dict[str, Any]:
    """What a function gets for its options: those that the program gives, the others by their defaults."""
    types = {option.name: option.type for option in options}
    values: dict[str, Any] = {name: _converted(value, types[name]) for name, value in given.items()}
    return {**values, **resources}


def _is_resource(kind: Any) -> bool:
    return kind is Resource or Resource in get_args(kind)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _detail(error: Exception) -> str:
    """Where in a list the wrong item stands, as msgspec tells it."""
    _, found, place = str(error).partition(" - at ")
    return f" (at {place.strip('`')})" if found else ""


def _mend(words: Sequence[str], given: object) -> str:
    close = nearest(str(given), words) if isinstance(given, str) else []
    return f"did you mean {' or '.join(map(canonical_literal, close))}?" if close else ""


_EXAMPLES: dict[Any, str] = {int: "1", Decimal: "1.5", str: '"text"', bool: "true", Resource: '"file.csv"'}


def _example(kind: Any) -> str:
    """A literal of a type, to show how one is written."""
    words = words_of(kind)
    if words:
        return " or ".join(canonical_literal(word) for word in words)
    if get_origin(kind) in {list, tuple}:
        return f"[{_example(get_args(kind)[0])}]"
    for member in (kind, *get_args(kind)):
        if member in _EXAMPLES:
            return _EXAMPLES[member]
    return type_text(kind)
