"""An event's document in, why it does not fit the templates out: what a node would refuse is caught here, one field having one type.

Fields that no template names are keywords whatever their first value was, so that none can change its type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.event import Value
from soc.store.elastic_mappings import LONGS

MAX_EVENT_FIELDS = 1_000
"""Of one event: a record that invents names must not use up those of its data stream (elastic_mappings.MAX_FIELDS)."""

_INT64 = range(-(2**63), 2**63)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]*)?")


def misfit(document: Mapping[str, Value]) -> str:
    """Why the document cannot be stored, with field and value; "" where it can."""
    if len(document) > MAX_EVENT_FIELDS:
        return f"too many fields: {len(document):,}, at most {MAX_EVENT_FIELDS:,} are stored"
    for field in LONGS.intersection(document):
        value = document[field]
        if value.__class__ is int and value in _INT64:
            continue
        for one in value if isinstance(value, list) else (value,):
            if not _is_whole(one):
                return (
                    f'{field}: "{str(one)[:200]}" is not a whole number of 64 bits, and this field holds nothing else'
                )
    return ""


def _is_whole(value: str | float | None) -> bool:
    if value is None:
        return True
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value in _INT64
    if isinstance(value, float):
        return abs(value) < 2**63  # false of NaN
    return _WHOLE.fullmatch(value) is not None
