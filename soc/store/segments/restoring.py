"""A group and places in it in, the events out, exactly as they were journalled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from collectors.event import Event, Value, event_id
from collectors.record import Position, RawRecord
from soc.store.segments.building import ENVELOPE_COLUMNS, MESSAGE, WHOLE
from soc.store.segments.files import Rows

_EVENT = msgspec.msgpack.Decoder(Event)


def events(rows: Rows, places: Sequence[int]) -> list[Event]:
    """The events of these rows, in the order of `places`. Raises: DamagedFileError, FileNotFoundError."""
    if not len(places):
        return []
    at = np.asarray(places, np.int64)
    shapes = np.unique(rows.read(["_shape"])["_shape"].to_numpy()[at]).tolist()
    fields = {name for number in shapes if number != WHOLE for name in rows.shapes[number]}
    table = rows.read([*ENVELOPE_COLUMNS, *sorted(fields - ENVELOPE_COLUMNS.keys())]).take(pa.array(at))
    columns: dict[str, list[Any]] = {name: table[name].to_pylist() for name in table.column_names}
    return [_event(columns, at, rows) for at in range(table.num_rows)]


def _event(columns: dict[str, list[Any]], at: int, rows: Rows) -> Event:
    shape, rest = columns["_shape"][at], columns["_rest"][at]
    if shape == WHOLE:
        return _EVENT.decode(rest)
    left: dict[str, Value] = msgspec.msgpack.decode(rest) if rest else {}
    fields = {name: left[name] if name in left else columns[name][at] for name in rows.shapes[shape]}
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
