"""Notices by the law of the day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from iso27001.catalogue.reading import read
from iso27001.errors import CatalogueError
from iso27001.legal import VIETNAM, Trigger, deadlines, log_retention, rules, yearly


def hours(year: int, month: int, day: int, *triggers: Trigger) -> dict[str, float]:
    detected = datetime(year, month, day, 8, 30, tzinfo=VIETNAM)
    return {due.rule.id: (due.due - detected) / timedelta(hours=1) for due in deadlines(detected, triggers)}


def test_the_clock_of_an_incident_follows_the_law_of_its_day() -> None:
    assert hours(2026, 6, 30, Trigger.INCIDENT) == {"old_notice": 120}
    assert hours(2026, 7, 15, Trigger.INCIDENT) == {"old_notice": 120}
    assert hours(2026, 8, 18, Trigger.INCIDENT) == {"old_notice": 120}
    assert hours(2026, 8, 19, Trigger.INCIDENT) == {"report": 72}


def test_a_serious_incident_has_an_earlier_notice_and_one_of_national_security_is_due_at_once() -> None:
    assert hours(2026, 8, 19, Trigger.INCIDENT, Trigger.SERIOUS) == {"initial": 24, "report": 72}
    every = hours(2026, 8, 19, Trigger.INCIDENT, Trigger.SERIOUS, Trigger.NATIONAL_SECURITY)
    assert list(every.items()) == [("immediate", 0), ("initial", 24), ("report", 72)]


def test_severity_changes_nothing_under_the_old_circular() -> None:
    assert hours(2026, 6, 30, Trigger.INCIDENT, Trigger.SERIOUS) == {"old_notice": 120}


def test_personal_data_starts_a_second_clock() -> None:
    assert hours(2026, 8, 19, Trigger.INCIDENT, Trigger.PERSONAL_DATA) == {"pd_breach": 72, "report": 72}
    assert "pd_subject" in hours(2026, 8, 19, Trigger.INCIDENT, Trigger.PERSONAL_DATA, Trigger.SENSITIVE_PERSONAL_DATA)


def test_the_day_is_the_local_one() -> None:
    first_local_minute = datetime.fromisoformat("2026-08-18T17:00:00+00:00")
    assert [due.rule.id for due in deadlines(first_local_minute, [Trigger.INCIDENT])] == ["report"]
    assert [due.rule.id for due in deadlines(first_local_minute - timedelta(seconds=1), [Trigger.INCIDENT])] == [
        "old_notice"
    ]


def test_a_gap_in_the_data_is_an_error_and_not_the_absence_of_a_duty() -> None:
    with pytest.raises(CatalogueError, match="no rule on 2016-01-01 for incident"):
        hours(2016, 1, 1, Trigger.INCIDENT)
    with pytest.raises(CatalogueError, match="no rule on 2025-08-19 for personal-data"):
        hours(2025, 8, 19, Trigger.INCIDENT, Trigger.PERSONAL_DATA)


def test_yearly_reports_come_round() -> None:
    assert [(due.rule.id, due.due.date().isoformat()) for due in yearly(datetime(2026, 11, 22, tzinfo=VIETNAM))] == [
        ("annual_internal", "2026-12-20"),
        ("annual_mps", "2026-12-25"),
    ]
    assert [due.due.date().isoformat() for due in yearly(datetime(2026, 12, 22, tzinfo=VIETNAM))] == [
        "2026-12-25",
        "2027-12-20",
    ]
    assert [due.due.date().isoformat() for due in yearly(datetime(2020, 1, 1, tzinfo=VIETNAM))] == []


def test_every_rule_is_whole() -> None:
    assert all((rule.hours is None) is not (rule.month_day is None) for rule in rules())
    assert len({rule.id for rule in rules()}) == len(rules())
    data = read("vn_legal.yaml", "vn-legal/2")
    assert {item["regime"] for item in data["deadlines"]} <= {regime["id"] for regime in data["regimes"]}
    assert {item["regime"] for item in data["log_retention"]} <= {regime["id"] for regime in data["regimes"]}


def test_logs_are_kept_by_the_level_of_their_system_from_the_day_that_the_standard_is_in_force() -> None:
    day = date(2026, 11, 22)
    kept = [log_retention(level, day) for level in (1, 2, 3, 4, 5)]
    assert [each and each.least.days for each in kept] == [None, 30, 90, 180, 365]
    assert log_retention(5, date(2026, 7, 23)) is None
