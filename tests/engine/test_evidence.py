"""What a record says of the program that it came from."""

from datetime import UTC, datetime

import msgspec
import pytest

import greenlang as gl
from greenlang.agents import Registry
from greenlang.engine import execute, save_result, verify_bundle
from greenlang.engine.executions import Prover
from greenlang.ledger import Status, Unsigned
from greenlang.ledger.record import hash_plan_document

#: The same plan, written otherwise.
TEXTS = ("sum >> identity", "sum  >>  identity  # the same")


@pytest.mark.parametrize("text", [*TEXTS, 'x = "é\\n\\u0007"\nx >> group(identity) >> retry(2, base=0.25)'])
def test_the_digest_of_a_plans_json_is_the_one_that_bundles_are_held_to(text):
    plan = gl.compile(text)
    assert plan.document_hash == hash_plan_document(plan.to_json())


def test_a_record_is_of_the_program_as_it_is_written(tmp_path):
    plans = [gl.compile(text) for text in TEXTS]
    assert plans[0].hash == plans[1].hash
    for plan in plans:
        execution = execute(plan, [1, 2])
        assert execution.record.plan_document_hash == plan.document_hash
        save_result(execution, tmp_path / "result.json")
        verified = verify_bundle(tmp_path / "result.json")
        assert (verified.integrity.status, verified.recomputed.status) == (Status.OK, Status.OK)
    prover = Prover(Registry(), Unsigned("a test"))
    at = int(datetime(2025, 6, 30, tzinfo=UTC).timestamp() * 1e6)
    records = [prover.prove(plan, [1], 1, tenant="acme", at=at).record.record for plan in plans]
    assert [msgspec.json.decode(record)["plan_document_hash"] for record in records] == [
        plan.document_hash for plan in plans
    ]
