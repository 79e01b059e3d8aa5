"""Lines of Windows events in JSON in, decoded rows and the kind of each event out; a row that only the ordinary parser reads is None.

Source of truth: `collectors.parse.windows_event`, whose types these are, but stricter: values that are deeper than a list, and times that
are not RFC 3339 with a zone, are left to the parser.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
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


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class _Moment(msgspec.Struct, gc=False):
    SystemTime: Annotated[datetime, msgspec.Meta(tz=True)] = _NO_TIME


class _TimeCreated(msgspec.Struct, gc=False):
    attributes: _Moment = msgspec.field(name="#attributes", default_factory=_Moment)


class _Header(Header, gc=False):
    TimeCreated: _TimeCreated | None = None  # type: ignore[assignment]


class Row(msgspec.Struct, gc=False):
    """An event whose EventData is flat."""

    System: _Header
    EventData: dict[str, str | int | bool | list[_Scalar] | Text | None] | str | None = None
    UserData: dict[str, Any] | str | None = None

    @property
    def time(self) -> datetime | None:
        """When it happened, rounded to microseconds; None where it may not say."""
        created = self.System.TimeCreated
        time = None if created is None else created.attributes.SystemTime
        return None if time == _NO_TIME else time


class _Line(msgspec.Struct, gc=False):
    Event: Row


_decode = msgspec.json.Decoder(_Line).decode

KIND_FIELDS = ("event.dataset", "event.module", "event.code", "event.category", "event.provider", "event.action", "host.os.type",
               "winlog.channel", "winlog.provider_name")  # fmt: skip
"""What depends on channel, provider and event id alone."""
_ADDRESSES = ("IpAddress", "SourceIp", "DestinationIp", "SourceAddress", "DestAddress")
_KINDS_KEPT = 20_000


class Kind:
    """What channel, provider and event id say by themselves.

    `apart`: only the ordinary parser reads its events. `words`: the texts that it may give an event.
    `addresses`: names of EventData that its events had so far and whose values are addresses.
    """

    __slots__ = ("addresses", "apart", "fields", "keys", "provider", "words")

    def __init__(self, provider: str, code: str, channel: str) -> None:
        self.provider = provider
        self.apart = windows.is_told_by_data(provider, code)
        self.addresses: tuple[str, ...] = ()
        fields = windows.fields_of(provider, code, channel, "", "", "", {})
        self.fields = {name: fields.get(name) for name in KIND_FIELDS}
        self.keys: dict[Sequence[str], tuple[Value, ...]] = {}
        self.words = "\0".join(["", *(str(value) for value in fields.values()), "success", "failure"])


_NO_KIND = Kind("", "", "")


class Sorted(NamedTuple):
    """`kinds`: of each row. `odd`: rows that only the ordinary parser can read. `respelled`: those whose fields have other names."""

    kinds: list[Kind]
    odd: set[int]
    respelled: list[int]


class Kinds:
    """The kinds that were met."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Kind] = {}

    def sort(self, rows: Sequence[Row | None]) -> Sorted:
        """What is known of rows before a value of theirs is read."""
        odd = _without_time(rows)
        known = self._known
        kinds: list[Kind] = []
        respelled: list[int] = []
        together: dict[Kind, list[int]] = defaultdict(list)
        for at, row in enumerate(rows):
            if row is None:
                odd.add(at)
                kinds.append(_NO_KIND)
                continue
            header = row.System
            provider = header.Provider
            name, code = provider.attributes.Name if provider is not None else "", header.EventID
            key = name, header.Channel, code if code.__class__ is int else code_of(header)
            kind = known.get(key)
            if kind is None:
                if len(known) >= _KINDS_KEPT:
                    known.clear()
                kind = known[key] = Kind(name, code_of(header), header.Channel or "")
            kinds.append(kind)
            if row.UserData is None:
                together[kind].append(at)
            else:
                respelled.append(at)
                kind.addresses = _ADDRESSES
                if kind.apart:
                    odd.add(at)
        for kind, places in together.items():
            if kind.apart:
                odd.update(places)
                continue
            names = set(chain.from_iterable([rows[at].EventData or () for at in places]))  # type: ignore[union-attr]
            if len(kind.addresses) < len(_ADDRESSES) and not names.isdisjoint(_ADDRESSES):
                names_of_addresses = names.union(kind.addresses)
                kind.addresses = tuple(name for name in _ADDRESSES if name in names_of_addresses)
            other = {name for name in names if " " in name or "." in name}
            if other:
                kind.addresses = _ADDRESSES
                respelled += [at for at in places if not other.isdisjoint(rows[at].EventData or ())]  # type: ignore[union-attr]
        return Sorted(kinds, odd, respelled)


def decoded(records: Sequence[RawRecord]) -> list[Row | None]:
    """Each record decoded; None where it is no such event, one whose values are nested deeper, or cut."""
    rows: list[Row | None] = []
    decode, append = _decode, rows.append
    for line in data_of(records):
        try:
            append(decode(line).Event)
        except (msgspec.DecodeError, ValueError, RecursionError):
            append(None)
    if not isinstance(records, Lines):
        for at, record in enumerate(records):
            if record.truncated:
                rows[at] = None
    return rows


def _without_time(rows: Sequence[Row | None]) -> set[int]:
    """The rows whose time is not in UTC, nor absent."""
    try:
        zones = {row.System.TimeCreated.attributes.SystemTime.tzinfo for row in rows}  # type: ignore[union-attr]
        if zones <= {UTC}:
            return set()
    except AttributeError:  # a row without time, or no row
        pass
    return {at for at, row in enumerate(rows) if row is not None and not _plain_time(row.System.TimeCreated)}


def _plain_time(created: _TimeCreated | None) -> bool:
    return created is None or created.attributes.SystemTime.tzinfo is UTC
