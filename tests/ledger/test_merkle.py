"""The trees against RFC 9162's recursive definition and the vectors that implementations share."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.ledger.merkle import (
    EMPTY_ROOT,
    MerkleTree,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_from_path,
    root_of,
)

#: The leaves of the test vectors that Certificate Transparency implementations have in common.
VECTOR_LEAVES = [
    bytes.fromhex(text)
    for text in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
]

#: The root over the first n of them, n from 1.
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(data: list[bytes]) -> bytes:
    """Section 2.1.1, word for word."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    half = 1
    while half * 2 < len(data):
        half *= 2
    return hashlib.sha256(b"\x01" + naive_root(data[:half]) + naive_root(data[half:])).digest()


def naive_path(index: int, data: list[bytes]) -> list[bytes]:
    """Section 2.1.3.1, word for word."""
    if len(data) == 1:
        return []
    half = 1
    while half * 2 < len(data):
        half *= 2
    if index < half:
        return [*naive_path(index, data[:half]), naive_root(data[half:])]
    return [*naive_path(index - half, data[half:]), naive_root(data[:half])]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert MerkleTree().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("count", range(1, 9))
def test_the_shared_vectors_hold(count: int) -> None:
    tree = MerkleTree()
    for data in VECTOR_LEAVES[:count]:
        tree.append(data)
    assert len(tree) == count
    assert tree.root().hex() == VECTOR_ROOTS[count - 1]


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_growing_leaf_by_leaf_gives_the_recursive_root(data: list[bytes]) -> None:
    assert root_of(map(leaf_hash, data)) == naive_root(data)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 64, 65])
def test_every_leaf_of_a_tree_has_a_path_to_its_root(count: int) -> None:
    data = [index.to_bytes(2, "little") for index in range(count)]
    leaves = [leaf_hash(item) for item in data]
    for index in range(count):
        path = inclusion_path(leaves, index)
        assert path == naive_path(index, data)
        assert root_from_path(leaves[index], index, count, path) == naive_root(data)


@given(st.integers(1, 40), st.data())
def test_a_path_proves_nothing_about_another_leaf_place_or_size(count: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(index.to_bytes(2, "little")) for index in range(count)]
    root = root_of(leaves)
    index = data.draw(st.integers(0, count - 1))
    path = inclusion_path(leaves, index)
    other = data.draw(st.integers(0, count - 1))
    if other != index:
        assert root_from_path(leaves[other], index, count, path) != root
        assert root_from_path(leaves[index], other, count, path) != root
    assert root_from_path(leaves[index], index, count, [*path, root]) is None
    if path:
        assert root_from_path(leaves[index], index, count, path[:-1]) != root
    assert root_from_path(leaves[index], count, count, path) is None


def test_a_node_cannot_pass_for_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


def test_a_path_to_a_leaf_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError, match="leaf 3 of a tree of 3"):
        inclusion_path([leaf_hash(b"")] * 3, 3)
