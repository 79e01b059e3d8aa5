"""What becomes of the parts of a record: `Giver`s put a part into the fields that a description names, in the type that ECS gives each.

A value that cannot have its field's type stays as text under `producer.<field>`, as a JSON producer's does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from collectors.event import ENVELOPE, Value
from collectors.parse.described.asking import Asking
from collectors.parse.described.description import Path
from collectors.parse.ecs import CONVERT, address, flag, integer, ip, plain, words

TYPES: Mapping[str, Callable[[object], Value]] = {
    "text": words,
    "integer": integer,
    "flag": flag,
    "address": address,
}
"""What `type` may say of a field that ECS does not know."""

_NAME = re.compile(r"@?[A-Za-z_][\w-]*(?:\.[\w-]+)*", re.ASCII)
_TARGET = ("field", "host", "type", "times", "values")
_CATEGORY = "event.category"

Fields = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Giver:
    """`put` puts one part into the fields. `names`: all fields that it may set; `categories`: values of event.category among them."""

    put: Callable[[object, Fields], None]
    names: frozenset[str]
    categories: frozenset[str] = frozenset()


def constants(asking: Asking, at: Path, data: object) -> Fields:
    """Fields with one value each, in their types."""
    found: Fields = {}
    for name, value in asking.mapping(at, data).items():
        field = _field(asking, (*at, name), name, on_key=True)
        if not isinstance(value, str | int | float | bool | list):
            asking.refuse((*at, name), "text, a number, true or false, or a list of text is expected")
            continue
        convert = CONVERT.get(field)
        typed = value if convert is None else convert(value)
        if typed is None:
            asking.refuse((*at, name), f"{value!r} is no value that {field} can have")
        else:
            found[field] = typed
    return found


def giver(asking: Asking, at: Path, data: object) -> Giver:
    """What one key of `fields` says: a field's name, several, or a mapping (field, host, type, times, values)."""
    if isinstance(data, str | list):
        return _together([_plain(asking, at, name, {}) for name in asking.texts(at, data)])
    asked = asking.keys(at, data, _TARGET)
    if "host" in asked:
        prefix = asking.text((*at, "host"), asked["host"])
        asking.known((*at, "host"), prefix, ("source", "destination", "client", "server"), "one that ECS has")
        for other in sorted({"field", "type", "times", "values"} & asked.keys()):
            asking.refuse((*at, other), f'"{other}" does not go with "host"', on_key=True)
        return _host(prefix)
    if "values" in asked:
        return _values(asking, at, asked)
    if "field" not in asked:
        asking.refuse(at, 'one of "field", "host" and "values" is needed')
        return _together([])
    return _together([_plain(asking, at, name, asked) for name in asking.texts((*at, "field"), asked["field"])])


def _plain(asking: Asking, at: Path, name: str, asked: Mapping[str, object]) -> Giver:
    field = _field(asking, at, name)
    convert = CONVERT.get(field)
    if "type" in asked:
        kind = asking.text((*at, "type"), asked["type"])
        if convert is not None:
            asking.refuse((*at, "type"), f"the type of {field} is known")
        elif asking.known((*at, "type"), kind, TYPES, "a type"):
            convert = TYPES[kind]
    convert = convert or words
    if "times" in asked:
        factor = asked["times"]
        if isinstance(factor, int | float) and not isinstance(factor, bool):
            convert = _times(factor)
        else:
            asking.refuse((*at, "times"), "a number is expected")

    def put(part: object, fields: Fields) -> None:
        value = convert(part)
        if value is not None:
            fields[field] = value
        else:
            fields[f"producer.{field}"] = words(part)

    return Giver(put, frozenset({field}))


def _times(factor: float) -> Callable[[object], Value]:
    """A number of another unit: `0.25` seconds are 250,000,000 nanoseconds with a factor of 1,000,000,000."""

    def convert(part: object) -> Value:
        try:
            return integer(float(str(part)[:32]) * factor // 1)
        except (ValueError, OverflowError):
            return None

    return convert


def _host(prefix: str) -> Giver:
    numeric, named = f"{prefix}.ip", f"{prefix}.domain"

    def put(part: object, fields: Fields) -> None:
        text = plain(part)
        found = ip(text)
        fields[named if found is None else numeric] = text if found is None else found

    return Giver(put, frozenset({numeric, named}))


def _values(asking: Asking, at: Path, asked: Mapping[str, object]) -> Giver:
    """What each value of a part means: text for `field`, or constants of its own; one that is not named goes to `field` as it is."""
    inner = _together(
        [_plain(asking, at, name, {}) for name in asking.texts((*at, "field"), asked["field"])]
        if "field" in asked
        else []
    )
    meant: dict[str, Fields] = {}
    where = (*at, "values")
    for raw, value in asking.mapping(where, asked["values"]).items():
        if isinstance(value, dict):
            meant[raw] = constants(asking, (*where, raw), value)
        elif "field" in asked:
            meant[raw] = dict.fromkeys(inner.names, asking.text((*where, raw), value))
        else:
            asking.refuse((*where, raw), 'without "field" each value means a mapping of fields')

    def put(part: object, fields: Fields) -> None:
        known = meant.get(plain(part))
        if known is None:
            inner.put(part, fields)
        else:
            fields.update(known)

    names = inner.names.union(*meant.values())
    return Giver(put, names, frozenset(str(each[_CATEGORY]) for each in meant.values() if _CATEGORY in each))


def _together(givers: list[Giver]) -> Giver:
    if len(givers) == 1:
        return givers[0]

    def put(part: object, fields: Fields) -> None:
        for each in givers:
            each.put(part, fields)

    return Giver(put, frozenset(name for each in givers for name in each.names))


def _field(asking: Asking, at: Path, name: str, *, on_key: bool = False) -> str:
    if name in ENVELOPE or name == "event.dataset":
        asking.refuse(at, f"{name} is not for a record to say", on_key=on_key)
    elif not _NAME.fullmatch(name):
        asking.refuse(at, f'"{name}" is no field name as source.ip or vsftpd.mode', on_key=on_key)
    return name
