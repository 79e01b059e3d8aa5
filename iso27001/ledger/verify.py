"""A ledger file, a public key and perhaps an anchor in, a `Verdict` out: what is kept is handed to the verifier, the tables are held to it.

The verifier (iso27001/verifier) judges entries, leaves, heads and anchors. Here stands what only a ledger file has: tables as they were
made, inner nodes of the tree, and what facts are searched by.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from iso27001.errors import LedgerError
from iso27001.ledger.schema import changed, key, kinds_of, place
from iso27001.ledger.store import connect_to_read
from iso27001.verifier import merkle
from iso27001.verifier.checking import Check
from iso27001.verifier.notes import PublicKey
from iso27001.verifier.verdict import FaultKind, Verdict

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

GROUP = 1000
"""Entries that are checked together."""
NEIGHBOURS = 8
"""Ids of one key that are believed: two take 2^32 tries to make, eight more than anybody has."""


def verify(
    path: Path,
    public_key: PublicKey,
    *,
    anchors: Sequence[Path] = (),
    tokens: Sequence[Path] = (),
    authority: Certificate | None = None,
) -> Verdict:
    """Check the whole ledger of a file, its heads against those of the `anchors`, and what an authority stamped (`tokens`).

    Raises: LedgerError where the ledger, an anchor or a token cannot be opened at all.
    """
    try:
        connection = connect_to_read(path)
    except sqlite3.Error as error:
        raise LedgerError(f"{path}: cannot be read: {error}") from error
    check = Check(public_key, "")
    try:
        for anchor in anchors:
            check.anchor(anchor.read_text(encoding="utf-8", errors="replace"))
        if authority is not None:
            for token in tokens:
                check.token(token.name, token.read_bytes(), authority)
        connection.execute("BEGIN")
        check.origin = str(connection.execute("SELECT origin FROM about").fetchone()[0])
        _heads(check, connection)
        _entries(check, connection)
        _tree(check, connection)
    except OSError as error:
        raise LedgerError(f"an anchor cannot be read: {error}") from error
    except sqlite3.DatabaseError as error:
        check.fault(FaultKind.UNREADABLE, f"the file is damaged: {error}")
    finally:
        connection.close()
    return check.verdict()


def _heads(check: Check, connection: sqlite3.Connection) -> None:
    if names := changed(connection):
        check.fault(FaultKind.SCHEMA_CHANGED, f"not as it was made: {', '.join(names)}")
    rows = connection.execute("SELECT number, note FROM heads ORDER BY number").fetchall()
    if rows and rows[-1][0] != len(rows):
        check.fault(FaultKind.HEAD_MISSING, f"{rows[-1][0] - len(rows)} of {rows[-1][0]} signed heads are gone")
    for _, note in rows:
        check.head(note)


def _entries(check: Check, connection: sqlite3.Connection) -> None:
    index = _Index(check, connection)
    alike = check.entries(index.groups(), _hashes(connection, 0), index.seen)
    index.compare()
    if not alike or index.moved:
        found = [
            (first + n, merkle.leaf_hash(raw)) for first, _, raws in _pages(connection) for n, raw in enumerate(raws)
        ]
        check.differences(found, list(_hashes(connection, 0)))


class _Index:
    """By what entries are found, held to what they say of themselves. `moved`: an entry carries another number than its place."""

    def __init__(self, check: Check, connection: sqlite3.Connection) -> None:
        self.moved = False
        self._check, self._connection = check, connection
        self._bounds: list[tuple[int, int]] = []
        self._keys = array("q")
        rows = connection.execute("SELECT first, kind, earliest, latest FROM kinds ORDER BY first")
        self._kinds = groupby(rows, itemgetter(0))
        self._next: tuple[int, dict[str, tuple[str, str]]] | None = None
        self._advance()

    def groups(self) -> Iterator[tuple[list[int], list[bytes]]]:
        """The entries, page by page until there are many: (sequence numbers, bytes)."""
        seqs: list[int] = []
        raws: list[bytes] = []
        place = 0
        for first, count, lines in _pages(self._connection):
            if count != len(lines):
                self._changed(first, f"the page of entry {first} says {count} entries and holds {len(lines)}")
            self.moved = self.moved or first != place
            self._bounds.append((first, len(lines)))
            seqs.extend(range(first, first + len(lines)))
            raws.extend(lines)
            place += len(lines)
            if len(raws) >= GROUP:
                yield seqs, raws
                seqs, raws = [], []
        if raws:
            yield seqs, raws

    def seen(self, facts: list[tuple[str, str, str] | None]) -> None:
        """Pages of facts that were read: each should be found by the kinds and the times of its facts."""
        at = 0
        for first, count in self._bounds:
            page = [fact or ("", "", "") for fact in facts[at : at + count]]
            at += count
            self._keys.extend([key(fact_id) for fact_id, _, _ in page])
            expected = kinds_of([kind for _, kind, _ in page], [time for _, _, time in page])
            while self._next is not None and self._next[0] < first:
                self._changed(self._next[0], f"entry {self._next[0]} is found by kinds, and no page begins with it")
                self._advance()
            found = self._next[1] if self._next is not None and self._next[0] == first else {}
            if found != expected:
                self._changed(
                    first, f"the page of entry {first} is found under other kinds or times than its facts say"
                )
            if found:
                self._advance()
        self._bounds.clear()

    def compare(self) -> None:
        """Each entry should be found by its id (or a key after it, where two ids have one key), and by nothing else."""
        count = 0
        for number, seq in self._connection.execute("SELECT key, seq FROM ids"):
            count += 1
            if not self.moved and not (0 <= seq < len(self._keys) and 0 <= number - self._keys[seq] < NEIGHBOURS):
                self._changed(seq, f"entry {seq} is found by another id than it says")
        if count != len(self._keys):
            self._changed(None, f"{len(self._keys)} entries are found by {count} ids")
        if self._next is not None:
            self._changed(self._next[0], f"entry {self._next[0]} is found by kinds, and no page begins with it")

    def _changed(self, seq: int | None, text: str) -> None:
        self._check.fault(FaultKind.COLUMN_CHANGED, text, seq)

    def _advance(self) -> None:
        page = next(self._kinds, None)
        self._next = None if page is None else (page[0], {row[1]: (row[2], row[3]) for row in page[1]})


def _pages(connection: sqlite3.Connection) -> Iterator[tuple[int, int, list[bytes]]]:
    """The pages in order: (number of the first entry, how many it says it holds, the bytes of each)."""
    for first, count, facts in connection.execute("SELECT first, count, CAST(facts AS BLOB) FROM pages ORDER BY first"):
        yield first, count, facts.split(b"\n")


def _tree(check: Check, connection: sqlite3.Connection) -> None:
    levels: dict[int, Iterator[bytes]] = {}

    def held(runs: list[tuple[int, int, list[bytes]]]) -> None:
        for level, number, hashes in runs:
            if level == 0:
                continue
            stored = levels.setdefault(level, _hashes(connection, level))
            for n, made in enumerate(hashes):
                if next(stored, None) != made:
                    told = f"node {number + n} of level {level} is not the hash of what is below it"
                    check.fault(FaultKind.TREE_DAMAGED, told)

    check.tree(_hashes(connection, 0), held)
    if any(next(stored, None) is not None for stored in levels.values()):
        check.fault(FaultKind.TREE_DAMAGED, "the tree has nodes beyond its leaves")


def _hashes(connection: sqlite3.Connection, level: int) -> Iterator[bytes]:
    """The stored hashes of one level, in order."""
    between = (place(level, 0), place(level + 1, 0) - 1)
    rows = connection.execute(
        "SELECT CAST(hashes AS BLOB) FROM nodes WHERE place BETWEEN ? AND ? ORDER BY place", between
    )
    for (hashes,) in rows:
        yield from (hashes[n : n + 32] for n in range(0, len(hashes), 32))
