"""Time of service: by working hours and holidays, held against a count of every minute; and the clocks of alerts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc.alert.calendar import DAYS, Calendar, Config
from soc.alert.sla import Config as SlaConfig
from soc.alert.sla import Sla
from soc.detect import Level

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE = Config(dict.fromkeys(DAYS[:5], ("07:30-11:30", "13:30-17:00")), holidays=("2026-09-02", "2026-09-03"))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HANOI)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-23 08:00", 2, "2026-11-23 10:00"),
        ("2026-11-23 10:30", 2, "2026-11-23 14:30"),
        ("2026-11-23 16:00", 2, "2026-11-24 08:30"),
        ("2026-11-23 03:00", 1, "2026-11-23 08:30"),
        ("2026-11-20 16:30", 1, "2026-11-23 08:00"),  # over a weekend
        ("2026-09-01 16:30", 1, "2026-09-04 08:00"),  # over the holidays
        ("2026-11-23 08:00", 7, "2026-11-23 17:00"),
    ],
)
def test_time_of_service_passes_in_working_hours_only(start: str, hours: float, end: str) -> None:
    assert Calendar(OFFICE, HANOI).after(local(start), timedelta(hours=hours)) == local(end)


@settings(deadline=None, max_examples=40)
@given(
    start=st.datetimes(datetime(2026, 8, 28), datetime(2026, 9, 8)),
    minutes=st.integers(1, 1_200),
    zone=st.sampled_from([HANOI, ZoneInfo("Europe/Berlin")]),
)
def test_the_calendar_counts_as_a_clock_that_only_runs_in_service(
    start: datetime, minutes: int, zone: ZoneInfo
) -> None:
    begin = start.replace(second=0, microsecond=0, tzinfo=UTC)

    def in_service(moment: datetime) -> bool:
        at = moment.astimezone(zone)
        if at.date() in (date(2026, 9, 2), date(2026, 9, 3)) or at.weekday() > 4:
            return False
        return "07:30" <= at.strftime("%H:%M") < "11:30" or "13:30" <= at.strftime("%H:%M") < "17:00"

    moment, left = begin, minutes
    while left:
        left -= in_service(moment)
        moment += timedelta(minutes=1)
    assert Calendar(OFFICE, zone).after(begin, timedelta(minutes=minutes)) == moment


def test_without_hours_service_is_around_the_clock() -> None:
    start = local("2026-11-22 23:00")
    assert Calendar(Config(), HANOI).after(start, timedelta(hours=30)) == start + timedelta(hours=30)


@pytest.mark.parametrize(
    ("hours", "holidays", "why"),
    [
        ({"mon": ("07:30-11:30",)}, (), "not a day of the week"),
        ({"monday": ("7:30-11:30",)}, (), "is written"),
        ({"monday": ("11:30-07:30",)}, (), "ends before"),
        ({"monday": ("13:30-17:00", "07:30-11:30")}, (), "in order"),
        ({"monday": ("07:30-11:30", "11:30-17:00")}, (), "meets the next"),
        ({"monday": ()}, (), "no hour of service"),
        ({}, ("2026-13-01",), "month"),
    ],
)
def test_a_calendar_that_is_none_is_refused(
    hours: dict[str, tuple[str, ...]], holidays: tuple[str, ...], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        Config(hours, holidays)


def test_a_calendar_without_service_for_months_is_told() -> None:
    days = tuple((date(2027, 1, 1) + timedelta(days=n)).isoformat() for n in range(100))
    with pytest.raises(ValueError, match="no hour of service within 60 days"):
        Calendar(Config({"monday": ("07:30-11:30",)}, days), HANOI).after(local("2027-01-01 08:00"), timedelta(hours=1))


def test_grave_levels_do_not_wait_for_the_calendar_and_somebody_is_told_before_the_end() -> None:
    sla = Sla(SlaConfig(look_within={Level.LOW: timedelta(hours=4)}, calendar=OFFICE), HANOI)
    friday = local("2026-11-20 16:00")
    assert sla.look(Level.CRITICAL, friday).due == friday + timedelta(minutes=15)
    low = sla.look(Level.LOW, friday)
    assert (low.warn, low.due) == (local("2026-11-23 09:30"), local("2026-11-23 10:30"))
