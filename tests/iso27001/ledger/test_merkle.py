"""The tree against the public vectors, and its proofs against trees and sizes that nobody chose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso27001.errors import ProofError
from iso27001.verifier import merkle

VECTORS = json.loads((Path(__file__).parents[2] / "data/iso27001/merkle_vectors.json").read_text())
LEAVES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves_hex"]]


class Nodes:
    """The stored nodes of a tree, in memory."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.hashes: dict[tuple[int, int], bytes] = {}
        self.edge = merkle.Frontier()
        for level, number, nodes in self.edge.extend(leaves):
            self.hashes.update({(level, number + n): node for n, node in enumerate(nodes)})

    def read(self, level: int, first: int, count: int) -> list[bytes]:
        assert level % merkle.STORED_EVERY == 0
        return [self.hashes[level, number] for number in range(first, first + count) if (level, number) in self.hashes]


def plain_root(leaves: Sequence[bytes]) -> bytes:
    """The recursion of RFC 9162 section 2.1.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return sha256(b"\x01" + plain_root(leaves[:cut]) + plain_root(leaves[cut:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_public_vectors(size: int) -> None:
    tree = Nodes(LEAVES[:size])
    assert tree.edge.root().hex() == VECTORS["roots_hex"][size]
    assert merkle.root(Nodes(LEAVES).read, size).hex() == VECTORS["roots_hex"][size]


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda v: f"{v['index']} of {v['size']}")
def test_inclusion_proofs_are_those_of_the_public_vectors(vector: dict[str, object]) -> None:
    index, size, proof = vector["index"], vector["size"], [bytes.fromhex(node) for node in vector["proof"]]
    assert merkle.inclusion(Nodes(LEAVES).read, index, size) == proof
    merkle.verify_inclusion(LEAVES[index], index, size, proof, bytes.fromhex(VECTORS["roots_hex"][size]))


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda v: f"{v['old']} to {v['new']}")
def test_consistency_proofs_are_those_of_the_public_vectors(vector: dict[str, object]) -> None:
    old, new, proof = vector["old"], vector["new"], [bytes.fromhex(node) for node in vector["proof"]]
    assert merkle.consistency(Nodes(LEAVES).read, old, new) == proof
    roots = [bytes.fromhex(root) for root in VECTORS["roots_hex"]]
    merkle.verify_consistency(old, new, roots[old], roots[new], proof)


SOME = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")
EMPTY = sha256(b"").digest()
PAIRS = [(small, size) for size in range(1, 9) for small in range(size)]


def bent(proof: Sequence[bytes], bit: int, *others: bytes) -> dict[str, list[bytes]]:
    """A proof in every way in which the test data of transparency-dev/merkle bends one."""
    found = {
        f"one bit of node {at}": [*proof[:at], bytes([node[0] ^ bit]) + node[1:], *proof[at + 1 :]]
        for at, node in enumerate(proof)
    }
    found |= {f"{other.hex()[:8]} behind": [*proof, other] for other in (b"", *others)}
    found |= {f"{other.hex()[:8]} before": [other, *proof] for other in (b"", *others, *proof[:1])}
    if proof:
        found |= {"without its last": list(proof[:-1]), "none": []}
    if len(proof) > 1:
        found["one put in"] = [proof[0], SOME, *proof[1:]]
    return found


@pytest.mark.parametrize(("index", "size"), PAIRS)
def test_what_the_public_test_data_makes_of_an_inclusion_proof_is_refused(index: int, size: int) -> None:
    root, leaf = plain_root(LEAVES[:size]), LEAVES[index]
    proof = merkle.inclusion(Nodes(LEAVES).read, index, size)
    asked = [(leaf, at, size, proof, root) for at in (index - 1, index + 1, index ^ 2)]
    asked += [(leaf, index, other, proof, root) for other in (size * 2, size // 2)]
    asked += [(b"WrongLeaf", index, size, proof, root), (b"", index, size, proof, root)]
    asked += [(leaf, index, size, proof, other) for other in (EMPTY, SOME, b"")]
    asked += [(leaf, index, size, other, root) for other in bent(proof, 8, root).values()]
    merkle.verify_inclusion(leaf, index, size, proof, root)
    for each in asked:
        with pytest.raises(ProofError):
            merkle.verify_inclusion(*each)


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, new in PAIRS if old])
def test_what_the_public_test_data_makes_of_a_consistency_proof_is_refused(old: int, new: int) -> None:
    first, last = plain_root(LEAVES[:old]), plain_root(LEAVES[:new])
    proof = merkle.consistency(Nodes(LEAVES).read, old, new)
    asked = [(size, new, first, last, proof) for size in (old - 1, old + 1, old ^ 2)]
    asked += [(old, size, first, last, proof) for size in (new * 2, new // 2)]
    asked += [
        (old, new, b"WrongRoot", last, proof),
        (old, new, first, b"WrongRoot", proof),
        (old, new, last, first, proof),
    ]
    asked += [(old, new, first, last, other) for other in bent(proof, 16, first, last).values()]
    merkle.verify_consistency(old, new, first, last, proof)
    for each in asked:
        with pytest.raises(ProofError):
            merkle.verify_consistency(*each)


@pytest.mark.parametrize(
    ("old", "new", "first", "last", "proof"),
    [
        (1, 1, SOME, EMPTY, []),
        (1, 0, SOME, EMPTY, []),
        (2, 1, SOME, EMPTY, []),
        (1, 2, SOME, EMPTY, []),
        (1, 1, EMPTY, EMPTY, [EMPTY]),
    ],
)
def test_sizes_that_cannot_be_and_roots_that_differ_are_refused(
    old: int, new: int, first: bytes, last: bytes, proof: list[bytes]
) -> None:
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, new, first, last, proof)


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[bytes], int, int]:
    new = draw(st.integers(1, 300) | st.sampled_from([1, 2, 15, 16, 17, 255, 256, 257]))
    old = draw(st.integers(1, new))
    return [merkle.leaf_hash(str(n).encode()) for n in range(new)], old, draw(st.integers(0, new - 1))


@given(trees())
def test_roots_from_kept_nodes_are_those_of_the_recursion(tree: tuple[list[bytes], int, int]) -> None:
    leaves, old, _ = tree
    nodes = Nodes(leaves)
    assert nodes.edge.root() == plain_root(leaves)
    assert merkle.root(nodes.read, old) == plain_root(leaves[:old])


@given(trees())
def test_growing_in_one_step_or_in_two_gives_the_same_nodes(tree: tuple[list[bytes], int, int]) -> None:
    leaves, old, _ = tree
    whole, first = Nodes(leaves), Nodes(leaves[:old])
    resumed = merkle.frontier(first.read, old)
    grown = {
        (level, number + n): node
        for level, number, nodes in resumed.extend(leaves[old:])
        for n, node in enumerate(nodes)
    }
    assert grown | first.hashes == whole.hashes
    assert (resumed.size, resumed.root()) == (whole.edge.size, whole.edge.root())
    nodes = whole.edge.copy().extend(leaves[:old])
    assert [(level, number) for level, number, _ in nodes] == sorted((level, number) for level, number, _ in nodes)


@given(trees())
def test_every_proof_verifies_and_no_changed_proof_does(tree: tuple[list[bytes], int, int]) -> None:
    leaves, old, index = tree
    read, new, root = Nodes(leaves).read, len(leaves), plain_root(leaves)
    proof = merkle.inclusion(read, index, new)
    merkle.verify_inclusion(leaves[index], index, new, proof, root)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(merkle.leaf_hash(b"another"), index, new, proof, root)
    for other in ([*proof, root], proof[:-1] if proof else [root], [node[::-1] for node in proof] or [root]):
        with pytest.raises(ProofError):
            merkle.verify_inclusion(leaves[index], index, new, other, root)
    if index != new - 1 - index:
        with pytest.raises(ProofError):
            merkle.verify_inclusion(leaves[index], new - 1 - index, new, proof, root)

    old_root = plain_root(leaves[:old])
    proof = merkle.consistency(read, old, new)
    merkle.verify_consistency(old, new, old_root, root, proof)
    for other in ([*proof, root], [node[::-1] for node in proof] or [root]):
        with pytest.raises(ProofError):
            merkle.verify_consistency(old, new, old_root, root, other)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, new, merkle.leaf_hash(b"another"), root, proof)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, new, old_root, merkle.leaf_hash(b"another"), proof)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5), (-1, 5)])
def test_no_consistency_proof_outside_of_0_to_n(old: int, new: int) -> None:
    with pytest.raises(ProofError, match="0 < old <= new"):
        merkle.consistency(Nodes(LEAVES).read, old, new)
    with pytest.raises(ProofError, match="0 < old <= new"):
        merkle.verify_consistency(old, new, LEAVES[0], LEAVES[0], [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_no_inclusion_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ProofError, match="not in a tree"):
        merkle.inclusion(Nodes(LEAVES).read, index, size)
    with pytest.raises(ProofError, match="not in a tree"):
        merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


def test_a_tree_that_lacks_nodes_gives_no_proof() -> None:
    with pytest.raises(ProofError, match="lacks nodes"):
        merkle.root(Nodes(LEAVES[:3]).read, 5)
