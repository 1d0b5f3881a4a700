"""YAML that people wrote, read so that every mistake can be told with its line.

In: text.  Out: dicts, lists and the texts of the scalars exactly as written (`1.10` stays `1.10`, `no` stays
`no`), and the line of each key and item by its path as msgspec writes it, `$.agents[0].name`.
"""

from __future__ import annotations

__all__ = ["MAX_CHARACTERS", "LocatedYaml", "parse_yaml"]

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
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}, line {mark.line + 1}" if mark else file
        raise PackError(f"it is not YAML: {error.problem}", fix="mend the line", place=place) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise PackError(f"it is not YAML: {error}", fix="write plain keys and values", place=file) from None
    document = LocatedYaml(file)
    if root is None:
        raise PackError("it is empty", fix="begin with `schema: 1`", place=file)
    document.value = _Walk(document).value(root, "$", depth=0)
    return document


class _Walk:
    """Turns nodes into values, once each: a node that is met twice was an alias."""

    def __init__(self, document: LocatedYaml) -> None:
        self._document = document
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, path: str, *, depth: int) -> Any:
        import yaml

        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._seen:
            raise self._error(path, "an alias (*) repeats another part", "write the part out")
        self._seen.add(id(node))
        if depth > _MAX_DEPTH:
            raise self._error(path, f"parts are nested more than {_MAX_DEPTH} deep", "write it flat")
        if isinstance(node, yaml.SequenceNode):
            return [
                self.value(item, f"{path}[{index}]", depth=depth + 1) for index, item in enumerate(node.value)
            ]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth=depth)
        if not node.value.strip():
            raise self._error(path, f"{path.removeprefix('$.')} is empty", "give it a value, or leave it out")
        return node.value

    def _mapping(self, node: yaml.MappingNode, path: str, *, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise self._error(path, "a key is not plain text", "write keys as words")
            if key in mapping:
                self._document.lines[f"{path}.{key}"] = key_node.start_mark.line + 1
                raise self._error(f"{path}.{key}", f"'{key}' stands here twice", "keep one of them")
            # The key's line, not the value's: that is where a reader looks.
            self._document.lines[f"{path}.{key}"] = key_node.start_mark.line + 1
            mapping[key] = self.value(value_node, f"{path}.{key}", depth=depth + 1)
        return mapping

    def _error(self, path: str, message: str, fix: str) -> PackError:
        return PackError(message, fix=fix, place=self._document.place(path))
