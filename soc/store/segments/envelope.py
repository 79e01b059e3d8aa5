"""Events in, columns of what is no field of theirs out: times, places, raw bytes around the message, ids that are not what they say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.event import Event, Value
from collectors.record import is_run
from soc.store.segments.fields import texts

TIME = pa.timestamp("us", "UTC")


class Envelopes:
    """What of events is no field, as lists, in their order."""

    def __init__(self, events: Sequence[Event]) -> None:
        places = [event.position for event in events]
        self._times = [event.time for event in events]
        self._ingested = [event.ingested for event in events]
        self._raw = [event.raw for event in events]
        self._ids = bytes.fromhex("".join([event.id for event in events]))
        self._sources = [event.source for event in events]
        self._peers = [event.peer for event in events]
        self._paths = [place.path for place in places]
        self._streams = [place.stream for place in places]
        self._offsets = [place.offset for place in places]
        self._indexes = [place.index for place in places]

    def columns(self, messages: Sequence[Value], whole: int) -> dict[str, pa.Array]:
        """`messages`: of each event. The last `whole` events have no place in theirs. Raises: OverflowError where one does not fit."""
        before, after = self._around(messages)
        nowhere = pa.nulls(whole, pa.int64())
        fits = len(self._raw) - whole
        return {
            "@timestamp": _moments(self._times),
            "event.ingested": _moments(self._ingested),
            "soc.source": _coded(self._sources),
            "log.file.path": _coded(self._paths),
            "_stream": _coded(self._streams),
            "_peer": _coded(self._peers),
            "log.offset": pa.concat_arrays([pa.array(np.array(self._offsets[:fits], np.int64)), nowhere]),
            "event.index": pa.concat_arrays([pa.array(np.array(self._indexes[:fits], np.int64)), nowhere]),
            "_id": self._own_ids(),
            "_before": pa.array(before, pa.binary()),
            "_after": pa.array(after, pa.binary()),
        }

    def id_starts(self) -> pa.Array:
        """The first four bytes of the id of each, as a number."""
        return pa.array(np.frombuffer(self._ids, ">u4")[::4].astype(np.uint32))

    def _around(self, messages: Sequence[Value]) -> tuple[list[bytes], list[bytes | None]]:
        """What of the raw bytes stands before and after the message; where that is not in them, all of them and None."""
        raw = self._raw
        said = [message.encode() if type(message) is str else b"" for message in messages]
        before = list(map(bytes.removesuffix, raw, said))
        after: list[bytes | None] = [b""] * len(raw)
        for at in np.flatnonzero(_lengths(before) == _lengths(raw)).tolist():
            head, found, tail = raw[at].partition(said[at]) if said[at] else (raw[at], b"", b"")
            before[at], after[at] = head, tail if found else None
        return before, after

    def _own_ids(self) -> pa.Array:
        """The ids of those whose id is not what `event_id` gives."""
        ids, derived = self._ids, b"".join(self._derived_ids())
        if ids == derived:
            return pa.nulls(len(self._raw), pa.binary(16))
        starts = range(0, len(ids), 16)
        own = [None if ids[at : at + 16] == derived[at : at + 16] else ids[at : at + 16] for at in starts]
        return pa.array(own, pa.binary(16))

    def _derived_ids(self) -> list[bytes]:
        """What `event_id` gives of each."""
        streams = self._of_streams()
        if len(streams) == 1:
            return _of_stream(*next(iter(streams)), self._offsets, self._raw)
        places: dict[tuple[str, str], list[int]] = {}
        for at, key in enumerate(zip(self._sources, self._streams, strict=True)):
            places.setdefault(key, []).append(at)
        found = [b""] * len(self._raw)
        for key, own in places.items():
            ids = _of_stream(*key, [self._offsets[at] for at in own], [self._raw[at] for at in own])
            for at, each in zip(own, ids, strict=True):
                found[at] = each
        return found

    def _of_streams(self) -> set[tuple[str, str]]:
        if _same(self._sources) and _same(self._streams):
            return {(self._sources[0], self._streams[0])}
        return set(zip(self._sources, self._streams, strict=True))

    def marks(self) -> dict[tuple[str, str], int]:
        """Of each source and stream, the highest offset."""
        streams = self._of_streams()
        if len(streams) == 1:
            return dict.fromkeys(streams, max(self._offsets))
        marks: dict[tuple[str, str], int] = {}
        for source, stream, offset in zip(self._sources, self._streams, self._offsets, strict=True):
            if offset > marks.get((source, stream), -(1 << 64)):
                marks[source, stream] = offset
        return marks


def _of_stream(source: str, stream: str, offsets: Sequence[int], raw: Sequence[bytes]) -> list[bytes]:
    """What `event_id` gives of events of one stream."""
    if is_run(stream):
        run = bytes.fromhex(stream[:-1])
        return [offset.to_bytes(8, "little") + run for offset in offsets]
    begun = blake2b(f"{source}\0{stream}\0".encode(), digest_size=16).copy
    found = []
    for offset, data in zip(offsets, raw, strict=True):
        digest = begun()
        digest.update(b"%d\0%b" % (offset, data))
        found.append(digest.digest())
    return found


def _same(values: Sequence[str]) -> bool:
    return values.count(values[0]) == len(values)


def _lengths(values: Sequence[bytes]) -> NDArray[np.int64]:
    return np.fromiter(map(len, values), np.int64, len(values))


def _coded(values: Sequence[str]) -> pa.Array:
    """Texts of which there are few."""
    if _same(values):
        return pa.DictionaryArray.from_arrays(np.zeros(len(values), np.int32), pa.array(values[:1], pa.string()))
    return texts(values).dictionary_encode()


def _moments(times: Sequence[datetime]) -> pa.Array:
    """Times in microseconds; of their seconds as MessagePack has them, which takes a third of the time.

    Source of truth: MessagePack specification, "Timestamp extension type": the type, then whole seconds in 4 bytes where there is no more,
    else nanoseconds in 30 bits and seconds in 34; times before 1970 and after 2514 take more bytes.
    """
    micros = np.array([time.microsecond for time in times])
    data = _packed(times)
    ends = np.cumsum(np.where(micros == 0, 6, 10))
    ends += 1 if len(times) < 16 else 3 if len(times) < 1 << 16 else 5
    if ends[-1] != len(data) or (np.frombuffer(data, np.uint8)[ends[micros > 0] - 5] & 3).any():
        return pa.array(times, TIME)
    seconds = np.ndarray(len(data) - 3, ">u4", data, strides=(1,))[ends - 4]  # the number that begins at each byte
    return pa.array(seconds.astype(np.int64) * 1_000_000 + micros).cast(TIME)


_packed = msgspec.msgpack.Encoder().encode
