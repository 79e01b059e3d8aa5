"""What an analyst types after `/` in, AlertQuery out: `level:high status:all since:24h -system:portal 10.0.0.5`.

Words that are none of the keys are text; a value with spaces stands in quotes. Default: what is open, of every level, and neither sleeps
nor is suppressed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from soc.alert import Alert, AlertStatus
from soc.detect import Level
from soc.store import AlertQuery, Facet, Having
from soc.yaml_file import nearest

STATUSES = {
    "open": frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED}),
    "new": frozenset({AlertStatus.NEW}),
    "ack": frozenset({AlertStatus.ACKNOWLEDGED}),
    "closed": frozenset({AlertStatus.CLOSED}),
    "all": frozenset(AlertStatus),
}
"""What `status:` takes, in the order in which one key steps through them."""

FACETS = {facet.value: facet for facet in (Facet.RULE, Facet.ENTITY, Facet.SYSTEM, Facet.ASSIGNEE)}
"""Keys whose value is meant whole; `-` before them means all others. Levels and states have keys of their own."""

_WORD = re.compile(r'(-?)(?:([A-Za-z]+):)?("[^"]*"|\S*)')
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([0-9]{1,4})([mhdw])")


class FilterError(ValueError):
    """A filter that cannot be read: `key` of the message that says why, and its values."""

    def __init__(self, key: str, /, **values: str) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@dataclass(frozen=True, slots=True)
class Filter:
    """Which alerts a list shows. `status`: a key of STATUSES; `floor`: this level and above; `since`: "24h", or "" for all time.

    `having`: very values that they have or have not. `hidden`: also those that sleep or are suppressed.
    """

    text: str = ""
    status: str = "open"
    floor: Level = Level.INFORMATIONAL
    since: str = ""
    incident_id: str = ""
    having: tuple[Having, ...] = ()
    hidden: bool = False

    def __str__(self) -> str:
        """As one would type it; what is default is left out. `parse(str(f))` is f, but for the incident."""
        default = Filter()
        words = [
            f"status:{self.status}" if self.status != default.status else "",
            f"level:{self.floor}" if self.floor != default.floor else "",
            f"since:{self.since}" if self.since else "",
            *(f"{'' if h.wanted else '-'}{h.facet.value}:{_quoted(h.value)}" for h in self.having),
            "hidden:yes" if self.hidden else "",
            self.text,
        ]
        return " ".join(filter(None, words))

    def query(self, now: datetime, limit: int | None = None) -> AlertQuery:
        """The query, with the age counted back from now; of a limit only the first so many."""
        levels = frozenset(level for level in Level if level.rank >= self.floor.rank)
        return AlertQuery(
            statuses=STATUSES[self.status] if self.status != "all" else frozenset(),
            levels=levels if self.floor is not Level.INFORMATIONAL else frozenset(),
            text=self.text,
            since=now - age(self.since) if self.since else None,
            incident_id=self.incident_id,
            having=self.having,
            limit=limit,
            awake_at=None if self.hidden else now,
            suppressed=None if self.hidden else False,
        )

    def with_value(self, facet: Facet, value: str, *, wanted: bool = True) -> Filter:
        """Narrowed to alerts that have this value, or that have it not."""
        others = tuple(h for h in self.having if (h.facet, h.value) != (facet, value))
        return replace(self, having=(*others, Having(facet, value, wanted)))

    def keeps(self, alert: Alert) -> bool:
        """Whether an alert that was listed still belongs there after its status changed."""
        return alert.status in STATUSES[self.status]

    def next_status(self) -> Filter:
        """The same with the next status shown."""
        names = list(STATUSES)
        return replace(self, status=names[(names.index(self.status) + 1) % len(names)])


def parse(text: str) -> Filter:
    """Raises: FilterError at the first word that cannot be meant."""
    found: dict[str, str] = {}
    words: list[str] = []
    having: list[Having] = []
    for word in _WORD.finditer(text):
        minus, key, value = word[1], (word[2] or "").casefold(), word[3].strip('"')
        if key in ("status", "level", "since", "hidden") and not minus:
            found[key] = value.casefold()
        elif key in FACETS:
            having.append(Having(FACETS[key], value, not minus))
        elif word[0]:
            words.append(word[0])
    return Filter(
        text=" ".join(words),
        status=_known("status", found.get("status", "open"), list(STATUSES)),
        floor=Level(_known("level", found.get("level", Level.INFORMATIONAL.value), [level.value for level in Level])),
        since=_age_word(found.get("since", "")),
        having=tuple(having),
        hidden=_known("hidden", found.get("hidden", "no"), ["yes", "no"]) == "yes",
    )


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value or not value else value


def age(word: str) -> timedelta:
    """`24h` as a length of time. Raises: FilterError."""
    match = _SPAN.fullmatch(word)
    if match is None:
        raise FilterError("filter.since", value=word)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _age_word(word: str) -> str:
    if word:
        age(word)
    return word


def _known(key: str, value: str, known: list[str]) -> str:
    begun = [name for name in known if value and name.startswith(value)]
    if value in known:
        return value
    if len(begun) == 1:
        return begun[0]
    raise FilterError("filter.unknown", key=key, value=value, known=", ".join(known), nearest=nearest(value, known))
