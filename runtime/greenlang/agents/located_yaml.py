"""YAML that people wrote, read so that every mistake can be told with its line.

In: text.  Out: dicts, lists and the texts of the scalars exactly as written (`1.10` stays `1.10`, `no` stays
`no`), and the line of each key and item by its path as msgspec writes it, `$.agents[0].name`.
"""

from __future__ import annotations

__all__ = ["MAX_CHARACTERS", "LocatedYaml", "parse_yaml"]

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from greenlang.errors import PackError

if TYPE_CHECKING:
    import yaml

#: What a person can have written; more is refused before it is parsed.
MAX_CHARACTERS = 1024 * 1024

#: Levels of lists and mappings.
_MAX_DEPTH = 20


@dataclass(slots=True)
class LocatedYaml:
    """A document and where its parts stand."""

    file: str
    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)

    def place(self, path: str) -> str:
        """`file, line 7`, for the part at `path` or the nearest around it."""
        while path not in self.lines and path != "$":
            path = path[: max(path.rfind("."), path.rfind("["))]
        return f"{self.file}, line {self.lines.get(path, 1)}"


def parse_yaml(text: str, *, file: str) -> LocatedYaml:
    """Read one YAML document of plain mappings, lists and scalars.

    Raises
    ------
    PackError
        For broken YAML, anchors and aliases (a few lines of which can expand to gigabytes), repeated keys,
        empty values, and texts too long or too deep to be a person's.
    """
    # Imported here: a runtime without packs never pays for it.
    import yaml

    if len(text) > MAX_CHARACTERS:
        raise PackError(f"it is longer than {MAX_CHARACTERS:,} characters", fix="shorten it", place=file)
    # Read event by event: composing a deeply nested text overflows the C stack of libyaml's composer.
    events = yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    try:
        return _Reader(events, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}, line {mark.line + 1}" if mark else file
        raise PackError(f"it is not YAML: {error.problem}", fix="mend the line", place=place) from None
    except yaml.YAMLError as error:
        raise PackError(f"it is not YAML: {error}", fix="write plain keys and values", place=file) from None


class _Reader:
    """Builds the values of one document from the events of the parser."""

    def __init__(self, events: Iterator[yaml.Event], file: str) -> None:
        self._events = events
        self._document = LocatedYaml(file)

    def document(self) -> LocatedYaml:
        import yaml

        _, start = next(self._events), next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            raise PackError("it is empty", fix="begin with `schema: 1`", place=self._document.file)
        self._document.value = self._value(next(self._events), "$", depth=0)
        _, end = next(self._events), next(self._events)
        if not isinstance(end, yaml.StreamEndEvent):
            self._document.lines["$"] = _line(end)
            raise self._error("$", "a second document begins", "leave it out")
        return self._document

    def _value(self, event: yaml.Event, path: str, *, depth: int) -> Any:
        import yaml

        self._document.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise self._error(path, "an anchor (&) or an alias (*) stands here", "write the part out")
        if depth > _MAX_DEPTH:
            raise self._error(path, f"parts are nested more than {_MAX_DEPTH} deep", "write it flat")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth=depth + 1)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth=depth + 1)
        if not isinstance(event, yaml.ScalarEvent) or not event.value.strip():
            raise self._error(path, f"{path.removeprefix('$.')} is empty", "give it a value, or leave it out")
        return event.value

    def _sequence(self, path: str, *, depth: int) -> list[Any]:
        import yaml

        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, f"{path}[{len(items)}]", depth=depth))
        return items

    def _mapping(self, path: str, *, depth: int) -> dict[str, Any]:
        import yaml

        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(path, "a key is not plain text", "write keys as words")
            key = event.value
            # The key's line, not the value's: that is where a reader looks.
            self._document.lines[f"{path}.{key}"] = _line(event)
            if key in mapping:
                raise self._error(f"{path}.{key}", f"'{key}' stands here twice", "keep one of them")
            mapping[key] = self._value(next(self._events), f"{path}.{key}", depth=depth)
        return mapping

    def _error(self, path: str, message: str, fix: str) -> PackError:
        return PackError(message, fix=fix, place=self._document.place(path))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
