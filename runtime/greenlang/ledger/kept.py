"""Verification of a record as a store keeps it: beside the others of its commit, and without a bundle."""

from __future__ import annotations

__all__ = ["KeptRecord", "read_kept", "verify_kept"]

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from greenlang.errors import BundleError
from greenlang.ledger.chain import Head, Inclusion, inclusion_of
from greenlang.ledger.findings import Finding
from greenlang.ledger.integrity import record_findings
from greenlang.ledger.merkle import leaf_hash
from greenlang.ledger.record import CalculationRecord
from greenlang.ledger.signing import KnownKeys
from greenlang.ledger.verification import (
    Recomputation,
    Status,
    Verdict,
    Verification,
    authenticity,
    recomputed_verdict,
)

_RECORD = msgspec.json.Decoder(CalculationRecord)
_HEAD = msgspec.json.Decoder(Head)


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record of a store; nothing in it is verified yet."""

    record: CalculationRecord
    head: Head
    inclusion: Inclusion
    #: Whether the document that was read is the one whose hash stands in the commit.
    unchanged: bool


def read_kept(document: bytes, leaves: Sequence[bytes], position: int, head: bytes) -> KeptRecord:
    """Read what a store keeps of a record.

    Parameters
    ----------
    document : bytes
        The record's JSON, without its link.
    leaves : sequence of bytes
        Of every record of its commit; its own is at `position`.

    Raises
    ------
    BundleError
        If any of it cannot be read.
    """
    try:
        read, chained = _RECORD.decode(document), _HEAD.decode(head)
    except msgspec.DecodeError as error:
        raise BundleError(f"the record cannot be read: {error}", place="record") from error
    return KeptRecord(
        msgspec.structs.replace(read, chain_hash=chained.chain_hash),
        chained,
        inclusion_of(leaves, position),
        leaf_hash(document) == leaves[position],
    )


def verify_kept(
    kept: KeptRecord,
    recompute: Callable[[], Recomputation] | None = None,
    *,
    beside: Iterable[Finding] = (),
    keys: KnownKeys = KnownKeys(),  # noqa: B008 - frozen
) -> Verification:
    """Give the three verdicts on a record.

    Parameters
    ----------
    recompute : callable
        Computes it again; raises `InputError` if that is not possible here.
    beside : iterable of Finding
        What is wrong with what is kept beside it, and with the place that it is kept in.
    """
    return Verification(
        integrity=_integrity(kept, beside),
        recomputed=recomputed_verdict(kept.record, recompute),
        authentic=authenticity(kept, keys),
    )


def _integrity(kept: KeptRecord, beside: Iterable[Finding]) -> Verdict:
    findings = (*_findings(kept), *beside)
    if findings:
        more = f", and {len(findings) - 1} more findings" if len(findings) > 1 else ""
        return Verdict(Status.FAILED, f"{findings[0].text()}{more}", findings)
    number, count = kept.inclusion.index + 1, kept.head.record_count
    return Verdict(
        Status.OK,
        f"every hash holds: it is record {number:,} of {count:,} of its commit, and linked to the chain",
    )


def _findings(kept: KeptRecord) -> Iterator[Finding]:
    if not kept.unchanged:
        yield Finding("record", "was changed after it was committed")
    yield from record_findings(kept)
