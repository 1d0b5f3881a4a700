"""`greenlang agents`."""

from __future__ import annotations

import json

import click

from greenlang.agents import default_registry
from greenlang.cli.console import output, table

__all__ = ["agents"]


@click.command(
    epilog="""\b
Examples:
  greenlang agents
  greenlang agents fuels.mobile
  greenlang agents --format json
"""
)
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def agents(name: str | None, form: str) -> None:
    """List the installed agents, or show the agent NAME with its options."""
    if name is None:
        _list(form)
    else:
        _show(name, form)


def _list(form: str) -> None:
    registry = default_registry()
    entries = [
        {"name": offer.name, "version": offer.version, "pack": offer.origin, "summary": offer.summary}
        for offer in registry.offers()
    ]
    if form == "json":
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    listing = table("", "agent", "version", "pack", "what it does")
    for entry in entries:
        listing.add_row(*entry.values())
    output().print(listing)
    for problem in registry.problems:
        click.echo(f"left out: {problem}", err=True)


def _show(name: str, form: str) -> None:
    short, _, version = name.partition("@")
    spec = default_registry().resolve(short, version or None)
    shown = {
        "name": spec.name,
        "version": spec.version,
        "input": _type_name(spec.input_type),
        "output": _type_name(spec.output_type),
        "effects": sorted(spec.effects),
        "options": [
            {
                "name": option.name,
                "type": _type_name(option.type),
                "required": option.required,
                "default": None if option.required else repr(option.default),
            }
            for option in spec.options
        ],
        "documentation": spec.doc,
    }
    if form == "json":
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    click.echo(f"{spec.name} {spec.version}: {shown['input']} -> {shown['output']}")
    click.echo(f"effects: {', '.join(sorted(spec.effects)) or 'not declared'}\n\n{spec.doc}\n")
    if spec.options:
        listing = table("Options", "option", "type", "default")
        for option in spec.options:
            default = "required" if option.required else repr(option.default)
            listing.add_row(option.name, _type_name(option.type), default)
        output().print(listing)


def _type_name(annotation: object) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
