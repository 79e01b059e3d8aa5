"""Facts in, entries, proofs and signed heads out: the ledger on disk, one SQLite file that several processes may append to.

A group of facts is appended in one transaction with its tree nodes and is on the disk when `append` returns (WAL, synchronous=FULL).
Heads are signed apart from that: a crash in between leaves entries that no head covers, which the verifier reports as such.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import orjson

from iso27001.errors import LedgerError, ProofError
from iso27001.ledger import Entry, Fact, decode, encode, merkle, rfc3339, schema
from iso27001.ledger.signing import Head, Signer, check_origin, read_note

BUSY_TIMEOUT_S = 30.0
"""How long an append waits for other processes' appends: far above any group's transaction."""
CACHE_KIB = 32_768
PAGE_BYTES = 8192
"""Memory and page size for groups: with SQLite's 2 MB of 4 KiB pages an append costs 1.5 times as much (bench/ledger.py)."""
PAGE = 2000
"""Entries read at a time: no read transaction stays open while the caller works."""


class Ledger:
    """The append-only record of decisions. Open it with `Ledger.open`; safe to share between threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection, signer: Signer | None) -> None:
        self.path = path
        self._connection = connection
        self._signer = signer
        self._lock = threading.RLock()
        self._frontier = merkle.Frontier()
        self.origin: str = connection.execute("SELECT origin FROM about").fetchone()[0]

    @classmethod
    def open(cls, path: Path, *, signer: Signer | None = None, read_only: bool = False, origin: str = "") -> Self:
        """The ledger of a file; made now where it is missing, unless `read_only`.

        `origin` names a new ledger in its signed heads (default: a random name); of an old one it is ignored.
        Raises: LedgerError.
        """
        try:
            connection = connect_to_read(path) if read_only else _connect_to_write(path, origin)
            return cls(path, connection, signer)
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{path}: cannot be opened as a ledger: {error}") from error

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- appending

    def append(self, facts: Iterable[Fact]) -> list[Entry]:
        """Append a group, all or nothing; gives the entries that are new. Facts whose id the ledger holds are left out.

        Raises: LedgerError (a full disk, a value that is not JSON); then nothing of the group was written.
        """
        group = {fact.id: fact for fact in reversed(list(facts))}  # the first of one id counts
        texts = {fact.id: (time := rfc3339(fact.time), encode(fact, time)) for fact in reversed(group.values())}
        if not texts:
            return []
        with self._transaction():
            for fact_id in self._held(list(texts)):
                del texts[fact_id]
            edge = self._edge()
            first = edge.size
            facts = [group[fact_id] for fact_id in texts]
            rows = [
                (seq, fact.id, fact.kind, time, fact.actor, raw)
                for seq, (fact, (time, raw)) in enumerate(zip(facts, texts.values(), strict=True), first)
            ]
            nodes = edge.extend([merkle.leaf_hash(raw) for _, raw in texts.values()])
            placed = [(schema.place(level, number), node) for level, number, node in nodes]
            self._connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._connection.executemany("INSERT INTO nodes VALUES (?, ?)", placed)
        self._frontier = edge
        return [Entry(seq, fact) for seq, fact in enumerate(facts, first)]

    def sign(self, time: datetime) -> Head:
        """Sign the ledger as it stands and keep the head. Time may not run backwards, and a changed history is not signed.

        Raises: LedgerError (no signer, an earlier time than the last head's, a tree that does not continue the last head).
        """
        if self._signer is None:
            raise LedgerError(f"{self.path}: opened without a key, so it cannot be signed")
        with self._transaction():
            size, last = self.size, self.last_head()
            if last is not None:
                if time < last.time:
                    raise LedgerError(
                        f"the clock runs backwards: {rfc3339(time)} is before the last head, {rfc3339(last.time)}"
                    )
                if last.size > size or merkle.root(self._read, last.size) != last.root:
                    raise LedgerError(
                        f"{self.path}: the entries do not continue the head of size {last.size}: verify the ledger, it was changed"
                    )
                if (last.size, last.time) == (size, time):
                    return last
            head = self._signer.sign(self.origin, size, merkle.root(self._read, size), time)
            self._connection.execute("INSERT INTO heads (note) VALUES (?)", (head.note,))
        return head

    # --- reading

    @property
    def size(self) -> int:
        """How many entries there are."""
        with self._errors():
            row = self._connection.execute("SELECT max(seq) FROM entries").fetchone()
        return 0 if row[0] is None else int(row[0]) + 1

    @property
    def root(self) -> bytes:
        """The root hash over all entries."""
        return self.root_at(self.size)

    def root_at(self, size: int) -> bytes:
        """The root hash over the first `size` entries. Raises: ProofError beyond the end."""
        with self._lock:
            self._within(size)
            return merkle.root(self._read, size)

    def known(self, ids: Iterable[str]) -> set[str]:
        """Which of these fact ids the ledger holds."""
        with self._errors():
            return self._held(list(ids))

    def entry(self, seq: int) -> Entry | None:
        """The entry at a place, or None."""
        return next(iter(self._rows("seq = ?", (seq,))), None)

    def by_id(self, fact_id: str) -> Entry | None:
        """The entry of a fact, or None."""
        return next(iter(self._rows("id = ?", (fact_id,))), None)

    def last(self, kind: str) -> Entry | None:
        """The newest fact of a kind."""
        return next(iter(self._rows("kind = ? ORDER BY seq DESC LIMIT 1", (kind,))), None)

    def entries(
        self,
        after: int = -1,
        kinds: Iterable[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Entry]:
        """Entries in order: those beyond `after`, of these kinds, with a time from `since` (inclusive) to `until` (exclusive)."""
        if kinds is None and since is None and until is None:
            while page := self._rows("seq > ? ORDER BY seq LIMIT ?", (after, PAGE)):
                yield from page
                after = page[-1].seq
            return
        where: list[str] = ["seq > ?"]
        values: list[int | str] = [after]
        if kinds is not None:
            where.append("kind IN (SELECT value FROM json_each(?))")
            values.append(_json(list(kinds)))
        for test, moment in (("time >= ?", since), ("time < ?", until)):
            if moment is not None:
                where.append(test)
                values.append(rfc3339(moment))
        query = f"SELECT seq FROM entries WHERE {' AND '.join(where)} ORDER BY seq"  # noqa: S608  fixed words only
        with self._errors():
            found = self._connection.execute(query, values)
            seqs = [row[0] for row in found]
        for start in range(0, len(seqs), PAGE):
            yield from self._rows(
                "seq IN (SELECT value FROM json_each(?)) ORDER BY seq", (_json(seqs[start : start + PAGE]),)
            )

    def heads(self) -> list[Head]:
        """All signed heads, oldest first. Raises: SigningError where one is no note."""
        with self._errors():
            return [read_note(row[0]) for row in self._connection.execute("SELECT note FROM heads ORDER BY number")]

    def last_head(self) -> Head | None:
        """The newest signed head."""
        with self._errors():
            row = self._connection.execute("SELECT note FROM heads ORDER BY number DESC LIMIT 1").fetchone()
        return read_note(row[0]) if row else None

    def inclusion(self, seq: int, size: int) -> list[bytes]:
        """The proof that entry `seq` is in the ledger of `size` entries. Raises: ProofError."""
        with self._lock:
            self._within(size)
            return merkle.inclusion(self._read, seq, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the ledger of `new` entries continues that of `old`. Raises: ProofError."""
        with self._lock:
            self._within(new)
            return merkle.consistency(self._read, old, new)

    # --- inside

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise LedgerError(f"{self.path}: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _within(self, size: int) -> None:
        if size > self.size:
            raise ProofError(f"the ledger has {self.size} entries, not {size}")

    def _edge(self) -> merkle.Frontier:
        """A copy of the tree's right edge, read anew where another process has appended."""
        size = self.size
        return self._frontier.copy() if self._frontier.size == size else merkle.frontier(self._read, size)

    def _held(self, ids: Sequence[str]) -> set[str]:
        found = self._connection.execute(
            "SELECT id FROM entries WHERE id IN (SELECT value FROM json_each(?))", (_json(ids),)
        )
        return {row[0] for row in found}

    def _rows(self, where: str, values: Sequence[object]) -> list[Entry]:
        with self._errors():
            found = self._connection.execute(f"SELECT seq, fact FROM entries WHERE {where}", values).fetchall()  # noqa: S608  fixed words only
        return [Entry(seq, decode(raw)) for seq, raw in found]

    def _read(self, level: int, first: int, count: int) -> list[bytes]:
        with self._errors():
            between = (schema.place(level, first), schema.place(level, first + count - 1))
            found = self._connection.execute(
                "SELECT hash FROM nodes WHERE place BETWEEN ? AND ? ORDER BY place", between
            )
            return [row[0] for row in found]


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, also to a file on a medium that cannot be written. Raises: LedgerError, sqlite3.Error."""
    if not path.exists():
        raise LedgerError(f"{path}: there is no ledger here")
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        connection = _connect(address)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        if path.with_name(path.name + "-wal").exists():
            raise
        connection = _connect(address + "&immutable=1")  # a read-only directory: no place for the WAL's index
    if not schema.is_ledger(connection):
        connection.close()
        raise LedgerError(f"{path}: not a ledger of version {schema.VERSION}")
    return connection


def _connect_to_write(path: Path, origin: str) -> sqlite3.Connection:
    origin = origin or f"ledger-{secrets.token_hex(8)}"
    check_origin(origin)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(f"file:{quote(str(path.absolute()))}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("BEGIN IMMEDIATE")
    if schema.is_empty(connection):
        schema.create(connection, origin)
    connection.execute("COMMIT")
    if not schema.is_ledger(connection):
        connection.close()
        raise LedgerError(f"{path}: not a ledger of version {schema.VERSION}")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")
    return connection


def _connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _json(values: Sequence[object]) -> str:
    return orjson.dumps(values).decode()
