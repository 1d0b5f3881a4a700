"""Emission factors: one record each, and the one file format that packs and users write them in.

A factor file is CSV: UTF-8, separated by commas, a header first, one factor a row.

================  =====================================================================================
column            meaning
================  =====================================================================================
activity          what is used or done, as its publisher names it: `Natural Gas`; required
gas               `CO2`, `CH4`, `N2O`, `SF6`, `HFC-134a` ..., or `CO2e` for a published total; required
value             the number as published, `53.06`; required
unit              mass per unit of activity: `kg/mmBtu (HHV)`, `lb/MWh`, `kg CO2e per kWh`; required
region            code of the country, state or grid subregion it is for; empty for the world
source            who published it
dataset, edition  of which publication; a new edition does not touch the figures of an old one
table, locator    where it stands there
published         date it was published, `2025-01-15`
data_year         year that the underlying data are of
applies_from      first day of activity it is for; empty if its publisher sets no limit
applies_to        last day, likewise
citation          the reference in full
gwp_basis         for `CO2e`: the GWP set behind it, `AR5`; empty is the same as `unspecified`
biogenic          `yes`, `no`, or empty where its publisher is silent
scope             `1`, `2` or `3` of the GHG Protocol
category          `stationary combustion`, `purchased electricity` ...
kind              empty, `grid-average`, `residual-mix`, `supplier`, `instrument`, or `composition`: what a
                  substance consists of, which is the same everywhere
holder            name of the supplier or instrument
vehicle           vehicle or equipment it is for; empty if for any
engine            engine of the equipment, as published: `Diesel Equipment`
model_year_from   first and last model year of the vehicle; empty for no limit
model_year_to
uncertainty       half of the 95 % confidence interval, in percent of the value: `7%`; empty if not known
note              anything else; no part of the factor's identity
================  =====================================================================================

`gal` and `ton` in `unit` are those of the row's region.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from functools import cached_property

from greenlang.carbon.units import Unit
from greenlang.exact import decimal_text

__all__ = ["FACTOR_KINDS", "EmissionFactor", "FactorSet", "activity_key"]

#: What a factor may be besides an ordinary one: for the ladders of scope 2, and for substances that leak.
FACTOR_KINDS = ("", "grid-average", "residual-mix", "supplier", "instrument", "composition")


@dataclass(frozen=True, kw_only=True)
class EmissionFactor:
    """How much of one gas comes with one unit of an activity; see the module for what each field means."""

    activity: str
    gas: str
    value: Decimal  #: as published, trailing zeros included
    numerator: Unit  #: a unit of mass
    denominator: Unit  #: of the activity, on the factor's heat basis
    region: str = ""
    source: str = ""
    dataset: str = ""
    edition: str = ""
    table: str = ""
    locator: str = ""
    published: date | None = None
    data_year: int | None = None
    applies_from: date | None = None
    applies_to: date | None = None
    citation: str = ""
    gwp_basis: str = ""
    biogenic: bool | None = None
    scope: int = 0  #: 0 where the file does not say
    category: str = ""
    kind: str = ""
    holder: str = ""
    vehicle: str = ""
    engine: str = ""
    model_year_from: int | None = None
    model_year_to: int | None = None
    uncertainty: str = ""  #: `7%`
    note: str = ""

    @property
    def value_text(self) -> str:
        """The value in plain digits, as many as were published."""
        return decimal_text(self.value)

    @property
    def unit_text(self) -> str:
        """The unit as a factor file writes it: `kg/mmBtu (HHV)`."""
        return f"{self.numerator}/{self.denominator}"

    def canonical(self) -> bytes:
        """The record that `ef_cid` covers: JSON with sorted keys, what is empty left out, without the note.

        A field that is added to the format later does not change the ids of factors that have none of it.
        """
        record: dict[str, object] = {"unit": self.unit_text, "value": self.value_text}
        for name in (field.name for field in fields(self)):
            content = getattr(self, name)
            if name in _OUTSIDE_RECORD or (content in ("", None, 0) and content is not False):
                continue
            record[name] = content.isoformat() if isinstance(content, date) else content
        return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def ef_cid(self) -> str:
        """Content id: `ef_` and the first 16 hex digits of the SHA-256 of `canonical`."""
        return f"ef_{hashlib.sha256(self.canonical()).hexdigest()[:16]}"


#: Fields of a factor that its canonical record holds in another form, or not at all.
_OUTSIDE_RECORD = frozenset({"value", "numerator", "denominator", "note"})


@dataclass(frozen=True, slots=True)
class FactorSet:
    """Factors that were read from one place, in its order."""

    name: str
    factors: tuple[EmissionFactor, ...]

    def __iter__(self) -> Iterator[EmissionFactor]:
        return iter(self.factors)

    def __len__(self) -> int:
        return len(self.factors)


def activity_key(text: str) -> str:
    """What two spellings of one activity have in common: letter case and white space do not count."""
    return " ".join(text.split()).casefold()
