"""A field's name in, where a row of a Windows event has it out.

Source of truth: `collectors.parse.windows`, which names the fields.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from collectors.event import ENVELOPE
from collectors.parse import windows
from collectors.parse.windows_event import HEADER
from collectors.parse.windows_rows import KIND_FIELDS

_MADE = re.compile(r"(?:.*_\d*|#.*)?", re.DOTALL)
"""Names that EventData may get without a producer having written them so: those of lists ("Name_1"), of the empty name, of attributes."""
_ADDED = frozenset({"service.name", "labels.criticality", "labels.service_name", "source.domain"})
"""What enrichment adds to the fields of an event."""


class Where(Enum):
    """Where a field of a row that the ordinary parser has not read comes from; NOWHERE: there is none."""

    DATA = auto()
    KIND = auto()
    HEADER = auto()
    EVENT = auto()
    NOWHERE = auto()


HEADERS = frozenset({Where.KIND, Where.HEADER})


class _Places(dict[str, tuple[str, Where]]):
    """A field -> its name in EventData, and where it comes from; remembered, as rules ask for the same few thousand."""

    def __missing__(self, name: str) -> tuple[str, Where]:
        bare = name.removeprefix(windows.EVENT_DATA)
        where = Where.NOWHERE
        if bare is not name:
            where = Where.EVENT if _MADE.fullmatch(bare) else Where.DATA
        elif name in KIND_FIELDS:
            where = Where.KIND
        elif name in HEADER:
            where = Where.HEADER
        elif name in windows.OTHERS or name in _ADDED or name in ENVELOPE:
            where = Where.EVENT
        if len(self) >= _NAMES_KEPT:
            self.clear()
        self[name] = found = bare, where
        return found


_NAMES_KEPT = 50_000
PLACE = _Places()
