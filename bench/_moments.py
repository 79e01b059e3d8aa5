"""The times of lines that benchmarks make: a number and its moment, one after the other, some twenty of them a second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 3, tzinfo=UTC)


def moments(a_second: int = 20) -> Iterator[tuple[int, datetime]]:
    """0, 1, 2, ... without end, each with its moment."""
    for n in range(10**9):
        yield n, START + timedelta(seconds=n / a_second)
