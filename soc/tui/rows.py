"""Alerts and incidents in, one line of spans each out, laid out for any width from 40 cells: what the tables show. No terminal here.

A column that does not fit is dropped, the least needed first; what is left of the width goes to the title.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from soc import display
from soc.alert import Alert, AlertStatus, Entity
from soc.detect import Level
from soc.incident import Incident, Phase
from soc.incident.merging import title_in
from soc.tui.messages import text
from soc.tui.span import Role, Span

WIDE = 140
"""From this width columns take their wide form."""

MIN_TITLE = 28

SHAPES = {Level.CRITICAL: "C ■", Level.HIGH: "H ▲", Level.MEDIUM: "M ●", Level.LOW: "L ·", Level.INFORMATIONAL: "I  "}
"""Severity by letter and shape, so that no one needs its colour."""

LEVEL_ROLES = {level: Role(level.value) for level in Level}

ENTITY_NAMES = {
    "source.ip": "src",
    "destination.ip": "dst",
    "host.name": "host",
    "user.name": "user",
    "process.name": "proc",
}
"""Short names of the ECS fields that alerts are grouped by; any other field stands as it is."""


class Column(NamedTuple):
    """`narrow`, `wide`: cells below and from WIDE; 0 takes the rest. `rank`: the highest is dropped first, 0 never."""

    name: str
    narrow: int
    wide: int
    rank: int = 0
    right: bool = False


ALERT_COLUMNS = (
    Column("mark", 1, 1),
    Column("time", 11, 14, 3),
    Column("severity", 3, 3),
    Column("risk", 4, 4, 2, right=True),
    Column("title", 0, 0),
    Column("entity", 20, 26, 1),
    Column("system", 16, 18, 6),
    Column("count", 5, 6, 7, right=True),
    Column("due", 5, 6, 5, right=True),
    Column("status", 5, 8, 4),
)

INCIDENT_COLUMNS = (
    Column("mark", 1, 1),
    Column("time", 11, 14, 3),
    Column("severity", 3, 3),
    Column("risk", 4, 4, 2, right=True),
    Column("title", 0, 0),
    Column("class", 5, 5, 3),
    Column("clock", 5, 6, 2, right=True),
    Column("phase", 10, 20, 1),
    Column("assignee", 10, 12, 7),
    Column("alerts", 6, 6, 4, right=True),
    Column("system", 16, 24, 5),
    Column("opened", 11, 14, 6),
)


@dataclass(frozen=True, slots=True)
class Locale:
    """Whose eyes: language of the catalogue and the zone that times are shown in (None: the machine's)."""

    language: str = "en"
    zone: tzinfo | None = None

    def say(self, key: str, /, **values: object) -> str:
        """A message of the catalogue."""
        return text(key, self.language, **values)

    def clock(self, time: datetime, form: str = "%m-%d %H:%M") -> str:
        """A time as the analyst's wall shows it."""
        return time.astimezone(self.zone).strftime(form)

    def written(self, time: str, form: str = "%m-%d %H:%M:%S") -> str:
        """The same of a time as an event writes it (ISO 8601); what is none as it is."""
        try:
            return self.clock(datetime.fromisoformat(time), form)
        except ValueError:
            return time


@lru_cache(256)
def layout(columns: tuple[Column, ...], cells: int) -> tuple[tuple[Column, int], ...]:
    """The columns that fit, each with its cells; gaps of one cell between them are not counted in."""
    kept = list(columns)
    wide = cells >= WIDE
    while True:
        fixed = sum(column.wide if wide else column.narrow for column in kept)
        rest = cells - fixed - (len(kept) - 1)
        droppable = [column for column in kept if column.rank]
        if rest >= MIN_TITLE or not droppable:
            break
        kept.remove(max(droppable, key=lambda column: column.rank))
    return tuple((column, (column.wide if wide else column.narrow) or max(rest, 1)) for column in kept)


def lay(
    columns: tuple[Column, ...], cells: int, cell: Callable[[Column, int], tuple[str, Role]], gap: Role = Role.PLAIN
) -> list[Span]:
    """The cells of one row with gaps between them, neighbours of one role as one span: fewer escape sequences on the wire."""
    spans: list[Span] = []
    texts: list[str] = []
    before = gap
    for column, size in layout(columns, cells):
        content, role = cell(column, size)
        if texts and before != gap:
            spans.append(Span("".join(texts), before))
            texts = []
        if spans or texts:
            texts.append(" ")
        if role != gap and texts:
            spans.append(Span("".join(texts), gap))
            texts = []
        texts.append(display.fit(content, size, right=column.right))
        before = role
    return [*spans, Span("".join(texts), before)]


def header(columns: tuple[Column, ...], cells: int, locale: Locale) -> list[Span]:
    """The names of the columns that `row` lays out at the same width."""
    return lay(columns, cells, lambda column, _: (locale.say(f"column.{column.name}"), Role.HEAD), Role.HEAD)


def alert_row(alert: Alert, cells: int, now: datetime, locale: Locale, *, marked: bool = False) -> list[Span]:
    """One alert as one line."""

    def cell(column: Column, size: int) -> tuple[str, Role]:
        if column.name == "mark":
            return ("+", Role.KEY) if marked else ("", Role.PLAIN)
        return _ALERT_CELLS[column.name](alert, size, now, locale)

    spans = lay(ALERT_COLUMNS, cells, cell)
    if alert.status is AlertStatus.CLOSED:
        return [Span(span.text, Role.DIM) for span in spans]
    return spans


def incident_row(
    incident: Incident, clock: tuple[str, Role], cells: int, locale: Locale, *, marked: bool = False
) -> list[Span]:
    """One incident as one line; `clock`: the time left to its next legal notice, as it is to be shown."""

    def cell(column: Column, size: int) -> tuple[str, Role]:
        if column.name == "mark":
            return ("+", Role.KEY) if marked else ("", Role.PLAIN)
        if column.name == "clock":
            return clock
        return _INCIDENT_CELLS[column.name](incident, size, locale)

    spans = lay(INCIDENT_COLUMNS, cells, cell)
    return [Span(span.text, Role.DIM) for span in spans] if incident.closed else spans


def time_form(size: int) -> str:
    """The form of a time that fits a column."""
    return "%m-%d %H:%M:%S" if size >= 14 else "%m-%d %H:%M"


_ALERT_CELLS: dict[str, Callable[[Alert, int, datetime, Locale], tuple[str, Role]]] = {
    "time": lambda a, size, _, at: (at.clock(a.last_seen, time_form(size)), Role.PLAIN),
    "severity": lambda a, *_: (SHAPES[a.level], LEVEL_ROLES[a.level]),
    "risk": lambda a, *_: (str(a.risk), Role.PLAIN),
    "title": lambda a, *_: (a.title, Role.PLAIN),
    "entity": lambda a, *_: (entity(a.entity), Role.PLAIN),
    "system": lambda a, *_: (a.system or "-", Role.PLAIN),
    "count": lambda a, size, *_: (times(a.count, size), Role.PLAIN),
    "due": lambda a, _, now, __: due_cell(a, now),
    "status": lambda a, size, _, at: status_cell(a, size, at),
}

_INCIDENT_CELLS: dict[str, Callable[[Incident, int, Locale], tuple[str, Role]]] = {
    "time": lambda i, size, at: (at.clock(i.last_seen, time_form(size)), Role.PLAIN),
    "severity": lambda i, *_: (SHAPES[i.level], LEVEL_ROLES[i.level]),
    "risk": lambda i, *_: (str(i.risk), Role.PLAIN),
    "title": lambda i, _, at: (title_in(i, at.language), Role.PLAIN),
    "phase": lambda i, _, at: (phase(i, at), Role.PLAIN),
    "class": lambda i, *_: (i.severity or "?", Role.PLAIN if i.severity else Role.DIM),
    "assignee": lambda i, *_: (i.assignee or "-", Role.PLAIN),
    "alerts": lambda i, *_: (str(len(i.alert_ids)), Role.PLAIN),
    "system": lambda i, *_: (", ".join(i.systems) or "-", Role.PLAIN),
    "opened": lambda i, size, at: (at.clock(i.opened, time_form(size)), Role.PLAIN),
}


def entity(one: Entity) -> str:
    """`src 203.0.113.7`: the value with a short name of its field."""
    return f"{ENTITY_NAMES.get(one.kind, one.kind)} {one.value}"


def times(count: int, cells: int) -> str:
    """How many detections: nothing for one, `×12`, `×3k`, `×2M`."""
    if count < 2:
        return ""
    for form in (f"×{count}", f"×{count // 1000}k", f"×{count // 1_000_000}M"):
        if len(form) <= cells:
            return form
    return "×…"


def due_cell(alert: Alert, now: datetime) -> tuple[str, Role]:
    """Time left until it must have been looked at, `!` when that has passed; nothing once someone has."""
    if alert.status is not AlertStatus.NEW:
        return "", Role.PLAIN
    left = alert.due - now
    return (short(left), Role.PLAIN) if left > timedelta() else (f"!{short(-left)}", Role.WARN)


def short(span: timedelta) -> str:
    """A length of time in at most four cells: `45s`, `12m`, `3h`, `20d`, `3y`."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size, upto in (("s", 1, 60), ("m", 60, 5400), ("h", 3600, 172_800), ("d", 86_400, 86_400 * 999)):
        if seconds < upto:
            return f"{seconds // size}{unit}"
    return f"{seconds // (86_400 * 365)}y"


def status_cell(alert: Alert, cells: int, locale: Locale) -> tuple[str, Role]:
    """The status as a word; new in bold."""
    form = "short" if cells < 8 else "long"
    role = Role.STRONG if alert.status is AlertStatus.NEW else Role.DIM
    return locale.say(f"status.{form}.{alert.status}"), role


def phase(incident: Incident, locale: Locale) -> str:
    """The phase in words, or that it is closed."""
    return locale.say("phase.closed") if incident.closed else locale.say(f"phase.{incident.phase}")


def level_name(level: Level, locale: Locale) -> str:
    """The level as a word of the language."""
    return locale.say(f"level.{level}")


def catalogue_keys() -> Iterable[str]:
    """Every key of the catalogue that is put together here: a test asks that each language has it."""
    yield from (f"column.{column.name}" for column in (*ALERT_COLUMNS, *INCIDENT_COLUMNS))
    yield from (f"status.{form}.{status}" for form in ("short", "long") for status in AlertStatus)
    yield from (f"level.{level}" for level in Level)
    yield from (f"phase.{one}" for one in Phase)
