"""Shifts and their budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc.alert.budget import Config, Load, Roster, Shift, broken, loads

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
ROSTER = Roster(Config(), HANOI)


def local(text: str, zone: ZoneInfo = HANOI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "shift"),
    [
        ("2026-11-20 07:00:00", "2026-11-20 07:00"),
        ("2026-11-20 06:59:59", "2026-11-19 23:00"),
        ("2026-11-20 00:00:00", "2026-11-19 23:00"),
        ("2026-11-20 23:00:00", "2026-11-20 23:00"),
        ("2026-11-20 15:30:00", "2026-11-20 15:00"),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_began(moment: str, shift: str) -> None:
    assert str(ROSTER.at(local(moment).astimezone(UTC))) == shift


def test_every_shift_of_a_span_is_named_also_where_nothing_happened() -> None:
    found = [str(s) for s in ROSTER.between(local("2026-11-20 06:00"), local("2026-11-21 15:00"))]
    assert found == [
        "2026-11-19 23:00",
        "2026-11-20 07:00",
        "2026-11-20 15:00",
        "2026-11-20 23:00",
        "2026-11-21 07:00",
    ]


@given(
    since=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),
    hours=st.integers(1, 400),
    at=st.floats(0, 0.999),
    zone=st.sampled_from(["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/St_Johns"]),
    starts=st.lists(st.times().map(lambda t: t.strftime("%H:%M")), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_a_moment_of_a_span_is_in_one_of_its_shifts(
    since: datetime, hours: int, at: float, zone: str, starts: list[str]
) -> None:
    roster = Roster(Config(shifts=tuple(starts)), ZoneInfo(zone))
    begin = since.replace(tzinfo=UTC)
    end = begin + timedelta(hours=hours)
    shifts = list(roster.between(begin, end))
    assert shifts == sorted(set(shifts))
    assert roster.at(begin + (end - begin) * at) in shifts


def test_the_budget_is_broken_by_what_a_change_adds_not_by_what_it_relieves() -> None:
    day, night = (Shift(datetime(2026, 11, 20, hour)) for hour in (7, 23))
    found = loads(
        ROSTER,
        [day, night],
        before=[local("2026-11-20 08:00")] * 6 + [local("2026-11-20 23:30")] * 2,
        after=[local("2026-11-20 08:00")] * 5 + [local("2026-11-21 03:30")] * 4,
    )
    assert found == (Load(day, 6, 5), Load(night, 2, 4))
    assert broken(Config(per_shift=3), found) == [Load(night, 2, 4)]
    assert broken(Config(per_shift=4), found) == []
    assert broken(Config(), found) == []


@pytest.mark.parametrize("shifts", [(), ("7:00",), ("24:00",), ("15:00", "07:00"), ("07:00", "07:00")])
def test_hours_that_are_no_roster_are_refused(shifts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="shift"):
        Config(shifts=shifts)
