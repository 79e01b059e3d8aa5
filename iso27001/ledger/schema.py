"""The ledger's tables: what a file must look like to be one, and the statements that make it so.

`entries`: facts in their bytes, with copies of what is searched by. `nodes`: the Merkle tree by `place`, leaves (level 0) included;
apart from the entries, so that each tells on the other. `heads`: signed notes. Nothing may be updated or deleted; that keeps honest
programs honest, the tree and the signatures are for the others.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x15027001
VERSION = 1

_TABLES = (
    "CREATE TABLE about (origin TEXT NOT NULL) STRICT",
    """CREATE TABLE entries (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        time TEXT NOT NULL,
        actor TEXT NOT NULL,
        fact BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX entries_by_kind ON entries (kind, time)",
    "CREATE TABLE nodes (place INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT",
    "CREATE TABLE heads (number INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT",
)
_TRIGGERS = tuple(
    f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for table in ("about", "entries", "nodes", "heads")
    for verb in ("UPDATE", "DELETE")
)


def place(level: int, number: int) -> int:
    """The key of a tree node: levels apart, the nodes of one level in order."""
    return level << 56 | number


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
