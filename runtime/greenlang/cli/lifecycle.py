"""`greenlang lifecycle`: the agents of a tenant, from the draft to their retirement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from greenlang.cli.console import output, table
from greenlang.cli.formats import format_option, print_json
from greenlang.cli.stores import actor, store_option, tenant_option, with_store
from greenlang.errors import AgentError, InputError

if TYPE_CHECKING:
    from greenlang.stores import EventMetadata

__all__ = ["lifecycle"]

#: As `greenlang.stores.tables.AgentState` has them, which is imported when a command needs it.
STATES = (
    "draft",
    "building",
    "testing",
    "validated",
    "staged",
    "active",
    "running",
    "paused",
    "retired",
    "failed",
)


def _by() -> EventMetadata:
    from greenlang.stores import EventMetadata

    return EventMetadata(actor())


@click.group(
    epilog="""\b
Examples:
  greenlang lifecycle register fuels.stationary 1.0.0 --tenant acme
  greenlang lifecycle move fuels.stationary 1.0.0 active --tenant acme
  greenlang lifecycle move fuels.stationary 1.0.0 paused --reason 'under review' --tenant acme
  greenlang lifecycle list --tenant acme
"""
)
def lifecycle() -> None:
    """Register the agents of a tenant, deploy, pause and retire them."""


@lifecycle.command(
    epilog="""\b
Example:
  greenlang lifecycle register fuels.stationary 1.0.0 --tenant acme
"""
)
@store_option(made=True)
@tenant_option
@click.argument("agent")
@click.argument("version")
@click.option(
    "--state",
    type=click.Choice(["draft", "staged"]),
    default="staged",
    show_default=True,
    help="Where it begins: yet to be written, or installed and waiting to be deployed.",
)
@click.option("--reason", default="", help="Why, in words.")
def register(url: str, tenant: str, agent: str, version: str, state: str, reason: str) -> None:
    """Register a version of an agent."""
    from greenlang.agents import default_registry
    from greenlang.engine.tenancy import Registrations, check_installed
    from greenlang.stores.tables import AgentState

    if state == "staged":
        try:
            check_installed(default_registry(), agent, version)
        except AgentError as error:  # it may be installed where it is to run
            click.echo(f"warning: {error}", err=True)
    made = with_store(
        url,
        lambda opened: Registrations(opened.rows).register(
            tenant, agent, version, state=AgentState(state), reason=reason, by=_by()
        ),
        made=True,
    )
    if made is None:
        raise InputError(f"{agent}@{version} is registered for {tenant}", fix="move it instead")
    click.echo(f"{agent}@{version} is {made.state} for {tenant}", err=True)


@lifecycle.command(
    epilog="""\b
Example:
  greenlang lifecycle move fuels.stationary 1.0.0 paused --reason 'under review' --tenant acme
"""
)
@store_option()
@tenant_option
@click.argument("agent")
@click.argument("version")
@click.argument("to", type=click.Choice(STATES))
@click.option("--reason", default="", help="Why, in words; whoever is refused reads it.")
def move(url: str, tenant: str, agent: str, version: str, to: str, reason: str) -> None:
    """Move an agent to another state; servers know it within about a second."""
    from greenlang.engine.tenancy import Registrations
    from greenlang.stores.tables import AgentState

    moved = with_store(
        url,
        lambda opened: Registrations(opened.rows).move(
            tenant, agent, version, AgentState(to), reason=reason, by=_by()
        ),
    )
    if moved is None:
        raise InputError(
            f"{agent}@{version} is not registered for {tenant}", fix="`greenlang lifecycle register` does it"
        )
    click.echo(f"{agent}@{version} is {moved.state} for {tenant}", err=True)


@lifecycle.command(
    "list",
    epilog="""\b
Example:
  greenlang lifecycle list --tenant acme --format json
""",
)
@store_option()
@tenant_option
@format_option
def list_(url: str, tenant: str, form: str) -> None:
    """List the agents that a tenant registered, and where they may be moved."""
    from greenlang.engine.tenancy import TRANSITIONS, Registrations

    found = with_store(url, lambda opened: Registrations(opened.rows).registrations(tenant))
    if form == "json":
        print_json(found)
        return
    shown = table(f"Agents of {tenant}", "agent", "version", "state", "why", "may become")
    for one in found:
        allowed = ", ".join(sorted(TRANSITIONS[one.state])) or "–"
        shown.add_row(one.agent, one.version, str(one.state), one.reason, allowed)
    output().print(shown)
