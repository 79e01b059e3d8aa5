"""Lines of servers and databases for `python -m bench.parse`: name -> the format that reads them, and who makes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 3, tzinfo=UTC)


def w3c_lines(dice: random.Random) -> Iterator[str]:
    """IIS with its usual columns, as a listener gets them: without a header."""
    for n in range(10**9):
        at = START + timedelta(seconds=n // 200)
        yield (
            f"{at:%Y-%m-%d %H:%M:%S} 10.20.1.5 GET /ho-so/{n}.aspx id={n}&tab={n % 7} 443 HOTICH\\user{n % 500} 203.0."
            f"{dice.randrange(256)}.{dice.randrange(256)} Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) https://motcua.tinh.example/ 200 0 0 "
            f"{dice.randrange(9999)}"
        )


SERVER_LINES: dict[str, tuple[str, Callable[[random.Random], Iterator[str]]]] = {
    "w3c": ("w3c", w3c_lines),
}
