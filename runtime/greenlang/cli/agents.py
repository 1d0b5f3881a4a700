"""`greenlang agents`."""

from __future__ import annotations

import click

from greenlang.agents import AgentSpec, default_registry
from greenlang.cli.columns import columns
from greenlang.cli.formats import format_option, print_json

__all__ = ["agents"]


@click.group(
    epilog="""\b
Examples:
  greenlang agents list
  greenlang agents list --pack greenlang-fuels
  greenlang agents show fuels.mobile
"""
)
def agents() -> None:
    """List the installed agents, or show one."""


@agents.command(
    "list",
    epilog="""\b
Examples:
  greenlang agents list
  greenlang agents list mobile --format json
""",
)
@click.argument("words", nargs=-1)
@click.option("--pack", help="Only those of this distribution.")
@format_option
def list_agents(words: tuple[str, ...], pack: str | None, form: str) -> None:
    """List the agents whose name or summary has all of WORDS, each in every version; imports no pack."""
    registry = default_registry()
    wanted = [word.casefold() for word in words]
    entries = [
        {"name": offer.name, "version": offer.version, "pack": offer.origin, "summary": offer.summary}
        for offer in registry.offers()
        if (pack is None or (offer.plugin is not None and offer.plugin.distribution == pack))
        and (not wanted or all(word in f"{offer.name} {offer.summary}".casefold() for word in wanted))
    ]
    if form == "json":
        print_json(entries)
    else:
        rows = [tuple(entry.values()) for entry in entries]
        click.echo("\n".join(columns(("agent", "version", "pack", "what it does"), rows)))
    for problem in registry.problems:
        click.echo(f"left out: {problem}", err=True)


@agents.command(
    epilog="""\b
Examples:
  greenlang agents show fuels.mobile
  greenlang agents show fuels.mobile@1.0 --format json
"""
)
@click.argument("name")
@format_option
def show(name: str, form: str) -> None:
    """Show the agent NAME (or NAME@VERSION): what it takes and gives, its options and examples."""
    short, _, version = name.partition("@")
    spec = default_registry().resolve(short, version or None)
    if form == "json":
        print_json(_shown(spec))
        return
    click.echo(f"{spec.name} {spec.version}: {_type_name(spec.input_type)} -> {_type_name(spec.output_type)}")
    click.echo(f"effects: {', '.join(sorted(spec.effects)) or 'not declared'}\n\n{spec.doc}")
    if spec.options:
        rows = [
            (option.name, _type_name(option.type), "required" if option.required else repr(option.default))
            for option in spec.options
        ]
        click.echo("\n" + "\n".join(columns(("option", "type", "default"), rows)))
    for example in spec.examples:
        options = "".join(f", {option}={value!r}" for option, value in example.options.items())
        click.echo(f"\nexample: {spec.name}({example.input!r}{options}) gives {example.output!r}")


def _shown(spec: AgentSpec) -> dict[str, object]:
    return {
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
        "examples": [
            {
                "input": repr(example.input),
                "options": {option: repr(value) for option, value in example.options.items()},
                "output": repr(example.output),
            }
            for example in spec.examples
        ],
        "documentation": spec.doc,
    }


def _type_name(annotation: object) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
