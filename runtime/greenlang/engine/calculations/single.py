"""One activity of a kind that was computed before: the same record from integers and prepared bytes.

A service is sent the same kinds of single activities all day.  Tables and columns cost a hundred times what
the digits of one row do, so what they gave for the first of a kind is cut where another differs: its id, its
quantity, its figures and the hashes over them.  The bytes are those that the columns would give, which is
checked when a kind is prepared and by test for whatever is drawn; what is unusual is left to the columns.
"""

from __future__ import annotations

__all__ = ["PreparedActivity", "SingleResult", "prepare_activity"]

import re
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec

from greenlang.carbon import QUANTITY_PLACES, Inventory, series_prefix
from greenlang.engine.calculations.outcome import KeptSeries, Outcome
from greenlang.engine.evidence import LABELS
from greenlang.errors import InputError
from greenlang.exact import decimal_from_text
from greenlang.ledger import CalculationRecord, FilledRecord, RecordTemplate, TableInput, table_header
from greenlang.ledger.canonical import canonical_bytes, digest, digest_of_bytes, encode_plain
from greenlang.ledger.merkle import leaf_hash
from greenlang.ledger.ranges import range_header
from greenlang.ledger.rows import SCALE, RowSchema

#: Figures from here on are left to the columns, which refuse the largest.
_LARGEST = 10 ** (16 + SCALE)

#: So are quantities of more digits than a column has.
_MOST_QUANTITY = 10**38

#: Of the bytes that follow it, in a range.
_LENGTH = struct.Struct("<Q")

_MARK = re.compile(rb'"\\u0000(\w+)\\u0000"')


@dataclass(frozen=True, slots=True)
class _Term:
    """A gas of one part of the inventory."""

    rate: Fraction  #: kg to one of the row's unit
    mass: str  #: the series of its mass, or empty
    co2e: str  #: the series of its CO2e, or empty
    gwp: Fraction


@dataclass(frozen=True, slots=True)
class SingleResult:
    """What one activity gave."""

    filled: FilledRecord
    record: CalculationRecord
    outcome: Outcome


class PreparedActivity:
    """What all activities of one kind under one policy have in common.

    Parameters
    ----------
    record, source, outcome
        Of any activity of the kind.
    terms : list
        What its quantity is multiplied by.
    """

    def __init__(
        self, record: CalculationRecord, source: TableInput, outcome: Outcome, terms: list[_Term]
    ) -> None:
        self._record = record
        self._columns = tuple(source.columns)
        self._outcome = outcome
        self._terms = terms
        self._names = [one.name for one in outcome.series]
        self._template = RecordTemplate(record)
        self._range_header = range_header(RowSchema(tuple(self._names), LABELS).digest, 0, 1)
        selections = encode_plain([outcome.entries[0]])
        self._selections = _LENGTH.pack(len(selections)) + selections
        header = bytes.fromhex(digest(table_header(self._columns)).removeprefix("sha256:"))
        self._row_header = range_header(header, 0, 1)
        self._input = _Marked(_input_document(source))
        self._result = _Marked(_marked_result(record.result, self._names))

    def compute(
        self, cells: Mapping[str, str], *, calculation_id: str, timestamp: str, tenant: str
    ) -> SingleResult | None:
        """The result of the row with these cells; None where the columns ought to look at it."""
        identity = cells["id"]
        quantity = _scaled(cells["quantity"])
        if quantity is None or not identity or identity != identity.strip():
            return None
        figures = self._figures(quantity)
        if any(abs(figure) >= _LARGEST for figure in figures.values()):
            return None
        row = encode_plain([[cells[column] for column in self._columns]])
        input_root = leaf_hash(self._row_header + row).hex()
        input_hash = digest_of_bytes(self._input.join({"root": f"sha256:{input_root}"}))
        scaled = [figures[name] for name in self._names]
        integers = [figure.to_bytes(16, "little", signed=True) for figure in scaled]
        named = encode_plain([identity])
        # What `encode_range` gives for one row with a figure in every series.
        pieces = [self._range_header, _LENGTH.pack(len(named)), named, self._selections]
        leaf = leaf_hash(b"".join([*pieces, *(b"\x01" + integer for integer in integers)]))
        result = self._result.join({f"f{at}": _text(figure) for at, figure in enumerate(scaled)})
        row_root = f"sha256:{leaf.hex()}"
        filled = self._template.fill(
            calculation_id=calculation_id,
            timestamp=timestamp,
            tenant=tenant,
            input_hash=input_hash,
            result=result,
            row_root=row_root,
        )
        record = msgspec.structs.replace(
            self._record,
            calculation_id=calculation_id,
            timestamp=timestamp,
            tenant=tenant,
            input_hash=input_hash,
            result=msgspec.json.decode(result),
            result_hash=filled.result_hash,
            row_root=row_root,
        )
        outcome = msgspec.structs.replace(
            self._outcome,
            ids=(identity,),
            series=tuple(
                KeptSeries(name, None, integer) for name, integer in zip(self._names, integers, strict=True)
            ),
            leaves=leaf,
        )
        return SingleResult(filled, record, outcome)

    def _figures(self, quantity: int) -> dict[str, int]:
        """The row's figures by series, at the scale of rows: each mass and each CO2e is rounded once."""
        figures: dict[str, int] = defaultdict(int)
        for term in self._terms:
            mass = _rounded(
                quantity * term.rate.numerator, term.rate.denominator * 10 ** (QUANTITY_PLACES - SCALE)
            )
            if term.mass:
                figures[term.mass] += mass
            if term.co2e:
                figures[term.co2e] += _rounded(mass * term.gwp.numerator, term.gwp.denominator)
        return figures


def prepare_activity(
    inventory: Inventory, record: CalculationRecord, source: TableInput, outcome: Outcome
) -> PreparedActivity | None:
    """What activities like the only row of an inventory have in common.

    None where they have not enough: the row was refused, has tags, factors of its own or an estimate of its
    uncertainty, was written with white space, or an agent does not promise to look at rows one by one.
    """
    data = inventory.data
    if len(data) != 1 or outcome.refused or data.own_factors or any(data.tags.values):
        return None
    if any(line.co2e_estimate is not None or line.gas_estimates for line in inventory.totals):
        return None
    if any(line.co2e_as_published not in (None, line.co2e) for line in inventory.totals):
        return None
    if not all(part.row_by_row for part in inventory.parts):
        return None
    made = PreparedActivity(record, source, outcome, list(_terms(inventory)))
    cells = {name: column[0] for name, column in data.table.columns.items()}
    again = made.compute(
        cells, calculation_id=record.calculation_id, timestamp=record.timestamp, tenant=record.tenant
    )
    return made if again is not None and again.record == record and again.outcome == outcome else None


def _terms(inventory: Inventory) -> Iterator[_Term]:
    for part in inventory.parts:
        prefix = series_prefix(part)
        for selection in part.selections:
            for rate in selection.rates:
                if rate.gas == "CO2e":
                    yield _Term(rate.rate, "", f"{prefix}.co2e", Fraction(1))
                elif rate.gas == "CO2" and rate.biogenic:
                    yield _Term(rate.rate, f"{prefix}.CO2-biogenic", "", Fraction(1))
                else:
                    gwp = Fraction(part.gwp.factor(rate.gas, rate.biogenic))
                    yield _Term(rate.rate, f"{prefix}.{rate.gas}", f"{prefix}.co2e", gwp)


def _marked_result(result: Any, names: list[str]) -> dict[str, Any]:
    """The result with a mark for every figure that the row's own figures decide."""
    marks = {name: f"\0f{at}\0" for at, name in enumerate(names)}

    def marked(line: dict[str, Any]) -> dict[str, Any]:
        prefix = f"scope{line['scope']}" + (f"-{line['method']}" if line["method"] else "")
        biogenic, co2e = line["biogenic_co2_kg"], line["co2e_kg"]
        # `prepare_activity` sees to it that it is the whole of a row's CO2e.
        published = "co2e_as_published_kg"
        return {
            **line,
            **({published: marks[f"{prefix}.co2e"]} if published in line else {}),
            "mass_kg": {gas: marks[f"{prefix}.{gas}"] for gas in line["mass_kg"]},
            "biogenic_co2_kg": biogenic and marks[f"{prefix}.CO2-biogenic"],
            "co2e_kg": marks.get(f"{prefix}.co2e", co2e),
        }

    inventory = result["inventory"]
    lines = {name: [marked(line) for line in inventory[name]] for name in ("totals", "lines")}
    return {**result, "inventory": {**inventory, **lines}}


def _input_document(source: TableInput) -> dict[str, Any]:
    """What `input_hash` covers, with a mark for the root of the table."""
    table = {"columns": list(source.columns), "row_count": 1, "root": "\0root\0"}
    return {"schema": "greenlang.input/1", "policy": source.policy, "files": [], "table": table}


class _Marked:
    """Canonical JSON, cut at its marks."""

    def __init__(self, document: object) -> None:
        pieces = _MARK.split(canonical_bytes(document))
        self._texts = pieces[::2]
        self._names = [name.decode() for name in pieces[1::2]]

    def join(self, values: Mapping[str, str]) -> bytes:
        """The JSON with plain texts, in which nothing needs to be escaped, for the marks."""
        pieces = [self._texts[0]]
        for name, text in zip(self._names, self._texts[1:], strict=True):
            pieces.append(b'"%b"' % values[name].encode())
            pieces.append(text)
        return b"".join(pieces)


def _scaled(text: str) -> int | None:
    """A quantity as the integer that it is in its column; None where it is none, or does not fit."""
    try:
        number = decimal_from_text(text)
    except InputError:
        return None
    numerator, denominator = number.as_integer_ratio()
    scaled, rest = divmod(numerator * 10**QUANTITY_PLACES, denominator)
    return None if rest or abs(scaled) >= _MOST_QUANTITY else scaled


def _rounded(numerator: int, denominator: int) -> int:
    """The integer nearest to a ratio, the even one of two."""
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient & 1))


def _text(figure: int) -> str:
    """A figure in plain digits, without zeros at its end."""
    whole, rest = divmod(abs(figure), 10**SCALE)
    text = f"{whole}.{rest:0{SCALE}}".rstrip("0").rstrip(".")
    return f"-{text}" if figure < 0 else text
