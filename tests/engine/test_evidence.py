"""What a record says of the program that it came from."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

import greenlang as gl
from greenlang.agents import Registry, agent
from greenlang.engine import aexecute, execute, save_result, verify_bundle
from greenlang.engine.executions import Prover
from greenlang.gcel import Caught
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


@agent(name="proof.refuse", version="1.0.0", effects=["pure"])
def refuse(x: int) -> int:
    if x > 2:
        raise ValueError(f"{x} is too large, {object()}")
    return x


@agent(name="proof.later", version="1.0.0", effects=["pure"])
async def later(x: int) -> int:
    await asyncio.sleep(0)
    return x


CAUGHT = {"kind": "catch", "wanted": "proof.refuse", "used": "its handler, after ValueError"}


@pytest.mark.parametrize("step", ["proof.refuse", "group(proof.later >> proof.refuse)"])
def test_what_was_caught_is_recorded_in_the_result(step, tmp_path):
    """GCEL.md: "that it did is recorded in the result"."""
    registry = Registry([refuse, later])
    plan = gl.compile(f"identity * ({step} >> catch(0)) & sum", registry=registry)
    wanted = "proof.refuse" if step == "proof.refuse" else "group"
    for given, result, fallbacks in (
        ([1, 2], 3, ()),
        ([1, 2, 3, 4], 3, ({**CAUGHT, "wanted": wanted},)),
    ):
        execution = execute(plan, given, registry=registry)
        assert (execution.record.result, execution.record.fallbacks) == (result, fallbacks)
        proven = Prover(registry, Unsigned("a test")).prove
        caught = [Caught(each["wanted"], "ValueError") for each in fallbacks]
        record = proven(plan, given, result, tenant="default", at=1, caught=caught)
        assert record.result_hash == execution.record.result_hash
        save_result(execution, tmp_path / "result.json")
        verified = verify_bundle(tmp_path / "result.json", registry=registry)
        assert (verified.integrity.status, verified.recomputed.status) == (Status.OK, Status.OK)


def test_what_was_caught_in_an_event_loop_is_recorded_too():
    registry = Registry([refuse, later])
    plan = gl.compile("proof.later >> proof.refuse >> catch(0)", registry=registry)
    execution = asyncio.run(aexecute(plan, 3, registry=registry))
    assert (execution.record.result, execution.record.fallbacks) == (0, (CAUGHT,))
