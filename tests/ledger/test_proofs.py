from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from greenlang.errors import InputError
from greenlang.ledger.proofs import RowProof, proof_holds, prove_row

Make = Callable[..., Any]


@pytest.mark.parametrize("row", [2, 3, 1025, 1026, 2050, 3001])
def test_a_row_is_proved_by_its_range_alone(make: Make, row: int) -> None:
    bundle = make(3000).bundle
    proof = prove_row(bundle, row)
    assert proof_holds(proof)
    assert proof.row_root == bundle.record.row_root
    assert proof.proved["row"] == row
    assert len(proof.rows) <= 1024
    assert len(proof.path) <= 2


def test_a_proof_travels_as_json(make: Make) -> None:
    proof = prove_row(make(3).bundle, 2)
    assert proof_holds(msgspec.json.decode(msgspec.json.encode(proof), type=RowProof))


@pytest.mark.parametrize(
    "change",
    [
        {"row": 4000},
        {"series": ("scope1.co2e", "scope1.CO2")},
        {"scale": 11},
        {"rows": ()},
        {"range_index": 1},
        {"range_count": 2},
        {"path": ("0" * 64,)},
        {"row_root": "sha256:" + "0" * 64},
    ],
)
def test_a_proof_that_was_changed_does_not_hold(make: Make, change: dict[str, Any]) -> None:
    proof = msgspec.structs.replace(prove_row(make(3).bundle, 2), **change)
    assert not holds(proof)


def test_a_proof_of_other_figures_does_not_hold(make: Make) -> None:
    proof = prove_row(make(3).bundle, 4)
    rows = [*proof.rows[:2], {**proof.rows[2], "scope1.CO2": "6"}]
    assert not holds(msgspec.structs.replace(proof, rows=tuple(rows)))


def test_a_bundle_that_was_changed_gives_no_proof_that_holds(make: Make) -> None:
    def edit(document: Any) -> None:
        document["output"]["rows"][0]["scope1.CO2"] = "6"

    assert not holds(prove_row(make(3).tampered(edit), 2))


@pytest.mark.parametrize("row", [-1, 0, 1, 5])
def test_a_row_that_is_not_there_is_refused(make: Make, row: int) -> None:
    with pytest.raises(InputError, match=f"the bundle has no row {row}; give a row from 2 to 4"):
        prove_row(make(3).bundle, row)


def holds(proof: RowProof) -> bool:
    try:
        return proof_holds(proof)
    except InputError:
        return False
