"""A ledger file, a public key and perhaps an anchor in, a `Verdict` out. Nothing that the file says of itself is believed.

Four independent things are held against each other: the entries' bytes, the tree, the signed heads and the anchor. Entries against
tree tells an edit from an insertion, a deletion or another order; tree against heads tells a tree that was built anew; tree against
anchor tells an older copy of it all. One pass in constant memory; only a ledger whose entries and tree differ is read twice.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

import orjson

from iso27001.errors import LedgerError, SigningError
from iso27001.ledger import Fact, canonical, merkle, rfc3339
from iso27001.ledger.align import align
from iso27001.ledger.anchor import read_anchor
from iso27001.ledger.schema import changed, place
from iso27001.ledger.signing import Head, PublicKey, read_note
from iso27001.ledger.store import connect_to_read
from iso27001.ledger.verdict import AT_THE_END, CUTS, Completeness, Fault, FaultKind, Integrity, Verdict

GROUP = 10_000
"""Leaves that are hashed together."""
_KEYS = set(Fact.__slots__)
FAULTS_LISTED = 20
"""Of each kind: who sees twenty edited entries needs no list of the rest, but their number."""


def verify(path: Path, public_key: PublicKey, *, anchor: Path | None = None) -> Verdict:
    """Check the whole ledger of a file, and its heads against those of the `anchor` file.

    Raises: LedgerError where the ledger or the anchor cannot be opened at all.
    """
    check = _Check(public_key)
    try:
        connection = connect_to_read(path)
    except sqlite3.Error as error:
        raise LedgerError(f"{path}: cannot be read: {error}") from error
    try:
        connection.execute("BEGIN")
        check.origin = str(connection.execute("SELECT origin FROM about").fetchone()[0])
        if anchor is not None:
            check.read_anchor(anchor)
        check.read_heads(connection)
        check.read_entries(connection)
    except sqlite3.DatabaseError as error:
        check.fault(Fault(FaultKind.UNREADABLE, f"the file is damaged: {error}"))
    finally:
        connection.close()
    return check.verdict()


@dataclass
class _Check:
    key: PublicKey
    origin: str = ""
    heads: list[Head] = field(default_factory=list)
    anchors: list[Head] | None = None
    size: int = 0
    tree_size: int = 0
    root: bytes = merkle.EMPTY_ROOT
    roots: dict[int, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    counts: dict[FaultKind, int] = field(default_factory=dict)

    def fault(self, fault: Fault) -> None:
        self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
        if self.counts[fault.kind] <= FAULTS_LISTED:
            self.faults.append(fault)

    # --- signatures

    def read_anchor(self, path: Path) -> None:
        heads, foreign = read_anchor(path)
        for text in foreign:
            self.fault(Fault(FaultKind.ANCHOR_DAMAGED, f"the anchor holds what is no signed head: {text[:60]!r}"))
        self.anchors = [head for head in heads if self._trusted(head, "anchored head")]

    def read_heads(self, connection: sqlite3.Connection) -> None:
        if names := changed(connection):
            self.fault(Fault(FaultKind.SCHEMA_CHANGED, f"not as it was made: {', '.join(names)}"))
        rows = connection.execute("SELECT number, note FROM heads ORDER BY number").fetchall()
        if rows and rows[-1][0] != len(rows):
            self.fault(
                Fault(FaultKind.HEAD_MISSING, f"{rows[-1][0] - len(rows)} of {rows[-1][0]} signed heads are gone")
            )
        for _, note in rows:
            try:
                head = read_note(note)
            except SigningError:
                self.fault(Fault(FaultKind.HEAD_UNREADABLE, f"a head is no signed note: {note[:60]!r}"))
                continue
            if self._trusted(head, "head"):
                self._in_order(head)
                self.heads.append(head)

    def _trusted(self, head: Head, what: str) -> bool:
        where = f"the {what} of size {head.size} of {rfc3339(head.time)}"
        if head.origin != self.origin:
            self.fault(
                Fault(
                    FaultKind.OTHER_ORIGIN, f'{where} speaks of the ledger "{head.origin}", this one is "{self.origin}"'
                )
            )
        elif head.key_id != self.key.key_id(head.origin):
            self.fault(Fault(FaultKind.FOREIGN_KEY, f"{where} was signed by another key ({head.key_id.hex()})"))
        elif not self.key.signed(head):
            self.fault(Fault(FaultKind.BAD_SIGNATURE, f"{where} was changed after it was signed, or never was"))
        else:
            return True
        return False

    def _in_order(self, head: Head) -> None:
        last = self.heads[-1] if self.heads else head
        if head.time < last.time:
            self.fault(
                Fault(
                    FaultKind.CLOCK_BACK,
                    f"the head of {rfc3339(head.time)} was made after that of {rfc3339(last.time)}",
                )
            )
        if head.size < last.size:
            self.fault(Fault(FaultKind.SIZE_BACK, f"a head of size {head.size} was made after one of size {last.size}"))

    # --- entries and tree

    def read_entries(self, connection: sqlite3.Connection) -> None:
        leaves = _hashes(connection, 0)
        alike = True
        for seq, fact_id, kind, time, actor, raw in connection.execute(
            "SELECT seq, id, kind, time, actor, CAST(fact AS BLOB) FROM entries ORDER BY seq"
        ):
            alike = alike and seq == self.size and merkle.leaf_hash(raw) == next(leaves, None)
            self.size += 1
            self._entry(seq, (fact_id, kind, time, actor), raw)
        alike = alike and next(leaves, None) is None
        self._tree(connection)
        if not alike:
            found = connection.execute("SELECT seq, CAST(fact AS BLOB) FROM entries ORDER BY seq")
            for fault in align([(seq, merkle.leaf_hash(raw)) for seq, raw in found], list(_hashes(connection, 0))):
                self.fault(fault)

    def _entry(self, seq: int, columns: tuple[str, str, str, str], raw: bytes) -> None:
        try:
            plain = orjson.loads(raw)
            said = (plain["id"], plain["kind"], plain["time"], plain["actor"])
            time = rfc3339(datetime.fromisoformat(plain["time"]))
            if plain.keys() != _KEYS or time != plain["time"] or canonical(plain) != raw:
                self.fault(Fault(FaultKind.NOT_CANONICAL, f"entry {seq} is not in canonical form", seq))
            elif columns != said:
                words = f"entry {seq} is found under other words than it says: {columns}"
                self.fault(Fault(FaultKind.COLUMN_CHANGED, words, seq))
        except (ValueError, KeyError, TypeError, LedgerError) as error:
            self.fault(Fault(FaultKind.NOT_CANONICAL, f"entry {seq}: {error}", seq))

    def _tree(self, connection: sqlite3.Connection) -> None:
        """The tree anew from its leaves: its roots at the sizes of all heads; a fault where a stored node differs."""
        sizes = {head.size for head in (*self.heads, *(self.anchors or ()))}
        self.roots[0] = merkle.EMPTY_ROOT
        edge = merkle.Frontier()
        levels: dict[int, Iterator[bytes]] = {}
        leaves = _hashes(connection, 0)
        stops = [*sorted(size for size in sizes if size), sys.maxsize]
        for stop in stops:
            while group := list(islice(leaves, min(GROUP, stop - edge.size))):
                for level, number, node in edge.extend(group):
                    if level and next(levels.setdefault(level, _hashes(connection, level)), None) != node:
                        text = f"node {number} of level {level} is not the hash of what is below it"
                        self.fault(Fault(FaultKind.TREE_DAMAGED, text))
            if edge.size == stop:
                self.roots[stop] = edge.root()
        if any(next(stored, None) is not None for stored in levels.values()):
            self.fault(Fault(FaultKind.TREE_DAMAGED, "the tree has nodes beyond its leaves"))
        self.tree_size, self.root = edge.size, edge.root()

    # --- heads against the tree

    def _borne_out(self) -> list[Head]:
        """The heads up to the first that the tree contradicts."""
        good: list[Head] = []
        for head in self.heads:
            when = f"the head of size {head.size} of {rfc3339(head.time)}"
            if head.size > self.tree_size:
                kind = FaultKind.TAIL_CUT if self.tree_size else FaultKind.EMPTIED
                self.fault(
                    Fault(kind, f"{when} covers more than the {self.tree_size} entries that are there", self.tree_size)
                )
                break
            if self.roots.get(head.size) != head.root:
                since = good[-1].size if good else 0
                self.fault(
                    Fault(FaultKind.REWRITTEN, f"history from entry {since} on is not what {when} signed", since)
                )
                break
            good.append(head)
        return good

    def _anchored(self, anchors: list[Head]) -> list[Head]:
        """The anchored heads that the tree bears out."""
        kept = {(head.size, head.time) for head in self.heads}
        good: list[Head] = []
        for head in anchors:
            when = f"the anchored head of size {head.size} of {rfc3339(head.time)}"
            if head.size > self.tree_size:
                kind = FaultKind.ROLLED_BACK if self.tree_size else FaultKind.EMPTIED
                self.fault(
                    Fault(kind, f"{when} covers more than the {self.tree_size} entries that are there", self.tree_size)
                )
            elif self.roots.get(head.size) != head.root:
                self.fault(Fault(FaultKind.SPLIT_VIEW, f"{when} tells another history than this ledger"))
            else:
                good.append(head)
                if (head.size, head.time) not in kept:
                    self.fault(Fault(FaultKind.HEAD_MISSING, f"{when} is not among this ledger's heads"))
        return good

    def verdict(self) -> Verdict:
        heads = self._borne_out()
        anchors = None if self.anchors is None else self._anchored(self.anchors)
        proven = [*heads, *(anchors or ())]
        signed = min(self.size, max((head.size for head in proven), default=0))
        kinds = self.counts.keys()
        broken = kinds - AT_THE_END
        integrity = Integrity.BROKEN if broken else Integrity.INTACT if proven else Integrity.UNPROVEN
        if kinds & CUTS:
            completeness = Completeness.CUT
        elif not proven:
            completeness = Completeness.UNPROVEN
        else:
            completeness = Completeness.UNSIGNED_TAIL if self.size > signed else Completeness.COMPLETE
        return Verdict(
            integrity=integrity,
            completeness=completeness,
            faults=tuple(self.faults),
            more=sum(self.counts.values()) - len(self.faults),
            size=self.size,
            root=self.root,
            signed=signed,
            anchored=None if anchors is None else min(self.size, max((head.size for head in anchors), default=0)),
            heads=len(heads),
            last_head=heads[-1] if heads else None,
            last_anchored=max(anchors, key=lambda head: head.time, default=None) if anchors else None,
            origin=self.origin,
            key=self.key.fingerprint,
        )


def _hashes(connection: sqlite3.Connection, level: int) -> Iterator[bytes]:
    """The stored hashes of one level, in order."""
    between = (place(level, 0), place(level + 1, 0) - 1)
    rows = connection.execute(
        "SELECT CAST(hash AS BLOB) FROM nodes WHERE place BETWEEN ? AND ? ORDER BY place", between
    )
    for row in rows:
        yield row[0]
