"""`greenlang factors`: search, why, diff, check."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from greenlang.agents import Resource, default_registry
from greenlang.carbon import (
    Choice,
    EmissionFactor,
    FactorLibrary,
    Sought,
    compare_editions,
    explain_choices,
    load_factors,
)
from greenlang.cli.console import output, table
from greenlang.cli.formats import print_json
from greenlang.exact import round_

__all__ = ["factors"]

#: Rows of a table that people still read.
SHOWN = 100

_FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
_OWN = click.option(
    "--factors", "own", type=click.Path(path_type=Path), multiple=True, help="Factors of your own, too."
)

SEARCH_COLUMNS = (
    *("activity", "gas", "value", "unit", "region", "edition", "applies", "detail", "remark"),
    *("pack", "source", "category", "citation", "ef_cid"),
)

WHY_COLUMNS = (
    *("verdict", "gas", "value", "unit", "region", "edition", "applies"),
    *("activity", "pack", "category", "source", "ef_cid"),
)

DIFF_COLUMNS = ("change", "activity", "gas", "unit", "region", "before", "after", "relative", "category")


@click.group(
    epilog="""\b
Examples:
  greenlang factors search diesel --region US --year 2024
  greenlang factors why electricity --unit kWh --region GB --period 2025-03
  greenlang factors diff 2024-v1.1 2025-v1
  greenlang factors check supplier_factors.csv
"""
)
def factors() -> None:
    """Search the installed emission factors, tell why one is chosen, compare editions, check your own."""


@factors.command(
    epilog="""\b
Examples:
  greenlang factors search diesel --region US --year 2024
  greenlang factors search "long-haul" economy --source UK
  greenlang factors search --pack greenlang-refrigerants --format csv > refrigerants.csv
"""
)
@click.argument("words", nargs=-1)
@click.option("--region", default="", help="What a row of this region could get: also of regions around it.")
@click.option("--year", type=click.IntRange(1900, 2100), help="What a row of this year would get.")
@click.option("--gas", default="", help="Only factors of this gas; CO2e for published totals.")
@click.option("--source", default="", help="Only those whose source or dataset has this in its name.")
@click.option("--pack", default="", help="Only those of this distribution.")
@_OWN
@_FORMAT
def search(
    words: tuple[str, ...],
    region: str,
    year: int | None,
    gas: str,
    source: str,
    pack: str,
    own: tuple[Path, ...],
    form: str,
) -> None:
    """List the factors that have all of WORDS in their activity, another word for it, vehicle or source."""
    library = _library(own)
    sought = Sought(tuple(" ".join(words).split()), region, year, gas, source, pack)
    entries = [
        {**_entry(found.factor), "remark": found.remark, "pack": found.pack}
        for found in library.search(sought)
    ]
    shown = SEARCH_COLUMNS[:9] if any(entry["remark"] for entry in entries) else SEARCH_COLUMNS[:8]
    _print(entries, SEARCH_COLUMNS, shown, form, f"{len(entries):,} factors")


@factors.command(
    epilog="""\b
Examples:
  greenlang factors why electricity --unit kWh --region GB --period 2025-03
  greenlang factors why diesel --unit gal --region US-WA --period 2024
  greenlang factors why electricity --unit MWh --region US --supplier "Cascade Power" --factors own.csv
"""
)
@click.argument("activity", nargs=-1, required=True)
@click.option("--unit", required=True, help="The row's unit.")
@click.option("--region", default="", help="The row's region; empty for the world.")
@click.option("--period", default="", help="The row's period; the current year where it is not given.")
@click.option("--supplier", default="", help="As for a row with the tag supplier=NAME.")
@click.option("--instrument", default="", help="As for a row with the tag instrument=NAME.")
@click.option("--residual-mix", is_flag=True, help="As for the residual mix of the market-based method.")
@click.option("--vehicle", default="", help="As for a row with this tag.")
@click.option("--engine", default="", help="As for a row with this tag.")
@click.option("--model-year", type=int, help="As for a row with this tag.")
@click.option("--vintage", type=click.Choice(["nearest", "strict"]), default="nearest", show_default=True)
@click.option("--straddle", type=click.Choice(["split", "refuse"]), default="split", show_default=True)
@click.option("--as-at", default="", metavar="DATE", help="Only factors published by this day (YYYY-MM-DD).")
@click.option("--edition", "editions", multiple=True, metavar="DATASET=EDITION", help="Keep to an edition.")
@_OWN
@_FORMAT
def why(activity: tuple[str, ...], own: tuple[Path, ...], form: str, **asked: Any) -> None:
    """Show every candidate for a row about ACTIVITY, which one won, and why the others lost.

    An activity that several packs know is told for each of them, as each agent sees the factors of its own
    pack and yours.
    """
    choices = explain_choices(_library(own), " ".join(activity), **asked)
    if form != "table":
        entries = [entry for choice in choices for entry in _candidates(choice)]
        if form == "json":
            print_json([_choice_entry(choice) for choice in choices])
        else:
            _print(entries, WHY_COLUMNS, WHY_COLUMNS, form, "")
        return
    for choice in choices:
        found = choice.explanation
        entries = _candidates(choice)
        _print(
            entries, WHY_COLUMNS, WHY_COLUMNS[:7], form, f"{choice.pack}: {choice.category or 'any category'}"
        )
        if found.refusal is not None:
            click.echo(f"a row is refused: {found.refusal}\n")
        elif found.selection is not None:
            for fallback in found.selection.fallbacks:
                click.echo(f"recorded: {fallback.kind} '{fallback.wanted}' -> {fallback.used}")
            click.echo()


@factors.command(
    epilog="""\b
Examples:
  greenlang factors diff 2024-v1.1 2025-v1
  greenlang factors diff 2024-v1.1 2025-v1 electricity --format json
  greenlang factors diff ghg-emission-factors-hub=2025 my-hub=2026 --factors my_hub.csv
"""
)
@click.argument("before")
@click.argument("after")
@click.argument("words", nargs=-1)
@_OWN
@_FORMAT
def diff(before: str, after: str, words: tuple[str, ...], own: tuple[Path, ...], form: str) -> None:
    """Compare the editions BEFORE and AFTER: what was added, removed and changed.

    An edition is DATASET=EDITION, or the edition alone; with WORDS, only for activities that have them all.
    """
    library = _library(own)
    old, new = ([listed.factor for listed in library.edition(text)] for text in (before, after))
    wanted = [word.casefold() for word in words]
    entries = []
    for change in compare_editions(old, new):
        factor = change.after or change.before
        if factor is None or not all(word in factor.activity.casefold() for word in wanted):
            continue
        kind = "changed" if change.before and change.after else "added" if change.after else "removed"
        entries.append(
            {
                "change": kind,
                **{key: _entry(factor)[key] for key in ("activity", "gas", "unit", "region", "category")},
                "before": change.before.value_text if change.before else "",
                "after": change.after.value_text if change.after else "",
                "relative": f"{round_(change.relative * 100, 2):+f} %" if change.relative is not None else "",
            }
        )
    counts = {
        kind: sum(entry["change"] == kind for entry in entries) for kind in ("changed", "added", "removed")
    }
    title = f"{before} -> {after}: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    _print(entries, DIFF_COLUMNS, DIFF_COLUMNS, form, title)


@factors.command(
    epilog="""\b
Example:
  greenlang factors check supplier_factors.csv
"""
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Hold FILES of factors to the rules that those of packs keep: form, citations, no rounding errors.

    The exit code is 1 if a rule is broken.
    """
    from greenlang.packs import factor_findings

    resources = [Resource.load(path) for path in files]
    found = [finding for file in resources for finding in factor_findings(file.text, file=file.name)]
    for finding in found:
        click.echo(str(finding), err=True)
    if not found:
        click.echo("every rule is kept")
    sys.exit(1 if found else 0)


def _library(own: Sequence[Path]) -> FactorLibrary:
    """The factors of installed packs and of the files that were named."""
    registry = default_registry()
    files = [Resource.load(path) for path in own]
    sets = [load_factors(file.text, file=file.name) for file in files]
    return FactorLibrary(registry.factors(), registry.aliases(), sets)


def _entry(factor: EmissionFactor) -> dict[str, str]:
    years = "-".join(str(year) for year in (factor.model_year_from, factor.model_year_to) if year)
    applies = f"{factor.applies_from or ''}/{factor.applies_to or ''}".strip("/")
    return {
        "ef_cid": factor.ef_cid,
        "activity": factor.activity,
        "gas": f"{factor.gas} (biogenic)" if factor.biogenic and factor.gas == "CO2" else factor.gas,
        "value": factor.value_text,
        "unit": factor.unit_text,
        "region": factor.region,
        "detail": " ".join(text for text in (factor.holder, factor.vehicle, factor.engine, years) if text),
        "source": factor.source,
        "edition": f"{factor.dataset}={factor.edition}" if factor.dataset else factor.edition,
        "applies": applies if factor.applies_to or not applies else f"from {applies}",
        "category": factor.category,
        "citation": factor.citation,
    }


def _candidates(choice: Choice) -> list[dict[str, str]]:
    return [
        {
            **_entry(candidate.factor),
            "verdict": candidate.reason,
            "pack": "your own" if candidate.own else choice.pack,
        }
        for candidate in choice.explanation.candidates
    ]


def _choice_entry(choice: Choice) -> dict[str, object]:
    found = choice.explanation
    fallbacks = found.selection.fallbacks if found.selection else ()
    return {
        "pack": choice.pack,
        "category": choice.category,
        "activity": found.selection.activity if found.selection else None,
        "refused": str(found.refusal) if found.refusal else None,
        "fallbacks": [{"kind": one.kind, "wanted": one.wanted, "used": one.used} for one in fallbacks],
        "candidates": [{column: entry[column] for column in WHY_COLUMNS} for entry in _candidates(choice)],
    }


def _print(
    entries: Sequence[dict[str, str]], columns: Sequence[str], shown: Sequence[str], form: str, title: str
) -> None:
    """Print entries for people (`shown` columns, the first rows) or for machines (all of both)."""
    if form == "json":
        print_json([{column: entry[column] for column in columns} for entry in entries])
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(entries)
    else:
        numbers = {"value", "before", "after", "relative"}
        listing = table(title, *(f">{column}" if column in numbers else column for column in shown))
        for entry in entries[:SHOWN]:
            listing.add_row(*(entry[column] for column in shown))
        output().print(listing)
        if len(entries) > SHOWN:
            click.echo(f"and {len(entries) - SHOWN:,} more: narrow it down, or see all with --format csv")
