"""The ledger's tables: what a file must look like to be one, and the statements that make it so.

`pages`: facts in their bytes, a line each, those of one group together. `kinds` and `ids`: by what facts are searched, by page
and by the first 8 bytes of the SHA-256 of their id. `nodes`: the Merkle tree, leaves (level 0) included, in runs of one level; apart
from the facts, so that each tells on the other. `heads`: signed notes. Nothing may be updated or deleted; that keeps honest programs
honest, the tree and the signatures are for the others.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Sequence
from hashlib import sha256
from struct import unpack

APPLICATION_ID = 0x15027001
VERSION = 2

PAGE_FACTS = 128
"""Facts of a page at most: one entry is read with its page."""
RUN_HASHES = 256
"""Hashes of a row of `nodes` at most: a proof reads a few of them."""

_TABLES = (
    "CREATE TABLE about (origin TEXT NOT NULL) STRICT",
    "CREATE TABLE pages (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, facts BLOB NOT NULL) STRICT",
    """CREATE TABLE kinds (
        kind TEXT NOT NULL,
        first INTEGER NOT NULL,
        earliest TEXT NOT NULL,
        latest TEXT NOT NULL,
        PRIMARY KEY (kind, first)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX kinds_by_time ON kinds (kind, latest)",
    "CREATE TABLE ids (key INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT",
    "CREATE TABLE nodes (place INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT",
    "CREATE TABLE heads (number INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT",
)
_TRIGGERS = tuple(
    f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for table in ("about", "pages", "kinds", "ids", "nodes", "heads")
    for verb in ("UPDATE", "DELETE")
)


def place(level: int, number: int) -> int:
    """The key of a run of tree nodes that begins with this one: levels apart, the nodes of one level in order."""
    return level << 56 | number


def key(fact_id: str) -> int:
    """By what a fact's id is found; ids that differ only in their Unicode form are one, as they are in a fact's bytes."""
    return keys([fact_id])[0]


def keys(fact_ids: Sequence[str]) -> list[int]:
    """`key` of each."""
    if not "".join(fact_ids).isascii():
        fact_ids = [unicodedata.normalize("NFC", fact_id) for fact_id in fact_ids]
    firsts = b"".join([sha256(fact_id.encode()).digest()[:8] for fact_id in fact_ids])
    return list(unpack(f">{len(fact_ids)}q", firsts))


def kinds_of(kinds: Sequence[str], times: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Of facts with these kinds and times (as text) each kind with its earliest and its latest time."""
    found: dict[str, list[str]] = {kind: [] for kind in sorted(set(kinds))}
    for kind, time in zip(kinds, times, strict=True):
        found[kind].append(time)
    return {kind: (min(own), max(own)) for kind, own in found.items()}


def create(connection: sqlite3.Connection, origin: str) -> None:
    """Make the tables in an empty file, within the caller's transaction."""
    for statement in (*_TABLES, *_TRIGGERS):
        connection.execute(statement)
    connection.execute("INSERT INTO about VALUES (?)", (origin,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever made in this file."""
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,))


def is_ledger(connection: sqlite3.Connection) -> bool:
    """Whether this file says that it is a ledger of this version."""
    pragmas = ("application_id", "user_version")
    return tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas) == (APPLICATION_ID, VERSION)


def changed(connection: sqlite3.Connection) -> list[str]:
    """Names of what differs from the tables and triggers as they were made: a dropped trigger, a table altered."""
    with_name = {statement.split(" ")[2]: statement for statement in (*_TABLES, *_TRIGGERS)}
    found = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return sorted(name for name in with_name.keys() | found.keys() if with_name.get(name) != found.get(name))
