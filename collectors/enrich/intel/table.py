"""CSV (RFC 4180) with a line of names, or a list of one value a line, in; indicators out, with the line of what cannot be one.

    type,value,confidence,tlp,valid_until,description
    ipv4-addr,203.0.113.7,80,amber,2027-01-31,Phishing kit

Lines that begin with `#` are remarks. `value` is the one column that must be there; without `type` a value is what its form says.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from collectors.enrich.intel.indicator import Indicator, Kind, kind_of, moment, spelled, tlp_of
from collectors.enrich.intel.told import IndicatorError, Told, checked

_ALIASES = {"ip": Kind.IPV4, "ipv4": Kind.IPV4, "ipv6": Kind.IPV6, "cidr": Kind.IPV4, "domain": Kind.DOMAIN, "hostname": Kind.DOMAIN,
            "hash": Kind.FILE, "md5": Kind.FILE, "sha1": Kind.FILE, "sha256": Kind.FILE, "sha512": Kind.FILE,
            "email": Kind.EMAIL}  # fmt: skip
"""What people write for STIX's names."""


def _kind(text: str) -> Kind | None:
    name = text.lower()
    if not name:
        return None
    try:
        return _ALIASES.get(name) or Kind(name)
    except ValueError as error:
        raise ValueError(f"{text[:80]!r} is no type of indicator: {', '.join(Kind)}") from error


def _confidence(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise ValueError(f"confidence {text[:80]!r} is not 0 to 100")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in ("", "true", "false", "yes", "no", "1", "0"):
        raise ValueError(f"{text[:80]!r} is neither true nor false")
    return text.lower() in ("true", "yes", "1")


_COLUMNS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "type": ("kind", _kind),
    "value": ("value", str),
    "confidence": ("confidence", _confidence),
    "tlp": ("tlp", lambda text: tlp_of(text) if text else ""),
    "valid_from": ("valid_from", lambda text: moment(text) if text else None),
    "valid_until": ("valid_until", lambda text: moment(text) if text else None),
    "subdomains": ("subdomains", _flag),
    "description": ("name", str),
    "reference": ("reference", str),
    "id": ("id", str),
}
"""Column -> attribute of `Indicator`, and how its text is read."""


def read(path: Path, told: Told) -> Iterator[Indicator]:
    """The indicators of a file. Raises: IndicatorError where its first line names unknown columns, or it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from _rows(path, csv.reader(file, strict=True), told)
    except OSError as error:
        raise IndicatorError(f"{path} cannot be read: {error.strerror}") from error


def _rows(path: Path, reader: Any, told: Told) -> Iterator[Indicator]:
    rows = _given(path, reader, told)
    head = next(rows, None)
    if head is None:
        raise IndicatorError(f"{path} holds no line but remarks")
    names = [cell.strip().lower() for cell in head[1]]
    if "value" not in names:
        if len(names) > 1:
            known = ", ".join(_COLUMNS)
            raise IndicatorError(f'{path}:{head[0]}: the first line names no column "value" (there are: {known})')
        names, rows = ["value"], chain([head], rows)
    for name in names:
        if name not in _COLUMNS or names.count(name) > 1:
            near = difflib.get_close_matches(name, _COLUMNS, 1, 0.6)
            what = (
                "twice in the line"
                if name in _COLUMNS
                else "unknown" + (f'; did you mean "{near[0]}"?' if near else "")
            )
            raise IndicatorError(f'{path}:{head[0]}: column "{name}" is {what}')
    for line, row in rows:
        try:
            yield _indicator(names, row)
        except ValueError as error:
            told.fault(f"{path}:{line}", str(error))


def _given(path: Path, reader: Any, told: Told) -> Iterator[tuple[int, list[str]]]:
    """Rows that are neither empty nor remarks, with the line that they end on; what is no CSV is told."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            told.fault(f"{path}:{reader.line_num}", str(error))
            continue
        if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
            yield reader.line_num, row


def _indicator(names: Sequence[str], row: Sequence[str]) -> Indicator:
    """Raises: ValueError."""
    if len(row) != len(names):
        raise ValueError(f"{len(row)} cells, where {len(names)} columns are named")
    cells: dict[str, Any] = {}
    for name, cell in zip(names, row, strict=True):
        attribute, read_cell = _COLUMNS[name]
        cells[attribute] = read_cell(cell.strip())
    kind, value = spelled(cells.pop("kind", None) or kind_of(cells["value"]), cells.pop("value"))
    return checked(Indicator(kind, value, **cells))
