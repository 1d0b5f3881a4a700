"""What commands on stores share: their options, and opening a store for one thing."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from greenlang.errors import InputError

if TYPE_CHECKING:
    from greenlang.stores import Store

__all__ = [
    "ROLES",
    "actor",
    "age_in_microseconds",
    "check_name",
    "store_option",
    "tenant_option",
    "with_store",
]

T = TypeVar("T")

#: As `greenlang.service.identity` has them, which is imported when a command needs it.
ROLES = ("admin", "developer", "operator", "viewer")

_LONGEST_NAME = 200

_AGE = re.compile(r"([1-9]\d{0,5})([dhm])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}


def store_option(*, made: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--store`; it must be there, unless the command may make it."""
    return click.option(
        "--store",
        "url",
        envvar="GREENLANG_STORE",
        show_envvar=True,
        default="greenlang.db",
        show_default=True,
        help="The store, as `greenlang serve` was given it" + ("; it is made if need be." if made else "."),
    )


def _named(_context: click.Context, _parameter: click.Parameter, tenant: str) -> str:
    if not tenant:
        raise InputError("a tenant has a name", fix="give one, or leave --tenant out", place="--tenant")
    return tenant


def check_name(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """What people call something, as the service takes it too."""
    if name is not None and not 0 < len(name) <= _LONGEST_NAME:
        message = f"a name has 1 to {_LONGEST_NAME} characters, and this one has {len(name):,}"
        raise InputError(message, fix="choose another", place="--name")
    return name


tenant_option = click.option("--tenant", default="default", show_default=True, callback=_named, help="Whose.")


def actor() -> str:
    """Who acts, as the audit log is told: whoever is at the machine, by number where they have no name."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # the latter from Python 3.13 on
        return f"cli:{os.getuid()}"


def age_in_microseconds(text: str, option: str) -> int:
    """A length of time as people type it.

    Raises
    ------
    InputError
        If it is none.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise InputError(f"'{text}' is no age", fix="write it as 90d, 12h or 30m", place=option)
    return int(found[1]) * _SECONDS[found[2]] * 1_000_000


def with_store(url: str, use: Callable[[Store], Awaitable[T]], *, made: bool = False) -> T:
    """What `use` gives of an opened store.

    Raises
    ------
    InputError
        If there is no such file, and it may not be made.
    """
    from greenlang.agents import Registry
    from greenlang.engine.executions import Prover
    from greenlang.ledger import Unsigned
    from greenlang.stores import open_store

    if not made and "://" not in url:
        file = Path(url.removeprefix("sqlite:"))
        if not file.exists() or (file.is_file() and not file.stat().st_size):
            raise InputError(
                f"there is no store '{url}'", fix="name the file that `greenlang serve` was given"
            )

    async def main() -> T:
        opened = open_store(url, Prover(Registry(), Unsigned("nothing is sealed here")).seal)
        try:
            return await use(opened)
        finally:
            await opened.close()

    return asyncio.run(main())
