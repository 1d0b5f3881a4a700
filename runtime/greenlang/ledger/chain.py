"""The chain: one link a commit, over the Merkle tree of the commit's records, signed at its head.

    link = SHA-256("greenlang.chain/1", line feed, previous link, number of records (8, little-endian), root)

The first link follows `GENESIS`.  Workers hash their records on their own; only linking is in sequence, and
it costs the same for one record as for a thousand.
"""

from __future__ import annotations

__all__ = [
    "GENESIS",
    "Commit",
    "Committed",
    "Head",
    "Hex64",
    "Inclusion",
    "commit",
    "hash_link",
    "head_message",
    "inclusion_of",
    "leads_to_head",
    "link_holds",
    "make_head",
    "name_signer",
]

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeAlias

import msgspec

from greenlang.ledger.canonical import canonical_bytes
from greenlang.ledger.merkle import inclusion_path, root_from_path, root_of
from greenlang.ledger.record import CalculationRecord, hash_record
from greenlang.ledger.signing import Signer, Unsigned

#: The link before the first one.
GENESIS = "0" * 64

#: A SHA-256 or a raw Ed25519 key. Lower case alone, so that one value has one spelling.
Hex64: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]

_Signature: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]
_LINK_DOMAIN = b"greenlang.chain/1\n"


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chain after one commit."""

    #: The link that this one follows.
    previous: Hex64
    #: How many records were committed, and the root over them.
    record_count: Annotated[int, msgspec.Meta(ge=1)]
    records_root: Hex64
    chain_hash: Hex64
    #: The key that signed (raw, in hex) and its signature over all of the above; None if unsigned.
    public_key: Hex64 | None
    signature: _Signature | None


class Inclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a record stands among those of its commit, and the hashes that lead from it to their root."""

    index: Annotated[int, msgspec.Meta(ge=0)]
    path: tuple[Hex64, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit gives back: its records with signer and link, each one's place, and the new head."""

    records: tuple[CalculationRecord, ...]
    inclusions: tuple[Inclusion, ...]
    head: Head


class Committed(Protocol):
    """A record in the chain: a bundle's, or one that a store keeps."""

    @property
    def record(self) -> CalculationRecord:
        """The record, with its link."""

    @property
    def head(self) -> Head:
        """The chain after its commit."""

    @property
    def inclusion(self) -> Inclusion:
        """Its place in the commit."""


def commit(
    records: Sequence[CalculationRecord], signer: Signer | Unsigned, *, previous: str = GENESIS
) -> Commit:
    """Link records to the chain that ends in `previous`, in the order given."""
    named = [name_signer(record, signer) for record in records]
    leaves = [hash_record(record) for record in named]
    head = make_head(leaves, signer, previous=previous)
    return Commit(
        records=tuple(msgspec.structs.replace(record, chain_hash=head.chain_hash) for record in named),
        inclusions=tuple(inclusion_of(leaves, index) for index in range(len(leaves))),
        head=head,
    )


def name_signer(record: CalculationRecord, signer: Signer | Unsigned) -> CalculationRecord:
    """The record as it is hashed: it says who will sign the head over it, or why nobody does."""
    if isinstance(signer, Signer):
        return msgspec.structs.replace(record, signer=signer.fingerprint, unsigned_because=None)
    return msgspec.structs.replace(record, signer=None, unsigned_because=signer.reason)


def make_head(leaves: Sequence[bytes], signer: Signer | Unsigned, *, previous: str = GENESIS) -> Head:
    """The chain after a commit of records with these leaves, signed."""
    root = root_of(leaves)
    head = Head(
        previous=previous,
        record_count=len(leaves),
        records_root=root.hex(),
        chain_hash=hash_link(previous, len(leaves), root),
        public_key=signer.public_key if isinstance(signer, Signer) else None,
        signature=None,
    )
    if isinstance(signer, Signer):
        head = msgspec.structs.replace(head, signature=signer.sign(head_message(head)))
    return head


def inclusion_of(leaves: Sequence[bytes], index: int) -> Inclusion:
    """Where one of a commit's records stands, and what leads from it to their root."""
    return Inclusion(index, tuple(node.hex() for node in inclusion_path(leaves, index)))


def hash_link(previous: str, record_count: int, records_root: bytes) -> str:
    """The link after `previous` over a commit's records, in hex."""
    return hashlib.sha256(
        _LINK_DOMAIN + bytes.fromhex(previous) + record_count.to_bytes(8, "little") + records_root
    ).hexdigest()


def link_holds(head: Head) -> bool:
    """Whether the head's link is that of what it says it covers."""
    return hash_link(head.previous, head.record_count, bytes.fromhex(head.records_root)) == head.chain_hash


def leads_to_head(record: CalculationRecord, inclusion: Inclusion, head: Head) -> bool:
    """Whether the record is among those that the head's root was made from."""
    path = [bytes.fromhex(node) for node in inclusion.path]
    root = root_from_path(hash_record(record), inclusion.index, head.record_count, path)
    return root is not None and root.hex() == head.records_root


def head_message(head: Head) -> bytes:
    """What is signed: every field of the head but the signature, under a name of its own."""
    fields = msgspec.to_builtins(head)
    del fields["signature"]
    return canonical_bytes({"schema": "greenlang.head/1", **fields})
