"""Sums of a batch: by activity, site, period and region, each by scope and method, for charts and totals.

Sums are exact and of rounded rows, so in whatever pieces they are made they come out the same.
"""

from __future__ import annotations

__all__ = ["DIMENSIONS", "MOST_KEYS", "Sum", "added", "sums_of"]

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, localcontext

import msgspec
import numpy as np
import numpy.typing as npt

from greenlang.carbon import Emissions, GasEmissions, Inventory, StringColumn, combine_codes
from greenlang.exact import exact_context
from greenlang_core.decimals import DecimalColumn

#: What sums are by.
DIMENSIONS = ("activity", "site", "period", "region")

#: Keys of one dimension; with more of them it is not summed by: nobody reads such a chart.
MOST_KEYS = 20_000

_Codes = npt.NDArray[np.int32]


class Sum(msgspec.Struct, frozen=True, array_like=True):
    """Emissions of the rows of one key."""

    by: str  #: one of `DIMENSIONS`
    key: str
    scope: int
    method: str
    category: str
    rows: int
    mass_kg: dict[str, Decimal]  #: of each gas, biogenic CO2 left out
    biogenic_co2_kg: Decimal | None  #: stands apart from the total
    co2e_kg: Decimal
    #: The part of it of which no masses are known: factors published as CO2e gave it.
    co2e_as_published_kg: Decimal | None = None

    @property
    def kind(self) -> tuple[str, int, str, str, str]:
        """What sums of the same are added by, in the order in which they are told."""
        return self.by, self.scope, self.method, self.category, self.key


def sums_of(inventory: Inventory) -> Iterator[Sum]:
    """The sums of an inventory; a dimension with more than `MOST_KEYS` keys is told by one key, the empty."""
    for part in inventory.parts:
        if part.selections:
            yield from _sums_of(part)


def added(sums: Iterable[Sum]) -> list[Sum]:
    """Sums of the same kind added, in order; those by `activity` first."""
    found: dict[tuple[str, int, str, str, str], Sum] = {}
    with localcontext(exact_context()):
        for one in sums:
            before = found.get(one.kind)
            found[one.kind] = one if before is None else _plus(before, one)
    return [found[kind] for kind in sorted(found, key=lambda kind: (DIMENSIONS.index(kind[0]), *kind[1:]))]


def _plus(left: Sum, right: Sum) -> Sum:
    masses = dict(left.mass_kg)
    for gas, mass in right.mass_kg.items():
        masses[gas] = masses.get(gas, Decimal(0)) + mass
    return msgspec.structs.replace(
        left,
        rows=left.rows + right.rows,
        mass_kg=masses,
        biogenic_co2_kg=_sum_of_known(left.biogenic_co2_kg, right.biogenic_co2_kg),
        co2e_kg=left.co2e_kg + right.co2e_kg,
        co2e_as_published_kg=_sum_of_known(left.co2e_as_published_kg, right.co2e_as_published_kg),
    )


def _sum_of_known(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return right if left is None else left if right is None else left + right


def _sums_of(part: Emissions) -> Iterator[Sum]:
    """Sums of one agent's emissions: rows first by all dimensions at once, then what is left by each."""
    columns = {"activity": _activities(part), **_columns(part)}
    groups, count = np.zeros(len(part.rows), dtype=np.int32), 1
    for column in columns.values():
        groups, count = combine_codes(groups, count, column.codes[part.rows], len(column.values))
    group_of = np.full(len(part.data), -1, dtype=np.int32)
    group_of[part.rows] = groups
    examples = np.zeros(count, dtype=np.int32)
    examples[groups] = part.rows
    rows = np.bincount(groups, minlength=count)
    figures = [_Summed.of(gas, group_of, count) for gas in part.gases]
    for dimension, column in columns.items():
        used, keys = np.unique(column.codes[examples], return_inverse=True)
        yield from _of_dimension(
            part,
            dimension,
            [column.values[code] for code in used.tolist()],
            keys.astype(np.int32),
            rows,
            figures,
        )


def _activities(part: Emissions) -> StringColumn:
    """What each row's factors are named for; the first selection of a row names it."""
    names = sorted({selection.activity for selection in part.selections})
    code_of = {name: code for code, name in enumerate(names)}
    codes = np.zeros(len(part.data), dtype=np.int32)
    for selection, rows in reversed(list(zip(part.selections, part.selection_rows, strict=True))):
        codes[rows] = code_of[selection.activity]
    return StringColumn(codes, names)


def _columns(part: Emissions) -> Mapping[str, StringColumn]:
    data = part.data
    columns = {"site": data.site, "period": data.period, "region": data.region}
    return {
        name: column if len(column.values) <= MOST_KEYS else StringColumn.constant("", len(data))
        for name, column in columns.items()
    }


class _Summed:
    """What one gas comes to in each group of rows."""

    def __init__(
        self,
        gas: GasEmissions,
        rows: npt.NDArray[np.intp],
        mass: DecimalColumn | None,
        co2e: DecimalColumn | None,
    ) -> None:
        self.gas = gas
        self.rows = rows  #: rows with a figure in each group
        self.mass = mass
        self.co2e = co2e

    @classmethod
    def of(cls, gas: GasEmissions, group_of: _Codes, count: int) -> _Summed:
        groups = group_of[gas.rows]
        mass = None if gas.mass is None else gas.mass.group_sum(groups, count)
        if gas.co2e is None or gas.co2e is gas.mass:
            co2e = None if gas.co2e is None else mass
        else:
            co2e = gas.co2e.group_sum(groups, count)
        return cls(gas, np.bincount(groups, minlength=count), mass, co2e)

    def by(self, keys: _Codes, count: int) -> _Summed:
        """The same by fewer groups."""
        return _Summed(
            self.gas,
            np.bincount(keys, self.rows, count).astype(np.intp),
            None if self.mass is None else self.mass.group_sum(keys, count),
            None if self.co2e is None else self.co2e.group_sum(keys, count),
        )


def _of_dimension(
    part: Emissions,
    dimension: str,
    names: list[str],
    keys: _Codes,
    rows: npt.NDArray[np.intp],
    figures: list[_Summed],
) -> Iterator[Sum]:
    counts = np.bincount(keys, rows, len(names)).astype(np.intp).tolist()
    masses: list[dict[str, Decimal]] = [{} for _ in names]
    biogenic: dict[int, Decimal] = {}
    co2e = [Decimal(0)] * len(names)
    as_published: dict[int, Decimal] = {}
    with localcontext(exact_context()):
        for summed in (figure.by(keys, len(names)) for figure in figures):
            held = np.flatnonzero(summed.rows).tolist()
            if summed.mass is not None:
                found = summed.mass.to_decimals()
                for key in held:
                    if summed.co2e is None:
                        biogenic[key] = biogenic.get(key, Decimal(0)) + found[key]
                    else:
                        gas = summed.gas.gas
                        masses[key][gas] = masses[key].get(gas, Decimal(0)) + found[key]
            if summed.co2e is not None:
                equivalents = summed.co2e.to_decimals()
                for key in held:
                    co2e[key] += equivalents[key]
                    if summed.gas.gas == "CO2e":
                        as_published[key] = as_published.get(key, Decimal(0)) + equivalents[key]
    for key, name in enumerate(names):
        yield Sum(
            dimension,
            name,
            part.scope,
            part.method,
            part.category,
            counts[key],
            masses[key],
            biogenic.get(key),
            co2e[key],
            as_published.get(key),
        )
