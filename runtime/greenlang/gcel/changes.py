"""What a step does by itself and another does not: their own forms compared, in words."""

from __future__ import annotations

__all__ = ["form_changes"]

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec


def form_changes(before: str, after: str) -> list[str]:
    """Why two steps with these own forms (see `keys`) are not the same; empty if they are."""
    return list(_changes(msgspec.json.decode(before), msgspec.json.decode(after)))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if (before["kind"], before.get("agent")) != (after["kind"], after.get("agent")):
        yield "it is another step"
        return
    if before.get("version") != after.get("version"):
        yield f"version {before.get('version')} became {after.get('version')}"
    elif before.get("code") != after.get("code"):
        yield "its code changed"
    yield from _entries("option", before.get("options", {}), after.get("options", {}))
    yield from _files(before.get("files", {}), after.get("files", {}))
    if before.get("modifiers", []) != after.get("modifiers", []):
        old, new = _modifiers(before), _modifiers(after)
        yield from _entries("modifier", old, new)
        if old == new:
            yield "its modifiers are nested otherwise"
    for name, told in (("name", "name"), ("names", "names"), ("value", "value")):
        if before.get(name) != after.get(name):
            yield f"its {told} {_text(before.get(name))} became {_text(after.get(name))}"


def _entries(noun: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{noun} {name}={before[name]} was removed"
        elif name not in before:
            yield f"{noun} {name}={after[name]} was added"
        elif before[name] != after[name]:
            yield f"{noun} {name}: {before[name]} became {after[name]}"


def _files(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"file {name}: its content changed"


def _modifiers(form: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: f"({', '.join(f'{option}={text}' for option, text in sorted(options.items()))})"
        for name, options in form.get("modifiers", [])
    }


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
