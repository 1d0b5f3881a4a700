"""Emissions of activities: one, or a batch of them, in one calculation."""

from __future__ import annotations

__all__ = ["Emissions"]

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import ParamSpec, TypeVar

import msgspec

from greenlang.agents.phases import phase
from greenlang.engine.calculations import Calculated, Calculator, Outcome
from greenlang.engine.tenancy import OwnFactorFiles
from greenlang.errors import DataError
from greenlang.ledger import CalculationRecord
from greenlang.service.activities import TABLE_NAME, TABLE_TYPES, Given, read_activities
from greenlang.service.arrow_items import ARROW_STREAM, encode_arrow
from greenlang.service.items import encode_items
from greenlang.service.messages import ActivitiesRequest, Activity, CalculatedData, CalculationQuery, Fault
from greenlang.service.reading import idempotency_key
from greenlang.service.roles import Permission
from greenlang.service.routing import IDEMPOTENCY_KEY, Route
from greenlang.service.wire import Call, Refusal, Reply, answer

P = ParamSpec("P")
T = TypeVar("T")

#: Bytes of a body from which on it is read and answered in a thread.
_LARGE = 512 * 1024

_ACTIVITY = {
    "id": "A-01",
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": 1500,
    "unit": "MMBtu",
    "region": "US",
}
_EXAMPLES = {
    "One activity": _ACTIVITY,
    "A batch": [_ACTIVITY, {**_ACTIVITY, "id": "A-02", "activity": "electricity", "unit": "MWh"}],
    "Under another policy": {"activities": [_ACTIVITY], "policy": {"gwp_set": "AR6"}},
}


class Emissions:
    """Operations on a calculator, with the factor files that tenants keep."""

    def __init__(self, calculator: Calculator, own_factors: OwnFactorFiles) -> None:
        self._calculator = calculator
        self._own_factors = own_factors

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "POST",
                "/v1/calculations/emissions",
                self.calculate,
                "Compute the emissions of activities",
                permission=Permission.RUN,
                request=ActivitiesRequest,
                other_requests=(Activity, list[Activity]),
                other_types=TABLE_TYPES,
                other_gives=(ARROW_STREAM,),
                query=CalculationQuery,
                answers={200: (CalculatedData,)},
                refusals=(409,),
                headers=(IDEMPOTENCY_KEY,),
                examples=_EXAMPLES,
            ),
        ]

    async def calculate(self, call: Call) -> Reply:
        """`POST /v1/calculations/emissions`."""
        key = idempotency_key(call)
        try:
            phase("validate")
            given = await _apart(call, read_activities, call)
            if given.own_factors:
                own = await self._own_factors.resources(call.tenant, given.own_factors)
                given = replace(given, factor_files=(*given.factor_files, *own))
            calculated = await self._calculated(call, given, key)
        except DataError as error:
            raise Refusal(422, *_faults(error)) from error
        finally:
            call.agent = self._calculator.agent
        if calculated.record is None or calculated.outcome is None:
            raise Refusal(
                409,
                Fault(
                    "idempotency_key",
                    f"the key stands for another request, {calculated.id}",
                    "Idempotency-Key",
                    "use a new key for a new request",
                ),
            )
        location = ("Location", f"/v1/calculations/{calculated.id}")
        outcome, told = calculated.outcome, _told(calculated.record, calculated.outcome)
        if call.gives == ARROW_STREAM:
            made = await _apart(call, encode_arrow, outcome, given.refused, told)
            return Reply(200, made, ARROW_STREAM, (location,))
        told["items"] = msgspec.Raw(await _apart(call, encode_items, outcome, given.refused))
        return answer(call, told, headers=(location,))

    async def _calculated(self, call: Call, given: Given, key: str | None) -> Calculated:
        request = b"" if key is None else _request(call)
        if (cells := given.single) is not None:
            made = await self._calculator.calculate_one(
                cells, given.policy, tenant=call.tenant, idempotency_key=key, request=request
            )
            if made is not None:
                return made
        return await self._calculator.calculate(
            given.input, tenant=call.tenant, idempotency_key=key, request=request
        )


async def _apart(call: Call, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What a function gives, computed in a thread for a large request so that small ones need not wait."""
    if len(call.body) < _LARGE:
        return function(*given, **named)
    return await asyncio.to_thread(function, *given, **named)


def _told(record: CalculationRecord, outcome: Outcome) -> dict[str, object]:
    """What `CalculatedData` describes, but for its items."""
    inventory = record.result["inventory"]
    return {
        "calculation_id": record.calculation_id,
        "result_hash": record.result_hash,
        "gwp_set": record.gwp_set,
        "rows": inventory["rows"],
        "totals": inventory["totals"],
        "missing": inventory["missing"],
        "formulas": record.formulas,
        "selections": outcome.selections,
    }


def _request(call: Call) -> bytes:
    """All that a request asks for."""
    asked = [call.headers.get("content-type", ""), sorted(call.query.items())]
    return msgspec.json.encode(asked) + call.body


def _faults(error: DataError) -> list[Fault]:
    """Each problem by itself, with the row that it is in where that is not plain."""
    several = error.file != TABLE_NAME or len({one.row for one in error.problems}) > 1
    file = "" if error.file == TABLE_NAME else f"{error.file}, "
    return [
        Fault(
            "activity",
            f"{file}row {one.row}: {one.message}" if several else one.message,
            one.column,
            one.fix,
        )
        for one in error.problems
    ]
