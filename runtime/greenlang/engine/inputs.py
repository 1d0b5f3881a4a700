"""What a run starts from: a program, the choices it is made under, and data from a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BufferedReader
from pathlib import Path
from typing import Any

import msgspec

from greenlang.agents import Registry, Resource
from greenlang.carbon import AccountingPolicy, InventoryInput, Table, format_of_content, gwp_set
from greenlang.errors import InputError, size_text
from greenlang.gcel import Plan
from greenlang.gcel import compile as compile_program

__all__ = ["Limits", "load_program", "make_policy", "read_input", "read_table"]

#: How much of a file is looked at to tell its format.
_START_BYTES = 16

#: A program is a page of text; more is a mistake (GCEL.md sets the limit of the language itself).
MAX_PROGRAM_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused before it is read."""

    max_input_bytes: int = 256 * 1024 * 1024


def load_program(path: Path, *, registry: Registry | None = None) -> Plan:
    """Read and compile a GCEL program; the files that it names are looked for beside it.

    Raises
    ------
    InputError
        If the file cannot be read.
    GcelError
        If the program does not compile.
    """
    with _open(path, MAX_PROGRAM_BYTES, "split it into several programs", "write a program") as stream:
        content = stream.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start:,})", fix="name a GCEL program, saved as UTF-8"
        ) from error
    return compile_program(text, registry=registry, file=str(path))


def make_policy(**choices: Any) -> AccountingPolicy:
    """An accounting policy from what a user typed.

    Raises
    ------
    InputError
        If a choice is none of those there are.
    """
    try:
        policy = msgspec.convert(choices, AccountingPolicy, strict=False)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        choice = place.strip("`").removeprefix("$.")
        raise InputError(f"the accounting policy is wrong: {message}", place=choice) from error
    for choice, check in (("gwp_set", lambda: gwp_set(policy.gwp_set)), ("as_at", policy.as_at_day)):
        try:
            check()
        except InputError as error:
            raise error.at(choice) from error
    return policy


def read_input(
    plan: Plan,
    path: Path | None,
    policy: AccountingPolicy,
    factor_paths: Sequence[Path] = (),
    *,
    limits: Limits = Limits(),
    on_bytes: Callable[[int], None] | None = None,
) -> Any:
    """Read the value that a plan starts from.

    A plan whose first agent takes an `InventoryInput` gets a table, the policy and the factor files;
    any other plan gets the value of a JSON file (its numbers as exact decimals), or None without a file.

    Raises
    ------
    InputError
        If the file is missing, unreadable, too large or not of the kind that the plan takes, or choices were
        made that nothing in the plan goes by.
    """
    if plan.input_type is not InventoryInput:
        if factor_paths or policy != AccountingPolicy():
            raise InputError(
                "the program takes no activity data, so no factors and no accounting choices apply",
                fix="leave them out",
            )
        return None if path is None else _read_json(path, plan.input_type, limits)
    if path is None:
        raise InputError(
            "the program takes activity data",
            fix="name a table with --input FILE: CSV, JSON lines, Parquet or Arrow",
        )
    table = read_table(path, limits=limits, on_bytes=on_bytes)
    files = tuple(Resource.load(factors) for factors in factor_paths)
    return InventoryInput(table, policy, files)


def read_table(
    path: Path,
    *,
    limits: Limits = Limits(),
    on_bytes: Callable[[int], None] | None = None,
    name: str = "",
) -> Table:
    """Read a table from a file in CSV, JSON lines, Parquet or Arrow, whichever it is.

    Parameters
    ----------
    name : str, optional
        What its user calls the file, where that is not the name that it has here.

    Raises
    ------
    InputError
        If the file is missing, unreadable, too large or none of these.
    """
    larger = "split it by site or period, or allow it with --max-input-size"
    with _open(path, limits.max_input_bytes, larger, "its first row must name the columns") as stream:
        known = format_of_content(Path(name or path), stream.peek(_START_BYTES))
        return known.read(stream, name=name or path.name, on_bytes=on_bytes)


def _read_json(path: Path, expected: Any, limits: Limits) -> Any:
    larger = "allow it with --max-input-size"
    with _open(path, limits.max_input_bytes, larger, "write a JSON value") as stream:
        content = stream.read()
    try:
        value = msgspec.json.Decoder(float_hook=Decimal).decode(content)
        return value if expected is Any else msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        raise InputError(f"the input is not what the program takes: {error}", place=str(path)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{path} is not JSON: {error}", fix="this program takes a JSON value, not a table"
        ) from error


def _open(path: Path, limit: int, larger: str, empty: str) -> BufferedReader:
    """Open a file to read, refusing what is missing, no file, empty or too large, which the last two mend."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"there is no file '{path}'", fix="check the path") from None
    except IsADirectoryError:
        raise InputError(f"'{path}' is a folder", fix="name a file in it") from None
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror}", fix="check its permissions") from error
    size = path.stat().st_size
    if size > limit:
        stream.close()
        raise InputError(
            f"'{path}' has {size_text(size)}, and at most {size_text(limit)} are read", fix=larger
        )
    if path.is_file() and not size:
        stream.close()
        raise InputError(f"'{path}' is empty", fix=empty)
    return stream
