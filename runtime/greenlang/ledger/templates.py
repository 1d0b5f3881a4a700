"""Records of runs that differ in little: the canonical JSON cut at what differs, joined again for each run.

A plan that is run a thousand times a second on plain values has one record but for six fields.  `make_record`
followed by `hash_record` gives the same bytes, at twenty times the cost.
"""

from __future__ import annotations

__all__ = ["FilledRecord", "RecordTemplate"]

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from greenlang.ledger.canonical import canonical_bytes, encode_plain
from greenlang.ledger.merkle import leaf_hash
from greenlang.ledger.record import CalculationRecord, result_fields

_OF_RECORD = ("calculation_id", "input_hash", "result", "result_hash", "tenant", "timestamp")
_OF_RESULT = ("input_hash", "result")

#: What differs besides where the result has rows.
_OF_ROWS = ("row_root",)


class FilledRecord(msgspec.Struct, frozen=True):
    """A record as it is kept and hashed."""

    json: bytes  #: canonical, without the link that its commit makes
    result_hash: str
    leaf: bytes


class RecordTemplate:
    """The record of one plan by one signer, for results that differ in their value and the figures of rows.

    Parameters
    ----------
    record : CalculationRecord
        Any record of a run of that plan, its signer named; what differs between runs is left out of it.
    """

    def __init__(self, record: CalculationRecord) -> None:
        fields = msgspec.to_builtins(record)
        del fields["chain_hash"]
        rows = _OF_ROWS if record.row_root is not None else ()
        self._record = _Cut(fields, (*_OF_RECORD, *rows))
        self._result = _Cut({"schema": "greenlang.result/1", **result_fields(record)}, (*_OF_RESULT, *rows))

    def fill(
        self,
        *,
        calculation_id: str,
        timestamp: str,
        tenant: str,
        input_hash: str,
        result: bytes,
        row_root: str = "",
    ) -> FilledRecord:
        """The record of one run.

        Parameters
        ----------
        timestamp : str
            UTC, ISO 8601, as `plain` tells it.
        result : bytes
            The result's canonical JSON.
        row_root : str
            Where the result has rows.
        """
        values = {
            "input_hash": f'"{input_hash}"'.encode(),
            "result": result,
            "row_root": f'"{row_root}"'.encode(),
        }
        result_hash = f"sha256:{hashlib.sha256(self._result.join(values)).hexdigest()}"
        values["calculation_id"] = encode_plain(calculation_id)
        values["result_hash"] = f'"{result_hash}"'.encode()
        values["tenant"] = encode_plain(tenant)
        values["timestamp"] = f'"{timestamp}"'.encode()
        json = self._record.join(values)
        return FilledRecord(json, result_hash, leaf_hash(json))


class _Cut:
    """Canonical JSON of an object, cut where the values of some of its keys stand."""

    def __init__(self, fields: Mapping[str, object], names: Iterable[str]) -> None:
        # A mark is no text of any record: no field may hold a NUL.
        marks = {name: f"\0{name}\0" for name in names}
        rest = canonical_bytes({**fields, **marks})
        self._names = sorted(marks)
        #: What stands around the values; a value goes to every second place.
        self._pieces: list[bytes] = []
        for name in self._names:
            part, _, rest = rest.partition(encode_plain(marks[name]))
            self._pieces += (part, b"")
        self._pieces.append(rest)

    def join(self, values: Mapping[str, bytes]) -> bytes:
        pieces = self._pieces.copy()
        pieces[1::2] = [values[name] for name in self._names]
        return b"".join(pieces)
