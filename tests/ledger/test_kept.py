"""Verification of records as a store keeps them: what was changed is found."""

import msgspec
import pytest

from greenlang.engine.calculations import verify_calculation
from greenlang.engine.calculations.outcome import KeptSeries, Outcome, Refused, read_outcome
from greenlang.errors import BundleError, InputError
from greenlang.ledger import (
    ItemTree,
    KnownKeys,
    Recomputation,
    RowSchema,
    RowTree,
    Status,
    commit,
    list_header,
    load_signer,
    make_record,
    read_kept,
    verify_kept,
)
from greenlang.ledger.canonical import encode_plain
from greenlang.ledger.merkle import leaf_hash
from greenlang.ledger.rows import SparseSeries
from greenlang.stores import Calculation
from greenlang_core.decimals import DecimalColumn

SERIES = "scope1.co2e"
SELECTIONS = ({"agent": "fuels.stationary", "activity": "natural gas"},)
REFUSED = (Refused(3, "B", "unit", "is not known", "write MMBtu"),)


def figures(*texts):
    return DecimalColumn.from_strings(texts, 12).to_bytes()


def outcome_of(kept_figures, tree):
    series = (KeptSeries(SERIES, None, kept_figures),)
    codes = b"\0" * 8
    return Outcome(("A", "B"), 12, series, codes, (None,), SELECTIONS, REFUSED, b"".join(tree.leaves))


def list_of(name, items):
    tree = ItemTree(list_header(name))
    for item in items:
        tree.add(item)
    return tree


@pytest.fixture
def signer(tmp_path):
    return load_signer(tmp_path)


@pytest.fixture
def calculation(signer):
    """Two records of a commit, the second with two rows; and what makes its evidence."""
    schema = RowSchema((SERIES,), ("id", "selections"))
    tree = RowTree(schema)
    kept_figures = figures("1.5", "2")
    columns = {SERIES: SparseSeries([0, 1], kept_figures)}
    tree.add_columns(2, columns, {"id": ["A", "B"], "selections": [None, None]})
    common = {"timestamp": "2025-01-01T00:00:00Z", "input_hash": "sha256:0", "plan_hash": "sha256:1"}
    records = [
        make_record(calculation_id="calc_1", result=1, **common),
        make_record(
            calculation_id="calc_2",
            result=2,
            rows=tree,
            lists={"selections": list_of("selections", SELECTIONS), "skipped": list_of("skipped", REFUSED)},
            **common,
        ),
    ]
    made = commit(records, signer)
    documents = []
    for record in made.records:
        fields = msgspec.to_builtins(record)
        del fields["chain_hash"]
        documents.append(encode_plain(fields))
    leaves = tuple(leaf_hash(document) for document in documents)
    return Calculation(
        record=documents[1],
        evidence=outcome_of(kept_figures, tree).encode(),
        position=1,
        leaves=leaves,
        head=msgspec.json.encode(made.head),
    ), tree


def verified(kept, keys=KnownKeys()):  # noqa: B008  frozen
    return verify_calculation(kept, None, tenant="default", calculation_id="calc_2", keys=keys)


def statuses(verification):
    return [verdict.status for verdict in verification.verdicts.values()]


def test_what_was_kept_holds(calculation, signer):
    kept, _ = calculation
    verification = verified(kept, KnownKeys(installation=signer.fingerprint))
    assert statuses(verification) == [Status.OK, Status.NOT_POSSIBLE, Status.OK]
    assert not verification.failed


def test_a_changed_figure_does_not_lead_to_the_root(calculation):
    kept, tree = calculation
    changed = msgspec.structs.replace(kept, evidence=outcome_of(figures("1.5", "3"), tree).encode())
    verification = verified(changed)
    assert verification.integrity.status is Status.FAILED
    assert verification.integrity.sentence == "rows 2 to 3 do not lead to the row_root in the record"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [(b'"result":2', b'"result":3', "was changed"), (b'"row_count":2', b'"row_count":3', "result_hash")],
)
def test_a_changed_record_is_found(calculation, old, new, told):
    kept, _ = calculation
    assert old in kept.record
    changed = msgspec.structs.replace(kept, record=kept.record.replace(old, new))
    verification = verified(changed)
    assert verification.integrity.status is verification.authentic.status is Status.FAILED
    assert any(told in finding.text() for finding in verification.integrity.findings)


def test_another_place_in_the_commit_is_found(calculation):
    kept, _ = calculation
    moved = msgspec.structs.replace(kept, position=0)
    assert verified(moved).integrity.status is Status.FAILED


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ids": (), "code_bytes": b""}, "rows are 0, and 2 in the record"),
        ({"entries": ()}, "rows cannot be read"),
        ({"code_bytes": b"\0"}, "rows cannot be read"),
        ({"selections": ()}, "lists.selections does not lead to its root in the record"),
        ({"selections": ({**SELECTIONS[0], "activity": "coal"},)}, "lists.selections does not lead"),
        ({"refused": ()}, "lists.skipped does not lead to its root in the record"),
    ],
)
def test_what_was_taken_from_the_evidence_is_found(calculation, changes, told):
    kept, _ = calculation
    evidence = msgspec.structs.replace(read_outcome(kept.evidence), **changes).encode()
    verification = verified(msgspec.structs.replace(kept, evidence=evidence))
    assert verification.integrity.status is Status.FAILED
    assert told in verification.integrity.sentence


@pytest.mark.parametrize("evidence", [b"\xc1", b"\x90", b"{}"])
def test_evidence_that_cannot_be_read_is_told_as_such(calculation, evidence):
    kept, _ = calculation
    verification = verified(msgspec.structs.replace(kept, evidence=evidence))
    assert verification.integrity.status is Status.FAILED
    assert verification.integrity.sentence.startswith("rows cannot be read")


@pytest.mark.parametrize(("tenant", "calculation_id"), [("globex", "calc_2"), ("default", "calc_1")])
def test_a_record_in_the_place_of_another_is_found(calculation, tenant, calculation_id):
    kept, _ = calculation
    found = verify_calculation(kept, None, tenant=tenant, calculation_id=calculation_id, keys=KnownKeys())
    assert found.integrity.status is Status.FAILED
    assert "and it is kept as that of" in found.integrity.sentence


def test_computing_it_again_decides_and_says_what_differs(calculation):
    kept, _ = calculation
    read = read_kept(kept.record, kept.leaves, kept.position, kept.head)
    same = verify_kept(read, lambda: Recomputation(read.record))
    assert same.recomputed.status is Status.OK
    other = msgspec.structs.replace(read.record, result=7, result_hash="sha256:7")
    differs = verify_kept(read, lambda: Recomputation(other)).recomputed
    assert differs.status is Status.FAILED
    assert [finding.text() for finding in differs.findings] == ["record.result is 2, and 7 here"]

    def impossible():
        raise InputError("its agent is not installed")

    told = verify_kept(read, impossible).recomputed
    assert (told.status, told.sentence) == (
        Status.NOT_POSSIBLE,
        "it cannot be computed here: its agent is not installed",
    )


def test_what_is_no_record_is_refused(calculation):
    kept, _ = calculation
    with pytest.raises(BundleError, match="the record cannot be read"):
        read_kept(b"{}", kept.leaves, kept.position, kept.head)
