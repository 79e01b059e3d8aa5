"""Files of indicators in, `Indicator`s out, one by one; what cannot be one is told with its place, and what is none of ours is counted.

A file is bounded before it is read. The form is found by the content: a STIX 2.1 bundle, MISP's JSON, else CSV or a list of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from collectors.enrich.intel import misp, stix, table
from collectors.enrich.intel.indicator import Indicator
from collectors.enrich.intel.told import BAD_JSON, IndicatorError, Told

MAX_BYTES = 512 * 1024 * 1024
"""Of one file: a CSV of a million rows has 100 MB; JSON is held in memory whole while it is read."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a file does not say of its indicators. `valid_until`: for those without an end."""

    confidence: int | None = None
    tlp: str = ""
    valid_until: datetime | None = None
    subdomains: bool = False

    def of(self, indicator: Indicator) -> Indicator:
        """The indicator with these in place of what it does not say."""
        return msgspec.structs.replace(
            indicator,
            confidence=self.confidence if indicator.confidence is None else indicator.confidence,
            tlp=indicator.tlp or self.tlp,
            valid_until=indicator.valid_until or self.valid_until,
            subdomains=indicator.subdomains or self.subdomains,
        )


def read_file(path: Path, told: Told, defaults: Defaults) -> Iterator[Indicator]:
    """The indicators of a file, in its order. Raises: IndicatorError where it cannot be read at all."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise IndicatorError(f"{path} is larger than {MAX_BYTES >> 20} MB: split it")
        with path.open("rb") as file:
            begins = file.read(4_096).removeprefix(b"\xef\xbb\xbf").lstrip()
        if not begins:
            raise IndicatorError(f"{path} is empty")
        found: Iterable[Indicator]
        if begins[:1] in (b"{", b"["):
            read: Callable[[bytes, str, Told], Iterable[Indicator]]
            data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
            read = stix.read if _type_of(data, path) == "bundle" else misp.read
            found = read(data, str(path), told)
        else:
            found = table.read(path, told)
    except OSError as error:
        raise IndicatorError(f"{path} cannot be read: {error.strerror}") from error
    for indicator in found:
        told.taken += 1
        yield defaults.of(indicator)


class _Head(msgspec.Struct):
    type: object = None


def _type_of(data: bytes, path: Path) -> object:
    """What the JSON says that it is. Raises: IndicatorError."""
    try:
        head = msgspec.json.decode(data, type=_Head | list[msgspec.Raw])
    except BAD_JSON as error:
        raise IndicatorError(f"{path} is no JSON that can be read: {error}") from error
    return head.type if isinstance(head, _Head) else None
