"""Ledger entries in, alerts and incidents by id and in the order of triage out: the projections as one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from iso27001.ledger import Entry
from soc.alert import Alert
from soc.alert.scoring import RuleRecord
from soc.detect import Level
from soc.incident import Incident
from soc.store import AlertQuery, Facet
from soc.store.columns import COLUMN_OF, alert_columns, incident_columns, micros, rule_records, words
from soc.store.folding import ALERTS, INCIDENTS, N, Standing, View, batches, folded, touched_ids
from soc.store.ids import PER, SEPARATOR, packed
from soc.store.sqlite import Database
from soc.store.wording import SCHEMA, narrowed, wordings

VERSION = 5
"""Of the schema and of what the fold writes: another one and the file is emptied, so that the next `apply` rebuilds it."""

PART = 2 * PER
"""Ids read in one go: a list of a million is never there as text, and the painting thread never waits for more than this."""

_ORDER = "risk DESC, last_seen_us DESC, id"
_TESTED = "status, level, snoozed_us, suppressed"
"""Columns that most queries ask of every alert: an index that has them is read alone."""

_SCHEMA = f"""
CREATE TABLE ledger (applied INTEGER NOT NULL);
INSERT INTO ledger VALUES (0);
CREATE TABLE alert (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, level INTEGER NOT NULL, risk INTEGER NOT NULL, last_seen_us INTEGER NOT NULL,
    incident_id TEXT NOT NULL, search TEXT NOT NULL, assignee TEXT NOT NULL, system TEXT NOT NULL,
    entity TEXT NOT NULL, rule_id TEXT NOT NULL, reason TEXT NOT NULL,
    opened_us INTEGER NOT NULL, due_us INTEGER NOT NULL, snoozed_us INTEGER NOT NULL, suppressed INTEGER NOT NULL, noun BLOB NOT NULL
);
CREATE INDEX alert_of_rule ON alert (opened_us, rule_id, reason);
CREATE INDEX alert_triage ON alert ({_ORDER}, {_TESTED}, search);
CREATE INDEX alert_of_entity ON alert (entity, {_ORDER}, {_TESTED});
CREATE INDEX alert_by_rule ON alert (rule_id, {_ORDER}, {_TESTED});
CREATE INDEX alert_of_system ON alert (system, {_ORDER}, {_TESTED});
CREATE INDEX alert_of_assignee ON alert (assignee, {_ORDER}, {_TESTED}) WHERE assignee <> '';
CREATE INDEX alert_of_incident ON alert (incident_id) WHERE incident_id <> '';
CREATE TABLE incident (
    id TEXT PRIMARY KEY, closed INTEGER NOT NULL, risk INTEGER NOT NULL, last_seen_us INTEGER NOT NULL, noun BLOB NOT NULL
);
CREATE INDEX incident_order ON incident (closed, risk DESC, last_seen_us DESC, id);
{SCHEMA}
"""  # noqa: S608  no values


class LocalProjections:
    """`Projections` in SQLite: each batch of entries is folded in one transaction together with `applied`."""

    def __init__(self, path: Path) -> None:
        """Opens the file, made when absent. Raises: SocError, UnreachableError."""
        self._database = Database(path, _SCHEMA, VERSION)

    def applied(self) -> int:
        """See Projections."""
        with self._database.reading() as connection:
            return _applied(connection)

    def apply(self, entries: Iterable[Entry]) -> None:
        """See Projections."""
        for batch in batches(entries, self.applied()):
            with self._database.writing() as connection:
                due = batch[max(0, _applied(connection) - batch[0].seq) :]  # another process may have been faster
                if due:
                    _write_alerts(connection, _fold(connection, ALERTS, "alert", due))
                    _write_incidents(connection, _fold(connection, INCIDENTS, "incident", due))
                    connection.execute("UPDATE ledger SET applied = ?", (due[-1].seq + 1,))

    def alert_ids(self, query: AlertQuery) -> Sequence[str]:
        """See Projections."""
        with self._database.reading() as connection:
            connection.execute("BEGIN")  # every part is of one state
            try:
                return packed(_parts(connection, query))
            finally:
                connection.execute("COMMIT")

    def alert_count(self, query: AlertQuery) -> int:
        """See Projections."""
        with self._database.reading() as connection:
            where, values = _conditions(connection, query)
            (count,) = connection.execute(f"SELECT count(*) FROM alert {where}", values).fetchone()  # noqa: S608  conditions are ours
        return int(count)

    def facets(self, query: AlertQuery, facet: Facet, limit: int) -> list[tuple[str, int]]:
        """See Projections."""
        column = COLUMN_OF[facet]
        with self._database.reading() as connection:
            where, values = _conditions(connection, query)
            statement = (
                f"SELECT {column}, count(*) AS n FROM alert {where} GROUP BY {column} ORDER BY n DESC, {column} LIMIT ?"  # noqa: S608
            )
            counts = connection.execute(statement, (*values, limit)).fetchall()
        levels = list(Level)
        return [(levels[value].value if facet is Facet.LEVEL else value, count) for value, count in counts]

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """See Projections."""
        with self._database.reading() as connection:
            found = _nouns(connection, ALERTS, "alert", ids)
        return [found[alert_id] for alert_id in ids if alert_id in found]

    def rule_records(self, since: datetime) -> dict[str, RuleRecord]:
        """See Projections."""
        statement = "SELECT rule_id, reason, count(*) FROM alert WHERE opened_us >= ? GROUP BY rule_id, reason"
        with self._database.reading() as connection:
            return rule_records(connection.execute(statement, (micros(since),)))

    def incident_ids(self) -> Sequence[str]:
        """See Projections."""
        statement = "SELECT id FROM incident ORDER BY closed, risk DESC, last_seen_us DESC, id"
        with self._database.reading() as connection:
            return [incident_id for (incident_id,) in connection.execute(statement)]

    def incidents(self, ids: Sequence[str]) -> list[Incident]:
        """See Projections."""
        with self._database.reading() as connection:
            found = _nouns(connection, INCIDENTS, "incident", ids)
        return [found[incident_id] for incident_id in ids if incident_id in found]

    def reset(self) -> None:
        """See Projections."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM alert")
            connection.execute("DELETE FROM incident")
            connection.execute("DELETE FROM wording")
            connection.execute("UPDATE ledger SET applied = 0")

    def close(self) -> None:
        """See Projections."""
        self._database.close()


def _applied(connection: sqlite3.Connection) -> int:
    (applied,) = connection.execute("SELECT applied FROM ledger").fetchone()
    return int(applied)


_PLACE = "SELECT risk, last_seen_us, risk, last_seen_us, id FROM alert WHERE id = ?"


def _parts(connection: sqlite3.Connection, query: AlertQuery) -> Iterator[str]:
    """The ids that fit, PART at a time; each part goes on in the order of triage where the one before ended."""
    where, values = _conditions(connection, query)
    left, after = query.limit, ""
    place: tuple[object, ...] = ()
    while left is None or left > 0:
        wanted = PART if left is None else min(left, PART)
        ordered = f"SELECT id FROM alert {where}{after} ORDER BY {_ORDER} LIMIT ?"  # noqa: S608  conditions are ours, values are bound
        statement = f"SELECT coalesce(group_concat(id, '{SEPARATOR}'), ''), count(*) FROM ({ordered})"  # noqa: S608
        part, count = connection.execute(statement, (*values, *place, wanted)).fetchone()
        yield part
        if count < wanted:
            return
        last = part.rpartition(SEPARATOR)[2]
        place = connection.execute(_PLACE, (last,)).fetchone()
        after = f" {'AND' if where else 'WHERE'} (risk, last_seen_us) <= (?, ?) AND ((risk, last_seen_us) < (?, ?) OR id > ?)"
        left = None if left is None else left - count


def _conditions(connection: sqlite3.Connection, query: AlertQuery) -> tuple[str, list[object]]:
    """What an alert that fits meets, as SQL."""
    conditions, values = _of_columns(query)
    asked = words(query.text)
    rare, held = narrowed(connection, asked)
    if rare:
        conditions.append(rare)
        values += held
    for word in asked:  # instr and not LIKE: no character of a word is a wildcard
        conditions.append("instr(search, ?) > 0")
        values.append(word)
    return f"WHERE {' AND '.join(conditions)}" if conditions else "", values


def _of_columns(query: AlertQuery) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if query.statuses:
        conditions.append(f"status IN ({', '.join('?' * len(query.statuses))})")
        values += sorted(query.statuses)
    if query.levels:
        conditions.append(f"level IN ({', '.join('?' * len(query.levels))})")
        values += sorted(level.rank for level in query.levels)
    if query.since is not None:
        conditions.append("last_seen_us >= ?")
        values.append(micros(query.since))
    if query.until is not None:
        conditions.append("last_seen_us < ?")
        values.append(micros(query.until))
    if query.incident_id:
        conditions.append(
            "incident_id = ? AND incident_id <> ''"
        )  # said, so that the index of those that have one is taken
        values.append(query.incident_id)
    for having in query.having:
        conditions.append(f"{COLUMN_OF[having.facet]} {'=' if having.wanted else '<>'} ?")
        values.append(Level(having.value).rank if having.facet is Facet.LEVEL else having.value)
        if having.facet is Facet.ASSIGNEE and having.wanted and having.value:
            conditions.append("assignee <> ''")
    for test, moment in (
        ("opened_us >= ?", query.opened_since),
        ("due_us < ?", query.due_before),
        ("snoozed_us <= ?", query.awake_at),
    ):
        if moment is not None:
            conditions.append(test)
            values.append(micros(moment))
    if query.suppressed is not None:
        conditions.append("suppressed = ?")
        values.append(query.suppressed)
    return conditions, values


def _nouns(connection: sqlite3.Connection, view: View[N], table: str, ids: Sequence[str]) -> dict[str, N]:
    statement = f"SELECT id, noun FROM {table} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608  a table of ours
    rows = connection.execute(statement, (msgspec.json.encode(list(ids)).decode(),))
    decoder = msgspec.json.Decoder(view.noun)
    return {noun_id: decoder.decode(noun) for noun_id, noun in rows}


def _fold(connection: sqlite3.Connection, view: View[N], table: str, entries: Sequence[Entry]) -> dict[str, N]:
    ids = touched_ids(view, entries)
    before = entries[0].seq - 1  # the transaction keeps nouns and `applied` in step
    standing = {noun_id: Standing(noun, before) for noun_id, noun in _nouns(connection, view, table, ids).items()}
    return {noun_id: after.noun for noun_id, after in folded(view, entries, standing).items()}


def _write_alerts(connection: sqlite3.Connection, alerts: dict[str, Alert]) -> None:
    rows = []
    worded: set[tuple[str, str, str]] = set()
    for alert in alerts.values():
        c = alert_columns(alert)
        worded.update(wordings(alert, c))
        found_by = (alert.id, c.status, Level(c.level).rank, c.risk, c.last_seen_us, c.incident_id, c.search)
        more = (c.assignee, c.system, c.entity, c.rule_id, c.reason, c.opened_us, c.due_us, c.snoozed_us, c.suppressed)
        rows.append((*found_by, *more, msgspec.json.encode(alert)))
    connection.executemany(f"INSERT OR REPLACE INTO alert VALUES ({', '.join('?' * 17)})", rows)  # noqa: S608  question marks only
    connection.executemany("INSERT OR IGNORE INTO wording VALUES (?, ?, ?)", sorted(worded))


def _write_incidents(connection: sqlite3.Connection, incidents: dict[str, Incident]) -> None:
    rows = []
    for incident in incidents.values():
        c = incident_columns(incident)
        rows.append((incident.id, c.closed, c.risk, c.last_seen_us, msgspec.json.encode(incident)))
    connection.executemany("INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?, ?)", rows)
