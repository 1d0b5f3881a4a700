"""Merkle trees as RFC 9162 (section 2.1) defines them, over SHA-256.

A leaf is hashed under the byte 0x00 and a node under 0x01, so that no node can pass for a leaf.  `MerkleTree`
takes leaves one by one and keeps one hash a level; `inclusion_path` and `root_from_path` prove and check that
a leaf stands at its place in a tree of known size.
"""

from __future__ import annotations

__all__ = [
    "EMPTY_ROOT",
    "MerkleTree",
    "inclusion_path",
    "leaf_hash",
    "node_hash",
    "root_from_path",
    "root_of",
]

import hashlib
from collections.abc import Iterable, Sequence

#: The root of a tree without leaves: the hash of no bytes at all.
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """A tree that grows by leaves at its right end and remembers only the peaks of its full subtrees.

    After n leaves there is one peak for each binary digit 1 of n, the largest first.
    """

    __slots__ = ("_count", "_peaks")

    def __init__(self) -> None:
        self._count = 0
        self._peaks: list[bytes] = []

    def __len__(self) -> int:
        """How many leaves it has."""
        return self._count

    def append(self, data: bytes) -> None:
        """Add the leaf of `data`."""
        self.append_hash(leaf_hash(data))

    def append_hash(self, leaf: bytes) -> None:
        """Add a leaf whose hash is already known."""
        node, carry = leaf, self._count
        while carry & 1:
            node = node_hash(self._peaks.pop(), node)
            carry >>= 1
        self._peaks.append(node)
        self._count += 1

    def root(self) -> bytes:
        """The root over the leaves so far; more may follow."""
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order."""
    tree = MerkleTree()
    for leaf in leaves:
        tree.append_hash(leaf)
    return tree.root()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The sibling hashes from leaf `index` up to the root, lowest first (RFC 9162, section 2.1.3.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of a tree of {len(leaves)}")
    path: list[bytes] = []
    low, high = 0, len(leaves)
    while high - low > 1:
        # The left subtree holds the largest power of two of leaves that leaves something for the right one.
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if index < middle:
            path.append(root_of(leaves[middle:high]))
            high = middle
        else:
            path.append(root_of(leaves[low:middle]))
            low = middle
    path.reverse()
    return path


def root_from_path(leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes | None:
    """The root that `path` leads to from leaf `index` of `count` (RFC 9162, section 2.1.3.2).

    None if a path of this length cannot belong to that leaf; else the caller compares it with the root that
    it trusts.
    """
    if not 0 <= index < count:
        return None
    node, position, last = leaf, index, count - 1
    for sibling in path:
        if last == 0:
            return None
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    return node if last == 0 else None
