"""What is told of inventories, steps, factors and verdicts, as types."""

from __future__ import annotations

__all__ = [
    "CutData",
    "FactorData",
    "FactorList",
    "FactorQuery",
    "FigureData",
    "IdentityData",
    "InventoryData",
    "InventoryQuery",
    "InventoryRow",
    "InventoryRowData",
    "InventoryRowList",
    "InventoryRowQuery",
    "OrderData",
    "StepData",
    "StepsData",
    "UsedFactor",
    "VerdictData",
    "VerificationData",
    "VerifyRequest",
]

from typing import Annotated, Any, Literal

import msgspec

from greenlang.gcel.drawings import Drawing
from greenlang.ledger import Status

Limit = Annotated[int, msgspec.Meta(ge=1, le=500)]


class InventoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of an inventory."""

    #: Of scope 2, where the two are never added; the only one that there is, or location-based, if left out.
    method: Literal["location-based", "market-based"] | None = None
    scope: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None
    gas: str | None = None
    site: str | None = None
    #: `2025-03`, or a longer period as the charts have it.
    month: str | None = None
    activity: str | None = None


class CutData(msgspec.Struct, frozen=True):
    """One sum, by what it is of."""

    key: list[str]
    co2e_kg: str


class InventoryData(msgspec.Struct, frozen=True):
    """An inventory, cut up for charts."""

    #: Of the execution or batch.
    id: str
    calculation_id: str | None
    result_hash: str
    gwp_set: str
    #: Of scope 2, that this part is under.
    method: str
    #: How many rows were given, computed and skipped, and how many are in this part.
    rows: dict[str, int]
    #: Kg CO2e of this part, and of everything under its method.
    co2e_kg: str
    whole_co2e_kg: str
    #: By scope and method, of the whole.
    totals: list[dict[str, Any]]
    scopes: list[CutData]
    gases: list[CutData]
    sites: list[CutData]
    activities: list[CutData]
    #: By month and scope.
    months: list[CutData]
    missing: list[dict[str, Any]]
    fallbacks: list[dict[str, Any]]
    skipped: list[dict[str, Any]]


class InventoryRowQuery(InventoryQuery, frozen=True, forbid_unknown_fields=True):
    """Which rows of an inventory to list."""

    limit: Limit = 50
    #: `next_cursor` of the page before.
    cursor: Annotated[str, msgspec.Meta(pattern="^[0-9]{0,9}$")] = ""


class InventoryRow(msgspec.Struct, frozen=True):
    """One row, and what of its emissions is in the part that was asked for."""

    #: As proofs count: the first is 2.
    row: int
    id: str
    site: str
    period: str
    activity: str
    quantity: str
    unit: str
    region: str
    co2e_kg: str


class InventoryRowList(msgspec.Struct, frozen=True):
    """One page of rows, those that emit most first."""

    rows: list[InventoryRow]
    count: int
    #: Null on the last page.
    next_cursor: str | None


class FactorData(msgspec.Struct, frozen=True):
    """An emission factor, as it was published."""

    ef_cid: str
    pack: str
    activity: str
    gas: str
    value: str
    unit: str
    region: str
    source: str
    dataset: str
    edition: str
    table: str
    locator: str
    published: str
    data_year: str
    applies_from: str
    applies_to: str
    gwp_basis: str
    category: str
    vehicle: str
    holder: str
    uncertainty: str
    citation: str
    note: str


class UsedFactor(msgspec.Struct, frozen=True):
    """A factor and how much of it went into a rate."""

    #: An exact ratio.
    weight: str
    factor: FactorData


class FigureData(msgspec.Struct, frozen=True):
    """What one agent computed of a row for one gas."""

    agent: str
    scope: int
    method: str
    category: str
    gas: str
    mass_kg: str | None
    co2e_kg: str | None
    #: The exact ratio of kg to one of the row's unit; empty where an agent computed it otherwise.
    rate: str
    factors: list[UsedFactor]


class InventoryRowData(msgspec.Struct, frozen=True):
    """One row with everything that its figures came from."""

    row: int
    #: Its cells, as they were given.
    cells: dict[str, str]
    figures: list[FigureData]
    fallbacks: list[dict[str, str]]
    #: The arithmetic: name, version, text and hash.
    formulas: list[dict[str, str]]
    roundings: list[dict[str, Any]]
    #: Of the record.
    hashes: dict[str, str | None]
    gwp_set: str
    calculation_id: str | None


class FactorQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which factors to list."""

    #: All in the activity, another word for it, the vehicle, the source or the category.
    words: str = ""
    #: What a row of this region could get: also factors of regions around it.
    region: str = ""
    #: What a row of this year would get.
    year: Annotated[int, msgspec.Meta(ge=1900, le=2100)] | None = None
    gas: str = ""
    #: Part of the name of the source or the dataset.
    source: str = ""
    #: The distribution that brings them.
    pack: str = ""
    limit: Limit = 50
    cursor: Annotated[str, msgspec.Meta(pattern="^[0-9]{0,9}$")] = ""


class FactorList(msgspec.Struct, frozen=True):
    """One page of factors: those whose activity has the words first, then by activity, place and edition."""

    factors: list[FactorData]
    count: int
    next_cursor: str | None


class IdentityData(msgspec.Struct, frozen=True):
    """Who asks."""

    tenant: str
    permissions: list[str]


class OrderData(msgspec.Struct, frozen=True):
    """What an execution was asked to do."""

    program: str
    input: msgspec.Raw
    policy: dict[str, Any]


class StepData(msgspec.Struct, frozen=True):
    """What one step of a plan did, all items together."""

    #: As the boxes of the drawing have it.
    path: str
    state: Literal["done", "failed", "not reached"]
    runs: int
    seconds: float
    #: The last output, as text and cut to a readable length.
    output: str


class StepsData(msgspec.Struct, frozen=True):
    """The plan of an execution as it runs, and what its steps did."""

    drawing: Drawing
    steps: list[StepData]
    #: Why they were not run again just now; then they are told as they ran, if that is known.
    because: str
    #: The error with the line of the program and its caret; empty where all went well.
    error: str


class VerifyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to verify a calculation."""

    #: The execution or batch that made it: from its input it is computed again.
    execution_id: str | None = None
    batch_id: str | None = None


class VerdictData(msgspec.Struct, frozen=True):
    """One of the three answers."""

    #: `integrity`, `recomputed` or `authentic`.
    name: str
    status: Status
    sentence: str
    findings: list[str]


class VerificationData(msgspec.Struct, frozen=True):
    """The three answers on a calculation, each by itself."""

    verdicts: list[VerdictData]
    seconds: float
