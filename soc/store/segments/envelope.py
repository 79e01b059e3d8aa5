"""Events in, columns of what is no field of theirs out: times, places, raw bytes around the message, ids that are not what they say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from collectors.event import Event, Value
from collectors.record import is_run

TIME = pa.timestamp("us", "UTC")


class Envelopes:
    """What of events is no field, as lists, in their order."""

    def __init__(self, events: Sequence[Event]) -> None:
        places = [event.position for event in events]
        self._times = [event.time for event in events]
        self._ingested = [event.ingested for event in events]
        self._raw = [event.raw for event in events]
        self._ids = [event.id for event in events]
        self._sources = [event.source for event in events]
        self._peers = [event.peer for event in events]
        self._paths = [place.path for place in places]
        self._streams = [place.stream for place in places]
        self._offsets = [place.offset for place in places]
        self._indexes = [place.index for place in places]

    def columns(self, messages: Sequence[Value], whole: int) -> dict[str, pa.Array]:
        """`messages`: of each event. The last `whole` events have no place in theirs. Raises: OverflowError where one does not fit."""
        before, after = self._around(messages)
        fits = len(self._raw) - whole
        return {
            "@timestamp": _moments(self._times),
            "event.ingested": _moments(self._ingested),
            "soc.source": _coded(self._sources),
            "log.file.path": _coded(self._paths),
            "_stream": _coded(self._streams),
            "_peer": _coded(self._peers),
            "log.offset": pa.array(self._offsets[:fits] + [None] * whole, pa.int64()),
            "event.index": pa.array(self._indexes[:fits] + [None] * whole, pa.int64()),
            "_id": self._own_ids(),
            "_before": pa.array(before, pa.binary()),
            "_after": pa.array(after, pa.binary()),
        }

    def id_starts(self) -> pa.Array:
        """The first four bytes of the id of each, as a number."""
        starts = bytes.fromhex("".join([each[:8] for each in self._ids]))
        return pa.array(np.frombuffer(starts, ">u4").astype(np.uint32))

    def _around(self, messages: Sequence[Value]) -> tuple[list[bytes], list[bytes | None]]:
        """What of the raw bytes stands before and after the message."""
        before: list[bytes] = []
        after: list[bytes | None] = []
        for raw, message in zip(self._raw, messages, strict=True):
            head, found, tail = raw, b"", b""
            if message:
                said = message.encode()  # type: ignore[union-attr]
                if raw.endswith(said):
                    head = raw[: -len(said)]
                    found = said
                else:
                    head, found, tail = raw.partition(said)
            before.append(head)
            after.append(tail if found else None)
        return before, after

    def _own_ids(self) -> pa.Array:
        """The ids of those whose id is not what `event_id` gives."""
        derived = self._derived_ids()
        if "".join(self._ids) == derived:
            return pa.nulls(len(self._ids), pa.binary(16))
        starts = range(0, len(derived), 32)
        own = [
            None if each == derived[at : at + 32] else bytes.fromhex(each)
            for at, each in zip(starts, self._ids, strict=True)
        ]
        return pa.array(own, pa.binary(16))

    def _derived_ids(self) -> str:
        """What `event_id` gives of each, one after the other."""
        begins = {each: f"{each[0]}\0{each[1]}\0".encode() for each in self._of_streams()}
        if len(begins) == 1:
            ((_, stream), begin) = next(iter(begins.items()))
            if is_run(stream):
                run = bytes.fromhex(stream[:-1])
                return b"".join([offset.to_bytes(8, "little") + run for offset in self._offsets]).hex()
            found = [
                blake2b(b"%b%d\0%b" % (begin, offset, raw), digest_size=16).digest()
                for offset, raw in zip(self._offsets, self._raw, strict=True)
            ]
        else:
            found = [
                offset.to_bytes(8, "little") + bytes.fromhex(stream[:-1])
                if is_run(stream)
                else blake2b(b"%b%d\0%b" % (begins[source, stream], offset, raw), digest_size=16).digest()
                for source, stream, offset, raw in zip(
                    self._sources, self._streams, self._offsets, self._raw, strict=True
                )
            ]
        return b"".join(found).hex()

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


def _same(values: Sequence[str]) -> bool:
    return values.count(values[0]) == len(values)


def _coded(values: Sequence[str]) -> pa.Array:
    """Texts of which there are few."""
    if _same(values):
        return pa.DictionaryArray.from_arrays(np.zeros(len(values), np.int32), pa.array(values[:1], pa.string()))
    return pa.array(values, pa.string()).dictionary_encode()


def _moments(times: Sequence[datetime]) -> pa.Array:
    """Times in microseconds; by seconds as decimals where these tell them exactly, which takes half as long."""
    seconds = np.array([time.timestamp() for time in times])
    if np.abs(seconds).max() >= _EXACT_S:
        return pa.array(times, TIME)
    whole = np.floor(seconds)
    return pa.array(whole.astype(np.int64) * 1_000_000 + np.rint((seconds - whole) * 1e6).astype(np.int64)).cast(TIME)


_EXACT_S = 1 << 32
"""Below it a decimal of 53 bits tells a time to less than half a microsecond."""
