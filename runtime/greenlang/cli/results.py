"""Shows what a run gave: as tables for people, as JSON or a file of a table for machines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from greenlang.carbon import TABLE_FORMATS, Inventory, Report, TableFormat, inventory_summary, result_table
from greenlang.cli.console import grouped, output, table
from greenlang.errors import InputError
from greenlang.exact import round_

if TYPE_CHECKING:
    from greenlang.engine import Execution

__all__ = ["print_result"]

#: Rows of a list that a table shows; JSON and bundles have all of them.
SHOWN = 20

#: Gases with a column of their own; every gas is in JSON and in files.
COLUMN_GASES = ("CO2", "CH4", "N2O")


def print_result(execution: Execution, form: str, *, bundle: Path | None) -> None:
    """Print the value of a run as `table`, `json`, or one of the formats of tables."""
    value = execution.value
    if form == "json":
        click.echo(execution.to_json())
    elif form in TABLE_FORMATS:
        _print_machine_table(value, TABLE_FORMATS[form])
    elif isinstance(value, Inventory):
        _print_inventory(value)
    elif isinstance(value, Report):
        _print_report(value)
    else:
        click.echo(execution.to_json())
    inventory = (
        value if isinstance(value, Inventory) else value.inventory if isinstance(value, Report) else None
    )
    if form == "table":
        _print_proof(execution, bundle)
    elif inventory is not None and inventory.skipped:
        rows = len({skip.row for skip in inventory.skipped})
        click.echo(f"{rows:,} rows were skipped; --format json lists them with their reasons", err=True)


def _print_inventory(inventory: Inventory) -> None:
    summary = inventory_summary(inventory)
    rows = summary["rows"]
    console = output()
    told = (
        f" of {inventory.data.table.name}: {rows['computed']:,} of {rows['given']:,} rows, "
        f"CO2e under {summary['gwp_set']}\n"
    )
    console.print(Text.assemble(("Greenhouse-gas inventory", "bold"), told))
    lines = table("Emissions by scope and activity", "Scope", "Activity", ">Rows", *_mass_headings())
    for line in summary["lines"]:
        lines.add_row(_scope(line), line["activity"], f"{line['rows']:,}", *_masses(line))
    console.print(lines)
    totals = table(
        "Totals by scope (the two methods of scope 2 are never added)", "Scope", ">Rows", *_mass_headings()
    )
    for line in summary["totals"]:
        totals.add_row(_scope(line), f"{line['rows']:,}", *_masses(line))
    console.print(totals)
    _print_estimates(summary)
    console.print("Masses are shown to 3 decimals of a kilogram, half-even; --format json has every digit.\n")
    _print_list(
        "Missing gases, not counted as zero", summary["missing"], ("gas", "activity", "reason", "rows")
    )
    _print_list("Fallbacks", summary["fallbacks"], ("kind", "wanted", "used", "activity", "method", "rows"))
    _print_list(
        "Factors published as CO2e: on their own basis, and in no column of a gas",
        summary["co2e_as_published"],
        ("activity", "gwp_basis", "ef_cid"),
    )
    _print_list("Skipped and unmatched rows", summary["skipped"], ("row", "id", "column", "reason", "fix"))


def _print_estimates(summary: dict[str, Any]) -> None:
    """How uncertain lines and totals are, where uncertainties were given."""
    entries = [
        {
            "scope": _scope(line),
            "activity": line.get("activity", "total"),
            "CO2e ± %": str(told["co2e_percent"]),
            "of": told["of"],
        }
        for line in [*summary["lines"], *summary["totals"]]
        if "co2e_percent" in (told := line.get("estimated_uncertainty", {}))
    ]
    _print_list("Estimated uncertainty, 95 % confidence", entries, ("scope", "activity", "CO2e ± %", "of"))


def _mass_headings() -> tuple[str, ...]:
    return (*(f">{gas} kg" for gas in COLUMN_GASES), ">Biogenic CO2 kg", ">CO2e kg")


def _masses(line: dict[str, Any]) -> Iterable[str]:
    for gas in COLUMN_GASES:
        yield grouped(_shown(line["mass_kg"].get(gas)))
    yield grouped(_shown(line["biogenic_co2_kg"]))
    yield grouped(_shown(line["co2e_kg"]))


def _shown(mass_kg: Decimal | None) -> Decimal | None:
    return None if mass_kg is None else round_(mass_kg, 3)


def _scope(line: dict[str, Any]) -> str:
    return f"{line['scope']} {line['method']}".strip()


def _print_list(title: str, entries: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    if not entries:
        return
    listing = table(title, *(f">{column}" if column in ("rows", "row") else column for column in columns))
    for entry in entries[:SHOWN]:
        listing.add_row(
            *(f"{cell:,}" if isinstance(cell := entry[column], int) else cell for column in columns)
        )
    console = output()
    console.print(listing)
    if len(entries) > SHOWN:
        console.print(f"and {len(entries) - SHOWN:,} more; --format json lists them all")
    console.print()


def _print_report(report: Report) -> None:
    estimated = (">estimated ± %",) if report.estimates else ()
    listing = table("", report.columns[0], f">{report.columns[1]}", *estimated)
    for position, row in enumerate(report.rows[:SHOWN]):
        estimates = report.estimates[position : position + 1]
        listing.add_row(*row, *("" if estimate is None else str(estimate.percent) for estimate in estimates))
    console = output()
    console.print(listing)
    if len(report.rows) > SHOWN:
        console.print(f"and {len(report.rows) - SHOWN:,} more; --format csv prints them all")


def _print_proof(execution: Execution, bundle: Path | None) -> None:
    listing = table("Proof", "what", "value")
    listing.show_header = False
    for name, text in execution.proof():
        listing.add_row(name, text)
    console = output()
    console.print(listing)
    if bundle is not None:
        console.print(f"Result bundle: {bundle} (check it with: greenlang verify {bundle})")


def _print_machine_table(value: object, form: TableFormat) -> None:
    if form.binary and sys.stdout.isatty():
        suffix = form.suffixes[0]
        raise InputError(
            f"{form.title} is no text to show on a terminal",
            fix=f"write it to a file: --table result{suffix}, or > result{suffix}",
        )
    made = result_table(value)
    sys.stdout.flush()
    form.write(sys.stdout.buffer, made)
    sys.stdout.buffer.flush()
