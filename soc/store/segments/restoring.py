"""A group and places in it in, the events out, exactly as they were journalled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from collectors.event import Event, Value, event_id
from collectors.record import Position, RawRecord
from soc.store.segments.building import ENVELOPE_COLUMNS, MESSAGE, WHOLE, Shape
from soc.store.segments.files import Rows
from soc.store.segments.held import Held

_EVENT = msgspec.msgpack.Decoder(Event)


def events(rows: Rows, places: Sequence[int]) -> list[Event]:
    """The events of these rows, in the order of `places`. Raises: DamagedFileError, FileNotFoundError."""
    if not len(places):
        return []
    held = rows if isinstance(rows, Held) else Held(rows)
    at = np.asarray(places, np.int64)
    numbers = held.read(["_shape"])["_shape"].to_numpy()[at]
    wanted = {number: held.shapes[number] if number != WHOLE else () for number in np.unique(numbers).tolist()}
    held.load(sorted({*ENVELOPE_COLUMNS, *(name for shape in wanted.values() for name in shape)}))
    found: dict[int, Event] = {}
    for number, shape in wanted.items():
        own = np.flatnonzero(numbers == number)
        table = held.read([*ENVELOPE_COLUMNS, *(name for name in shape if name not in ENVELOPE_COLUMNS)])
        some = table.take(pa.array(at[own]))
        columns: dict[str, list[Any]] = {name: _listed(some[name]) for name in some.column_names}
        for row, place in enumerate(own.tolist()):
            found[place] = _event(columns, row, shape if number != WHOLE else None)
    return [found[place] for place in range(len(at))]


def _listed(column: pa.ChunkedArray) -> list[Any]:
    """`to_pylist`, of texts in a third of its time."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    listed: list[Any] = column.to_pylist()
    return listed


def _event(columns: dict[str, list[Any]], at: int, shape: Shape | None) -> Event:
    """`shape`: None of an event that is kept whole."""
    rest = columns["_rest"][at]
    if shape is None:
        return _EVENT.decode(rest)
    left: dict[str, Value] = msgspec.msgpack.decode(rest) if rest else {}
    fields = {name: left[name] if name in left else columns[name][at] for name in shape}
    raw, after = columns["_before"][at], columns["_after"][at]
    if after is not None:
        raw = b"%b%b%b" % (raw, columns[MESSAGE][at].encode(), after)
    position = Position(
        columns["log.file.path"][at], columns["_stream"][at], columns["log.offset"][at], columns["event.index"][at]
    )
    record = RawRecord(raw, columns["soc.source"][at], position, columns["event.ingested"][at], columns["_peer"][at])
    own = columns["_id"][at]
    return Event(
        id=event_id(record) if own is None else own.hex(),
        time=columns["@timestamp"][at],
        fields=fields,
        raw=raw,
        source=record.source,
        position=position,
        ingested=record.received,
        peer=record.peer,
    )
