from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from greenlang.errors import BundleError, InputError
from greenlang.ledger import (
    Bundle,
    KnownKeys,
    Signer,
    TableInput,
    Unsigned,
    canonical_bytes,
    hash_result,
    load_signer,
    read_bundle,
    write_bundle,
)
from greenlang.ledger.checks import check, fields_of
from greenlang.ledger.ranges import ItemTree, table_header
from greenlang.ledger.record import hash_plan_document
from greenlang.ledger.verification import Recomputation, Status, Verdict, Verification, verify

Make = Callable[..., Any]
Recompute = Callable[[Bundle], Recomputation]
PlanHasher = Callable[[bytes], str]


@pytest.fixture
def check_bundle(
    recompute_bundle: Recompute, plan_hasher: PlanHasher, signer: Signer
) -> Callable[..., Verification]:
    """Verify where everything is at hand: the engine, the compiler and the signing key."""
    return partial(
        verify, recompute=recompute_bundle, hash_plan=plan_hasher, keys=KnownKeys(signer.fingerprint)
    )


def texts(verdict: Verdict) -> list[str]:
    return [finding.text() for finding in verdict.findings]


def statuses(verification: Verification) -> tuple[str, ...]:
    return tuple(verdict.status.value for verdict in verification.verdicts.values())


def replaced(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, str):
        return value[:-1] + ("x" if value[-1:] != "x" else "y") if not is_hex(value) else turned(value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return ["x"] if isinstance(value, list) else "x"


def is_hex(value: str) -> bool:
    return len(value) in (64, 128) and set(value) <= set("0123456789abcdef")


def turned(value: str) -> str:
    return ("0" if value[0] != "0" else "1") + value[1:]


def places(part: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to everything in a document that holds nothing else."""
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    found = False
    for key, item in items:
        found = True
        yield from places(item, (*way, key))
    if not found:
        yield way


def change(document: Any, way: tuple[str | int, ...]) -> None:
    for key in way[:-1]:
        document = document[key]
    document[way[-1]] = replaced(document[way[-1]])


def test_an_untouched_bundle_holds_is_recomputed_and_is_authentic(
    make: Make, check_bundle: Callable[..., Verification], signer: Signer
) -> None:
    verification = check_bundle(make(5).bundle)
    assert statuses(verification) == ("ok", "ok", "ok")
    assert not verification.failed
    assert verification.integrity.sentence == "every hash holds: 5 input rows, 5 result rows, 1 factors"
    assert verification.authentic.sentence == f"signed by {signer.fingerprint} (this installation)"
    assert verification.recomputed.sentence.startswith("computing it again gives sha256:")


@pytest.mark.parametrize("count", [0, 1, 1024, 1025, 3000])
def test_bundles_of_any_length_hold(
    make: Make, check_bundle: Callable[..., Verification], count: int
) -> None:
    assert statuses(check_bundle(make(count).bundle)) == ("ok", "ok", "ok")


def test_every_field_of_a_bundle_that_is_changed_is_named(make: Make, plan_hasher: PlanHasher) -> None:
    """Record, head, input, rows, lists, factors: one field at a time, changed by hand."""
    made = make(3)
    document = json.loads(made.data)
    ways = list(places(document))
    assert len(ways) > 150
    for way in ways:
        tampered = copy.deepcopy(document)
        change(tampered, way)
        named = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in way).lstrip(".")
        bundle = bundle_or_error(json.dumps(tampered).encode())
        if isinstance(bundle, BundleError):
            # What cannot even be read is named by its section; a bundle without its schema is none.
            assert way == ("schema",) or bundle.place.partition(".")[0].partition("[")[0] == way[0], named
            continue
        verdict = verify(bundle, hash_plan=plan_hasher).integrity
        assert verdict.status is Status.FAILED, named
        assert any(names(text, way) for text in texts(verdict)), (named, texts(verdict))


def bundle_or_error(data: bytes) -> Bundle | BundleError:
    try:
        return read_bundle(data)
    except BundleError as error:
        return error


def names(text: str, way: tuple[str | int, ...]) -> bool:
    """Whether a finding is about the field, or the row, that this is the way to."""
    section = way[0]
    if section == "checks":
        return text.startswith(str(way[1]))
    if section == "plan":
        return text.startswith("plan ")
    if section in ("input", "output") and way[1] == "rows":
        return text.startswith(f"{section} row {int(way[2]) + 2}")
    if section == "lists":
        return text.startswith((f"lists.{way[1]}[", f"lists.{way[1]}.ranges", f"lists.{way[1]} "))
    if section in ("input", "output") and way[1] == "ranges":
        return text.startswith((f"{section}.ranges", f"{section} row"))
    if section == "factors":
        return text.startswith(f"factors[{way[1]}]")
    path = dict(fields_of(nested(way)))
    return any(text.startswith(f"{one} ") for one in path)


def nested(way: tuple[str | int, ...]) -> Any:
    """A document that has this way only; lists are filled up with nothing."""
    value: Any = None
    for key in reversed(way):
        value = [*([0] * key), value] if isinstance(key, int) else {key: value}
    return value


@pytest.mark.parametrize("flip", [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80])
def test_every_byte_that_is_flipped_is_noticed(
    make: Make, check_bundle: Callable[..., Verification], flip: int
) -> None:
    data = make(2).data
    unnoticed = []
    for place in range(len(data)):
        flipped = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
        bundle = bundle_or_error(flipped)
        if isinstance(bundle, BundleError):
            continue
        if check_bundle(bundle, recompute=None).integrity.status is not Status.FAILED:
            unnoticed.append((place, flipped[max(0, place - 20) : place + 20]))
    assert unnoticed == []


def test_a_changed_figure_is_named_by_its_row(make: Make, check_bundle: Callable[..., Verification]) -> None:
    def edit(document: Any) -> None:
        document["output"]["rows"][2000]["scope1.CO2"] = "1"

    verification = check_bundle(make(3000).tampered(edit))
    assert statuses(verification) == ("failed", "ok", "ok")
    assert "output row 2002 ('A-2000') was changed" in texts(verification.integrity)


def test_a_changed_input_row_is_named_and_what_it_changes_is_told_with_both_values(
    make: Make, check_bundle: Callable[..., Verification]
) -> None:
    def edit(document: Any) -> None:
        document["input"]["rows"][4][2] = "40"

    verification = check_bundle(make(6).tampered(edit))
    assert statuses(verification) == ("failed", "failed", "ok")
    assert "input row 6 was changed" in texts(verification.integrity)
    told = texts(verification.recomputed)
    assert "record.result.totals[\"scope1.co2e\"] is '35', and '125' here" in told
    assert "output row 6, scope1.CO2, is '10.0', and '100.0' here" in told


def test_a_row_whose_check_was_made_to_fit_is_narrowed_to_its_range(make: Make) -> None:
    def edit(document: Any) -> None:
        row = document["output"]["rows"][1500]
        row["scope1.CO2"] = "1"
        ranges = document["output"]["ranges"][1]
        start = (1500 - 1024) * 8
        ranges["checks"] = (
            ranges["checks"][:start] + check(canonical_bytes(row)) + ranges["checks"][start + 8 :]
        )

    found = texts(verify(make(3000).tampered(edit)).integrity)
    assert "output row 1026 to output row 2049 are not the rows that their leaf was made from" in found
    assert any(text.startswith("output has the root sha256:") for text in found)


def test_rows_added_or_taken_away_are_told(make: Make) -> None:
    made = make(5)
    fewer = verify(made.tampered(lambda document: document["output"]["rows"].pop())).integrity
    assert "output has 4 rows, and 5 in the record" in texts(fewer)
    more = verify(
        made.tampered(lambda document: document["input"]["rows"].append(["A-9", "gas", "1"]))
    ).integrity
    assert "input has 6 rows, and 5 in the record" in texts(more)
    swapped = verify(made.tampered(lambda document: document["output"]["rows"].reverse())).integrity
    assert "output row 2 says that it is row 6" in texts(swapped)


def test_many_findings_are_counted_not_listed(make: Make) -> None:
    found = texts(verify(make(2000).tampered(lambda document: document["input"]["rows"].pop(0))).integrity)
    assert len(found) < 60
    assert any("more findings like these" in text for text in found)


def test_parts_added_or_taken_away_are_told(make: Make) -> None:
    made = make(3)

    def found(edit: Callable[[Any], object]) -> list[str]:
        return texts(verify(made.tampered(edit)).integrity)

    assert "output is missing, and the record has 3 rows" in found(lambda d: d.update(output=None))
    assert "lists.skipped is missing" in found(lambda d: d["lists"].clear())
    empty: dict[str, list[object]] = {"rows": [], "ranges": []}
    assert "lists.more was added: the record has no such list" in found(
        lambda d: d["lists"].update(more=empty)
    )
    assert any("the bundle has no such factor" in text for text in found(lambda d: d["factors"].clear()))
    again = found(lambda d: d["factors"].append(d["factors"][0]))
    assert any("for the second time" in text for text in again)
    stray = found(lambda d: d["factors"].append({"ef_cid": "ef_44136fa355b3678a", "record": {}}))
    assert stray == ["factors[1] is ef_44136fa355b3678a, which the record does not use"]


def test_a_field_taken_out_of_the_checks_does_not_hide(make: Make) -> None:
    def edit(document: Any) -> None:
        document["record"]["tenant"] = "other"
        del document["checks"]["record.tenant"]

    assert "record.tenant was added" in texts(verify(make(3).tampered(edit)).integrity)


def test_what_a_forger_makes_fit_is_still_not_signed(
    make: Make, check_bundle: Callable[..., Verification], tmp_path: Path
) -> None:
    """Whoever has another key can make every hash hold; only the signer differs."""
    forger = load_signer(tmp_path / "forger")
    assert isinstance(forger, Signer)
    verification = check_bundle(make(3, by=forger).bundle)
    assert statuses(verification) == ("ok", "ok", "not possible")
    assert f"signed by {forger.fingerprint} (unknown key)" in verification.authentic.sentence
    assert not verification.failed


def test_a_trusted_signer_is_told_by_name(make: Make, signer: Signer) -> None:
    keys = KnownKeys(None, {signer.fingerprint: "acme"})
    authentic = verify(make(3).bundle, keys=keys).authentic
    assert authentic == Verdict(Status.OK, f"signed by {signer.fingerprint} (trusted: acme)")


def test_an_unsigned_bundle_says_why(make: Make, check_bundle: Callable[..., Verification]) -> None:
    verification = check_bundle(make(3, by=Unsigned("no home can be written")).bundle)
    assert verification.authentic == Verdict(Status.NOT_POSSIBLE, "unsigned: no home can be written")
    assert statuses(verification) == ("ok", "ok", "not possible")


@pytest.mark.parametrize(
    ("section", "name", "value", "message"),
    [
        (
            "head",
            "signature",
            "0" * 128,
            "head.signature is wrong: the head, its key or the signature was changed",
        ),
        ("head", "signature", None, "head.signature is missing, and the record names ed25519:"),
        ("head", "public_key", None, "head.signature is missing"),
        ("head", "public_key", "0" * 64, "head.signature is wrong"),
        ("head", "previous", "1" * 64, "head.signature is wrong"),
        (
            "record",
            "signer",
            "ed25519:other",
            "record.signer is ed25519:other, and the head's key is ed25519:",
        ),
        ("record", "signer", None, "record.signer is None, and the head's key is"),
        ("record", "tenant", "other", "record is not what was signed"),
        ("inclusion", "index", 1, "record is not what was signed"),
    ],
)
def test_a_signature_vouches_for_nothing_that_was_changed(
    make: Make,
    check_bundle: Callable[..., Verification],
    section: str,
    name: str,
    value: object,
    message: str,
) -> None:
    authentic = check_bundle(make(3).tampered(lambda d: d[section].update({name: value}))).authentic
    assert authentic.status is Status.FAILED
    assert any(text.startswith(message) for text in texts(authentic))


def test_the_signature_of_one_bundle_does_not_fit_another(
    make: Make, check_bundle: Callable[..., Verification]
) -> None:
    other = json.loads(make(4).data)
    verification = check_bundle(make(3).tampered(lambda d: d.update(head=other["head"])))
    assert verification.authentic.status is Status.FAILED
    assert "record is not what was signed" in texts(verification.authentic)


def test_what_cannot_be_checked_is_neither_a_yes_nor_a_no(make: Make, plan_hasher: PlanHasher) -> None:
    bundle = make(3).bundle
    alone = verify(bundle)
    assert statuses(alone) == ("not possible", "not possible", "not possible")
    assert alone.integrity.sentence == "its plan was not checked"
    assert alone.recomputed.sentence == "it was not computed again"

    def unreadable(plan: bytes) -> str:
        raise InputError("agent toy.multiply is not installed", fix="pip install toy")

    def impossible(bundle: Bundle) -> Recomputation:
        raise InputError("agent toy.multiply is not installed", fix="pip install toy")

    elsewhere = verify(bundle, impossible, hash_plan=unreadable)
    assert statuses(elsewhere) == ("not possible", "not possible", "not possible")
    assert elsewhere.integrity.sentence == (
        "its plan cannot be read here: agent toy.multiply is not installed; pip install toy"
    )
    assert elsewhere.recomputed.sentence.startswith("it cannot be computed here: agent toy.multiply is not")


def test_a_plan_made_to_fit_its_check_is_still_not_the_records(make: Make) -> None:
    def edit(document: Any) -> None:
        document["plan"]["version"] = 2
        changed = hash_plan_document(json.dumps(document["plan"]).encode())
        document["checks"]["plan"] = check(canonical_bytes(changed))

    def unreadable(plan: bytes) -> str:
        raise InputError("the plan does not have the hash that it names")

    verdict = verify(make(3).tampered(edit), hash_plan=unreadable).integrity
    assert verdict.status is Status.FAILED
    assert len(verdict.findings) == 1
    assert texts(verdict)[0].startswith("record.plan_document_hash is not the sha256:")


def test_a_plan_of_another_hash_is_told(make: Make) -> None:
    verdict = verify(make(3).bundle, hash_plan=lambda plan: "sha256:other").integrity
    assert texts(verdict) == ["record.plan_hash is not the sha256:other of the plan in the bundle"]


def test_a_result_that_differs_here_is_told_with_both_values(
    make: Make, recompute_bundle: Recompute, check_bundle: Callable[..., Verification]
) -> None:
    def other_release(bundle: Bundle) -> Recomputation:
        again = recompute_bundle(bundle)
        rows = [{**row, "scope1.CO2": "7"} for row in again.rows]
        record = msgspec.structs.replace(again.record, gwp_set="AR6")
        record = msgspec.structs.replace(record, result_hash=hash_result(record))
        return replace(again, record=record, rows=rows)

    verification = check_bundle(make(3).bundle, recompute=other_release)
    assert statuses(verification) == ("ok", "failed", "ok")
    assert texts(verification.recomputed) == [
        "record.gwp_set is 'AR5', and 'AR6' here",
        "output row 2, scope1.CO2, is '0.0', and '7' here",
        "output row 3, scope1.CO2, is nothing, and '7' here",
        "output row 4, scope1.CO2, is '5.0', and '7' here",
    ]
    assert verification.failed


def test_a_result_hash_alone_that_was_changed_is_told(
    make: Make, check_bundle: Callable[..., Verification]
) -> None:
    recomputed = check_bundle(
        make(3).tampered(lambda d: d["record"].update(result_hash="sha256:x"))
    ).recomputed
    assert texts(recomputed) == ["record.result_hash was changed: everything that it covers is the same here"]


def given_by_file(rows: list[list[str]], columns: tuple[str, ...] = ("id", "fuel", "quantity")) -> TableInput:
    tree = ItemTree(table_header(columns))
    tree.add_table_rows(rows)
    return TableInput("given.csv", columns, len(rows), tree.finish(), rows)


def test_the_input_can_be_given_by_file(make: Make, plan_hasher: PlanHasher) -> None:
    made = make(3)
    rows: Any = list(made.bundle.input.rows)
    file = io.BytesIO()
    contents = made.contents()
    write_bundle(file, replace(contents, input=replace(contents.input, rows=None)))
    without_rows = read_bundle(file.getvalue())

    alone = verify(without_rows, hash_plan=plan_hasher).integrity
    assert alone.status is Status.NOT_POSSIBLE
    assert "its input rows were left out; give the file they came from with --input FILE" in alone.sentence
    for bundle in (without_rows, made.bundle):
        assert verify(bundle, hash_plan=plan_hasher, input=given_by_file(rows)).integrity.status is Status.OK
        other = given_by_file([*rows[:2], ["A-2", "gas", "9"]])
        assert verify(bundle, hash_plan=plan_hasher, input=other).integrity.status is Status.FAILED
        turned_columns = given_by_file(rows, ("fuel", "id", "quantity"))
        assert "has other columns" in verify(bundle, input=turned_columns).integrity.sentence
    other = given_by_file([*rows[:2], ["A-2", "gas", "9"]])
    for wrong in (other, replace(given_by_file(rows), row_count=4)):
        assert texts(verify(without_rows, input=wrong).integrity) == [
            "'given.csv' does not hold the rows of the record's input"
        ]
    assert texts(verify(made.bundle, input=other).integrity) == [
        "'given.csv' row 4 is not that of the record's input"
    ]
