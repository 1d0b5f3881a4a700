"""Verification: three separate verdicts on a result bundle.

*Integrity*: every hash is that of what it covers.  *Recomputed*: computing it again, here, gives the same
`result_hash`.  *Authentic*: the chain's head, and through it this record, is signed by a key that is known
here.  None implies another: a forger can make the hashes hold, and an old release computes what a new one
cannot.
"""

from __future__ import annotations

__all__ = [
    "Recomputation",
    "Status",
    "Verdict",
    "Verification",
    "authenticity",
    "recomputed_verdict",
    "verify",
]

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from greenlang.errors import InputError
from greenlang.ledger.bundle import Bundle, TableInput
from greenlang.ledger.canonical import JSON, plain
from greenlang.ledger.chain import Committed, head_message, leads_to_head, link_holds
from greenlang.ledger.checks import fields_of
from greenlang.ledger.findings import Finding, first_findings
from greenlang.ledger.integrity import (
    factor_findings,
    field_findings,
    input_findings,
    list_findings,
    output_findings,
    record_findings,
)
from greenlang.ledger.labels import Label
from greenlang.ledger.ranges import FIRST_ROW
from greenlang.ledger.record import CalculationRecord, hash_plan_document, result_fields
from greenlang.ledger.signing import KnownKeys, fingerprint, signature_holds


class Status(enum.StrEnum):
    """How a verdict ends."""

    OK = "ok"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of the three answers."""

    status: Status
    #: The answer in a sentence.
    sentence: str
    #: Everything that speaks against it, by place.
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """The three answers on one bundle."""

    integrity: Verdict
    recomputed: Verdict
    authentic: Verdict

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """By name, in the order in which they are told."""
        return {"integrity": self.integrity, "recomputed": self.recomputed, "authentic": self.authentic}

    @property
    def failed(self) -> bool:
        """Whether any of them is a no; what was not possible is none."""
        return any(verdict.status is Status.FAILED for verdict in self.verdicts.values())


@dataclass(frozen=True, slots=True)
class Recomputation:
    """What computing a bundle again gave."""

    #: The record as it is made here; its id, time and chain do not matter.
    record: CalculationRecord
    #: The rows as `OutputRows.rows` has them; read only where results differ.
    rows: Iterable[Mapping[str, Label]] = ()


def verify(
    bundle: Bundle,
    recompute: Callable[[Bundle], Recomputation] | None = None,
    *,
    input: TableInput | None = None,  # noqa: A002 - the word of the command line and the design
    hash_plan: Callable[[bytes], str] | None = None,
    keys: KnownKeys = KnownKeys(),  # noqa: B008 - frozen
) -> Verification:
    """Give the three verdicts on a bundle.

    Parameters
    ----------
    recompute : callable
        Computes the bundle again; raises `InputError` if that is not possible here.
    input : TableInput
        The input by file, for a bundle whose rows were left out, or to compare with those it carries.
    hash_plan : callable
        The `plan_hash` of a plan's JSON; raises `InputError` if the plan cannot be read here.
    keys : KnownKeys
        Whose signatures count; none by default.
    """
    return Verification(
        integrity=_integrity(bundle, input, hash_plan),
        recomputed=recomputed_verdict(
            bundle.record,
            None if recompute is None else partial(recompute, bundle),
            None if bundle.output is None else bundle.output.rows,
        ),
        authentic=authenticity(bundle, keys),
    )


def _integrity(bundle: Bundle, given: TableInput | None, hash_plan: Callable[[bytes], str] | None) -> Verdict:
    plan_findings, unchecked = _plan_findings(bundle, hash_plan)
    said = bundle.input
    if said.columns is not None and said.rows is None and given is None:
        unchecked.append("its input rows were left out; give the file they came from with --input FILE")
    findings = [
        *first_findings("record", field_findings(bundle)),
        *record_findings(bundle),
        *plan_findings,
        *input_findings(bundle, given),
        *output_findings(bundle),
        *list_findings(bundle),
        *first_findings("factors", factor_findings(bundle)),
    ]
    if findings:
        more = f", and {len(findings) - 1} more findings" if len(findings) > 1 else ""
        return Verdict(Status.FAILED, f"{findings[0].text()}{more}", tuple(findings))
    if unchecked:
        return Verdict(Status.NOT_POSSIBLE, "; ".join(unchecked))
    return Verdict(
        Status.OK,
        f"every hash holds: {said.row_count:,} input rows, {bundle.record.row_count:,} result rows, "
        f"{len(bundle.factors):,} factors",
    )


def _plan_findings(
    bundle: Bundle, hash_plan: Callable[[bytes], str] | None
) -> tuple[list[Finding], list[str]]:
    """What is wrong with the plan, and what could not be checked of it."""
    findings = []
    record = bundle.record
    if record.plan_document_hash not in (None, document_hash := hash_plan_document(bundle.plan)):
        findings.append(Finding("record.plan_document_hash", f"is not the {document_hash} of the plan"))
    if hash_plan is None:
        return findings, ["its plan was not checked"]
    try:
        plan_hash = hash_plan(bundle.plan)
    except InputError as error:
        return findings, [f"its plan cannot be read here: {error}"]
    if plan_hash != record.plan_hash:
        findings.append(Finding("record.plan_hash", f"is not the {plan_hash} of the plan in the bundle"))
    return findings, []


def recomputed_verdict(
    record: CalculationRecord,
    recompute: Callable[[], Recomputation] | None,
    carried: Iterable[JSON] | None = None,
) -> Verdict:
    """Whether computing it again gives the same `result_hash`.

    Parameters
    ----------
    recompute : callable
        Raises `InputError` if it is not possible here.
    carried : iterable
        The rows that the result is said to have, to name those that differ; None where they are not at hand.
    """
    if recompute is None:
        return Verdict(Status.NOT_POSSIBLE, "it was not computed again")
    try:
        again = recompute()
        if again.record.result_hash == record.result_hash:
            return Verdict(Status.OK, f"computing it again gives {again.record.result_hash}")
        findings = tuple(_differences(record, again, carried))
    except InputError as error:
        return Verdict(Status.NOT_POSSIBLE, f"it cannot be computed here: {error}")
    sentence = f"computing it again gives {again.record.result_hash}, not {record.result_hash}"
    return Verdict(Status.FAILED, sentence, findings)


def _differences(
    record: CalculationRecord, again: Recomputation, carried: Iterable[JSON] | None
) -> Iterator[Finding]:
    """Fields of the record, and rows, that differ from those computed here; both values of each."""
    recorded, computed = (dict(fields_of(plain(result_fields(one)))) for one in (record, again.record))
    fields = [
        Finding(f"record.{path}", f"is {_shown(recorded, path)}, and {_shown(computed, path)} here")
        for path in recorded | computed
        if recorded.get(path, ...) != computed.get(path, ...)
    ]
    if not fields:
        yield Finding("record.result_hash", "was changed: everything that it covers is the same here")
    yield from first_findings("record", fields)
    if carried is not None:
        yield from first_findings("output", _row_differences(carried, again.rows))


def _row_differences(carried: Iterable[JSON], rows: Iterable[Mapping[str, Label]]) -> Iterator[Finding]:
    for number, (theirs, ours) in enumerate(zip_longest(carried, rows), start=FIRST_ROW):
        recorded = theirs if isinstance(theirs, dict) else {}
        computed = {name: value for name, value in (ours or {}).items() if value is not None}
        for name in sorted((recorded.keys() - {"row"}) | computed.keys()):
            if recorded.get(name) != computed.get(name):
                yield Finding(
                    f"output row {number}, {name},",
                    f"is {_shown(recorded, name)}, and {_shown(computed, name)} here",
                )


def _shown(values: Mapping[str, object], name: str) -> str:
    return repr(values[name]) if name in values else "nothing"


def authenticity(committed: Committed, keys: KnownKeys) -> Verdict:
    """Whether the signature holds, and whose it is."""
    record, head = committed.record, committed.head
    if head.signature is None and head.public_key is None and record.signer is None:
        return Verdict(Status.NOT_POSSIBLE, f"unsigned: {record.unsigned_because}")
    findings = tuple(_signature_findings(committed))
    if findings or head.public_key is None:
        return Verdict(Status.FAILED, f"{findings[0].text()}", findings)
    signer = fingerprint(head.public_key)
    owner = keys.owner(signer)
    if owner is not None:
        return Verdict(Status.OK, f"signed by {signer} ({owner})")
    return Verdict(
        Status.NOT_POSSIBLE,
        f"signed by {signer} (unknown key); if you know whose key it is, write the bundle's head.public_key "
        "into trusted_keys/NAME.pub in the configuration folder of greenlang",
    )


def _signature_findings(committed: Committed) -> Iterator[Finding]:
    """What keeps the signature from vouching for this record."""
    record, head = committed.record, committed.head
    if head.public_key is None or head.signature is None:
        yield Finding("head.signature", f"is missing, and the record names {record.signer} as its signer")
        return
    if not signature_holds(head.public_key, head.signature, head_message(head)):
        yield Finding("head.signature", "is wrong: the head, its key or the signature was changed")
    if (signer := fingerprint(head.public_key)) != record.signer:
        yield Finding("record.signer", f"is {record.signer}, and the head's key is {signer}")
    if not leads_to_head(record, committed.inclusion, head) or not link_holds(head):
        yield Finding("record", "is not what was signed")
