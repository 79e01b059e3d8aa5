"""A group and places in it in, the events out, exactly as they were journalled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.event import Event, Value, event_id
from collectors.record import Position, RawRecord
from soc.store.segments.building import ENVELOPE_COLUMNS, MESSAGE, WHOLE
from soc.store.segments.files import Rows
from soc.store.segments.held import Held, codes_of

_EVENT = msgspec.msgpack.Decoder(Event)


def events(rows: Rows, places: Sequence[int]) -> list[Event]:
    """The events of these rows, in the order of `places`. Raises: DamagedFileError, FileNotFoundError."""
    if not len(places):
        return []
    held = rows if isinstance(rows, Held) else Held(rows)
    at = np.asarray(places, np.int64)
    numbers = held.read(["_shape"])["_shape"].to_numpy()[at]
    wanted = {number: held.shapes[number] if number != WHOLE else () for number in np.unique(numbers).tolist()}
    names = {name for shape in wanted.values() for name in shape}
    held.load(sorted(names.union(ENVELOPE_COLUMNS)))
    envelopes = {name: _Column(held.array(name)).of(at) for name in (*ENVELOPE_COLUMNS, *names.intersection([MESSAGE]))}
    columns: dict[str, _Column] = {}
    found: dict[int, Event] = {}
    for number, shape in wanted.items():
        own = np.flatnonzero(numbers == number)
        for name in shape:
            if name not in columns:
                columns[name] = _Column(held.array(name))
        values = zip(*[columns[name].of(at[own]) for name in shape], strict=True) if shape else [()] * len(own)
        for place, row in zip(own.tolist(), values, strict=True):
            rest = envelopes["_rest"][place]
            if number == WHOLE:
                found[place] = _EVENT.decode(rest)
                continue
            fields: dict[str, Value] = dict(zip(shape, row, strict=True))
            if rest:
                fields |= msgspec.msgpack.decode(rest)
            found[place] = _event(envelopes, place, fields)
    return [found[place] for place in range(len(at))]


class _Column:
    """A column as Python has it; of texts each that differs once."""

    def __init__(self, array: pa.Array | None) -> None:
        """`array`: None where the group has it not."""
        self._array = array
        self._texts: list[str | None] | None = None
        if array is not None and pa.types.is_dictionary(array.type):
            self._texts = [*array.dictionary.to_pylist(), None]
            self._codes, self._valid = codes_of(array)

    def of(self, rows: NDArray[np.int64]) -> list[Any]:
        """The values of these rows."""
        if self._array is None:
            return [None] * len(rows)
        if self._texts is None:
            taken: list[Any] = self._array.take(pa.array(rows)).to_pylist()
            return taken
        texts = self._texts
        codes = np.where(self._valid[rows], self._codes[rows], len(texts) - 1)
        return [texts[code] for code in codes.tolist()]


def _event(columns: Mapping[str, list[Any]], at: int, fields: dict[str, Value]) -> Event:
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
