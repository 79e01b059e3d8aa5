"""Counts over all of a sealed segment are read from it, not made of its rows; what they say is what the rows say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from collectors.event import Event, Value
from soc.store.language import parse
from soc.store.segments import building, counting
from soc.store.segments.building import build
from soc.store.segments.files import DamagedFileError, Segment
from soc.store.segments.view import Asked, View
from soc.store.segments.writing import seal, write_part
from tests.soc.store.material import DAY, event

ROWS = 256


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Half an hour, 30 events a minute: a few severities, some addresses, a number that is another each time, now and then an odd type."""
    monkeypatch.setattr(building, "ROWS", ROWS)
    monkeypatch.setattr(building, "FEW", 0)
    made = []
    for n in range(4 * ROWS):
        said: dict[str, Value] = {
            "severity": n % 5,
            "source.ip": f"192.0.2.{n * n % 97}",
            "port": 1_000 + n,
            "is_odd": n % 2 == 1,
        }
        if n % 3:
            said["user.name"] = f"u{n % 7}"
        if n == 700:
            said["late"] = "x"
        if n == 900:
            said["code"] = 7
        elif n > 600:
            said["code"] = "seven" if n % 2 else ["a", "b"]
        made.append(event(n, 2 * n, said))
    return made


def sealed(folder: Path, events: Sequence[Event]) -> View:
    """Two segments of two groups each."""
    types: building.Types = {}
    parts = []
    for first in range(0, len(events), ROWS):
        group = build(list(enumerate(events[first : first + ROWS], first)), types)
        parts.append(write_part(folder, group, first, types))
    for at in range(0, len(parts), 2):
        seal(folder, parts[at : at + 2])
    return View(folder, lambda *_: [])


def no_rows(segment: Segment, number: int, columns: Sequence[str] | None) -> pa.Table:
    del number, columns
    raise DamagedFileError(f"{segment.path}: is not to be read")


def values(one: Event, field: str) -> list[str]:
    value = one.fields.get(field)
    if value is None:
        return []
    return [
        str(each).lower() if isinstance(each, bool) else str(each)
        for each in (value if isinstance(value, list) else [value])
    ]


FIELDS = ("severity", "source.ip", "user.name", "is_odd", "code", "port", "late", "event.dataset")


@pytest.mark.parametrize("field", FIELDS)
def test_counts_are_those_of_the_rows(tmp_path: Path, events: list[Event], field: str) -> None:
    view = sealed(tmp_path, events)
    for since, until in (
        (None, None),
        (DAY + timedelta(minutes=20), None),
        (DAY, DAY + timedelta(minutes=31, seconds=3)),
    ):
        asked = Asked(parse(""), since, until)
        meant = [e for e in events if (since is None or e.time >= since) and (until is None or e.time < until)]
        assert counting.top(view, asked, field) == Counter(v for e in meant for v in values(e, field))
        for minutes in (5, 15, 7):
            expected: dict[datetime, Counter[str]] = {}
            for each in meant:
                begin = DAY + (each.time - DAY) // timedelta(minutes=minutes) * timedelta(minutes=minutes)
                if minutes == 7:
                    begin = each.time - (each.time - datetime(1970, 1, 1, tzinfo=DAY.tzinfo)) % timedelta(minutes=7)
                expected.setdefault(begin, Counter()).update(values(each, field) or [""])
            assert counting.histogram(view, asked, timedelta(minutes=minutes), field) == expected


@pytest.mark.parametrize("field", ["severity", "user.name", "is_odd", "event.dataset"])
def test_no_row_is_read_for_counts_of_everything(
    tmp_path: Path, events: list[Event], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = sealed(tmp_path, events)
    expected = (
        counting.top(view, Asked(parse("")), field),
        counting.histogram(view, Asked(parse("")), timedelta(minutes=5), field),
    )
    monkeypatch.setattr(Segment, "read", no_rows)
    view = View(tmp_path, lambda *_: [])
    assert counting.top(view, Asked(parse("")), field) == expected[0]
    assert counting.histogram(view, Asked(parse("")), timedelta(minutes=10), field)
    assert counting.histogram(view, Asked(parse("")), timedelta(minutes=5), field) == expected[1]


def test_counts_that_are_damaged_are_made_of_the_rows(tmp_path: Path, events: list[Event]) -> None:
    view = sealed(tmp_path, events)
    expected = counting.top(view, Asked(parse("")), "severity")
    for path in tmp_path.glob("*.index"):
        data = bytearray(path.read_bytes())
        data[-40] ^= 1
        data[-4_000:-3_000] = bytes(1_000)
        path.write_bytes(data)
    assert counting.top(View(tmp_path, lambda *_: []), Asked(parse("")), "severity") == expected
