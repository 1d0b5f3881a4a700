"""Outlines: of a plan what can be compared, whether or not it could run here.

A saved plan may be older than this runtime, or name agents that are not installed: so its outline is taken
from the document alone, member by member. What this version does not know is kept as it stands, as part of
what the step does.
"""

from __future__ import annotations

__all__ = ["Outline", "StepOutline", "outline_of", "read_outline"]

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from greenlang.agents.syntax import canonical_literal
from greenlang.errors import GcelError
from greenlang.gcel.compiled import Compiled
from greenlang.gcel.steps import LABELS_BY_KIND

_ENCODER = msgspec.json.Encoder(order="sorted")

#: Members of a step that say what it reads and which programs it runs; the others say what it does.
_READS = ("test", "key", "input")
_RUNS = ("program", "yes", "no", "default")


@dataclass(frozen=True, slots=True)
class StepOutline:
    """One step."""

    #: As a program writes it, without the version of its agent.
    title: str
    #: What people call it.
    label: str
    #: What it does by itself, as `greenlang.gcel.keys` has it.
    form: str
    #: Where it stands among all steps of the plan, and there the steps that it reads and those it runs.
    place: int
    before: tuple[int, ...]
    inside: tuple[int, ...]
    #: Digest of all of that; not the key that a run knows it by, which this version may not be able to tell.
    key: str


@dataclass(frozen=True, slots=True)
class Outline:
    """A plan's steps, agents and files, to be compared with another's."""

    form: object
    hash: str
    #: Identities of code by name and version.
    agents: Mapping[tuple[str, str], str | None]
    #: Digests of content by name.
    files: Mapping[str, str]
    steps: tuple[StepOutline, ...]


def outline_of(plan: Compiled) -> Outline:
    """The outline of a plan that is compiled."""
    document = msgspec.to_builtins(plan.form())
    document["resources"] = [{"name": file.name, "sha256": file.sha256} for file in plan.resources]
    return _outline(document, plan.hash)


def read_outline(document: bytes | str) -> Outline:
    """The outline of a plan that `Plan.to_json` wrote, in any version.

    Raises
    ------
    GcelError
        If it is no such document.
    """
    try:
        read = msgspec.json.decode(document)
        return _outline(read, read["hash"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GcelError(f"this is not a plan: {error}", fix="give a file that `Plan.to_json` wrote") from None
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise GcelError(
            f"this is not a plan: {type(error).__name__}: {error}",
            fix="give a file that `Plan.to_json` wrote",
        ) from None


def _outline(document: Mapping[str, Any], digest: str) -> Outline:
    agents = document["agents"]
    files = document.get("resources", [])
    return Outline(
        document.get("form"),
        digest,
        {(agent["name"], agent["version"]): agent.get("code") for agent in agents},
        {file["name"]: file["sha256"] for file in files},
        tuple(_steps(document["programs"], agents, files)),
    )


def _steps(programs: list[Any], agents: list[Any], files: list[Any]) -> Iterator[StepOutline]:
    first_places = [0]
    for program in programs:
        first_places.append(first_places[-1] + len(program["steps"]))
    keys: dict[int, list[str]] = {}
    made: dict[int, list[StepOutline]] = {}
    # A program names only later ones.
    for number in reversed(range(len(programs))):
        slots = ["input"]
        made[number] = []
        for index, step in enumerate(programs[number]["steps"]):
            form = _form(step, agents, files)
            reads, runs = _reads(step), _runs(step)
            inside = [place for run in runs for place in range(first_places[run], first_places[run + 1])]
            told = [form, [slots[slot] for slot in reads], [keys[run] for run in runs]]
            key = hashlib.sha256(_ENCODER.encode(told)).hexdigest()
            made[number].append(
                StepOutline(
                    _title(form),
                    form.get("agent") or form.get("name") or LABELS_BY_KIND.get(form["kind"], form["kind"]),
                    _ENCODER.encode(form).decode(),
                    first_places[number] + index,
                    tuple(first_places[number] + slot - 1 for slot in reads if slot),
                    tuple(inside),
                    key,
                )
            )
            slots.append(key)
        keys[number] = [*slots[1:], slots[programs[number]["result"]]]
    for number in range(len(programs)):
        yield from made[number]


def _reads(step: Mapping[str, Any]) -> list[int]:
    return [*(step[name] for name in _READS if name in step), *step.get("inputs", ())]


def _runs(step: Mapping[str, Any]) -> list[int]:
    handlers = [each["handler"] for each in step.get("modifiers", ()) if each.get("handler") is not None]
    named = [step[name] for name in _RUNS if step.get(name) is not None]
    return [*named, *step.get("programs", ()), *handlers]


def _form(step: Mapping[str, Any], agents: list[Any], files: list[Any]) -> dict[str, Any]:
    form = {
        name: value
        for name, value in step.items()
        if name not in {*_READS, *_RUNS, "inputs", "programs", "agent", "resources", "modifiers"}
    }
    if step["kind"] == "agent":
        agent = agents[step["agent"]]
        form |= {"agent": agent["name"], "version": agent["version"], "code": agent.get("code")}
        form["files"] = {name: files[number]["sha256"] for name, number in step.get("resources", {}).items()}
    if step.get("modifiers"):
        form["modifiers"] = [[each["name"], each.get("options", {})] for each in step["modifiers"]]
    return form


def _title(form: Mapping[str, Any]) -> str:
    if form["kind"] == "constant":
        bare = form["value"]
    elif form["kind"] == "record":
        bare = f"branch {', '.join(map(canonical_literal, form['names']))}"
    else:
        name = form.get("agent") or form.get("name") or LABELS_BY_KIND.get(form["kind"], form["kind"])
        bare = f"{name}{_options(form.get('options', {}))}"
    return " >> ".join([bare, *(f"{name}{_options(options)}" for name, options in form.get("modifiers", ()))])


def _options(options: Mapping[str, str]) -> str:
    return f"({', '.join(f'{name}={text}' for name, text in sorted(options.items()))})" if options else ""
