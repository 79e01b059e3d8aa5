"""YAML documents in, frozen dataclasses out: how soc.yaml, playbooks and inventories become typed values.

A room declares a dataclass with defaults; `bind` fills it. Unknown keys are refused with the nearest known one, wrong types with
their place, all faults at once. Durations are written "90s", "15m", "8h", "30d"; paths are relative to the file that names them.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from soc.errors import Fault, FaultsError
from soc.yaml_file import Document, Key, nearest

T = TypeVar("T")

_UNITS = {"us": "microseconds", "ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SIZES = [(unit, timedelta(**{name: 1})) for unit, name in reversed(_UNITS.items())]
"""The units, the largest first."""
_DURATION = re.compile(r"(\d{1,9})(us|ms|s|m|h|d)")


def bind(document: Document, cls: type[T], at: tuple[Key, ...] = (), *, base: Path | None = None) -> T:
    """The value of type `cls` at key path `at` of the document; `base` is what relative paths start from (default: the file's folder).

    Raises: FaultsError with every fault found.
    """
    binder = _Binder(document, base or Path(document.path).parent)
    data = document.data
    for key in at:
        data = data[key]
    value = binder.value(data, cls, at)
    faults = [*document.duplicates, *binder.faults]
    if faults:
        raise FaultsError(sorted(faults, key=lambda fault: (fault.line, fault.column)))
    return cast("T", value)


@lru_cache(maxsize=256)
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


class _Binder:
    def __init__(self, document: Document, base: Path) -> None:
        self._document = document
        self._base = base
        self.faults: list[Fault] = []

    def value(self, data: Any, wanted: Any, at: tuple[Key, ...]) -> Any:
        origin = typing.get_origin(wanted)
        arguments = typing.get_args(wanted)
        if wanted is Any:
            return data
        if origin in (types.UnionType, typing.Union):
            return self._union(data, arguments, at)
        if origin is Literal:
            return self._choice(data, [str(a) for a in arguments], at)
        if origin in (tuple, frozenset):
            return self._sequence(data, arguments[0], at, origin)
        if origin is not None and issubclass(origin, Mapping):
            return self._mapping(data, arguments, at)
        if dataclasses.is_dataclass(wanted):
            return self._dataclass(data, cast("type", wanted), at)
        if isinstance(wanted, type) and issubclass(wanted, StrEnum):
            chosen = self._choice(data, [member.value for member in wanted], at)
            return wanted(chosen) if chosen is not None else None
        return self._scalar(data, wanted, at)

    def _refuse(self, at: tuple[Key, ...], message: str, *, on_key: bool = False) -> None:
        self.faults.append(self._document.fault(at, message, on_key=on_key))

    def _union(self, data: Any, options: tuple[Any, ...], at: tuple[Key, ...]) -> Any:
        if data is None and type(None) in options:
            return None
        options = tuple(option for option in options if option is not type(None))
        if len(options) == 1:
            return self.value(data, options[0], at)
        by_kind = {
            typing.get_args(_hints(option)["kind"])[0]: option for option in options
        }  # dataclasses told apart by `kind`
        kind = data.get("kind") if isinstance(data, dict) else None
        if kind is None:
            near = (
                next((f'; did you mean "kind" by "{key}"?' for key in data if nearest(str(key), ["kind"])), "")
                if isinstance(data, dict)
                else ""
            )
            self._refuse(at, f'"kind" is missing (one of {", ".join(by_kind)}){near}')
            return None
        if kind not in by_kind:
            self._refuse(
                (*at, "kind"), f"kind {kind!r} is not one of {', '.join(by_kind)}{nearest(str(kind), by_kind)}"
            )
            return None
        return self.value(data, by_kind[kind], at)

    def _choice(self, data: Any, choices: list[str], at: tuple[Key, ...]) -> str | None:
        if isinstance(data, str) and data in choices:
            return data
        self._refuse(at, f'"{data}" is not one of {", ".join(choices)}{nearest(str(data), choices)}')
        return None

    def _sequence(self, data: Any, item: Any, at: tuple[Key, ...], make: type) -> Any:
        if not isinstance(data, list):
            self._refuse(at, "a list is expected")
            return make()
        return make(self.value(element, item, (*at, i)) for i, element in enumerate(data))

    def _mapping(self, data: Any, arguments: tuple[Any, ...], at: tuple[Key, ...]) -> dict[Any, Any]:
        if not isinstance(data, dict):
            self._refuse(at, "a mapping is expected")
            return {}
        return {self.value(k, arguments[0], (*at, k)): self.value(v, arguments[1], (*at, k)) for k, v in data.items()}

    def _dataclass(self, data: Any, wanted: type, at: tuple[Key, ...]) -> Any:
        known = {f.name: f for f in dataclasses.fields(wanted) if f.init}
        if not isinstance(data, dict):
            self._refuse(at, f"a mapping is expected ({', '.join(known)})")
            return None
        hints = _hints(wanted)
        for key in data:
            if key not in known:
                self._refuse((*at, key), f'unknown key "{key}"{nearest(str(key), known)}', on_key=True)
        before = len(self.faults)
        values = {key: self.value(data[key], hints[key], (*at, key)) for key in data if key in known}
        for name, field in known.items():
            if name in values:
                continue
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                self._refuse(at, f'"{name}" is missing')
        if len(self.faults) > before:
            return None
        try:
            return wanted(**values)
        except ValueError as error:  # a dataclass may refuse combinations in __post_init__
            self._refuse(at, str(error))
            return None

    def _scalar(self, data: Any, wanted: Any, at: tuple[Key, ...]) -> Any:
        if wanted is timedelta:
            return self._duration(data, at)
        if wanted is Path:
            if isinstance(data, str) and data:
                return self._base / Path(data).expanduser()
            self._refuse(at, "a path is expected")
            return None
        if wanted is float and isinstance(data, int) and not isinstance(data, bool):
            return float(data)
        if isinstance(data, wanted) and not (wanted is int and isinstance(data, bool)):
            return data
        names = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a mapping"}
        hint = " (put it in quotes)" if wanted is str and data is not None and not isinstance(data, list | dict) else ""
        self._refuse(at, f"{names.get(wanted, wanted.__name__)} is expected, not {data!r}{hint}")
        return None

    def _duration(self, data: Any, at: tuple[Key, ...]) -> timedelta | None:
        span = duration_of(data) if isinstance(data, str) else None
        if span is None:
            self._refuse(at, f'{data!r} is not a duration; write "90s", "15m", "8h" or "30d"')
        return span


def duration_of(text: str) -> timedelta | None:
    """The duration that is written "90s", "15m", "8h", "30d"; None where it is none."""
    match = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def written(value: Any) -> Any:
    """A bound value as YAML would write it again: durations as "15m", paths and sets as text and lists; for showing a configuration."""
    if isinstance(value, timedelta):
        unit, size = next((u, n) for u, n in _SIZES if not value % n) if value else ("s", timedelta(seconds=1))
        return f"{value // size}{unit}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: written(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, Mapping):
        return {str(key): written(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(written, value))
    if isinstance(value, tuple):
        return [written(item) for item in value]
    return str(value) if isinstance(value, Path | StrEnum) else value
