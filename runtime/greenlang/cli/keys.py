"""`greenlang keys`: API keys for those who call the service."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from greenlang.cli.console import output, table
from greenlang.cli.formats import format_option, print_json
from greenlang.cli.stores import (
    ROLES,
    actor,
    age_in_microseconds,
    check_name,
    store_option,
    tenant_option,
    with_store,
)
from greenlang.errors import InputError

if TYPE_CHECKING:
    from greenlang.stores import ApiKey, Store

__all__ = ["keys"]


@click.group(
    epilog="""\b
Examples:
  greenlang keys create --tenant acme --role developer --name nightly --expires 90d
  greenlang keys list --tenant acme
  greenlang keys revoke 4f1c09d2ab37e681 --tenant acme --redis redis://cache.example.org:6379/0
"""
)
def keys() -> None:
    """Make, list and revoke API keys for those who call the service."""


@keys.command(
    epilog="""\b
Example:
  greenlang keys create --tenant acme --role developer --name nightly --expires 90d
"""
)
@store_option(made=True)
@tenant_option
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="What it may do."
)
@click.option("--name", required=True, callback=check_name, help="What its owner calls it.")
@click.option("--expires", metavar="AGE", help="How long it is good: 90d, 12h, 30m; for good unless given.")
def create(url: str, tenant: str, roles: tuple[str, ...], name: str, expires: str | None) -> None:
    """Make a key and print it: it is shown once, and kept as a hash."""
    from greenlang.service.identity import new_api_key
    from greenlang.service.roles import Role

    at = time.time_ns() // 1000
    ends = None if expires is None else at + age_in_microseconds(expires, "--expires")
    made = new_api_key(tenant, frozenset(map(Role, roles)), name=name, at=at, expires_at=ends)

    async def keep(opened: Store) -> None:
        from greenlang.engine.tenancy import note

        await note(opened.rows, tenant, actor(), "key.created", made.kept.id)
        await opened.add_api_key(made.kept)

    with_store(url, keep, made=True)
    click.echo(made.text)
    click.echo(f"key {made.kept.id} of {tenant}; it is not shown again", err=True)


@keys.command(
    "list",
    epilog="""\b
Example:
  greenlang keys list --tenant acme --format json
""",
)
@store_option()
@tenant_option
@format_option
def list_(url: str, tenant: str, form: str) -> None:
    """List the keys of a tenant."""
    found = with_store(url, lambda opened: opened.api_keys(tenant))
    if form == "json":
        print_json([_told(key) for key in found])
        return
    shown = table(f"API keys of {tenant}", "id", "name", "roles", "made", "good until", "revoked")
    for key in found:
        times = (_day(key.created_at), _day(key.expires_at), _day(key.revoked_at))
        shown.add_row(key.id, key.name, ", ".join(key.roles), *times)
    output().print(shown)


@keys.command(
    epilog="""\b
Example:
  greenlang keys revoke 4f1c09d2ab37e681 --tenant acme --redis redis://cache.example.org:6379/0
"""
)
@store_option()
@tenant_option
@click.option("--redis", metavar="URL", help="What servers share: they know at once that the key has ended.")
@click.argument("key_id")
def revoke(url: str, tenant: str, key_id: str, redis: str | None) -> None:
    """End a key; servers that are not told through Redis find out within seconds, from the audit log."""
    at = time.time_ns() // 1000

    async def end(opened: Store) -> bool:
        from greenlang.service.identity import end_api_key
        from greenlang.service.reads import Reads
        from greenlang.service.sharing import share

        sharing = share(redis)
        try:
            reads = Reads(opened, sharing.cache)
            return await end_api_key(opened, reads, tenant, key_id, actor=actor(), at=at)
        finally:
            await sharing.close()

    if not with_store(url, end):
        raise InputError(f"{tenant} has no good key '{key_id}'", fix="`greenlang keys list` shows them")
    click.echo(f"{key_id} is revoked", err=True)


def _told(key: ApiKey) -> dict[str, object]:
    """A key for machines, but for the hash of its secret; times are in UTC."""
    times = {"created_at": key.created_at, "expires_at": key.expires_at, "revoked_at": key.revoked_at}
    told = {name: None if at is None else _moment(at).isoformat() for name, at in times.items()}
    return {"key_id": key.id, "name": key.name, "roles": key.roles, **told}


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at // 1_000_000, UTC)


def _day(at: int | None) -> str:
    return "–" if at is None else f"{_moment(at):%Y-%m-%d %H:%M}"
