"""Journal offsets in, documents out: the local `EventStore` is an index in SQLite; the events stay in the journal and are read there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path

import msgspec

from collectors.event import ENVELOPE, Event, Value
from collectors.journal import JournalReader
from soc.store import EventQuery, Indexed
from soc.store.columns import micros
from soc.store.fetching import fetch
from soc.store.matching import holds, text_of
from soc.store.sqlite import Database

VERSION = 1

MAX_WORDS_IN_MEMORY = 100_000
"""Distinct names whose number is remembered; an attacker who invents host names costs look-ups, not memory."""

MAX_BLOCK = 4096
"""Events that are read from the journal in one go and held in memory during a search."""

_SCHEMA = """
CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL, several INTEGER NOT NULL, UNIQUE (text, several));
CREATE TABLE event (
    offset INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, time_us INTEGER NOT NULL,
    source INTEGER NOT NULL, dataset INTEGER NOT NULL, host INTEGER NOT NULL
);
CREATE INDEX event_time ON event (time_us);
CREATE INDEX event_of_dataset ON event (dataset, time_us);
CREATE INDEX event_of_host ON event (host, time_us)
"""

_IDS_AT_ONCE = 500
"""Below what any SQLite takes as parameters of one statement."""

_WIDTH = 6
_ROWS = 100
"""Rows of one statement, during which SQLite leaves the interpreter to the other threads; one by one they took a quarter longer."""

_COLUMNS = {
    "soc.source": ("source = ?", "source IN (SELECT value FROM json_each(?))"),
    "event.dataset": ("dataset = ?", "dataset IN (SELECT value FROM json_each(?))"),
    "host.name": ("host = ?", "host IN (SELECT value FROM json_each(?))"),
}
"""Fields that have a column, which holds the number of a word: the condition on one word, and on several."""


class LocalEventStore:
    """`EventStore` in SQLite over the journal. A search by other fields than the indexed ones reads the events of its time range."""

    def __init__(self, path: Path, journal: JournalReader) -> None:
        """Opens the index, made when absent. Raises: SocError, UnreachableError."""
        self._database = Database(path, _SCHEMA, VERSION)
        self._journal = journal
        self._words: dict[str, int] = {}

    def index(self, events: Sequence[Event], first_offset: int) -> Indexed:
        """See EventStore. Raises: SocError also where another event stands at one of the offsets: the index of another journal."""
        try:
            with self._database.writing() as connection:
                stored = 0
                for start in range(0, len(events), _ROWS):
                    some = events[start : start + _ROWS]
                    values = self._values(connection, some, first_offset + start)
                    stored += connection.execute(_insert(len(some)), values).rowcount
        except BaseException:
            self._words.clear()  # numbers that were given in the transaction are gone with it
            raise
        return Indexed(stored, len(events) - stored)

    def event(self, event_id: str) -> dict[str, Value] | None:
        """See EventStore."""
        try:
            key = bytes.fromhex(event_id)
        except ValueError:
            return None
        with self._database.reading() as connection:
            row = connection.execute("SELECT offset FROM event WHERE id = ?", (key,)).fetchone()
        found = fetch(self._journal, row) if row else iter(())
        return next((event.document() for _, event in found), None)

    def held(self, event_ids: Sequence[str]) -> set[str]:
        """See EventStore."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for at in range(0, len(event_ids), _IDS_AT_ONCE):
                keys = [bytes.fromhex(each) for each in event_ids[at : at + _IDS_AT_ONCE]]
                marks = ",".join("?" * len(keys))
                rows = connection.execute(f"SELECT id FROM event WHERE id IN ({marks})", keys)  # noqa: S608  question marks
                found.update(bytes(row[0]).hex() for row in rows)
        return found

    def search(self, query: EventQuery) -> list[dict[str, Value]]:
        """See EventStore."""
        if query.limit < 1:
            return []
        return list(islice(self._found(query), query.limit))

    def count(self) -> int:
        """See EventStore."""
        with self._database.reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
        return int(count)

    def close(self) -> None:
        """See EventStore."""
        self._database.close()

    def _found(self, query: EventQuery) -> Iterator[dict[str, Value]]:
        """Documents that fit, newest first; reads as many events as are asked for, then ever more while they do not fit."""
        of_record = holds({field: wanted for field, wanted in query.equals.items() if field not in ENVELOPE})
        of_envelope = holds({field: wanted for field, wanted in query.equals.items() if field in ENVELOPE})
        with self._database.reading() as connection:
            candidates = _candidates(connection, query)
            size = query.limit
            while rows := candidates.fetchmany(min(size, MAX_BLOCK)):
                for _, event in fetch(self._journal, [offset for (offset,) in rows]):
                    if of_record(event.fields) and of_envelope(document := event.document()):
                        yield document
                size *= 4

    def _values(self, connection: sqlite3.Connection, events: Sequence[Event], first: int) -> list[object]:
        """The columns of one row after the other."""
        known = self._words
        values: list[object] = []
        for offset, event in enumerate(events, first):
            dataset, host = event.fields.get("event.dataset"), event.fields.get("host.name")
            values += (
                offset,
                bytes.fromhex(event.id),
                micros(event.time),
                known.get(event.source) or self._word(connection, event.source),
                (known.get(dataset) if type(dataset) is str else None) or self._word(connection, dataset),
                (known.get(host) if type(host) is str else None) or self._word(connection, host),
            )
        return values

    def _word(self, connection: sqlite3.Connection, value: Value) -> int:
        text, several = _word_of(value)
        if not several and text in self._words:
            return self._words[text]
        connection.execute("INSERT INTO word (text, several) VALUES (?, ?) ON CONFLICT DO NOTHING", (text, several))
        (number,) = connection.execute("SELECT id FROM word WHERE text = ? AND several = ?", (text, several)).fetchone()
        if not several and len(self._words) < MAX_WORDS_IN_MEMORY:
            self._words[text] = number
        return int(number)


@cache
def _insert(rows: int) -> str:
    """The statement that inserts so many."""
    row = f"({', '.join('?' * _WIDTH)})"
    return f"INSERT INTO event VALUES {', '.join([row] * rows)} ON CONFLICT (id) DO NOTHING"  # noqa: S608  question marks only


def _word_of(value: Value) -> tuple[str, bool]:
    if isinstance(value, list):
        return msgspec.json.encode(value).decode(), True
    return "" if value is None else text_of(value), False


def _candidates(connection: sqlite3.Connection, query: EventQuery) -> sqlite3.Cursor:
    """Offsets, newest first, of all events that can fit; whether they do, the document decides."""
    conditions: list[str] = []
    values: list[object] = []
    if query.since is not None:
        conditions.append("time_us >= ?")
        values.append(micros(query.since))
    if query.until is not None:
        conditions.append("time_us < ?")
        values.append(micros(query.until))
    for field, (equal, among) in _COLUMNS.items():
        if field in query.equals:
            numbers = _numbers(connection, query.equals[field])
            one = len(numbers) == 1  # keeps the order of the index; several have to be sorted
            conditions.append(equal if one else among)
            values.append(numbers[0] if one else msgspec.json.encode(numbers).decode())
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    statement = f"SELECT offset FROM event {where} ORDER BY time_us DESC, offset DESC"  # noqa: S608  conditions are ours, values are bound
    return connection.execute(statement, values)


def _numbers(connection: sqlite3.Connection, wanted: Value) -> list[int]:
    """Numbers of the words that can equal what is wanted: those of the same text, and every list."""
    texts = [_word_of(element)[0] for element in (wanted if isinstance(wanted, list) else [wanted])]
    statement = "SELECT id FROM word WHERE several OR text IN (SELECT value FROM json_each(?))"
    return [number for (number,) in connection.execute(statement, (msgspec.json.encode(texts).decode(),))]
