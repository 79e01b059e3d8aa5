"""Lines of Windows events in JSON in, what is wanted of each out: its kind, and a key of the fields that rules read of that kind.

Source of truth: `collectors.parse.windows_event`, whose types these are, but stricter: values that are deeper than a list, and times that
are not RFC 3339 with a zone, are left to the parser. Each line is decoded whole, so what the parser refuses is seen; where a key is all
that is wanted, what was decoded is let go before the next line takes its place in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from collectors.event import Value
from collectors.parse import windows
from collectors.parse.windows_event import Header, code_of
from collectors.record import Lines, RawRecord, data_of

_Scalar = str | int | bool | None


class Text(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A value whose element has attributes, or that several elements without names have."""

    text: _Scalar | list[_Scalar] = msgspec.field(name="#text")
    attributes: dict[str, Any] | None = msgspec.field(name="#attributes", default=None)


NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where an event may not say when it happened."""


class _Moment(msgspec.Struct, gc=False):
    SystemTime: Annotated[datetime, msgspec.Meta(tz=True)] = NO_TIME


class _TimeCreated(msgspec.Struct, gc=False):
    attributes: _Moment = msgspec.field(name="#attributes", default_factory=_Moment)


class _Header(Header, gc=False):
    TimeCreated: _TimeCreated | None = None  # type: ignore[assignment]


_Value = str | int | list[_Scalar] | Text | None


class Row(msgspec.Struct, gc=False):
    """An event whose EventData is flat."""

    System: _Header
    EventData: dict[str, _Value | bool] | str | None = None
    UserData: dict[str, Any] | str | None = None


class _Line(msgspec.Struct, gc=False):
    Event: Row


class _PlainRow(Row, gc=False):
    """The same without flags: Python takes true for 1, so both may not stand in keys."""

    EventData: dict[str, _Value] | str | None = None


class _PlainLine(msgspec.Struct, gc=False):
    Event: _PlainRow


_decode = msgspec.json.Decoder(_Line).decode
_decode_plain = msgspec.json.Decoder(_PlainLine).decode
_UNFIT = (msgspec.DecodeError, ValueError, RecursionError)

KIND_FIELDS = ("event.dataset", "event.module", "event.code", "event.category", "event.provider", "event.action", "host.os.type",
               "winlog.channel", "winlog.provider_name")  # fmt: skip
"""What depends on channel, provider and event id alone."""
ITEMS = "Data"
"""The name of values without names."""
ADDRESSES = ("IpAddress", "SourceIp", "DestinationIp", "SourceAddress", "DestAddress")
_KINDS_KEPT = 20_000
_NAMES_KEPT = 1_000
"""Of EventData of one kind; one that invents names cannot fill the memory."""


Key = tuple[object, ...]
"""What some fields of a row hold; rows of one maker with equal keys of the same fields hold the same in them."""


class Wanted(NamedTuple):
    """The fields of events of one kind of which keys are made: `names`, of which stand `data` in EventData, what `header` reads in the
    header; what the kind has is `constant`."""

    names: Sequence[str]
    data: tuple[str, ...]
    header: tuple[Callable[[Header], str | None], ...]
    constant: Key


class Kind:
    """What channel, provider and event id say by themselves.

    `apart`: only the ordinary parser reads its events. `words`: the texts that it may give an event. Of the names of EventData that its
    events had so far: `names` are all, `addresses` those whose values are addresses, `respelled` those that no field has as they are.
    `wanted`: what was wanted last.
    """

    __slots__ = ("addresses", "apart", "fields", "keys", "names", "provider", "respelled", "wanted", "words")

    def __init__(self, provider: str, code: str, channel: str) -> None:
        self.provider = provider
        self.apart = windows.is_told_by_data(provider, code)
        self.addresses: tuple[str, ...] = ()
        self.names: set[str] = set()
        self.respelled: set[str] = set()
        self.wanted: Wanted | None = None
        fields = windows.fields_of(provider, code, channel, "", "", "", {})
        self.fields = {name: fields.get(name) for name in KIND_FIELDS}
        self.keys: dict[Sequence[str], tuple[Value, ...]] = {}
        self.words = "\0".join(["", *(str(value) for value in fields.values()), "success", "failure"])

    def learn(self, names: Iterable[str]) -> None:
        """Take note of names of EventData."""
        if len(self.names) > _NAMES_KEPT:
            self.names.clear()
            self.respelled.clear()
        self.names.update(names)
        self.respelled.update(name for name in names if " " in name or "." in name)
        self.addresses = tuple(name for name in ADDRESSES if name in self.names or self.respelled)


_NO_KIND = Kind("", "", "")


class Read(NamedTuple):
    """A run of records, each read.

    `kinds`: of each row. `wanted`: of kinds. `keys`: where one was wanted. `rows`: what decoded and is not told by its key. `times`: when
    it happened, rounded to microseconds; None or NO_TIME where it may not say. `odd`: rows that only the ordinary parser can read.
    `respelled`: those whose fields have other names. `addresses`: of others, as far as they may not be written as their fields have them.
    """

    kinds: list[Kind]
    wanted: Mapping[Kind, Wanted | None]
    keys: list[Key | None]
    rows: list[Row | None]
    times: list[datetime | None]
    odd: set[int]
    respelled: list[int]
    addresses: dict[int, list[str]]


class Kinds:
    """The kinds that were met. `watched`: names of EventData; rows with one are kept whole."""

    def __init__(self, watched: Collection[str] = ()) -> None:
        self._watched = frozenset(watched)
        self._known: dict[tuple[object, ...], Kind] = {}

    def read(self, records: Sequence[RawRecord], wants: Callable[[Kind], Wanted | None]) -> Read:  # noqa: C901, PLR0912, PLR0915  a call costs more
        """What is wanted of some records."""
        lines, watched = data_of(records), self._watched
        met: dict[tuple[object, ...], tuple[Kind, set[str], set[str], Wanted | None]] = {}
        count = len(lines)
        read = Read([_NO_KIND] * count, {}, [None] * count, [None] * count, [None] * count, set(), [], {})
        kinds, _, keys, rows, times, odd, respelled, addresses = read
        decode = _decode_plain
        for at, line in enumerate(lines):
            flags = False
            try:
                row: Row = decode(line).Event
            except _UNFIT:
                flags = True
                try:
                    row = _decode(line).Event
                except _UNFIT:
                    odd.add(at)
                    continue
            header = row.System
            provider, code, created, data = header.Provider, header.EventID, header.TimeCreated, row.EventData
            name = provider.attributes.Name if provider is not None else ""
            which = name, header.Channel, code if code.__class__ is int else code_of(header)
            found = met.get(which)
            if found is None:
                kind = self._kind(which, name, header)
                found = met[which] = kind, kind.names, kind.respelled, wants(kind)
            kind, names, other, wanted = found
            kinds[at] = kind
            if created is not None:
                times[at] = time = created.attributes.SystemTime
                if time.tzinfo is not UTC:
                    odd.add(at)
            if not isinstance(data, dict):
                data = {ITEMS: [data]} if data else {}
            if not names.issuperset(data):
                kind.learn(data)
            if row.UserData is not None or (other and not other.isdisjoint(data)):
                respelled.append(at)
                rows[at] = row
                continue
            get = data.get
            for each in kind.addresses:
                value = get(each)
                if value.__class__ is str and ":" in value:
                    addresses.setdefault(at, []).append(value)
            if wanted is None or flags or (watched and not watched.isdisjoint(data)):
                rows[at] = row
                continue
            key: Key = tuple(map(get, wanted.data))
            if wanted.header:
                key += tuple([part(header) for part in wanted.header])
            try:
                hash(key)
            except TypeError:
                key = tuple([value if value.__class__ in _PLAIN else (repr(value),) for value in key])
            keys[at] = key + wanted.constant if wanted.constant else key
        odd.update(at for at, kind in enumerate(kinds) if kind.apart)
        if not isinstance(records, Lines):
            odd.update(at for at, record in enumerate(records) if record.truncated)
        return read._replace(wanted={kind: wanted for kind, _, _, wanted in met.values()})

    def _kind(self, which: tuple[object, ...], provider: str, header: Header) -> Kind:
        known = self._known
        kind = known.get(which)
        if kind is None:
            if len(known) >= _KINDS_KEPT:
                known.clear()
            kind = known[which] = Kind(provider, code_of(header), header.Channel or "")
        return kind


_PLAIN = frozenset({str, int, type(None)})


def decoded(line: bytes) -> Row:
    """The row of a line of which one was read."""
    return _decode(line).Event
