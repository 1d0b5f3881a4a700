"""`greenlang store`: what an operator does with a store, also while it is served."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from greenlang.cli.console import output, table, working
from greenlang.cli.formats import format_option, print_json
from greenlang.cli.stores import age_in_microseconds, store_option, tenant_option, with_store
from greenlang.errors import InputError

if TYPE_CHECKING:
    from greenlang.stores import ExecutionRow, Store

__all__ = ["store"]


@click.group(
    epilog="""\b
Examples:
  greenlang store info
  greenlang store executions --state dead_letter
  greenlang store requeue exec_01a1fedb4b8ff8024bcc0250996efe8f
  greenlang store history exec_01a1fedb4b8ff8024bcc0250996efe8f --at 2026-11-20T12:00
  greenlang store sinks
  greenlang store verify
  greenlang store backup friday.db
  greenlang store purge --older-than 90d
"""
)
def store() -> None:
    """Look after a store: its state, its ledger, backups, old rows."""


@store.command(
    epilog="""\b
Example:
  greenlang store info --store runtime.db --format json
"""
)
@store_option()
@format_option
def info(url: str, form: str) -> None:
    """Say how many executions stand in each state."""
    counts = with_store(url, lambda opened: opened.counts())
    if form == "json":
        print_json(counts)
        return
    shown = table("Executions", "state", ">count")
    for state, count in counts.items():
        shown.add_row(str(state), f"{count:,}")
    output().print(shown)


@store.command(
    epilog="""\b
Examples:
  greenlang store executions --state failed --state dead_letter
  greenlang store executions --tenant acme --limit 500 --format json
"""
)
@store_option()
@tenant_option
@format_option
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(
        ["pending", "queued", "running", "completed", "failed", "timeout", "cancelled", "dead_letter"]
    ),
    help="Only those that stand there; may be given more than once.",
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
def executions(url: str, tenant: str, form: str, states: tuple[str, ...], limit: int) -> None:
    """List executions, the newest first, with why they failed."""
    from greenlang.stores import ExecutionFilter, State

    wanted = ExecutionFilter(states=tuple(State(state) for state in states))
    page = with_store(url, lambda opened: opened.executions(tenant, wanted, limit=limit))
    if form == "json":
        print_json([_told(row) for row in page.rows])
        return
    shown = table(f"Executions of {tenant}", "id", "state", "created", ">attempt", "error")
    for row in page.rows:
        told = _told(row)
        error = (told["error"] or {}).get("message", "")
        shown.add_row(
            row.id, str(row.state), told["created_at"][:19], f"{row.attempt}/{row.max_attempts}", error
        )
    output().print(shown)
    if page.next_cursor is not None:
        click.echo(f"and more: --limit {min(500, 2 * limit)} shows them", err=True)


@store.command(
    epilog="""\b
Example:
  greenlang store requeue exec_01a1fedb4b8ff8024bcc0250996efe8f
"""
)
@store_option()
@tenant_option
@click.argument("execution_id")
def requeue(url: str, tenant: str, execution_id: str) -> None:
    """Have a dead letter tried again, from its first attempt."""
    from greenlang.engine.executions import requeue as requeue_in

    if not with_store(url, lambda opened: requeue_in(opened, tenant, execution_id)):
        raise InputError(
            f"'{execution_id}' is no dead letter of {tenant}",
            fix="`greenlang store executions --state dead_letter` lists them",
        )
    click.echo(f"{execution_id} is queued", err=True)


@store.command(
    epilog="""\b
Examples:
  greenlang store history exec_01a1fedb4b8ff8024bcc0250996efe8f --at 2026-11-20T12:00
  greenlang store history fuels.stationary@1.0.0 --agent --tenant acme
"""
)
@store_option()
@tenant_option
@format_option
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]),
    help="Up to then, in UTC.  [default: now]",
)
@click.option("--agent", "is_agent", is_flag=True, help="It names an agent of the tenant, as name@version.")
@click.argument("name")
def history(url: str, tenant: str, form: str, at: datetime | None, is_agent: bool, name: str) -> None:
    """Tell what happened to an execution or an agent, and how it stood at a time."""
    from greenlang.engine.events import AggregateState, rebuild
    from greenlang.engine.events import history as events_of
    from greenlang.stores import Event

    kind = "agent" if is_agent else "execution"
    until = None if at is None else at.replace(tzinfo=UTC)

    async def read(opened: Store) -> tuple[AggregateState | None, list[Event]]:
        events = [event async for event in events_of(opened, tenant, kind, name, until=until)]
        return await rebuild(opened, tenant, kind, name, at=until), events

    state, events = with_store(url, read)
    if state is None:
        raise InputError(
            f"nothing had happened to an {kind} '{name}' of {tenant}",
            fix="`greenlang store executions` lists executions; give --agent for an agent, or a later --at",
        )
    if form == "json":
        print_json({"state": state, "events": events})
        return
    shown = table(f"Events of {name}", "time", "event", "by", "told")
    for event in events:
        time, by = f"{event.timestamp:%Y-%m-%d %H:%M:%S.%f}", event.metadata.user_id or ""
        shown.add_row(time, event.name, by, bytes(event.payload).decode())
    output().print(shown)
    known = ", ".join(
        f"{key} {msgspec.json.encode(value).decode()}" for key, value in state.attributes.items()
    )
    click.echo(f"{name} was {state.state}{f' ({known})' if known else ''}")


@store.command(
    epilog="""\b
Example:
  greenlang store sinks --format json
"""
)
@store_option()
@format_option
def sinks(url: str, form: str) -> None:
    """Say how far each sink has been sent the log of events, and what fails."""
    states = with_store(url, lambda opened: opened.sinks())
    if form == "json":
        print_json(states)
        return
    shown = table("Sinks", "name", ">last event", ">failures", "error")
    for each in states:
        shown.add_row(each.name, f"{each.position:,}", f"{each.failures:,}", each.last_error or "")
    output().print(shown)


@store.command(
    epilog="""\b
Example:
  greenlang store verify --store runtime.db
"""
)
@store_option()
def verify(url: str) -> None:
    """Follow the ledger's chain from its first link, and check every record under it.

    Says whose signatures hold: a chain that somebody else has written is whole too.
    """
    from greenlang.ledger import ChainAudit, load_known_keys

    async def follow(opened: Store) -> tuple[ChainAudit, list[str]]:
        audit, wrong = ChainAudit(), []
        async for link in opened.commits():
            problem = audit.add(link.head, link.leaves, link.records, link.owners)
            if problem is not None:
                wrong.append(f"commit {link.number}: {problem}")
        return audit, wrong

    with working("following the chain"):
        audit, wrong = with_store(url, follow)
    click.echo(
        f"{audit.commits:,} commits of {audit.records:,} records; the chain ends in {audit.chain_hash}"
    )
    for signer, count in audit.signers.items():
        owner = (
            "nobody" if signer is None else f"{signer} ({load_known_keys().owner(signer) or 'unknown key'})"
        )
        click.echo(f"  {count:,} commits are signed by {owner}")
    for problem in wrong:
        click.echo(f"  {problem}")
    click.echo("the ledger was changed" if wrong else "the ledger is whole")
    sys.exit(1 if wrong else 0)


@store.command(
    epilog="""\b
Example:
  greenlang store backup friday.db --store runtime.db
"""
)
@store_option()
@click.argument("file", type=click.Path(path_type=Path))
def backup(url: str, file: Path) -> None:
    """Copy everything to a new file, also while the store is in use."""
    with working("copying"):
        with_store(url, lambda opened: opened.backup(file))
    click.echo(f"{file}: {file.stat().st_size:,} bytes", err=True)


@store.command(
    epilog="""\b
Example:
  greenlang store purge --older-than 90d
"""
)
@store_option()
@click.option("--older-than", required=True, metavar="AGE", help="How long ago it ended: 90d, 12h, 30m.")
def purge(url: str, older_than: str) -> None:
    """Delete executions that ended long ago, and give their room back; the ledger and dead letters stay."""
    before = time.time_ns() // 1000 - age_in_microseconds(older_than, "--older-than")
    count = with_store(url, lambda opened: opened.purge(before=before))
    click.echo(f"{count:,} executions were deleted", err=True)


def _told(row: ExecutionRow) -> dict[str, Any]:
    created = datetime.fromtimestamp(row.created_at // 1_000_000, UTC)
    return {
        "execution_id": row.id,
        "state": str(row.state),
        "created_at": created.isoformat(),
        "agents": row.agents,
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "error": None if row.error is None else msgspec.json.decode(row.error),
    }
