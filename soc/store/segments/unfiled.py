"""Events that stand in no file yet and a search in, which of them meet it out: each condition is asked of all of them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from collectors.event import ENVELOPE, Event, Value
from soc.store.language import All, Any, Compares, Equals, Exists, Not, Query, Text
from soc.store.meaning import AsDocument, holds
from soc.store.segments.building import MESSAGE
from soc.store.segments.lines import Lines, Mask
from soc.store.segments.looking import Look, of_codes


def meeting(look: Look, events: Sequence[Event]) -> Mask:
    """Which of these events meet a search."""
    return _meeting(look.query, look, events)


def _meeting(query: Query, look: Look, events: Sequence[Event]) -> Mask:
    match query:
        case All(parts):
            found = np.ones(len(events), np.bool_)
            for part in parts:
                left = np.flatnonzero(found)
                found[left] = _meeting(part, look, [events[at] for at in left.tolist()])
            return found
        case Any(parts):
            found = np.zeros(len(events), np.bool_)
            for part in parts:
                found |= _meeting(part, look, events)
            return found
        case Not(part):
            return ~_meeting(part, look, events)
        case Exists(field):
            return np.array([value not in (None, []) for value in _values(field, events)], np.bool_)
        case _:
            return _with_values(query, look, events)


def _with_values(leaf: Text | Equals | Compares, look: Look, events: Sequence[Event]) -> Mask:
    """Values that are no text are looked at one by one, and events without a message where one is looked for."""
    values = _values(leaf.field or MESSAGE, events)
    try:
        texts = pa.array(values, pa.string())
    except pa.ArrowException:  # some value is no text
        texts = pa.array([value if isinstance(value, str) else None for value in values], pa.string())
        odd = [at for at, value in enumerate(values) if value is not None and not isinstance(value, str)]
    else:
        odd = []
    if isinstance(leaf, Text):
        found = Lines(texts).holding(leaf)
        odd = odd if leaf.field else np.flatnonzero(np.asarray(texts.is_null())).tolist()
    else:
        coded = texts.dictionary_encode()
        found = of_codes(coded, look.answers(leaf, coded.dictionary))
    check = holds(leaf, look.zone)
    for at in odd:
        found[at] = check(AsDocument(events[at]))
    return found


def _values(field: str, events: Sequence[Event]) -> list[Value]:
    if field in ENVELOPE:
        return [AsDocument(event).get(field) for event in events]
    return [event.fields.get(field) for event in events]
