"""`greenlang factors`."""

from __future__ import annotations

import csv
import json
import sys

import click

from greenlang.agents import default_registry
from greenlang.carbon import EmissionFactor, load_factors
from greenlang.cli.console import output, table
from greenlang.errors import InputError

__all__ = ["factors"]

COLUMNS = ("ef_cid", "activity", "gas", "value", "unit", "region", "detail", "source", "edition", "citation")

#: Columns that fit a terminal.
SHOWN = COLUMNS[:-2]


@click.command(
    epilog="""\b
Examples:
  greenlang factors natural gas
  greenlang factors electricity --region NWPP
  greenlang factors --format csv > factors.csv
"""
)
@click.argument("words", nargs=-1)
@click.option("--region", help="Only factors of this region.")
@click.option("--gas", help="Only factors of this gas.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
def factors(words: tuple[str, ...], region: str | None, gas: str | None, form: str) -> None:
    """List the installed emission factors whose activity, source or vehicle has all the WORDS."""
    wanted = [word.casefold() for word in words]
    found = [
        _entry(factor)
        for file in default_registry().factors()
        for factor in load_factors(file.read().text, file=file.path.name)
        if (region is None or factor.region.casefold() == region.casefold())
        and (gas is None or factor.gas.casefold() == gas.casefold())
        and all(word in _searched(factor) for word in wanted)
    ]
    if not found:
        raise InputError(
            "no installed factor matches", fix="use fewer words, or leave out --region and --gas"
        )
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    else:
        listing = table(f"{len(found):,} factors", *SHOWN)
        for entry in found:
            listing.add_row(*(entry[column] for column in SHOWN))
        output().print(listing)


def _searched(factor: EmissionFactor) -> str:
    return " ".join(
        (factor.activity, factor.source, factor.dataset, factor.vehicle, factor.engine)
    ).casefold()


def _entry(factor: EmissionFactor) -> dict[str, str]:
    years = "-".join(str(year) for year in (factor.model_year_from, factor.model_year_to) if year)
    return {
        "ef_cid": factor.ef_cid,
        "activity": factor.activity,
        "gas": factor.gas,
        "value": factor.value_text,
        "unit": factor.unit_text,
        "region": factor.region,
        "detail": " ".join(text for text in (factor.vehicle, factor.engine, years) if text),
        "source": factor.source,
        "edition": factor.edition,
        "citation": factor.citation,
    }
