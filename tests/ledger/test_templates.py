"""Templates give the very bytes that records give."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.ledger import AgentUse, canonical_bytes, input_hash_of_value, make_record
from greenlang.ledger.chain import name_signer
from greenlang.ledger.record import hash_record
from greenlang.ledger.signing import Unsigned
from greenlang.ledger.templates import RecordTemplate

TIME = datetime(2025, 6, 30, 12, 0, 0, 5, tzinfo=UTC)


def record_of(value, given_value, tenant="acme", calculation_id="calc_1"):
    record = make_record(
        calculation_id=calculation_id,
        timestamp=TIME,
        input_hash=input_hash_of_value(given_value),
        plan_hash="sha256:" + "a" * 64,
        result=value,
        tenant=tenant,
        agents=[AgentUse("acme.b", "1.0.0", None), AgentUse("acme.a", "2.0.0", "sha256:1")],
        roundings=[{"places": 2}],
    )
    return name_signer(record, Unsigned("no key"))


@given(
    st.decimals(min_value=-(10**20), max_value=10**20, places=4) | st.text(st.characters(codec="utf-8")),
    st.integers(),
    st.text(st.characters(codec="utf-8")),
)
def test_a_filled_template_is_the_record(value, given_value, tenant):
    template = RecordTemplate(record_of(Decimal(1), 0))
    plain = record_of(value, given_value, tenant, "calc_2")
    filled = template.fill(
        calculation_id="calc_2",
        timestamp=plain.timestamp,
        tenant=tenant,
        input_hash=plain.input_hash,
        result=canonical_bytes(value),
    )
    fields = msgspec.to_builtins(plain)
    del fields["chain_hash"]
    assert filled.json == canonical_bytes(fields)
    assert filled.result_hash == plain.result_hash
    assert filled.leaf == hash_record(plain)


@pytest.mark.parametrize("text", ["\0result\0", "\0tenant\0", '"\\u0000result\\u0000"'])
def test_what_looks_like_a_mark_in_a_run_is_only_text(text):
    template = RecordTemplate(record_of("x", 0))
    plain = record_of(text, 0, tenant=text)
    filled = template.fill(
        calculation_id="calc_1",
        timestamp=plain.timestamp,
        tenant=text,
        input_hash=plain.input_hash,
        result=canonical_bytes(text),
    )
    assert filled.leaf == hash_record(plain)
