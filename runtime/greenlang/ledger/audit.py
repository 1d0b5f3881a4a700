"""The audit of a chain: link by link from the first, nothing taken on trust."""

from __future__ import annotations

__all__ = ["ChainAudit"]

from collections.abc import Sequence

import msgspec

from greenlang.ledger.chain import GENESIS, Head, head_message, link_holds
from greenlang.ledger.merkle import leaf_hash, root_of
from greenlang.ledger.signing import fingerprint, signature_holds


class _Owned(msgspec.Struct):
    """What a record says of whose it is."""

    calculation_id: str
    tenant: str


_decode_head = msgspec.json.Decoder(Head).decode
_decode_owner = msgspec.json.Decoder(_Owned).decode


class ChainAudit:
    """Follows a chain; `add` every commit in order."""

    def __init__(self) -> None:
        self.chain_hash = GENESIS
        self.commits = 0
        self.records = 0
        #: How many commits each key signed, by its fingerprint; None stands for none.
        self.signers: dict[str | None, int] = {}

    def add(
        self,
        head: bytes,
        leaves: Sequence[bytes],
        records: Sequence[bytes],
        owners: Sequence[tuple[str, str]],
    ) -> str | None:
        """Check the next commit: its head as JSON, the leaf hashes under it, and the documents under those.

        Parameters
        ----------
        owners : sequence of (str, str)
            Under which id, and as whose, each document is kept.

        Returns
        -------
        str or None
            What is wrong with it; None where everything follows from what it was made of.
        """
        self.commits += 1
        self.records += len(records)
        try:
            told = _decode_head(head)
        except msgspec.DecodeError as error:
            return f"its head cannot be read: {error}"
        signer = None if told.public_key is None else fingerprint(told.public_key)
        self.signers[signer] = self.signers.get(signer, 0) + 1
        before, self.chain_hash = self.chain_hash, told.chain_hash
        if told.previous != before:
            return "it does not follow the commit before it"
        if not link_holds(told):
            return "its link is not that of what it says it covers"
        if told.record_count != len(leaves) or told.records_root != root_of(leaves).hex():
            return "it covers other records"
        if len(records) != len(leaves):
            return f"{len(leaves) - len(records)} of its {len(leaves)} records are not there"
        for place, (leaf, record, owner) in enumerate(zip(leaves, records, owners, strict=True)):
            if leaf_hash(record) != leaf:
                return f"record {place} was changed after it was committed"
            if (said := _owner_of(record)) != owner:
                return f"record {place} is {_told(said)}, and is kept as {_told(owner)}"
        if told.public_key is None:
            return None
        if told.signature is None or not signature_holds(told.public_key, told.signature, head_message(told)):
            return "its signature does not hold"
        return None


def _owner_of(record: bytes) -> tuple[str, str]:
    try:
        said = _decode_owner(record)
    except msgspec.DecodeError:
        return "", ""
    return said.calculation_id, said.tenant


def _told(owner: tuple[str, str]) -> str:
    calculation_id, tenant = owner
    return f"'{calculation_id}' of tenant '{tenant}'"
