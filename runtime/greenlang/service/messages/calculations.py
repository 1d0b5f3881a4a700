"""What `/v1/calculations` is sent and answers, as types."""

from __future__ import annotations

__all__ = [
    "ActivitiesRequest",
    "Activity",
    "CalculatedData",
    "CalculationData",
    "CalculationQuery",
    "FactorText",
    "ItemData",
    "RowQuery",
]

from typing import Annotated, Any, Literal

import msgspec

from greenlang.service.messages.executions import Fault

#: A number of JSON is taken as it is written, so no digit of it is lost.
_Number = Annotated[Any, msgspec.Meta(extra_json_schema={"type": ["string", "number"]})]


class Activity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was used or done: one row of activity data."""

    id: str
    #: `2025`, `2025-Q1`, `2025-03` or `2025-03-01/2025-03-31`.
    period: str
    activity: str
    quantity: _Number
    unit: str
    region: str = ""
    site: str = ""
    method: str = ""
    #: `vehicle=Gasoline Passenger Cars; model_year=2015`.
    tags: str = ""
    #: Of the quantity: half of its 95 % confidence interval, `5%`.
    uncertainty: str = ""


class FactorText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the caller's own factors, which come before all others."""

    name: str
    #: CSV, as `greenlang run --factors` takes it.
    text: str


class ActivitiesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Activities, and the choices that they are computed under."""

    activities: Annotated[list[Activity], msgspec.Meta(min_length=1)]
    #: `gwp_set`, `vintage`, `straddle`, `as_at`, `editions`, `forbidden_fallbacks`, `on_error`.
    policy: dict[str, Any] = {}
    factors: list[FactorText] = []
    #: Names of factor files that your tenant keeps; they come after those in `factors`.
    own_factors: list[str] = []


class CalculationQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The accounting policy, for a body that holds activities alone."""

    #: `AR4`, `AR5`, `AR6` or one with its table.
    gwp_set: str = ""
    vintage: Literal["", "nearest", "strict"] = ""
    straddle: Literal["", "split", "refuse"] = ""
    #: Only factors published by this day.
    as_at: str = ""
    #: `DATASET=EDITION`.
    editions: list[str] = []
    forbidden_fallbacks: list[Literal["region", "vintage", "method"]] = []
    #: `skip` computes the other activities; `stop` computes none.
    on_error: Literal["", "skip", "stop"] = ""


class ItemData(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one activity, in the order of the request."""

    #: As proofs count them: the first is 2, as in a spreadsheet.
    row: int
    id: str
    status: Literal["computed", "failed"]
    #: By scope, method and gas, in kg: `scope1.CO2`, `scope2-location-based.co2e`.
    figures: dict[str, str] = {}
    #: Positions in `selections`.
    selections: list[str] = []
    #: Ids of the emission factors.
    factors: list[str] = []
    #: Why it was not computed.
    errors: list[Fault] = []


class CalculatedData(msgspec.Struct, frozen=True):
    """A calculation: what came of each activity, and the record that proves it."""

    calculation_id: str
    result_hash: str
    gwp_set: str | None
    #: How many activities were given, computed and not.
    rows: dict[str, int]
    #: By scope and method; the two methods of scope 2 are never added.
    totals: list[dict[str, Any]]
    #: Gases that could not be computed; they are not counted as zero.
    missing: list[dict[str, Any]]
    #: The arithmetic, by name and version.
    formulas: list[dict[str, Any]]
    #: What activities were multiplied by: exact rates, factors and their weights, fallbacks.
    selections: list[dict[str, Any]]
    items: list[ItemData]


class RowQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which row of a calculation to prove."""

    row: Annotated[int, msgspec.Meta(ge=2)] | None = None


class CalculationData(msgspec.Struct, frozen=True, omit_defaults=True):
    """A calculation record, with what proves that it is the one that was committed."""

    record: msgspec.Raw
    #: Where it stands in its commit, and the hashes that lead from it to the commit's root.
    inclusion: msgspec.Raw
    #: The chain after that commit: its link, and the signature over it.
    head: msgspec.Raw
    #: The range of the row that was asked for, and the hashes that lead from it to the record's `row_root`.
    row_proof: msgspec.Raw | None = None
