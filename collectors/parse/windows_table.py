"""RawRecords of Windows events in JSON in, rows that are read by column out: only what is asked for becomes a field, and no Event is made
but for the rows that somebody wants whole.

Source of truth: `collectors.parse.windows_event` and `collectors.parse.windows`, whose functions are called wherever a value is more than
a text that stands in EventData under the field's own name. Every record is decoded once, whole, by the same types as there, so what the
parser refuses is refused here; a record that these stricter types do not take, and any row of another shape, goes through the parser
itself. Held by tests/collectors/parse/test_windows_table.py: every field of every row equals the parsed Event's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from collectors.errors import ParseError
from collectors.event import Event, Value
from collectors.parse import event_of, parse_batch, windows, windows_event
from collectors.parse.ecs import ip
from collectors.parse.format import Context
from collectors.parse.windows_event import HEADER
from collectors.parse.windows_places import HEADERS, PLACE, Where
from collectors.parse.windows_rows import (
    ADDRESSES,
    ITEMS,
    KIND_FIELDS,
    NO_TIME,
    Key,
    Kind,
    Kinds,
    Read,
    Row,
    Text,
    Wanted,
    decoded,
)
from collectors.parse.windows_values import Data, address_shown, as_parsed, fields_of_data, texts_of, value_of, view_of
from collectors.record import DeadLetter, RawRecord, data_of

FORMAT = "windows-json"

_DATA = windows.EVENT_DATA
_AFTER_DATA = len(_DATA)
_SIMPLE = frozenset({str, int, type(None)})
_AS_THEY_ARE = frozenset({str, type(None)})
_NOTHING = frozenset({type(None)})
OBSERVED = {
    "IpAddress": "source.ip", "SourceIp": "source.ip", "SourceAddress": "source.ip",
    "DestinationIp": "destination.ip", "DestAddress": "destination.ip", "QueryName": "dns.question.name",
    "Hashes": "winlog.event_data.Hashes", "Hash": "winlog.event_data.Hash",
}  # fmt: skip
"""Names of EventData whose values are addresses, names or hashes -> the field that such a value becomes, of some events at least."""


_ROUNDED = timedelta(microseconds=1)


class WindowsTables:
    """Makes tables of one run of records after the other.

    `finish`: what is still to be done to Events that a parser gave: enrichment. `added`: all texts that it may add to any event.
    `strikes`: whether it adds other ones, and fields, to an event with this one field of `OBSERVED`; such rows are made Events.
    `wanted`: the fields that are all that is first read of events of a kind, by what `KIND_FIELDS` hold; None: nobody knows.
    """

    def __init__(
        self,
        context: Context,
        finish: Callable[[Sequence[Event]], list[Event]],
        added: Iterable[str] = (),
        strikes: Callable[[Mapping[str, Value]], object] | None = None,
        wanted: Callable[[Mapping[str, Value]], Sequence[str] | None] = lambda _: None,
    ) -> None:
        self.finish = finish
        self._strikes = strikes
        self.added = "\0".join(("", *added))
        self._context = context
        self._wanted = wanted
        self._kinds = Kinds(OBSERVED if strikes is not None else ())

    def read(self, records: Sequence[RawRecord]) -> tuple[WindowsTable, list[DeadLetter]]:
        """The rows of the records that are events, in their order, and the dead letters; every record is in exactly one of the two."""
        dead: list[DeadLetter] = []
        read = self._kinds.read(records, self._wants)
        odd, rows = read.odd, read.rows
        known: dict[int, windows.Fields] = {}
        for at in read.respelled:
            row = rows[at]
            if row is not None and at not in odd:
                try:
                    known[at] = fields_of_data(row, read.kinds[at].provider)
                except (ParseError, ValueError):
                    odd.add(at)
        if self._strikes is not None:
            odd |= self._striking(self._strikes, rows, known)
        made: dict[int, Event] = {}
        refused = []
        for at in sorted(odd):
            event, letter = self.parsed(records[at])
            if event is not None:
                made[at] = event
            else:
                dead += letter
                refused.append(at)
        places: Sequence[int] = range(len(rows))
        if refused:
            gone = frozenset(refused)
            places = [at for at in places if at not in gone]
            read = read._replace(
                kinds=[read.kinds[at] for at in places],
                keys=[read.keys[at] for at in places],
                rows=[rows[at] for at in places],
                times=[read.times[at] for at in places],
                addresses={place: read.addresses[at] for place, at in enumerate(places) if at in read.addresses},
            )
            made = {place: made[at] for place, at in enumerate(places) if at in made}
            known = {place: known[at] for place, at in enumerate(places) if at in known}
        return WindowsTable(self, records, places, read, known, made), dead

    def _wants(self, kind: Kind) -> Wanted | None:
        names = self._wanted(kind.fields)
        if names is None:
            return None
        if kind.wanted is None or kind.wanted.names is not names:
            data, header, constant = [], [], []
            for name in names:
                bare, where = PLACE[name]
                if where is Where.DATA:
                    data.append(bare)
                elif where is Where.KIND:
                    constant.append(kind.fields[name])
                elif where is Where.HEADER:
                    header.append(HEADER[name])
                elif where is Where.EVENT:
                    return None
            kind.wanted = Wanted(names, tuple(data), tuple(header), tuple(constant))
        return kind.wanted

    def _striking(
        self,
        strikes: Callable[[Mapping[str, Value]], object],
        rows: Sequence[Row | None],
        known: dict[int, windows.Fields],
    ) -> set[int]:
        """The rows with a value that strikes, or that may."""
        found: set[int] = set()
        views = [view_of(row) for row in rows]
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
        data = view_of(row)
        if Text in map(type, data.values()):
            data = {name: as_parsed(value) for name, value in data.items()}
        stamp = windows_event.stamp_of(record.data)
        parsed = windows_event.parsed(row.System, stamp, data, row.UserData, self._context)
        return self.finish([event_of(record, parsed, self._context)])[0]


class WindowsTable:
    """Rows of Windows events. Implements `soc.detect.table.RowTable`, which says what the methods promise."""

    def __init__(
        self,
        tables: WindowsTables,
        records: Sequence[RawRecord],
        places: Sequence[int],
        read: Read,
        known: dict[int, windows.Fields],
        whole: dict[int, Event],
    ) -> None:
        """`places`: for each row its record's; `read`: of each row; `known`: rows whose fields of EventData and UserData are made; `whole`:
        rows that the ordinary parser has read."""
        self._tables = tables
        self._records = records
        self._lines = data_of(records)
        self._at = places
        self._read = read
        self._rows = read.rows
        self._kinds = read.kinds
        self._whole = whole
        self._odd = frozenset(whole)
        self._views: dict[int, Data] = {}
        self._parsed = {place: event.fields for place, event in whole.items()}
        self._known = known | self._parsed
        self._places: Sequence[int] = ()
        self._part: list[Data] | None = None
        self._made: list[tuple[int, int]] = []
        self._keys: list[Key | None] = []
        self._names: tuple[str, ...] = ()

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
        bare, where = PLACE[name]
        if where is Where.EVENT:
            return [self.event(place).get(name) for place in places]
        if places is not self._places:
            self._turn(places)
        found: list[Value]
        if where is Where.DATA:
            found = self._data(bare)
            if bare == ITEMS or not _AS_THEY_ARE.issuperset(map(type, found)):
                found = [None if value is None else value_of(bare, value) for value in found]
        elif where is Where.KIND:
            found = [self._kinds[place].fields[name] for place in places]
        elif where is Where.HEADER:
            read, odd = HEADER[name], self._odd
            found = [None if place in odd else read(self._row(place).System) for place in places]
        else:
            found = [None] * len(places)
        if self._made:
            made = self._parsed if where in HEADERS else self._known
            for row, place in self._made:
                if place in made:
                    found[row] = made[place].get(name)
        return found

    def _turn(self, places: Sequence[int]) -> None:
        """To some rows, of which several columns will be asked for: their keys where all have one of the same fields, and which have fields
        that are made."""
        read, known = self._read, self._known
        self._places, self._part = places, None
        self._made = [(row, place) for row, place in enumerate(places) if place in known] if known else []
        self._keys = [read.keys[place] for place in places]
        wanted = [read.wanted.get(kind) for kind in {self._kinds[place] for place in places}]
        names = {each.data for each in wanted if each is not None}
        self._names = names.pop() if len(names) == 1 and None not in wanted and None not in self._keys else ()

    def _data(self, name: str) -> list[Any]:
        """A value of EventData in the rows that were turned to, as it was decoded."""
        if name in self._names:
            at = self._names.index(name)
            found = [key[at] for key in self._keys]  # type: ignore[index]
            if tuple not in map(type, found):
                return found
        if self._part is None:
            self._part = list(map(self._view, self._places))
        return [view.get(name) for view in self._part]

    def _value(self, name: str, place: int) -> Any:
        """The same in one row."""
        key, wanted = self._read.keys[place], self._read.wanted.get(self._kinds[place])
        if key is not None and wanted is not None and name in wanted.data and place not in self._known:
            value = key[wanted.data.index(name)]
            if value.__class__ is not tuple:
                return value
        return self._view(place).get(name)

    def _view(self, place: int) -> Data:
        """EventData of a row by its producer's names; made fields by theirs."""
        view = self._views.get(place)
        if view is None:
            known = self._known.get(place)
            if known is None:
                view = view_of(self._row(place))
            else:
                view = {name[_AFTER_DATA:]: value for name, value in known.items() if name.startswith(_DATA)}
            self._views[place] = view
        return view

    def _row(self, place: int) -> Row:
        """A row that decodes, decoded once more where only its key was kept."""
        row = self._rows[place]
        if row is None:
            row = self._rows[place] = decoded(self._lines[self._at[place]])
        return row

    def values(self, names: Sequence[str], places: Sequence[int]) -> list[Key | None]:
        """A key of each row."""
        keys, kinds, wanted = self._read.keys, self._kinds, self._read.wanted
        asked = {kind for kind, each in wanted.items() if each is not None and each.names is names}
        found = [keys[place] if kinds[place] in asked else None for place in places]
        if self._known:
            found = [None if place in self._known else key for place, key in zip(places, found, strict=True)]
        return found

    def cell(self, name: str, place: int) -> Value:
        """The value of one field in one row."""
        if place in self._whole:
            return self._whole[place].get(name)
        bare, where = PLACE[name]
        if where is Where.DATA:
            value = self._value(bare, place)
            return value if value is None or place in self._known else value_of(bare, value)
        if where is Where.KIND:
            return self._kinds[place].fields[name]
        if where is Where.HEADER:
            return HEADER[name](self._row(place).System)
        if where is Where.EVENT:
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
        if addresses := self._read.addresses:
            for row, place in enumerate(places):
                if place in addresses:
                    found[row] += "".join(map(address_shown, addresses[place])).encode()
        known = self._known
        for row, place in enumerate(places) if known else ():
            if place in known:
                values = known[place].values()
                texts = [value for value in values if value.__class__ is str]
                for value in [value for value in values if value.__class__ not in _SIMPLE]:
                    texts += texts_of(value)
                texts += [address_shown(known[place].get(_DATA + name)) for name in ADDRESSES]
                found[row] += "\0".join(["", *texts]).encode("utf-8", "surrogatepass")
        return found

    def words(self, places: Sequence[int]) -> list[str]:
        """What the rows' kinds mean, and what enrichment may add."""
        kinds, added = self._kinds, self._tables.added
        words = [kinds[place].words for place in places]
        return [each + added for each in words] if added else words

    def expect(self, places: Sequence[int]) -> None:
        """Each is made when it is asked for."""

    def haystack(self, place: int) -> str:
        """The record as received, with what is not in it as it is read: values that are escaped there, and what their kind means."""
        if place in self._odd:
            return "\0".join(self.texts(place))
        line = self._lines[self._at[place]]
        text = line.decode("utf-8", "backslashreplace") + self._kinds[place].words + self._tables.added
        view = self._view(place)
        if b"\\" in line or place in self._known:
            header = self._row(place).System
            values = self._known.get(place, view).values()
            texts = [value for value in values if value.__class__ is str]
            for value in [value for value in values if value.__class__ not in _SIMPLE]:
                texts += texts_of(value)
            text = "\0".join((
                f"{text}\0{header.Computer}\0{header.Keywords}\0{header.EventRecordID}\0{header.Level}\0{header.Task}\0{header.Opcode}",
                header.Security.attributes.UserID or "" if header.Security is not None else "",
                *texts,
            ))  # fmt: skip
        return text + "".join(address_shown(view.get(name)) for name in ADDRESSES)

    def event(self, place: int) -> Event:
        """The whole event, as the ordinary parser reads it."""
        event = self._whole.get(place)
        if event is None:
            event = self._whole[place] = self._tables.event(self._records[self._at[place]], self._row(place))
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
        time = self._read.times[place]
        return self.event(place).time if time is None or time == NO_TIME or place in self._odd else time
