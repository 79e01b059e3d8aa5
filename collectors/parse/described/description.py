"""The nouns of a described format: what was made of a description, the samples beside it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from collectors.parse.format import Format, Message

Path = tuple[str | int, ...]
"""Keys and indices that lead to a place in plain data."""


class Wrong(NamedTuple):
    """A fault at a place of the description; `on_key`: of the key that the path ends with, not of its value."""

    at: Path
    message: str
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A raw line and what it must become: `time` (aware; None: not looked at) and exactly these `fields`; None: it must be refused."""

    at: Path
    line: str
    fields: Mapping[str, Any] | None
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What a description says; `made` is what reads records, as if it had been written in Python."""

    name: str
    made: Format | Message
    samples: tuple[Sample, ...] = field(default=())
