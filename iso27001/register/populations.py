"""What an auditor samples from: every ledger fact of some kinds in a period, its count and root hash, and samples that can be drawn again.

The root is that of RFC 9162 over the facts' bytes in the ledger's order, as the ledger stood with `size` entries: whoever has the ledger
counts the population anew, and draws the same sample by its seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from iso27001.errors import RecordError
from iso27001.ledger import Entry, canonical, encode, rfc3339
from iso27001.ledger.store import Ledger
from iso27001.verifier import merkle

PAGE = 2_000

USUAL_SIZES = ((1, 1), (12, 2), (52, 8))
"""Up to so many a year, so many are usually drawn: of what happens yearly 1, monthly 2, weekly 8; of what is more often 30."""
USUAL_SIZE = 30


@dataclass(frozen=True, slots=True)
class Population:
    """A population as it was counted. `kinds`: of the facts; `size`: of the ledger at that moment; `root`: hex."""

    name: str
    kinds: tuple[str, ...]
    since: datetime
    until: datetime
    size: int
    count: int
    root: str


def population(
    ledger: Ledger, name: str, kinds: Sequence[str], since: datetime, until: datetime, size: int | None = None
) -> tuple[Population, list[int]]:
    """Count a population in the ledger's first `size` entries (default: all); with the places of its members.

    Raises: RecordError for a period that ends before it begins, LedgerError.
    """
    if until <= since:
        raise RecordError(f"{name}: the period ends ({rfc3339(until)}) before it begins ({rfc3339(since)})")
    stood = ledger.size if size is None else size
    tree, seqs, leaves = merkle.Frontier(), [], list[bytes]()
    for entry in members(ledger, kinds, since, until, stood):
        seqs.append(entry.seq)
        leaves.append(merkle.leaf_hash(encode(entry.fact)))
        if len(leaves) == PAGE:
            tree.extend(leaves)
            leaves.clear()
    tree.extend(leaves)
    return Population(name, tuple(kinds), since, until, stood, len(seqs), tree.root().hex()), seqs


def members(ledger: Ledger, kinds: Sequence[str], since: datetime, until: datetime, size: int) -> Iterator[Entry]:
    """The entries of a population, in order."""
    for entry in ledger.entries(kinds=kinds, since=since, until=until):
        if entry.seq < size:
            yield entry


def export(entries: Iterator[Entry]) -> Iterator[bytes]:
    """Members as JSON lines: the place in the ledger and the fact as it is hashed there."""
    for entry in entries:
        yield b'{"seq":' + canonical(entry.seq) + b',"fact":' + encode(entry.fact) + b"}\n"


def draw(root: str, seqs: Sequence[int], size: int, seed: str) -> list[int]:
    """A sample of `size` members, the same for the same seed and population: those whose hash with the seed is lowest, in their order.

    Raises: RecordError where there are fewer, or there is no seed.
    """
    if not seed.strip():
        raise RecordError(
            "a sample is drawn by a seed; take one that nobody could choose, such as the day's lottery numbers"
        )
    if not 0 < size <= len(seqs):
        raise RecordError(f"a sample of {size} of a population of {len(seqs)}")
    ranked = sorted(seqs, key=lambda seq: sha256(f"{seed}\n{root}\n{seq}".encode()).digest())
    return sorted(ranked[:size])


def usual_size(count: int, period: timedelta) -> int:
    """How many are usually drawn of so many in a period, by how often it happens."""
    a_year = count * timedelta(days=365) / period
    return min(count, next((size for limit, size in USUAL_SIZES if a_year <= limit), USUAL_SIZE))
