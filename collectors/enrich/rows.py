"""CSV files with a line of names in, rows with their place out; columns that nobody knows are refused. Source of truth: RFC 4180."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from collectors.errors import CollectorError

MAX_BYTES = 256 * 1024 * 1024
"""Of one file; it is held in memory while it is read."""

_SHOWN = 50
"""Faults that are told."""


class TableError(CollectorError):
    """Files that a site enriches with and that cannot be used: every fault with its place, a line each."""


def refuse(faults: Sequence[str]) -> None:
    """Raises: TableError where there are faults."""
    if faults:
        more = [f"and {len(faults) - _SHOWN:,} more faults"] if len(faults) > _SHOWN else []
        raise TableError("\n".join([*faults[:_SHOWN], *more]))


def read_text(path: Path) -> str:
    """The text of a file. Raises: TableError where it cannot be read, is too large or no UTF-8."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TableError(f"{path} is larger than {MAX_BYTES >> 20} MB")
        return path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode()
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is no UTF-8 at byte {error.start}") from error


def rows(path: Path, columns: Sequence[str], faults: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with its place ("file:line"), as column -> cell; "" for a column that is not there, the first of `columns` must be.

    Faults are added to `faults`. Raises: TableError as `read_text`.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        names = [cell.strip().lower() for cell in next(reader, [])]
        fault = _fault_of(names, columns)
        if fault:
            faults.append(f"{path}:1: {fault}")
            return
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            place = f"{path}:{reader.line_num}"
            if len(row) != len(names):
                faults.append(f"{place}: {len(row)} cells, where {len(names)} columns are named")
                continue
            yield (
                place,
                dict.fromkeys(columns, "") | {name: cell.strip() for name, cell in zip(names, row, strict=True)},
            )
    except csv.Error as error:
        faults.append(f"{path}:{reader.line_num}: {error}")


def _fault_of(names: Sequence[str], columns: Sequence[str]) -> str:
    """What is wrong with a line of names, "" for nothing."""
    unknown = [name for name in names if name not in columns or names.count(name) > 1]
    if not unknown and columns[0] in names:
        return ""
    what = f'column "{unknown[0]}" is unknown or twice there' if unknown else f'there is no column "{columns[0]}"'
    near = difflib.get_close_matches(unknown[0], columns, 1, 0.6) if unknown else []
    return what + (f'; did you mean "{near[0]}"?' if near else f" (there are: {', '.join(columns)})")
