"""Addresses of events in, their country, city and network out, by files in MaxMind's DB format that the site supplies.

Source of truth: MaxMind DB File Format 2.0; the records of GeoLite2 and GeoIP2 City, Country and ASN, and of files with the same keys.
Names as in ECS 8.17 (`*.geo.*`, `*.as.*`). An address is looked up once and remembered; a file that was replaced is read anew. The reader
is the one in Rust: the one in C ends the process over some damaged files (tests/collectors/enrich/test_hostile.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.enrich.renewed import Renewed
from collectors.errors import CollectorError
from collectors.event import Value

if TYPE_CHECKING:
    from maxminddb_rust import Reader

REMEMBERED = 65_536
"""Addresses of each side whose answer is kept, about 40 MB at the most; a flood of new ones empties the memory."""

_SIDES = {"source": "source.ip", "destination": "destination.ip", "client": "client.ip", "server": "server.ip"}

_PLACES: tuple[tuple[str, tuple[str | int, ...], type[str | int]], ...] = (
    ("geo.country_iso_code", ("country", "iso_code"), str),
    ("geo.country_name", ("country", "names", "en"), str),
    ("geo.region_name", ("subdivisions", 0, "names", "en"), str),
    ("geo.city_name", ("city", "names", "en"), str),
    ("as.number", ("autonomous_system_number",), int),
    ("as.organization.name", ("autonomous_system_organization",), str),
)
"""ECS field below the side -> where a record has it, and its type."""

Answer = tuple[tuple[str, Value], ...]


class GeoError(CollectorError):
    """A file that is none in MaxMind's DB format, or cannot be read."""


def _opened(path: Path) -> Reader:
    """Raises: GeoError."""
    import maxminddb_rust as maxminddb

    try:
        # in memory: a mapped file that somebody writes over in its place ends the process
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        reader.get("192.0.2.1")
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise GeoError(f"{path} is no file in MaxMind's DB format that can be read: {error}") from error
    return reader


class GeoTable:
    """What the files of a site say of addresses; a later file adds what the earlier ones do not say. For any number of threads."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises: GeoError."""
        self.files = [Renewed("places of addresses", [path], partial(_opened, path)) for path in paths]
        self._answers = _empty()

    def refresh(self) -> None:
        """Read files that were replaced; one that is missing or cannot be read is told, and what was read before goes on."""
        renewed = [file.refresh() for file in self.files]
        if any(renewed):
            self._answers = _empty()

    def adds(self, fields: Mapping[str, Value], time: datetime) -> dict[str, Value] | None:
        """Place and network of each side of an event that the files know, where it does not say them itself; None for nothing."""
        del time
        added: dict[str, Value] | None = None
        for side, name in _SIDES.items():
            address = fields.get(name)
            if isinstance(address, str):
                known = self._answers[side]
                answer = known.get(address)
                if answer is None:
                    answer = self._look_up(side, address, known)
                for field, value in answer:
                    if field not in fields:
                        added = added if added is not None else {}
                        added[field] = value
        return added

    def _look_up(self, side: str, address: str, answers: dict[str, Answer]) -> Answer:
        """`answers`: where this side's are kept; taken before the files are asked, so that an old answer never outlives its file."""
        found: dict[str, Value] = {}
        for file in self.files:
            record: Any = None
            with suppress(
                ValueError, TypeError, RuntimeError
            ):  # no address, with a NUL, of IPv6 in a file of IPv4; damage
                record = file.value.get(address)
            for name, way, kind in _PLACES:
                value = _within(record, way)
                if isinstance(value, kind):
                    found.setdefault(f"{side}.{name}", value)
        if len(answers) >= REMEMBERED:
            answers.clear()
        answers[address] = answer = tuple(found.items())
        return answer


def _empty() -> dict[str, dict[str, Answer]]:
    return {side: {} for side in _SIDES}


def _within(record: Any, way: Sequence[str | int]) -> Any:
    """What stands at the end of a way into a record; None where it does not go on."""
    for step in way:
        if isinstance(step, int):
            record = record[step] if isinstance(record, list) and len(record) > step else None
        else:
            record = record.get(step) if isinstance(record, dict) else None
    return record
