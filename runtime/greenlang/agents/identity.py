"""Code identity: the digest that says which code a plan ran.

A distribution's is over its files as released, so a wheel and an editable install of one release agree; a
loose function's is over its source text.  Neither looks at bytecode, which differs between Python versions.
"""

from __future__ import annotations

__all__ = ["definition_identity", "definitions_identity", "package_identity"]

import ast
import hashlib
import inspect
import os
import textwrap
import tokenize
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

#: Made from the other files, on the machine at hand.
_COMPILED = frozenset({".c", ".pyc", ".pyo", ".pyd", ".so"})


def definition_identity(definition: Callable[..., Any]) -> str | None:
    """`sha256:` and the digest of the dedented source text, with LF ends, of a function or class.

    None, "not portable", for what the text alone does not determine: a closure, a class that inherits, a
    callable that is neither, what has no source to be found (typed at a prompt, or built by a program).
    """
    if not _stands_alone(definition):
        return None
    # What was read first is what it was made of: the file may change afterwards, the definition not.
    if definition not in _DEFINITIONS:
        _DEFINITIONS[definition] = _source_digest(definition)
    return _DEFINITIONS[definition]


def _stands_alone(definition: Callable[..., Any]) -> bool:
    if inspect.isclass(definition):
        methods = [value for value in vars(definition).values() if inspect.isfunction(value)]
        return definition.__bases__ == (object,) and all(map(_stands_alone, methods))
    return inspect.isfunction(definition) and not definition.__closure__


def definitions_identity(definitions: Iterable[Callable[..., Any]]) -> str | None:
    """`sha256:` and a digest over the sources of several definitions; None where one of them has none."""
    identities = [definition_identity(definition) for definition in definitions]
    if None in identities:
        return None
    return "sha256:" + hashlib.sha256("\n".join(map(str, identities)).encode()).hexdigest()


#: Identities by definition, without keeping one alive: finding a source costs as much as compiling 100 steps.
_DEFINITIONS: WeakKeyDictionary[Callable[..., Any], str | None] = WeakKeyDictionary()


def _source_digest(definition: Callable[..., Any]) -> str | None:
    try:
        source = inspect.getsource(definition)
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):
        return None
    text = textwrap.dedent(source.replace("\r\n", "\n"))
    if not _defines(text, definition.__name__):
        return None
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def _defines(text: str, name: str) -> bool:
    """Whether a text is one definition of this name: code that was built may name a file it is not from."""
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return False
    return (
        len(statements) == 1
        and isinstance(statements[0], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and statements[0].name == name
    )


def package_identity(*locations: Path) -> str | None:
    """`sha256:` and the digest over the files of packages: a line `path<NUL>sha256` for each, sorted by path.

    Parameters
    ----------
    *locations : Path
        The folder of each package, or the file of a module that stands alone. Paths are relative to the
        folder that holds it, with `/`. Hidden files, `__pycache__` and compiled files do not count.

    Returns
    -------
    str or None
        None where there are no files to read, as in a zip archive.
    """
    digest = hashlib.sha256()
    paths = sorted(
        (path.relative_to(location.parent).as_posix(), path)
        for location in locations
        for path in _files(location)
    )
    if not paths:
        return None
    for name, path in paths:
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return "sha256:" + digest.hexdigest()


def _files(location: Path) -> Iterator[Path]:
    if location.is_file():
        yield location
    for folder, folders, names in os.walk(location):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if path.suffix not in _COMPILED and not name.startswith("."):
                yield path
