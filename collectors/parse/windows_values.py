"""Values of EventData as they were decoded in, as fields of an event out: what stands there as it is costs nothing.

Source of truth: `collectors.parse.windows`, whose functions are called for everything but plain texts and numbers.
"""

from __future__ import annotations

from typing import Any

from collectors.event import Value
from collectors.parse import windows
from collectors.parse.ecs import ip, plain
from collectors.parse.windows_rows import ITEMS, Row, Text

Data = dict[str, Any]


def view_of(row: Row | None) -> Data:
    """EventData by its producer's names."""
    if row is None:
        return {}
    data = row.EventData
    if data.__class__ is dict:
        return data
    return {ITEMS: [data]} if data else {}


def value_of(name: str, value: object) -> Value:
    """What a value of EventData is as a field."""
    if name != ITEMS:
        if value.__class__ is str:
            return value
        if value.__class__ is int:
            return str(value)
    fields: windows.Fields = {}
    windows.put_event_data({name: as_parsed(value)}, fields)
    return fields.get(windows.EVENT_DATA + name)


def fields_of_data(row: Row, provider: str) -> windows.Fields:
    """The fields of EventData and UserData. Raises: ParseError, ValueError."""
    fields: windows.Fields = {}
    windows.put_data(provider, {name: as_parsed(value) for name, value in view_of(row).items()}, row.UserData, fields)
    return fields


def as_parsed(value: object) -> object:
    """A value as the ordinary parser decodes it, as far as it matters."""
    return {"#text": value.text} if isinstance(value, Text) else value


def address_shown(value: object) -> str:
    """An address that may not be written as its field has it, with nothing before it; "" where a value is none."""
    return f"\0{ip(value) or ''}" if value.__class__ is str and ":" in value else ""


def texts_of(value: object) -> list[str]:
    """The texts of a value that is neither text nor a number."""
    inner = value.text if isinstance(value, Text) else value
    return [plain(item) for item in (inner if isinstance(inner, list) else [inner]) if item is not None]
