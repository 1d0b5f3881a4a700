"""Makes this pack's factor files from the figures of the US EPA and the UK Government in `source`.

    python build.py

A kilogram of a substance that leaks is a kilogram emitted. A blend emits what it consists of, by the
composition that the EPA prints; its gases then count under the GWP set of the inventory. Hydrocarbons, which
no inventory counts, are in the note alone.

The UK Government publishes totals: of the gases of the Kyoto protocol, of the others, and of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from greenlang.carbon import Figure, build_factor_files

Row = dict[str, str]

CATEGORY = "fugitive emissions"

#: Beginnings of the names of gases with a warming potential, as table 12 writes them.
GASES = ("HFC-", "PFC-", "HCFC-")

#: What the long endings of UK names come to.
KINDS = {
    "Emissions including only Kyoto products": "Kyoto products only",
    "Emissions including only non-Kyoto products": "non-Kyoto products only",
    "Total emissions including non-Kyoto products": "all products",
}


def substances(figures: Sequence[Figure]) -> Iterable[Row]:
    """The gases that inventories count, each of which emits itself."""
    return (figure.factor(scope="1", category=CATEGORY, kind="composition") for figure in figures)


def blends(figures: Sequence[Figure]) -> Iterable[Row]:
    """Table 12: parts of the mass of a blend."""
    parts: dict[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        parts[figure.name].append(figure)
    for name, components in parts.items():
        gases = [part for part in components if part.group.startswith(GASES)]
        rest = [f"{part.value} percent {part.group}" for part in components if part not in gases]
        for part in gases:
            yield part.factor(
                gas=part.group,
                value=f"{Decimal(part.value) / 100:f}",
                unit="kg/kg",
                locator=f"{name}, {part.group}",
                scope="1",
                category=CATEGORY,
                kind="composition",
                note=f"beside {', '.join(rest)}" if rest else "",
            )


def uk(figures: Sequence[Figure]) -> Iterable[Row]:
    """Refrigerant and other: three totals of what leaks, `R410A (all products)`."""
    for figure in figures:
        gas, _, kind = figure.name.rpartition(" | ")
        name = f"{gas.removesuffix('*')} ({KINDS[kind]})"
        yield figure.factor(activity=name, scope="1", category=CATEGORY)


if __name__ == "__main__":
    build_factor_files(
        Path(__file__).resolve().parent,
        {
            "substances": ("substances", substances),
            "blends": ("epa_blends", blends),
            "uk_2024": ("uk_2024", uk),
            "uk_2025": ("uk_2025", uk),
        },
    )
