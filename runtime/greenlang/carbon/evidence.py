"""What proves an inventory row by row: its figures as series, and which factors each row got.

A series is one kind of figure over the rows of the activity data, by the row's index in its table:
`scope1.CO2` (kg of the gas), `scope1.CO2-biogenic`, `scope2-location-based.co2e` (kg CO2e of all gases).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from greenlang.carbon.emissions import Emissions
from greenlang.carbon.factors import GasRate
from greenlang.carbon.gwp import GwpSet
from greenlang.carbon.inventory import Inventory
from greenlang.carbon.tables import combine_codes
from greenlang.exact import canonical_text
from greenlang_core.decimals import DecimalColumn

__all__ = ["Series", "row_selections", "selection_table", "series_of", "series_prefix"]


@dataclass(frozen=True, slots=True)
class Series:
    """Figures of some rows, in kg at 12 places."""

    name: str
    rows: npt.NDArray[np.integer[Any]]  #: ascending, each at most once
    figures: DecimalColumn


def series_of(inventory: Inventory) -> list[Series]:
    """Every figure of an inventory, series in order of their names."""
    found: dict[str, list[tuple[npt.NDArray[np.int32], DecimalColumn]]] = defaultdict(list)
    for part in inventory.parts:
        prefix = series_prefix(part)
        for gas in part.gases:
            if gas.mass is not None:
                apart = "-biogenic" if gas.co2e is None else ""
                found[f"{prefix}.{gas.gas}{apart}"].append((gas.rows, gas.mass))
            if gas.co2e is not None:
                found[f"{prefix}.co2e"].append((gas.rows, gas.co2e))
    return [_joined(name, found[name], len(inventory.data)) for name in sorted(found)]


def series_prefix(part: Emissions) -> str:
    """What the names of a part's series begin with: `scope2-location-based`."""
    return f"scope{part.scope}" + (f"-{part.method}" if part.method else "")


def _joined(name: str, pieces: list[tuple[npt.NDArray[np.int32], DecimalColumn]], length: int) -> Series:
    """Put together what several agents and gases give to a series; what falls on one row is added."""
    if len(pieces) == 1:
        rows, figures = pieces[0]
        return Series(name, rows, figures)
    taken = np.zeros(length, dtype=np.bool_)
    for rows, _ in pieces:
        taken[rows] = True
    position = np.cumsum(taken, dtype=np.int32) - 1
    figures = DecimalColumn.concat([figures for _, figures in pieces])
    groups = np.concatenate([position[rows] for rows, _ in pieces])
    held = np.flatnonzero(taken)
    return Series(name, held, figures.group_sum(groups, len(held)))


def selection_table(inventory: Inventory) -> list[dict[str, Any]]:
    """What rows were multiplied by; a row names its entries by their position here.

    The rate of a gas is the exact ratio (`num/den`) of kg to one of the row's unit, and `gwp` is kg CO2e of a
    kg of it, which for methane may go by its origin. Biogenic CO2, which stands apart, has none.
    """
    return [
        {
            "agent": part.agent,
            "scope": part.scope,
            "method": part.method,
            "activity": selection.activity,
            "rates": [
                {
                    "gas": rate.gas,
                    "rate": _ratio(rate.rate),
                    **_warming(rate, part.gwp),
                    "factors": [
                        {"ef_cid": factor.ef_cid, "weight": _ratio(weight)} for factor, weight in rate.parts
                    ],
                }
                for rate in selection.rates
            ],
            "fallbacks": [
                {"kind": fallback.kind, "wanted": fallback.wanted, "used": fallback.used}
                for fallback in selection.fallbacks
            ],
        }
        for part in inventory.parts
        for selection in part.selections
    ]


def _warming(rate: GasRate, gwp: GwpSet) -> dict[str, str]:
    """What a kg of a rate's gas counts as CO2e; nothing for what stands apart."""
    if rate.gas == "CO2" and rate.biogenic:
        return {}
    return {"gwp": "1" if rate.gas == "CO2e" else canonical_text(gwp.factor(rate.gas, rate.biogenic))}


def _ratio(ratio: Fraction) -> str:
    return f"{ratio.numerator}/{ratio.denominator}"


def row_selections(inventory: Inventory) -> tuple[npt.NDArray[np.int32], list[list[str] | None]]:
    """The entries of every row in the selection table: the code of each row, and the entries of each code.

    A row that was multiplied by nothing has None.
    """
    codes, count = np.zeros(len(inventory.data), dtype=np.int32), 1
    columns = list(_selection_columns(inventory))
    for column in columns:
        # -1 is one of the codes.
        codes, count = combine_codes(codes, count, column + np.int32(1), int(column.max(initial=-1)) + 2)
    examples = np.zeros(count, dtype=np.int64)
    examples[codes] = np.arange(len(codes))
    held = [
        [str(entry) for column in columns if (entry := int(column[row])) >= 0] for row in examples.tolist()
    ]
    return codes, [entries or None for entries in held]


def _selection_columns(inventory: Inventory) -> Iterator[npt.NDArray[np.int32]]:
    """For each part, the entry of every row, -1 where it has none; a further column where a row has two."""
    first = 0
    for part in inventory.parts:
        if not part.selections:
            continue
        columns = [np.full(len(inventory.data), -1, dtype=np.int32)]
        for entry, rows in enumerate(part.selection_rows, start=first):
            free = next((column for column in columns if (column[rows] < 0).all()), None)
            if free is None:
                free = np.full(len(inventory.data), -1, dtype=np.int32)
                columns.append(free)
            free[rows] = entry
        first += len(part.selections)
        yield from columns
