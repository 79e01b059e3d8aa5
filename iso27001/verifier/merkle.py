"""Leaf hashes in, roots and proofs out: the append-only tree of RFC 9162 section 2.1 (the same hashes as RFC 6962).

Hashes of complete subtrees never change, so only those are kept: of every fourth level, which a proof completes from at most eight
neighbours. Level 0 holds the leaves; node `number` of level k covers leaves number * 2^k up to (number + 1) * 2^k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from iso27001.errors import ProofError

EMPTY_ROOT = sha256(b"").digest()
STORED_EVERY = 4
"""Levels between stored ones: 1.07 rows a leaf in place of 2, for at most 8 hashes more a step of a proof."""

Read = Callable[[int, int, int], Sequence[bytes]]
"""(level, first, count) -> the hashes of that many complete subtrees; called for stored levels only."""


def leaf_hash(data: bytes) -> bytes:
    """RFC 9162 section 2.1.1: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def leaf_hashes(datas: Iterable[bytes]) -> list[bytes]:
    """`leaf_hash` of each."""
    return [sha256(b"\x00" + data).digest() for data in datas]


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 9162 section 2.1.1: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: its complete subtrees, one for every bit that is set in `size`."""

    __slots__ = ("_edge", "size")

    def __init__(self, size: int = 0, edge: Mapping[int, bytes] | None = None) -> None:
        self.size = size
        self._edge = dict(edge or {})

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[int, int, list[bytes]]]:
        """Add leaf hashes; gives the stored nodes that they complete, leaves included, as runs: (level, number of the first, hashes)."""
        stored: list[tuple[int, int, list[bytes]]] = []
        level, number, row = 0, self.size, list(leaves)
        self.size += len(row)
        while row:  # level by level: a row is the complete subtrees that are new
            if level % STORED_EVERY == 0:
                stored.append((level, number, row.copy()))
            if number & 1:
                row.insert(0, self._edge.pop(level))
            if len(row) & 1:
                self._edge[level] = row.pop()
            pairs = iter(row)
            row = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            level, number = level + 1, number >> 1
        return stored

    def copy(self) -> Frontier:
        """Another edge of the same tree, to grow on its own."""
        return Frontier(self.size, self._edge)

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self._edge:
            return EMPTY_ROOT
        levels = sorted(self._edge)
        whole = self._edge[levels[0]]
        for level in levels[1:]:
            whole = node_hash(self._edge[level], whole)
        return whole


def frontier(read: Read, size: int) -> Frontier:
    """The right edge of the tree of the first `size` leaves."""
    edge, start = {}, 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            edge[level] = _complete(read, level, start >> level)
            start += 1 << level
    return Frontier(size, edge)


def root(read: Read, size: int) -> bytes:
    """The root over the first `size` leaves."""
    return frontier(read, size).root()


def inclusion(read: Read, index: int, size: int) -> list[bytes]:
    """RFC 9162 section 2.1.3.1: the path from leaf `index` to the root of `size` leaves, lowest first. Raises: ProofError."""
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range(read, middle, end))
            end = middle
        else:
            path.append(_range(read, start, middle))
            start = middle
    return path[::-1]


def consistency(read: Read, old: int, new: int) -> list[bytes]:
    """RFC 9162 section 2.1.4.1: that the tree of `new` leaves continues that of `old`. Raises: ProofError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ProofError(f"no consistency proof from size {old} to {new}: 0 < old <= new is needed")
    path: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range(read, middle, end))
            end = middle
        else:
            path.append(_range(read, start, middle))
            start = middle
    if start:
        path.append(_range(read, start, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> None:
    """RFC 9162 section 2.1.3.2: that `leaf` is leaf `index` of the tree with root `expected`. Raises: ProofError."""
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves")
    whole = leaf
    for sibling, on_left in _climb(index, size - 1, proof):
        whole = node_hash(sibling, whole) if on_left else node_hash(whole, sibling)
    if whole != expected:
        raise ProofError("the proof leads to another root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162 section 2.1.4.2: that the tree of `new_root` continues that of `old_root`. Raises: ProofError."""
    if not 0 < old <= new:
        raise ProofError(f"no consistency proof from size {old} to {new}: 0 < old <= new is needed")
    if old == new and proof:
        raise ProofError("a proof between equal sizes must be empty")
    complete = old & (old - 1) == 0  # then the old root is a node of the new tree and starts the climb
    nodes = [old_root, *proof] if complete or old == new else list(proof)
    if not nodes:
        raise ProofError("the proof is empty")
    whole_levels = (old & -old).bit_length() - 1
    from_old = from_new = nodes[0]
    for sibling, on_left in (
        _climb((old - 1) >> whole_levels, (new - 1) >> whole_levels, nodes[1:]) if old < new else ()
    ):
        if on_left:
            from_old = node_hash(sibling, from_old)
        from_new = node_hash(sibling, from_new) if on_left else node_hash(from_new, sibling)
    if from_old != old_root:
        raise ProofError("the proof leads to another old root")
    if from_new != new_root:
        raise ProofError("the proof leads to another new root")


def _climb(place: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The proof's nodes from a node up to the root, each with whether it stands to the left. Raises: ProofError at a wrong length."""
    for sibling in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        on_left = place & 1 == 1 or place == last
        yield sibling, on_left
        while on_left and place and not place & 1:  # the right edge skips levels where it stands alone
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")


def _split(count: int) -> int:
    """The largest power of two below `count` (> 1)."""
    return 1 << (count - 1).bit_length() - 1


def _range(read: Read, start: int, end: int) -> bytes:
    """The root over leaves start .. end, as the recursion of section 2.1.1 cuts them: complete subtrees, folded from the right."""
    pieces = []
    while start < end:
        level = (end - start).bit_length() - 1
        pieces.append(_complete(read, level, start >> level))
        start += 1 << level
    whole = pieces.pop()
    while pieces:
        whole = node_hash(pieces.pop(), whole)
    return whole


def _complete(read: Read, level: int, number: int) -> bytes:
    """The root of one complete subtree, from the stored level at or below it."""
    above = level % STORED_EVERY
    hashes = list(read(level - above, number << above, 1 << above))
    if len(hashes) != 1 << above:
        raise ProofError(f"the tree lacks nodes of level {level - above} from number {number << above}")
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
