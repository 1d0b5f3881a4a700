"""Activities out of a request's body: a table for all of them, and what is wrong with single ones.

Those that are no rows at all become empty rows, so that a row has the same number in the request, in the
answer and in every proof; why they failed is told from here.
"""

from __future__ import annotations

__all__ = ["Given", "policy_of_query", "read_activities"]

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec

from greenlang.agents import Resource
from greenlang.carbon import TABLE_FORMATS, AccountingPolicy, InventoryInput, Table, parse_editions
from greenlang.engine import make_policy
from greenlang.errors import either, nearest
from greenlang.service.arrow_items import ARROW_STREAM
from greenlang.service.messages import ActivitiesRequest, Activity, CalculationQuery, FactorText, Fault
from greenlang.service.reading import media_type, read_query
from greenlang.service.wire import JSON, Call, Refusal

NDJSON = "application/x-ndjson"

#: Media types of tables, by the format that reads them.
_TABLES = {"text/csv": "csv", ARROW_STREAM: "arrow"}
TABLE_TYPES = (NDJSON, *_TABLES)

#: What records and messages call a table that came as a body.
TABLE_NAME = "activities"

_COLUMNS = Activity.__struct_fields__
_REQUIRED = frozenset(("id", "period", "activity", "quantity", "unit"))

#: Numbers that are no integers come as they are written.
_ACTIVITIES = msgspec.json.Decoder(list[Activity], float_hook=str)
_ONE = msgspec.json.Decoder(Activity, float_hook=str)
_ANYTHING = msgspec.json.Decoder(float_hook=str)

#: A batch with more activities than this is refused.
LARGEST_BATCH = 1_000_000


@dataclass(frozen=True)
class Given:
    """What was asked for."""

    policy: AccountingPolicy
    #: Cells of each row by column, or a table.
    rows: Sequence[Sequence[str]] | Table
    factor_files: tuple[Resource, ...] = ()
    #: What is wrong with items that are no rows, by their row from 0.
    refused: Mapping[int, Sequence[Fault]] = field(default_factory=dict)
    #: Names of factor files that the tenant keeps, which are still to be added to the others.
    own_factors: tuple[str, ...] = ()

    @property
    def single(self) -> Mapping[str, str] | None:
        """The cells of the only activity, where there is one and no more than that."""
        if isinstance(self.rows, Table) or len(self.rows) > 1 or self.factor_files or self.refused:
            return None
        return dict(zip(_COLUMNS, self.rows[0], strict=True))

    @cached_property
    def input(self) -> InventoryInput:
        """All of it, as a plan takes it."""
        rows = self.rows
        table = rows if isinstance(rows, Table) else Table.from_rows(TABLE_NAME, _COLUMNS, rows)
        return InventoryInput(table, self.policy, self.factor_files)


def read_activities(call: Call) -> Given:
    """The activities of a request, and the policy that they are computed under.

    Raises
    ------
    Refusal
        415 for a body of another type, 400 for one that cannot be read at all.
    InputError
        For a policy or a table that cannot be used.
    """
    policy = policy_of_query(read_query(call, CalculationQuery)) if call.query else {}
    kind = media_type(call, *TABLE_TYPES)
    if kind == JSON:
        return _read_json(call.body, policy)
    if kind == NDJSON:
        return _given(*_rows_of_lines(call.body), policy)
    return Given(_policy(policy), _read_table(call.body, _TABLES[kind]))


def policy_of_query(query: CalculationQuery) -> dict[str, Any]:
    """The choices that the query makes, by their names in the policy."""
    chosen: dict[str, Any] = msgspec.to_builtins(query)
    if "editions" in chosen:
        chosen["editions"] = parse_editions(chosen["editions"])
    return chosen


def _policy(chosen: Mapping[str, Any], *, single: bool = False) -> AccountingPolicy:
    # In a batch each activity succeeds or fails by itself, unless the caller wants all of it or nothing.
    usual = _USUAL[single]
    return make_policy(**{"on_error": usual.on_error, **chosen}) if chosen else usual


_USUAL = {single: make_policy(on_error="stop" if single else "skip") for single in (False, True)}


def _read_table(body: bytes, form: str) -> Table:
    if not body:
        raise Refusal(400, Fault("body", "the body is empty", "$", "send a table of activities"))
    table = TABLE_FORMATS[form].read(io.BytesIO(body), name=TABLE_NAME)
    _check_count(len(table))
    return table


def _check_count(count: int) -> None:
    if count > LARGEST_BATCH:
        raise Refusal(
            413,
            Fault(
                "too_many",
                f"the request has {count:,} activities, and at most {LARGEST_BATCH:,} are taken",
                "$",
                "send them in parts",
            ),
        )


def _read_json(body: bytes, policy: dict[str, Any]) -> Given:
    start = body.lstrip()[:1]
    # What is well-formed is read into types at once; only where that fails is each item looked at.
    try:
        if start == b"[":
            return _given(_rows_of(_ACTIVITIES.decode(body)), {}, policy)
        if start == b"{" and b'"activities"' not in body:
            return _given(_rows_of([_ONE.decode(body)]), {}, policy, single=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        told = _ANYTHING.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Refusal(400, Fault("json", f"the body is not JSON in UTF-8 ({error})", "$")) from error
    if isinstance(told, list):
        return _given(*_rows_of_anything(told), policy)
    if not isinstance(told, dict):
        raise Refusal(
            400,
            Fault("request", "the body is no activity", "$", "send an object, or a list of objects"),
        )
    if "activities" not in told:
        rows, refused = _rows_of_anything([told])
        return _given(rows, refused, policy, single=True)
    return _read_request(told, policy)


def _read_request(told: dict[str, Any], policy: dict[str, Any]) -> Given:
    """Activities with their policy and factors in one object."""
    items = told.pop("activities")
    try:
        rest = msgspec.convert({**told, "activities": [_EXAMPLE]}, ActivitiesRequest)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise Refusal(400, Fault("request", message, place.strip("`") or "$")) from error
    if twice := sorted(policy.keys() & rest.policy.keys()):
        raise Refusal(400, Fault("request", f"'{twice[0]}' stands in the query and in the body", twice[0]))
    single = isinstance(items, dict)
    if not isinstance(items, (list, dict)):
        fault = Fault("request", "`activities` is neither a list nor an object", "$.activities")
        raise Refusal(400, fault)
    rows, refused = _rows_of_anything([items] if single else items)
    given = _given(rows, refused, {**policy, **rest.policy}, factors=rest.factors, single=single)
    return replace(given, own_factors=tuple(rest.own_factors)) if rest.own_factors else given


_EXAMPLE = dict.fromkeys(_REQUIRED, "")


def _given(
    rows: list[Sequence[str]],
    refused: Mapping[int, Sequence[Fault]],
    policy: Mapping[str, Any],
    *,
    factors: Iterable[FactorText] = (),
    single: bool = False,
) -> Given:
    if not rows:
        raise Refusal(400, Fault("request", "there is no activity", "$", "send at least one"))
    _check_count(len(rows))
    if len(refused) == len(rows):
        raise Refusal(422 if single else 400, *(fault for faults in refused.values() for fault in faults))
    files = tuple(Resource.of(one.name, one.text) for one in factors)
    return Given(_policy(policy, single=single), rows, files, refused)


def _rows_of(activities: Iterable[Activity]) -> list[Sequence[str]]:
    """The cells of activities; ValidationError where a quantity is neither text nor number."""
    rows: list[Sequence[str]] = []
    for one in activities:
        quantity = one.quantity
        if type(quantity) is not str:
            if type(quantity) is not int:
                raise msgspec.ValidationError("quantity")
            quantity = str(quantity)
        one_row = (one.id, one.period, one.activity, quantity, one.unit, one.region, one.site, one.method)
        rows.append((*one_row, one.tags, one.uncertainty))
    return rows


def _rows_of_lines(body: bytes) -> tuple[list[Sequence[str]], dict[int, list[Fault]]]:
    """Activities, one a line; blank lines are passed over."""
    try:
        return _rows_of(_ONE.decode_lines(body)), {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    items: list[Any] = []
    for line in filter(bytes.strip, body.removeprefix(b"\xef\xbb\xbf").splitlines()):
        try:
            items.append(_ANYTHING.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            items.append(_Unread(str(error)))
    return _rows_of_anything(items)


@dataclass(frozen=True, slots=True)
class _Unread:
    """A line that is no JSON."""

    why: str


def _rows_of_anything(items: Iterable[Any]) -> tuple[list[Sequence[str]], dict[int, list[Fault]]]:
    """Cells of what ought to be activities, empty ones for what is none, and why it is none."""
    rows: list[Sequence[str]] = []
    refused: dict[int, list[Fault]] = {}
    for position, item in enumerate(items):
        cells, faults = _cells_of(item)
        if faults:
            refused[position] = faults
            cells = dict.fromkeys(_COLUMNS, "")
        rows.append([cells.get(column, "") for column in _COLUMNS])
    return rows, refused


def _cells_of(item: Any) -> tuple[dict[str, str], list[Fault]]:
    if isinstance(item, _Unread):
        return {}, [_fault("", f"the line is not JSON in UTF-8 ({item.why})", "write one object a line")]
    if not isinstance(item, dict):
        return {}, [_fault("", f"the item is {_kind(item)}, not an activity", "send an object")]
    cells: dict[str, str] = {}
    faults = []
    for name, value in item.items():
        if name not in _COLUMNS:
            close = nearest(name, _COLUMNS) or _COLUMNS
            faults.append(
                _fault(name[:80], f"an activity has no field '{name[:80]}'", f"write {either(close)}")
            )
        elif isinstance(value, str):
            cells[name] = value
        elif isinstance(value, int) and not isinstance(value, bool):
            cells[name] = str(value)
        elif value is not None:
            faults.append(_fault(name, f"{name} is {_kind(value)}", "write a text or a number"))
    for name in _COLUMNS:
        if name in _REQUIRED and name not in item:
            faults.append(_fault(name, f"the activity has no {name}", f"add {name}"))
    return cells, faults


def _fault(column: str, message: str, fix: str) -> Fault:
    return Fault("activity", message, column, fix)


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", bool: "a truth value", str: "a text", type(None): "null"}
    return kinds.get(type(value), "a number")
