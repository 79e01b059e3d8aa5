"""Facts in, entries, proofs and signed heads out: the ledger on disk, one SQLite file that several processes may append to.

A group of facts is appended in one transaction with its tree nodes and is on the disk when `append` returns (WAL, synchronous=FULL).
Heads are signed apart from that: a crash in between leaves entries that no head covers, which the verifier reports as such.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import orjson

from iso27001.errors import LedgerError, ProofError
from iso27001.ledger import Entry, Fact, canonical, decode, encode, encode_all, rfc3339, rfc3339_all, schema
from iso27001.ledger.signing import Signer, check_origin
from iso27001.verifier import merkle
from iso27001.verifier.notes import Head, read_note
from iso27001.verifier.rotation import ROTATED, body_of, statement

BUSY_TIMEOUT_S = 30.0
"""How long an append waits for other processes' appends: far above any group's transaction."""
CACHE_KIB = 32_768
PAGE_BYTES = 8192
"""Memory and page size for groups: with SQLite's 2 MB of 4 KiB pages an append costs 1.5 times as much (bench/ledger.py)."""
PAGES = 64
"""Pages read at a time: no read transaction stays open while the caller works."""


_Row = tuple[Fact, str, bytes]
"""A fact, its time as text, its bytes."""


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

    def append(self, facts: Iterable[Fact], unless: Callable[[], bool] | None = None) -> list[Entry]:
        """Append a group, all or nothing; gives the entries that are new. Facts whose id the ledger holds are left out.

        `unless`: asked when nobody else can append any more; where it is so, nothing is written. It reads the ledger and waits for nothing.
        Raises: LedgerError (a full disk, a value that is not JSON); then nothing of the group was written.
        """
        unique: dict[str, Fact] = {}
        for fact in facts:
            unique.setdefault(fact.id, fact)  # the first of one id counts
        if not unique:
            return []
        group = list(unique.values())
        times = rfc3339_all([fact.time for fact in group])
        rows = list(zip(group, times, encode_all(group, times), strict=True))
        with self._transaction():
            return [] if unless and unless() else self._append(rows)

    def _append(self, rows: list[_Row]) -> list[Entry]:
        """Within a transaction: the entries of these facts that are new."""
        edge = self._edge()
        first = edge.size
        keys = schema.keys([fact.id for fact, _, _ in rows])
        before = self._connection.total_changes
        self._connection.execute("SAVEPOINT keys")
        self._insert_keys(keys, first)
        if self._connection.total_changes - before < len(keys):  # some are held, or two ids have one key
            self._connection.execute("ROLLBACK TO keys")
            rows = self._new(rows, first)
        self._connection.execute("RELEASE keys")
        if not rows:
            return []
        pages, kinds = [], []
        for start in range(0, len(rows), schema.PAGE_FACTS):
            page = rows[start : start + schema.PAGE_FACTS]
            pages.append((first + start, len(page), b"\n".join([raw for _, _, raw in page])))
            spans = schema.kinds_of([fact.kind for fact, _, _ in page], [time for _, time, _ in page])
            kinds += [(kind, first + start, *span) for kind, span in spans.items()]
        self._connection.executemany("INSERT INTO pages VALUES (?, ?, ?)", pages)
        self._connection.executemany("INSERT INTO kinds VALUES (?, ?, ?, ?)", kinds)
        runs = edge.extend(merkle.leaf_hashes([raw for _, _, raw in rows]))
        self._connection.executemany("INSERT INTO nodes VALUES (?, ?)", _rows(runs))
        self._frontier = edge
        return [Entry(seq, fact) for seq, (fact, _, _) in enumerate(rows, first)]

    def _insert_keys(self, keys: Sequence[int], first: int) -> None:
        self._connection.executemany("INSERT OR IGNORE INTO ids VALUES (?, ?)", sorted(zip(keys, count(first))))

    def _new(self, rows: list[_Row], first: int) -> list[_Row]:
        """Those whose ids are not held, each now found by its key."""
        new: list[_Row] = []
        added: dict[int, str] = {}
        for row in rows:
            fact_id = unicodedata.normalize("NFC", row[0].id)
            place, seq = self._place(fact_id, added)
            if seq is None:
                added[place] = fact_id
                self._insert_keys([place], first + len(new))
                new.append(row)
        return new

    def sign(self, time: datetime) -> Head:
        """Sign the ledger as it stands and keep the head. Time may not run backwards, and a changed history is not signed.

        Raises: LedgerError (no signer, an earlier time than the last head's, a tree that does not continue the last head).
        """
        with self._transaction():
            return self._sign(time)

    def rotate(self, successor: Signer, time: datetime) -> Head:
        """Tell in the ledger that `successor` signs from now on, under a last head of the present key, which it gives.

        Raises: LedgerError as `sign` does, or where the key does not change; then nothing was written.
        """
        if self._signer is None or successor.public == self._signer.public:
            raise LedgerError(f"{self.path}: a rotation is from the key that signs to another one")
        old, new, at = self._signer.public, successor.public, rfc3339(time)
        told = statement(self.origin, old, new, at)
        body = body_of(old, new, self._signer.sign_bytes(told), successor.sign_bytes(told))
        fact = Fact(f"{ROTATED}/{new.fingerprint}", ROTATED, time, "engine", body)
        with self._transaction():
            if not self._append([(fact, at, encode(fact, at))]):
                raise LedgerError(f"{self.path}: this key signed here before; make a new one")
            head = self._sign(time)
        self._signer = successor
        return head

    def _sign(self, time: datetime) -> Head:
        if self._signer is None:
            raise LedgerError(f"{self.path}: opened without a key, so it cannot be signed")
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
            if (last.size, last.time, last.key_id) == (size, time, self._signer.public.key_id(self.origin)):
                return last
        head = self._signer.sign(self.origin, size, merkle.root(self._read, size), time)
        self._connection.execute("INSERT INTO heads (note) VALUES (?)", (head.note,))
        return head

    # --- reading

    @property
    def size(self) -> int:
        """How many entries there are."""
        with self._errors():
            row = self._connection.execute("SELECT first + count FROM pages ORDER BY first DESC LIMIT 1").fetchone()
        return row[0] if row else 0

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
            return {fact_id for fact_id in ids if self._place(fact_id)[1] is not None}

    def entry(self, seq: int) -> Entry | None:
        """The entry at a place, or None."""
        raw = self.raw(seq)
        return None if raw is None else Entry(seq, decode(raw))

    def raw(self, seq: int) -> bytes | None:
        """The bytes of the entry at a place, of which its leaf hash is made, or None."""
        page = self._pages("first <= ? ORDER BY first DESC LIMIT 1", (seq,))
        first, lines = page[0] if page else (0, [])
        return lines[seq - first] if 0 <= seq - first < len(lines) else None

    def by_id(self, fact_id: str) -> Entry | None:
        """The entry of a fact, or None."""
        with self._errors():
            _, seq = self._place(fact_id)
        return None if seq is None else self.entry(seq)

    def last(self, kind: str) -> Entry | None:
        """The newest fact of a kind."""
        found = self._pages("first = (SELECT max(first) FROM kinds WHERE kind = ?)", (kind,))
        return next((e for first, lines in found for e in reversed(_of_kinds(first, lines, {kind}))), None)

    def entries(
        self,
        after: int = -1,
        kinds: Iterable[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Entry]:
        """Entries in order: those beyond `after`, of these kinds, with a time from `since` (inclusive) to `until` (exclusive)."""
        if kinds is None and since is None and until is None:
            for first, lines in self.pages(after):
                yield from (Entry(seq, decode(raw)) for seq, raw in enumerate(lines, first))
            return
        where, values = ["first > ?"], [after - schema.PAGE_FACTS]  # type: list[str], list[int | str]
        wanted = None if kinds is None else set(kinds)
        if wanted is not None:
            where.append("kind IN (SELECT value FROM json_each(?))")
            values.append(_json(list(wanted)))
        start, end = (None if moment is None else rfc3339(moment) for moment in (since, until))
        for test, bound in (("latest >= ?", start), ("earliest < ?", end)):
            if bound is not None:
                where.append(test)
                values.append(bound)
        query = f"SELECT DISTINCT first FROM kinds WHERE {' AND '.join(where)} ORDER BY first"  # noqa: S608  fixed words only
        with self._errors():
            firsts = [row[0] for row in self._connection.execute(query, values)]
        for some in range(0, len(firsts), PAGES):
            chosen = _json(firsts[some : some + PAGES])
            for first, lines in self._pages("first IN (SELECT value FROM json_each(?)) ORDER BY first", (chosen,)):
                found = _of_kinds(first, [b"" if _outside(raw, start, end) else raw for raw in lines], wanted)
                yield from (entry for entry in found if entry.seq > after)

    def pages(self, after: int = -1) -> Iterator[tuple[int, list[bytes]]]:
        """The bytes of all entries beyond `after`, in pages: (sequence number of the first, bytes of each)."""
        held = self._pages("first <= ? ORDER BY first DESC LIMIT 1", (after + 1,))
        if held and held[0][0] + len(held[0][1]) > after + 1:
            yield after + 1, held[0][1][after + 1 - held[0][0] :]
            after = held[0][0] + len(held[0][1]) - 1
        while some := self._pages("first > ? ORDER BY first LIMIT ?", (after, PAGES)):
            yield from some
            after = some[-1][0] + len(some[-1][1]) - 1

    def leaves(self, size: int) -> Iterator[bytes]:
        """The leaf hashes of the first `size` entries."""
        for first in range(0, size, PAGES * schema.RUN_HASHES):
            yield from self._read(0, first, min(PAGES * schema.RUN_HASHES, size - first))

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

    def _place(self, fact_id: str, added: Mapping[int, str] | None = None) -> tuple[int, int | None]:
        """The key by which a fact is found and its entry; where it is not held, the key that is free for it, and None.

        Two ids of one key (2^-64, or somebody took pains) stand on neighbouring keys; nothing is ever taken away between them. `added`:
        those of this very group, whose pages are not there yet.
        """
        fact_id = unicodedata.normalize("NFC", fact_id)
        place, pending = schema.key(fact_id), added or {}
        while row := self._connection.execute("SELECT seq FROM ids WHERE key = ?", (place,)).fetchone():
            held = pending.get(place)
            if held is None:
                entry = self.entry(row[0])
                held = entry.fact.id if entry else None
            if held == fact_id:
                return place, row[0]
            place += 1
        return place, None

    def _pages(self, where: str, values: Sequence[object]) -> list[tuple[int, list[bytes]]]:
        with self._errors():
            found = self._connection.execute(f"SELECT first, facts FROM pages WHERE {where}", values).fetchall()  # noqa: S608  fixed words only
        return [(first, facts.split(b"\n")) for first, facts in found]

    def _read(self, level: int, first: int, count: int) -> list[bytes]:
        """Hashes of one level, from as few rows as hold them."""
        found: list[bytes] = []
        with self._errors():
            rows = self._connection.execute(
                "SELECT place, hashes FROM nodes WHERE place BETWEEN ? AND ? ORDER BY place DESC",
                (schema.place(level, 0), schema.place(level, first + count - 1)),
            )
            for at, hashes in rows:
                start = at - schema.place(level, 0)
                inside = hashes[max(0, first - start) * 32 : (first + count - start) * 32]
                found += [inside[n : n + 32] for n in range(len(inside) - 32, -1, -32)]
                if start <= first:
                    break
            rows.close()
        return found[::-1]


def _rows(runs: Iterable[tuple[int, int, list[bytes]]]) -> Iterator[tuple[int, bytes]]:
    """The rows of `nodes` for runs of hashes."""
    for level, number, hashes in runs:
        for start in range(0, len(hashes), schema.RUN_HASHES):
            yield schema.place(level, number + start), b"".join(hashes[start : start + schema.RUN_HASHES])


def _of_kinds(first: int, lines: Sequence[bytes], kinds: set[str] | None) -> list[Entry]:
    """The entries of a page that are of these kinds; an empty line is none. Only lines that name a kind are read."""
    marks = None if kinds is None else [b'"kind":' + canonical(kind) for kind in kinds]
    read = (
        Entry(seq, decode(raw))
        for seq, raw in enumerate(lines, first)
        if raw and (marks is None or any(mark in raw for mark in marks))
    )
    return [entry for entry in read if kinds is None or entry.fact.kind in kinds]


def _outside(raw: bytes, start: str | None, end: str | None) -> bool:
    """Whether a fact's time, which its canonical form ends in, is not within."""
    time = raw[-29:-2].decode("ascii", "replace")
    return (start is not None and time < start) or (end is not None and time >= end)


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
    if not path.exists():
        path.touch()  # as the umask has it; SQLite would leave the group out
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
