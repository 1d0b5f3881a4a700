"""Plans as JSON documents: what the hash covers, and beside it the files and places that people see."""

from __future__ import annotations

__all__ = ["read_plan", "write_plan"]

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from greenlang.agents.contract import AgentSpec
from greenlang.agents.places import Origin, Place, gcel_error, place_of
from greenlang.agents.resource import Resource
from greenlang.errors import GcelError
from greenlang.gcel.builtins import BUILTINS
from greenlang.gcel.calls import option_values
from greenlang.gcel.checking import check_types
from greenlang.gcel.compiled import FORM, Compiled
from greenlang.gcel.modifiers import MODIFIER_OPTIONS, check_modifiers, refused_value
from greenlang.gcel.steps import AgentStep, BuiltinStep, Modifier, Program, check_wiring, modifiers_of
from greenlang.gcel.text import literal_options

if TYPE_CHECKING:
    from greenlang.gcel.calls import Agents

_ENCODER = msgspec.json.Encoder(order="sorted")


class _Agent(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: str
    code: str | None


class _Resource(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    text: str
    sha256: str


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    form: int
    hash: str
    agents: tuple[_Agent, ...]
    programs: tuple[Program, ...]
    resources: tuple[_Resource, ...]
    #: Files and lines of the program; places name them by number.
    texts: tuple[str, ...]
    #: Beside each step: file, line, column, length and source line.
    places: tuple[tuple[tuple[int, int, int, int, int], ...], ...]


def write_plan(plan: Compiled) -> bytes:
    """The plan as JSON in UTF-8."""
    texts: dict[str, int] = {}

    def number(text: str) -> int:
        return texts.setdefault(text, len(texts))

    def numbers(origin: Origin) -> tuple[int, int, int, int, int]:
        place = place_of(origin)
        return number(place.file), place.line, place.column, place.length, number(place.source_line)

    places = tuple(tuple([numbers(origin) for origin in origins]) for origins in plan.origins)
    return _ENCODER.encode(
        _Document(
            form=FORM,
            hash=plan.hash,
            agents=tuple(
                _Agent(spec.name, spec.version, code)
                for spec, code in zip(plan.agents, plan.codes, strict=True)
            ),
            programs=plan.programs,
            resources=tuple(_Resource(file.name, file.text, file.sha256) for file in plan.resources),
            texts=tuple(texts),
            places=places,
        )
    )


def read_plan(document: bytes | str, registry: Agents | None = None) -> Compiled:
    """The plan that `write_plan` wrote, checked against the agents that are installed here."""
    if registry is None:
        from greenlang.agents.registry import default_registry

        registry = default_registry()
    try:
        read = msgspec.json.decode(document, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GcelError(f"this is not a plan: {error}", fix="give a file that `Plan.to_json` wrote") from None
    if read.form != FORM:
        raise GcelError(
            f"the plan has form {read.form}, and this version of the runtime reads form {FORM}",
            fix="compile the program again",
        )
    check_wiring(read.programs, len(read.agents), len(read.resources))
    agents = tuple(_agent(record, registry) for record in read.agents)
    origins = _origins(read)
    resources = tuple(Resource(file.name, file.text, file.sha256) for file in read.resources)
    _check_options(read.programs, agents, resources)
    types, diagnostics = check_types(read.programs, origins, agents)
    if diagnostics:
        raise gcel_error(diagnostics)
    codes = tuple(record.code for record in read.agents)
    plan = Compiled(read.programs, origins, agents, codes, resources, types)
    if plan.hash != read.hash:
        raise GcelError("the plan does not have the hash that it names", fix="compile the program again")
    return plan


def _agent(record: _Agent, registry: Agents) -> AgentSpec:
    spec = registry.resolve(record.name, record.version)
    if spec.version != record.version or registry.code_identity(spec) != record.code:
        raise GcelError(
            f"the code of agent '{record.name}' {record.version} here is not what the plan was compiled with",
            fix="install the release that it was compiled with, or compile the program again",
        )
    return spec


def _origins(read: _Document) -> tuple[tuple[Origin, ...], ...]:
    if [len(places) for places in read.places] != [len(program.steps) for program in read.programs]:
        raise GcelError("the plan does not have one place for each step", fix="compile the program again")
    texts = read.texts
    try:
        return tuple(
            tuple(
                [
                    Place(texts[file], line, column, length, texts[text])
                    for file, line, column, length, text in places
                ]
            )
            for places in read.places
        )
    except IndexError:
        raise GcelError("a place of the plan names a text that is not there", fix="compile again") from None


def _check_options(
    programs: tuple[Program, ...], agents: tuple[AgentSpec, ...], resources: tuple[Resource, ...]
) -> None:
    for misplaced in check_modifiers(programs, agents):
        raise GcelError(f"the plan does not hold together: {misplaced.message}", fix=misplaced.fix)
    for program in programs:
        for step in program.steps:
            for modifier in modifiers_of(step):
                _check_modifier(modifier)
            if isinstance(step, AgentStep):
                name, options = agents[step.agent].name, agents[step.agent].options
                files = {option: resources[number] for option, number in step.resources.items()}
            elif isinstance(step, BuiltinStep) and step.name in BUILTINS:
                name, options, files = step.name, BUILTINS[step.name].options, {}
            elif isinstance(step, BuiltinStep):
                raise GcelError(
                    f"the plan names a built-in '{step.name}', and there is none", fix="compile again"
                )
            else:
                continue
            try:
                values = option_values(options, literal_options(step.options), files)
            except (msgspec.ValidationError, TypeError, KeyError) as error:
                raise GcelError(
                    f"an option of '{name}' in the plan is wrong: {error}", fix="compile again"
                ) from None
            missing = [option.name for option in options if option.required and option.name not in values]
            if missing:
                raise GcelError(f"'{name}' in the plan lacks its option '{missing[0]}'", fix="compile again")


def _check_modifier(modifier: Modifier) -> None:
    definition = MODIFIER_OPTIONS.get(modifier.name)
    if definition is None:
        raise GcelError(
            f"the plan names a modifier '{modifier.name}', and there is none", fix="compile again"
        )
    given = literal_options(modifier.options)
    try:
        option_values(definition, given, {})
        wrong = [told for name, value in given.items() if (told := refused_value(modifier.name, name, value))]
    except (msgspec.ValidationError, TypeError, KeyError) as error:
        wrong = [(f"is wrong: {error}", "compile again")]
    if wrong or any(option.required and option.name not in given for option in definition):
        reason, fix = wrong[0] if wrong else ("is missing", "compile again")
        raise GcelError(f"an option of '{modifier.name}' in the plan {reason}", fix=fix)
