"""Files of indicators in, `Indicator`s out, one by one; what cannot be one is told with its place, and what is none of ours is counted.

A file is bounded before it is read. The form is found by the content: a STIX 2.1 bundle, MISP's JSON, else CSV or a list of values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from collectors.enrich.intel.indicator import Indicator
from collectors.errors import CollectorError

MAX_BYTES = 512 * 1024 * 1024
"""Of one file: a CSV of a million rows has 100 MB; JSON is held in memory whole while it is read."""

FAULTS_KEPT = 1_000
"""Faults that are told word for word; the others are counted."""


BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for what is no JSON, or not of the form asked for."""


class IndicatorError(CollectorError):
    """A file of indicators, or the set of a site, that cannot be read or written at all."""


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


@dataclass(slots=True)
class Told:
    """What was said while files were read. `taken`: indicators. `skipped`: by reason, what is no indicator of ours. `faults`: the first
    FAULTS_KEPT as "file:place: message"; `faulty`: how many there were."""

    taken: int = 0
    faulty: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, place: str, message: str) -> None:
        """Note a fault."""
        self.faulty += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(f"{place}: {message}")


def read_file(path: Path, told: Told, defaults: Defaults) -> Iterator[Indicator]:
    """The indicators of a file, in its order. Raises: IndicatorError where it cannot be read at all."""
    from collectors.enrich.intel import misp, stix, table

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


def checked(indicator: Indicator) -> Indicator:
    """The same. Raises: ValueError where confidence or times cannot be."""
    if indicator.confidence is not None and not 0 <= indicator.confidence <= 100:
        raise ValueError(f"confidence {indicator.confidence} is not 0 to 100")
    begin, end = indicator.valid_from, indicator.valid_until
    if begin is not None and end is not None and end <= begin:
        raise ValueError(f"it is valid until {end.isoformat()}, before it begins at {begin.isoformat()}")
    return indicator
