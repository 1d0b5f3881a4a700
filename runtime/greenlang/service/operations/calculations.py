"""Calculations: the records of the ledger, with what proves them."""

from __future__ import annotations

__all__ = ["Calculations"]

import msgspec

from greenlang.engine.calculations import prove_outcome_row, read_calculation
from greenlang.errors import InputError
from greenlang.ledger import inclusion_of
from greenlang.service.messages import CalculationData, RowQuery
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_query
from greenlang.service.reads import Reads
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer
from greenlang.stores import Calculation


class Calculations:
    """Operations on the ledger."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "GET",
                "/v1/calculations/{id}",
                self.calculation,
                "A calculation with its proof",
                permission=Permission.READ,
                query=RowQuery,
                answers={200: (CalculationData,)},
            ),
        ]

    async def calculation(self, call: Call) -> Reply:
        """`GET /v1/calculations/{id}`."""
        row = read_query(call, RowQuery).row
        found = await self._reads.calculation(call.tenant, call.names["id"])
        if found is None:
            raise unknown("calculation", call.names["id"])
        inclusion = msgspec.json.encode(inclusion_of(found.leaves, found.position))
        record, head = msgspec.Raw(found.record), msgspec.Raw(found.head)
        proof = None if row is None else _proof(found, row)
        return answer(call, CalculationData(record, msgspec.Raw(inclusion), head, proof))


def _proof(found: Calculation, row: int) -> msgspec.Raw:
    """The proof of one row of a calculation.

    Raises
    ------
    InputError
        If it has no such row.
    """
    record, outcome = read_calculation(found)
    if outcome is None or record.row_root is None:
        raise InputError("the calculation has no rows", fix="leave the row out", place="row")
    return msgspec.Raw(msgspec.json.encode(prove_outcome_row(outcome, row, record.row_root)))
