"""Records in, the same records out, those that are lists of records replaced by what they list: how clouds deliver their logs.

    {"Records":[{"eventVersion":"1.08",...},{...}]}           a file of CloudTrail's
    {"records":[{"time":"2026-11-22T03:00:00Z",...}]}         Azure's diagnostic logs in Event Hubs and storage accounts
    {"@odata.context":"https://graph...","value":[{...}]}     a page of Microsoft Graph
    {"kind":"EventList","items":[{"auditID":"6b5c",...}]}     what the Kubernetes API server sends to its audit webhook
    [{"CreationTime":"2026-11-22T03:00:00",...},{...}]        a blob of the Management Activity API

Each object stands for a record of its own with its own bytes: an event, or a dead letter. Its place is that of its list, and where in it it
begins. A list with anything but objects in it, an empty one, and one of more than 100,000 stays the record that it was. So does one that a
source cut: give the source of such files a `max_line_bytes` that holds the longest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from collectors.record import RawRecord, data_of

_MOST = 100_000
"""Records of one list; more are no delivery of a cloud's, and each costs some 300 bytes."""
_OPENING = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*+(?:\[\s*+\{|\{\s*+"(?:[Rr]ecords"\s*+:\s*+\[|value"\s*+:\s*+\[|@odata\.|kind"\s*+:\s*+"EventList"))'
).match
_LIST = re.compile(rb"(?:\xef\xbb\xbf)?\s*+\[").match


class _Delivery(msgspec.Struct):
    """What stands around the records."""

    upper: list[msgspec.Raw] | None = msgspec.field(name="Records", default=None)
    lower: list[msgspec.Raw] | None = msgspec.field(name="records", default=None)
    value: list[msgspec.Raw] | None = None
    items: list[msgspec.Raw] | None = None


_delivery = msgspec.json.Decoder(_Delivery).decode
_bare = msgspec.json.Decoder(list[msgspec.Raw]).decode


def is_list(data: bytes) -> bool:
    """Whether these first bytes of a record open a list of records."""
    return _OPENING(data) is not None


def unbundled(records: Sequence[RawRecord]) -> Sequence[RawRecord]:
    """The records, lists among them taken apart; the very same sequence where there is none."""
    if not any(map(_OPENING, data_of(records))):
        return records
    apart: list[RawRecord] = []
    for record in records:
        apart += _parts(record) or [record]
    return apart


def _parts(record: RawRecord) -> list[RawRecord]:
    """The records that a record lists; none where it is no such list."""
    data, place = record.data, record.position
    if record.truncated or not _OPENING(data):
        return []
    body = data.removeprefix(b"\xef\xbb\xbf")
    try:
        if _LIST(body):
            listed: list[msgspec.Raw] = _bare(body)
        else:
            delivery = _delivery(body)
            listed = delivery.upper or delivery.lower or delivery.value or delivery.items or []
    except (msgspec.DecodeError, ValueError, RecursionError):
        return []
    if len(listed) > _MOST:
        return []
    found: list[RawRecord] = []
    begin = 0
    stream = f"{place.stream}/{place.offset}"  # by itself an offset could be that of another record in a stream that counts records
    for each in listed:
        part = bytes(each)
        if part[:1] != b"{":
            return []
        begin = data.index(part, begin)
        at = replace(place, stream=stream, offset=place.offset + begin)
        found.append(replace(record, data=part, position=at))
        begin += len(part)
    return found
