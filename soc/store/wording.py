"""Words of a search in, the alerts that can hold them out: what alerts are worded with, each wording once, in a table beside them.

Many alerts share few wordings (titles of rules, entities, systems), so a rare word is looked for there and not in every alert. A wording
stays when no alert has it any longer: it leads to none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from soc.alert import Alert
from soc.store.columns import AlertColumns, folded

SCHEMA = """
CREATE TABLE wording (of TEXT NOT NULL, value TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (of, value, text)) WITHOUT ROWID"""

VALUES = 500
"""Wordings of one word: where more hold it, it is no rare one."""

FEW = 20_000
"""Alerts that are found by their values and then sorted; for more of them the order of triage is gone through, which is sorted."""

_ANY = ""
"""What labels and assignees are the wording of: of no column that has an index of them."""


def wordings(alert: Alert, columns: AlertColumns) -> Iterable[tuple[str, str, str]]:
    """Of which column, which value of it, the text: together all that `AlertColumns.search` has of the alert."""
    yield "rule_id", columns.rule_id, folded(alert.title)
    yield "entity", columns.entity, folded(str(alert.entity))
    yield "system", columns.system, folded(alert.system)
    for text in (*alert.labels, alert.assignee):
        yield _ANY, "", folded(text)


def narrowed(connection: sqlite3.Connection, words: Sequence[str]) -> tuple[str, list[object]]:
    """A condition that every alert meets that holds all of these words, and its values; "" where none of the words is rare."""
    for word in words:
        statement = "SELECT of, value FROM wording WHERE instr(text, ?) > 0 LIMIT ?"
        found = connection.execute(statement, (word, VALUES + 1)).fetchall()
        if not found:
            return "0", []
        values = {of: msgspec.json.encode([value for o, value in found if o == of]).decode() for of, _ in found}
        if len(found) > VALUES or _ANY in values:
            continue
        held = [f"SELECT id FROM alert WHERE {of} IN (SELECT value FROM json_each(?))" for of in values]  # noqa: S608  columns of ours
        every = " UNION ALL ".join(held)
        (count,) = connection.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM ({every}) LIMIT ?)",  # noqa: S608
            (*values.values(), FEW + 1),
        ).fetchone()
        if count <= FEW:
            return f"id IN ({every})", list(values.values())
    return "", []
