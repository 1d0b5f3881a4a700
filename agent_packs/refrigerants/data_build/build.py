"""Makes this pack's factor files from the figures of the US EPA and the UK Government in `source`.

    python build.py

A kilogram of a substance that leaks is a kilogram emitted. A blend emits what it consists of, by the
composition that the EPA prints; its gases then count under the GWP set of the inventory. As the EPA does,
only HFCs and PFCs count: HCFCs and hydrocarbons are left out, and a blend of these alone has the published
total, 0.

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
        left_out = [f"{part.value} percent {part.group}" for part in components if not part.gas]
        shared = {
            "scope": "1",
            "category": CATEGORY,
            "unit": "kg/kg",
            "kind": "composition",
            "note": f"not counted: {', '.join(left_out)}" if left_out else "",
        }
        counted = [part for part in components if part.gas]
        for part in counted:
            share = f"{Decimal(part.value) / 100:f}"
            yield part.factor(**shared, value=share, locator=f"{name}, {part.group}")
        if not counted:
            yield components[0].factor(
                **shared, gas="CO2e", value="0", gwp_basis="AR5", locator=f"{name}, 100-year GWP"
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
