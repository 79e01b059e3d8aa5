"""RawRecords of Windows events in JSON in, rows that are read by column out: only what is asked for becomes a field, and no Event is made
but for the rows that somebody wants whole.

Source of truth: `collectors.parse.windows_event` and `collectors.parse.windows`, whose functions are called wherever a value is more than
a text that stands in EventData under the field's own name. Every record is decoded once, whole, by the same types as there, so what the
parser refuses is refused here; a record that these stricter types do not take, and any row of another shape, goes through the parser
itself. Held by tests/collectors/parse/test_windows_table.py: every field of every row equals the parsed Event's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from collectors.errors import ParseError
from collectors.event import ENVELOPE, Event, Value
from collectors.parse import event_of, parse_batch, windows, windows_event
from collectors.parse.ecs import ip, plain
from collectors.parse.format import Context
from collectors.parse.windows_event import HEADER
from collectors.parse.windows_rows import KIND_FIELDS, Kind, Kinds, Row, Text, decoded
from collectors.record import DeadLetter, RawRecord, data_of

FORMAT = "windows-json"

_DATA = windows.EVENT_DATA
_AFTER_DATA = len(_DATA)
_MADE = re.compile(r"(?:.*_\d*|#.*)?", re.DOTALL)
"""Names that EventData may get without a producer having written them so: those of lists ("Name_1"), of the empty name, of attributes."""
_ADDED = frozenset({"service.name", "labels.criticality", "labels.service_name", "source.domain"})
"""What enrichment adds to the fields of an event."""
_SIMPLE = frozenset({str, int, type(None)})
_AS_THEY_ARE = frozenset({str, type(None)})
_NOTHING = frozenset({type(None)})
_ITEMS = "Data"
"""The name of values without names."""
OBSERVED = {
    "IpAddress": "source.ip", "SourceIp": "source.ip", "SourceAddress": "source.ip",
    "DestinationIp": "destination.ip", "DestAddress": "destination.ip", "QueryName": "dns.question.name",
    "Hashes": "winlog.event_data.Hashes", "Hash": "winlog.event_data.Hash",
}  # fmt: skip
"""Names of EventData whose values are addresses, names or hashes -> the field that such a value becomes, of some events at least."""

Data = dict[str, Any]


class _Where(Enum):
    """Where a field of a row that the ordinary parser has not read comes from; NOWHERE: there is none."""

    DATA = auto()
    KIND = auto()
    HEADER = auto()
    EVENT = auto()
    NOWHERE = auto()


class _Places(dict[str, tuple[str, _Where]]):
    """A field -> its name in EventData, and where it comes from; remembered, as rules ask for the same few thousand."""

    def __missing__(self, name: str) -> tuple[str, _Where]:
        bare = name.removeprefix(_DATA)
        where = _Where.NOWHERE
        if bare is not name:
            where = _Where.EVENT if _MADE.fullmatch(bare) else _Where.DATA
        elif name in KIND_FIELDS:
            where = _Where.KIND
        elif name in HEADER:
            where = _Where.HEADER
        elif name in windows.OTHERS or name in _ADDED or name in ENVELOPE:
            where = _Where.EVENT
        if len(self) >= _NAMES_KEPT:
            self.clear()
        self[name] = found = bare, where
        return found


_NAMES_KEPT = 50_000
_ROUNDED = timedelta(microseconds=1)
_PLACE = _Places()


class WindowsTables:
    """Makes tables of one run of records after the other.

    `finish`: what is still to be done to Events that a parser gave: enrichment. `added`: all texts that it may add to any event.
    `strikes`: whether it adds other ones, and fields, to an event with this one field of `OBSERVED`; such rows are made Events.
    """

    def __init__(
        self,
        context: Context,
        finish: Callable[[Sequence[Event]], list[Event]],
        added: Iterable[str] = (),
        strikes: Callable[[Mapping[str, Value]], object] | None = None,
    ) -> None:
        self.finish = finish
        self._strikes = strikes
        self.added = "\0".join(("", *added))
        self._context = context
        self._kinds = Kinds()

    def read(self, records: Sequence[RawRecord]) -> tuple[WindowsTable, list[DeadLetter]]:
        """The rows of the records that are events, in their order, and the dead letters; every record is in exactly one of the two."""
        dead: list[DeadLetter] = []
        rows: Sequence[Row | None] = decoded(records)
        kinds: Sequence[Kind]
        kinds, odd, respelled = self._kinds.sort(rows)
        known: dict[int, windows.Fields] = {}
        for at in respelled:
            row = rows[at]
            if row is not None and at not in odd:
                try:
                    known[at] = _data_fields(row, kinds[at].provider)
                except (ParseError, ValueError):
                    odd.add(at)
        if self._strikes is not None:
            odd |= self._striking(self._strikes, rows, known)
        whole: dict[int, Event] = {}
        refused = []
        for at in sorted(odd):
            event, letter = self.parsed(records[at])
            if event is not None:
                whole[at] = event
            else:
                dead += letter
                refused.append(at)
        places: Sequence[int] = range(len(rows))
        if refused:
            gone = frozenset(refused)
            places = [at for at in places if at not in gone]
            rows, kinds = [rows[at] for at in places], [kinds[at] for at in places]
            whole = {place: whole[at] for place, at in enumerate(places) if at in whole}
            known = {place: known[at] for place, at in enumerate(places) if at in known}
        return WindowsTable(self, records, places, rows, kinds, known, whole), dead

    def _striking(
        self,
        strikes: Callable[[Mapping[str, Value]], object],
        rows: Sequence[Row | None],
        known: dict[int, windows.Fields],
    ) -> set[int]:
        """The rows with a value that strikes, or that may."""
        found: set[int] = set()
        views = [_view(row) for row in rows]
        for at, fields in known.items():
            views[at] = {name: fields.get(_DATA + name) for name in OBSERVED}
        for name, field in OBSERVED.items():
            values = [view.get(name) for view in views]
            if set(map(type, values)) <= _NOTHING:
                continue
            texts = {value for value in values if value.__class__ is str}
            striking = {text for text in texts if strikes({field: ip(text) or text})}
            for at, value in enumerate(values):
                if value.__class__ not in _AS_THEY_ARE or (striking and value in striking):
                    found.add(at)
        return found

    def parsed(self, record: RawRecord) -> tuple[Event | None, list[DeadLetter]]:
        """The event of a record as the ordinary parser reads it, or why it refuses."""
        events, dead = parse_batch([record], FORMAT, self._context)
        return (self.finish(events)[0] if events else None), dead

    def event(self, record: RawRecord, row: Row) -> Event:
        """The same of a record that decoded and that the parser does not refuse."""
        data = _view(row)
        if Text in map(type, data.values()):
            data = {name: _as_parsed(value) for name, value in data.items()}
        stamp = windows_event.stamp_of(record.data)
        parsed = windows_event.parsed(row.System, stamp, data, row.UserData, self._context)
        return self.finish([event_of(record, parsed, self._context)])[0]


class WindowsTable:
    """Rows of Windows events. Implements `soc.detect.table.Table`, which says what the methods promise."""

    def __init__(
        self,
        tables: WindowsTables,
        records: Sequence[RawRecord],
        places: Sequence[int],
        rows: Sequence[Row | None],
        kinds: Sequence[Kind],
        known: dict[int, windows.Fields],
        whole: dict[int, Event],
    ) -> None:
        """`places`: for each row its record's; `known`: rows whose fields of EventData and UserData are made; `whole`: rows that the
        ordinary parser has read."""
        self._tables = tables
        self._records = records
        self._lines = data_of(records)
        self._at = places
        self._rows = rows
        self._kinds = kinds
        self._whole = whole
        self._odd = frozenset(whole)
        self._views = [_view(row) for row in rows]
        self._parsed = {place: event.fields for place, event in whole.items()}
        self._known = known | self._parsed
        for place, fields in self._known.items():
            self._views[place] = {name[_AFTER_DATA:]: value for name, value in fields.items() if name.startswith(_DATA)}
        self._places: Sequence[int] = ()
        self._part: list[Data] = []

    def __len__(self) -> int:
        return len(self._at)

    def keys(self, names: Sequence[str]) -> list[tuple[Value, ...]]:
        """The values of a few fields, row by row."""
        names = tuple(names)
        if not all(name in KIND_FIELDS for name in names):
            everywhere = range(len(self))
            return list(zip(*[self.column(name, everywhere) for name in names], strict=True))
        found = []
        for kind in self._kinds:
            key = kind.keys.get(names)
            if key is None:
                key = kind.keys[names] = tuple(kind.fields[name] for name in names)
            found.append(key)
        for place in self._odd:
            fields = self._whole[place].fields
            found[place] = tuple(fields.get(name) for name in names)
        return found

    def column(self, name: str, places: Sequence[int]) -> list[Value]:
        """The values of one field in these rows."""
        bare, where = _PLACE[name]
        if where is _Where.DATA:
            if places is not self._places:
                views = self._views
                self._places, self._part = places, [views[place] for place in places]
            found: list[Value] = [view.get(bare) for view in self._part]
            known = self._known
            if bare != _ITEMS:
                if set(map(type, found)) <= _AS_THEY_ARE:
                    return found
                if not known:
                    return [value if value.__class__ in _AS_THEY_ARE else _value(bare, value) for value in found]
            return [
                known[place].get(name) if place in known else _value(bare, value)
                for place, value in zip(places, found, strict=True)
            ]
        if where is _Where.EVENT:
            return [self.event(place).get(name) for place in places]
        made: Mapping[int, windows.Fields]
        if where is _Where.KIND:
            found = [self._kinds[place].fields[name] for place in places]
            made = self._parsed
        elif where is _Where.HEADER:
            read, rows = HEADER[name], self._rows
            found = [None if (row := rows[place]) is None else read(row.System) for place in places]
            made = self._parsed
        else:
            found = [None] * len(places)
            made = self._known
        if not made:
            return found
        return [made[place].get(name) if place in made else value for place, value in zip(places, found, strict=True)]

    def cell(self, name: str, place: int) -> Value:
        """The value of one field in one row."""
        if place in self._whole:
            return self._whole[place].get(name)
        bare, where = _PLACE[name]
        if where is _Where.DATA:
            value = self._views[place].get(bare)
            return value if value is None or place in self._known else _value(bare, value)
        if where is _Where.KIND:
            return self._kinds[place].fields[name]
        if where is _Where.HEADER:
            row = self._rows[place]
            assert row is not None, "what did not decode is whole"
            return HEADER[name](row.System)
        if where is _Where.EVENT:
            return self.event(place).get(name)
        return self._known[place].get(name) if place in self._known else None

    def texts(self, place: int) -> list[str]:
        """The record as received, then every text value."""
        event = self.event(place)
        values = event.fields.values()
        found = [event.original, *[value for value in values if value.__class__ is str]]
        return found + [item for value in values if value.__class__ is list for item in value if isinstance(item, str)]

    def lines(self, places: Sequence[int]) -> list[bytes]:
        """The records as received, with values behind them that are made of what stands there."""
        records, at = self._lines, self._at
        found = [records[at[place]] for place in places]
        kinds = self._kinds
        for row, place in enumerate(places):
            if kinds[place].addresses:
                found[row] += "\0".join(self._addresses(place)).encode()
        for row in [row for row, place in enumerate(places) if place in self._known] if self._known else ():
            values = self._known[places[row]].values()
            texts = [value if value.__class__ is str else "\0".join(_texts(value)) for value in values]
            found[row] += "\0".join(["", *texts]).encode("utf-8", "surrogatepass")
        return found

    def words(self, places: Sequence[int]) -> list[str]:
        """What the rows' kinds mean, and what enrichment may add."""
        kinds, added = self._kinds, self._tables.added
        words = [kinds[place].words for place in places]
        return [each + added for each in words] if added else words

    def _addresses(self, place: int) -> list[str]:
        """Addresses that are not written as their fields have them, each with nothing before it."""
        view = self._views[place]
        values = [view.get(name) for name in self._kinds[place].addresses]
        return [f"\0{ip(value) or ''}" for value in values if value.__class__ is str and ":" in value]

    def haystack(self, place: int) -> str:
        """The record as received, with what is not in it as it is read: values that are escaped there, and what their kind means."""
        if place in self._odd:
            return "\0".join(self.texts(place))
        line = self._lines[self._at[place]]
        text = line.decode("utf-8", "backslashreplace") + self._kinds[place].words + self._tables.added
        view = self._views[place]
        if b"\\" in line or place in self._known:
            row = self._rows[place]
            assert row is not None, "what did not decode is odd"
            header = row.System
            values = self._known.get(place, view).values()
            texts = [value for value in values if value.__class__ is str]
            for value in [value for value in values if value.__class__ not in _SIMPLE]:
                texts += _texts(value)
            text = "\0".join((
                f"{text}\0{header.Computer}\0{header.Keywords}\0{header.EventRecordID}\0{header.Level}\0{header.Task}\0{header.Opcode}",
                header.Security.attributes.UserID or "" if header.Security is not None else "",
                *texts,
            ))  # fmt: skip
        return text + "".join(self._addresses(place))

    def event(self, place: int) -> Event:
        """The whole event, as the ordinary parser reads it."""
        event = self._whole.get(place)
        if event is None:
            row = self._rows[place]
            assert row is not None, "what did not decode is whole"
            event = self._whole[place] = self._tables.event(self._records[self._at[place]], row)
        return event

    def latest(self) -> Event:
        """An event than which none is later: of the rows that may be, as rows have their times rounded."""
        times = list(map(self._time, range(len(self))))
        near = max(times) - _ROUNDED
        found = [self.event(place) for place, time in enumerate(times) if time >= near]
        if any(event.ingested < event.time for event in found):  # others may be later than when these were received
            found = [self.event(place) for place in range(len(self))]
        return max(found, key=lambda event: min(event.time, event.ingested))

    def _time(self, place: int) -> datetime:
        """When a row happened, to the microsecond and one more or less."""
        row = self._rows[place]
        if row is None or place in self._odd or (time := row.time) is None:
            return self.event(place).time
        return time


def _view(row: Row | None) -> Data:
    """EventData by its producer's names."""
    if row is None:
        return {}
    data = row.EventData
    if data.__class__ is dict:
        return data
    return {_ITEMS: [data]} if data else {}


def _value(name: str, value: object) -> Value:
    """What a value of EventData is as a field."""
    if name != _ITEMS:
        if value.__class__ is str:
            return value
        if value.__class__ is int:
            return str(value)
    fields: windows.Fields = {}
    windows.put_event_data({name: _as_parsed(value)}, fields)
    return fields.get(_DATA + name)


def _data_fields(row: Row, provider: str) -> windows.Fields:
    """The fields of EventData and UserData. Raises: ParseError, ValueError."""
    fields: windows.Fields = {}
    windows.put_data(provider, {name: _as_parsed(value) for name, value in _view(row).items()}, row.UserData, fields)
    return fields


def _as_parsed(value: object) -> object:
    """A value as the ordinary parser decodes it, as far as it matters."""
    return {"#text": value.text} if isinstance(value, Text) else value


def _texts(value: object) -> list[str]:
    """The texts of a value that is neither text nor a number."""
    inner = value.text if isinstance(value, Text) else value
    return [plain(item) for item in (inner if isinstance(inner, list) else [inner]) if item is not None]
