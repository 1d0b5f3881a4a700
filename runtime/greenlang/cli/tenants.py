"""`greenlang tenants`: make tenants, say what they may use, and look at what was changed of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from greenlang.cli.console import output, table
from greenlang.cli.formats import format_option, print_json
from greenlang.cli.stores import actor, check_name, store_option, with_store
from greenlang.errors import InputError

if TYPE_CHECKING:
    from greenlang.stores import Store
    from greenlang.stores.rows import Administrator
    from greenlang.stores.tables import Quotas, Tenant

__all__ = ["tenants"]

TIERS = ("free", "pro", "enterprise")

#: As `greenlang.stores.tables.Quotas` has them, which is imported when a command needs it.
QUOTAS = (
    "requests_a_minute",
    "concurrent_executions",
    "daily_executions",
    "daily_compute_minutes",
    "daily_tokens",
    "storage_bytes",
    "agents",
)

#: What may do none of these is suspended instead.
_LEAST_ONE = ("requests_a_minute", "concurrent_executions")


def _administrator() -> Administrator:
    from greenlang.stores.rows import Administrator

    return Administrator("default", actor())


@click.group(
    epilog="""\b
Examples:
  greenlang tenants create acme --name 'Acme Ltd' --tier pro
  greenlang tenants list
  greenlang tenants show acme
  greenlang tenants set acme --tier enterprise
  greenlang tenants quotas acme --daily-executions 5000
  greenlang tenants suspend acme
  greenlang tenants audit acme
"""
)
def tenants() -> None:
    """Make tenants, say what they may use, and look at what was changed of them."""


@tenants.command(
    epilog="""\b
Example:
  greenlang tenants create acme --name 'Acme Ltd' --tier pro
"""
)
@store_option(made=True)
@click.argument("tenant")
@click.option("--name", callback=check_name, help="What people call it.  [default: its id]")
@click.option("--tier", type=click.Choice(TIERS), default="free", show_default=True, help="What it may use.")
def create(url: str, tenant: str, name: str | None, tier: Any) -> None:
    """Make a tenant with the quotas of its tier."""
    from greenlang.engine.tenancy import Tenants

    made = with_store(
        url,
        lambda opened: Tenants(opened.rows).create(_administrator(), tenant, name=name or tenant, tier=tier),
        made=True,
    )
    if made is None:
        raise InputError(f"there is a tenant '{tenant}'", fix="`greenlang tenants set` changes it")
    click.echo(f"{tenant} is made; `greenlang keys create --tenant {tenant}` lets somebody in", err=True)


@tenants.command(
    "list",
    epilog="""\b
Example:
  greenlang tenants list --after acme --format json
""",
)
@store_option()
@format_option
@click.option("--after", help="Only those behind this id.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 1000), help="At most so many."
)
def list_(url: str, form: str, after: str | None, limit: int) -> None:
    """List tenants, in the order of their ids."""
    from greenlang.engine.tenancy import Tenants

    found = with_store(
        url, lambda opened: Tenants(opened.rows).all(_administrator(), after=after, limit=limit)
    )
    if form == "json":
        print_json(found)
        return
    shown = table("Tenants", "id", "name", "tier", "status", "made")
    for one in found:
        shown.add_row(one.tenant, one.name, one.tier, one.status, _moment(one.created_at))
    output().print(shown)
    if len(found) == limit:
        click.echo(f"and maybe more: --after {found[-1].tenant}", err=True)


@tenants.command(
    epilog="""\b
Example:
  greenlang tenants show acme
"""
)
@store_option()
@format_option
@click.argument("tenant")
def show(url: str, form: str, tenant: str) -> None:
    """Show a tenant, its quotas and what it used today."""
    from greenlang.engine.tenancy import Meter, Tenants

    async def look(opened: Store) -> tuple[Tenant, Quotas, dict[str, int]]:
        keeper = Tenants(opened.rows)
        found = _there(await keeper.tenant(tenant), tenant)
        today = await Meter(opened.rows).load(tenant, measured=True)
        held = (name for name in QUOTAS if name.startswith("daily_") or name == "storage_bytes")
        return found, await keeper.quotas(tenant), {name: today.used(name) for name in held}

    found, quotas, used = with_store(url, look)
    if form == "json":
        print_json({"tenant": found, "quotas": quotas, "used": used})
        return
    shown = table(f"{tenant}: {found.name}, {found.tier}, {found.status}", "quota", ">may use", ">used today")
    for name in QUOTAS:
        amount = f"{used[name]:,}" if name in used else ""
        shown.add_row(name.replace("_", " "), f"{getattr(quotas, name):,}", amount)
    output().print(shown)


@tenants.command(
    "set",
    epilog="""\b
Example:
  greenlang tenants set acme --tier enterprise
""",
)
@store_option()
@click.argument("tenant")
@click.option("--name", callback=check_name, help="What people call it.")
@click.option("--tier", type=click.Choice(TIERS), help="Another tier, which brings its own quotas.")
def set_(url: str, tenant: str, **changes: str | None) -> None:
    """Change the name or the tier of a tenant."""
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        raise InputError("nothing is to be changed", fix="give --name or --tier")
    _change(url, tenant, **given)
    click.echo(f"{tenant} is changed", err=True)


@tenants.command(
    epilog="""\b
Example:
  greenlang tenants suspend acme
"""
)
@store_option()
@click.argument("tenant")
def suspend(url: str, tenant: str) -> None:
    """Refuse a tenant everything; what it has stays."""
    _change(url, tenant, status="suspended")
    click.echo(f"{tenant} is suspended", err=True)


@tenants.command(
    epilog="""\b
Example:
  greenlang tenants resume acme
"""
)
@store_option()
@click.argument("tenant")
def resume(url: str, tenant: str) -> None:
    """Serve a tenant again that was suspended."""
    _change(url, tenant, status="active")
    click.echo(f"{tenant} is served again", err=True)


def _quota_options(command: Any) -> Any:
    for name in reversed(QUOTAS):
        option = f"--{name.replace('_', '-')}"
        amounts = click.IntRange(1, 10**9) if name in _LEAST_ONE else click.IntRange(0, 10**15)
        command = click.option(option, name, type=amounts, metavar="AMOUNT")(command)
    return command


@tenants.command(
    epilog="""\b
Example:
  greenlang tenants quotas acme --daily-executions 5000 --agents 20
"""
)
@store_option()
@click.argument("tenant")
@_quota_options
def quotas(url: str, tenant: str, **amounts: int | None) -> None:
    """Agree on other quotas than those of the tier; what is left out stays."""
    from greenlang.engine.tenancy import Tenants

    given = {name: amount for name, amount in amounts.items() if amount is not None}
    if not given:
        raise InputError("nothing is agreed on", fix="give a quota, such as --daily-executions 5000")
    made = with_store(url, lambda opened: Tenants(opened.rows).set_quotas(_administrator(), tenant, **given))
    _there(made, tenant)
    click.echo(f"the quotas of {tenant} are changed", err=True)


@tenants.command(
    epilog="""\b
Example:
  greenlang tenants audit acme --limit 500 --format json
"""
)
@store_option()
@format_option
@click.argument("tenant")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
def audit(url: str, form: str, tenant: str, limit: int) -> None:
    """Show who changed what of a tenant, the newest first."""
    from greenlang.engine.tenancy import audit_page

    page = with_store(url, lambda opened: audit_page(opened.rows, tenant, limit=limit))
    if form == "json":
        told = [
            {**msgspec.structs.asdict(one), "before": _raw(one.before), "after": _raw(one.after)}
            for one in page.entries
        ]
        print_json(told)
        return
    shown = table(f"What was changed of {tenant}", "when", "who", "what", "of what")
    for one in page.entries:
        shown.add_row(_moment(one.at), one.actor, one.action, one.subject)
    output().print(shown)


def _change(url: str, tenant: str, **changes: str) -> None:
    from greenlang.engine.tenancy import Tenants

    made = with_store(url, lambda opened: Tenants(opened.rows).change(_administrator(), tenant, **changes))
    _there(made, tenant)


def _there(found: Any, tenant: str) -> Any:
    if found is None:
        raise InputError(f"there is no tenant '{tenant}'", fix="`greenlang tenants list` shows them")
    return found


def _raw(document: bytes | None) -> msgspec.Raw | None:
    return None if document is None else msgspec.Raw(document)


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%d %H:%M}"
