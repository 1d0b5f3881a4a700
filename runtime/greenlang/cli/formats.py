"""What commands print: tables for people, JSON for machines."""

from __future__ import annotations

import click
import msgspec

__all__ = ["format_option", "print_json"]

#: `--format`, of commands that print one or the other.
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people, or for machines.",
)


def print_json(value: object) -> None:
    """Print a value as JSON, in lines that people can read too."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
