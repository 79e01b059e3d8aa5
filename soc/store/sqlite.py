"""One SQLite file in WAL mode: any number of readers, in other processes too, that neither wait for the writer nor make it wait.

Source of truth: sqlite.org/wal.html. `synchronous=FULL`, because the caller acknowledges what is committed here: with NORMAL a power cut
takes the last commits along (one fsync a batch is what that costs).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from soc.errors import SocError, UnreachableError

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another process that writes."""

CACHE_KIB = 65_536
READERS_CACHE_KIB = 256
"""Of each thread that reads: the system keeps the file's pages already, and a list of a million alerts goes through all of an index."""

CHECKPOINT_PAGES = 16_000
"""Of the writer (64 MB each): pages of an index over random ids are written back once and not at every batch, 1.4 to 1.6 times as fast."""


class Database:
    """Connections to one file: one that writes (one transaction at a time), one a thread that reads. A forked child opens its own."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        """Opens the file, made when absent; a file of another schema `version` is emptied and made anew: it can be rebuilt from the logs.

        Raises: SocError where it is not a database; UnreachableError where it cannot be opened or written now.
        """
        self.path = path
        self._lock = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._forget()
        if path.exists():  # a reader that opens the file waits for nobody
            with self.reading() as connection:
                if _version(connection) == version:
                    return
        with self.writing() as connection:
            if _version(connection) != version:
                _empty(connection)
                for statement in schema.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file for each statement. Raises: as writing."""
        with self._refusals():
            self._check_process()
            connection: sqlite3.Connection | None = getattr(self._readers, "connection", None)
            if connection is None:
                connection = self._connect(f"file:{quote(str(self.path.absolute()))}?mode=ro{self._frozen()}")
                connection.execute(f"PRAGMA cache_size = -{READERS_CACHE_KIB}")
                self._readers.connection = connection
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or, where an exception leaves the block, nothing.

        Raises: UnreachableError where the file cannot be written now (disk full, locked: worth a retry), SocError where it is no database.
        """
        with self._lock, self._refusals():
            self._check_process()
            connection = self._writer = self._writer or self._connect_writer()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Release the connections of every thread."""
        with self._lock:
            self._check_process()
            for connection in self._open:
                connection.close()
            self._forget()

    def _frozen(self) -> str:
        """For a copy in a folder that nobody writes: without a log beside it the file is read as it stands."""
        log = self.path.with_name(self.path.name + "-wal")
        return "" if os.access(self.path.parent, os.W_OK) or log.exists() else "&immutable=1"

    def _connect_writer(self) -> sqlite3.Connection:
        if not self.path.exists():
            with suppress(OSError):  # SQLite says what is wrong with the place
                self.path.touch()  # as the umask has it; SQLite would leave the group out
        connection = self._connect(f"file:{quote(str(self.path.absolute()))}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        return connection

    def _connect(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        self._open.append(connection)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        return connection

    def _check_process(self) -> None:
        if self._process != os.getpid():
            self._parents = self._open  # kept, not closed: they are the parent's
            self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._open: list[sqlite3.Connection] = []
        self._writer = None
        self._readers = threading.local()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise UnreachableError(f"{self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise SocError(f"{self.path}: {error}") from error


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _empty(connection: sqlite3.Connection) -> None:
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for (name,) in tables:
        connection.execute(f'DROP TABLE "{name}"')
