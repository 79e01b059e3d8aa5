"""What an analyst types after `/` in, AlertQuery out: `level:high status:all since:24h 10.0.0.5`.

Words that are none of the three keys are text. Default: what is open, of every level.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from soc.alert import Alert, AlertStatus
from soc.detect import Level
from soc.store import AlertQuery
from soc.yaml_file import nearest

STATUSES = {
    "open": frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED}),
    "new": frozenset({AlertStatus.NEW}),
    "ack": frozenset({AlertStatus.ACKNOWLEDGED}),
    "closed": frozenset({AlertStatus.CLOSED}),
    "all": frozenset(AlertStatus),
}
"""What `status:` takes, in the order in which one key steps through them."""

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
    """Which alerts a list shows. `status`: a key of STATUSES; `floor`: this level and above; `since`: "24h", or "" for all time."""

    text: str = ""
    status: str = "open"
    floor: Level = Level.INFORMATIONAL
    since: str = ""
    incident_id: str = ""

    def __str__(self) -> str:
        """As one would type it; what is default is left out. `parse(str(f))` is f, but for the incident."""
        default = Filter()
        words = [
            f"status:{self.status}" if self.status != default.status else "",
            f"level:{self.floor}" if self.floor != default.floor else "",
            f"since:{self.since}" if self.since else "",
            self.text,
        ]
        return " ".join(filter(None, words))

    def query(self, now: datetime) -> AlertQuery:
        """The query, with the age counted back from now."""
        levels = frozenset(level for level in Level if level.rank >= self.floor.rank)
        return AlertQuery(
            statuses=STATUSES[self.status] if self.status != "all" else frozenset(),
            levels=levels if self.floor is not Level.INFORMATIONAL else frozenset(),
            text=self.text,
            since=now - age(self.since) if self.since else None,
            incident_id=self.incident_id,
        )

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
    words = []
    for word in text.split():
        key, colon, value = word.partition(":")
        if colon and key.casefold() in ("status", "level", "since"):
            found[key.casefold()] = value.casefold()
        else:
            words.append(word)
    return Filter(
        text=" ".join(words),
        status=_known("status", found.get("status", "open"), list(STATUSES)),
        floor=Level(_known("level", found.get("level", Level.INFORMATIONAL.value), [level.value for level in Level])),
        since=_age_word(found.get("since", "")),
    )


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
