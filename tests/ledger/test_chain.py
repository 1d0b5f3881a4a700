from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from greenlang.ledger.chain import GENESIS, Head, Inclusion, commit, hash_link, head_message
from greenlang.ledger.merkle import leaf_hash, root_from_path
from greenlang.ledger.record import CalculationRecord, hash_record, make_record
from greenlang.ledger.signing import Signer, Unsigned, load_signer, signature_holds


def record(number: int) -> CalculationRecord:
    return make_record(
        calculation_id=f"calculation-{number}",
        timestamp=datetime(2025, 1, 1, tzinfo=UTC),
        input_hash="sha256:" + "1" * 64,
        plan_hash="sha256:" + "2" * 64,
        result={"total": str(number)},
    )


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    loaded = load_signer(tmp_path)
    assert isinstance(loaded, Signer)
    return loaded


def test_the_link_is_the_hash_of_its_definition() -> None:
    root = leaf_hash(b"record")
    expected = hashlib.sha256(
        b"greenlang.chain/1\n" + bytes(32) + b"\x01\x00\x00\x00\x00\x00\x00\x00" + root
    ).hexdigest()
    assert hash_link(GENESIS, 1, root) == expected


def test_each_commit_follows_the_one_before(signer: Signer) -> None:
    first = commit([record(1)], signer)
    second = commit([record(2), record(3)], signer, previous=first.head.chain_hash)
    assert first.head.previous == GENESIS
    assert second.head.previous == first.head.chain_hash
    assert [linked.chain_hash for linked in second.records] == [second.head.chain_hash] * 2


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_every_record_of_a_commit_leads_to_its_root(signer: Signer, count: int) -> None:
    linked = commit([record(number) for number in range(count)], signer)
    for one, inclusion in zip(linked.records, linked.inclusions, strict=True):
        path = [bytes.fromhex(node) for node in inclusion.path]
        root = root_from_path(hash_record(one), inclusion.index, linked.head.record_count, path)
        assert root is not None
        assert root.hex() == linked.head.records_root


def test_the_head_is_signed_and_the_records_name_the_key(signer: Signer) -> None:
    linked = commit([record(1)], signer)
    head = linked.head
    assert head.public_key == signer.public_key
    assert head.signature is not None
    assert signature_holds(signer.public_key, head.signature, head_message(head))
    assert linked.records[0].signer == signer.fingerprint
    assert linked.records[0].unsigned_because is None


@pytest.mark.parametrize("field", ["previous", "record_count", "records_root", "chain_hash", "public_key"])
def test_the_signature_covers_every_field_of_the_head(signer: Signer, field: str) -> None:
    head = commit([record(1)], signer).head
    other = 2 if field == "record_count" else "ab" * 32
    changed = msgspec.structs.replace(head, **{field: other})
    assert head.signature is not None
    assert not signature_holds(signer.public_key, head.signature, head_message(changed))


def test_without_a_key_the_record_says_why() -> None:
    linked = commit([record(1)], Unsigned("no home"))
    assert linked.head.signature is None
    assert linked.head.public_key is None
    assert linked.records[0].signer is None
    assert linked.records[0].unsigned_because == "no home"


@pytest.mark.parametrize("previous", ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n"])
def test_a_link_has_one_spelling(previous: str) -> None:
    head = msgspec.to_builtins(commit([record(1)], Unsigned("")).head) | {"previous": previous}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(head, Head)


def test_a_place_before_the_first_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"index": -1, "path": []}, Inclusion)
