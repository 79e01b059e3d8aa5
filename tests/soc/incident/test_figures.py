"""The SOC's figures, counted by hand over a small period; what happened outside of it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso27001.language import Language
from iso27001.report.writers import Format, write
from soc.alert import Alert, AlertStatus, CloseReason, StatusChange
from soc.alert.budget import Config, Roster, Shift
from soc.detect import Level
from soc.incident.clocks import Clocks
from soc.incident.figures import Spread, figures
from soc.incident.figures_report import Handover, report
from soc.incident.merging import made_of
from tests.soc.store.material import alert

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ROSTER = Roster(Config(), ZONE)
SINCE = datetime(2026, 11, 20, 7, 0, tzinfo=ZONE)
UNTIL = SINCE + timedelta(hours=8)


def at(minutes: float) -> datetime:
    return SINCE + timedelta(minutes=minutes)


def one(
    n: int, opened: float, *history: tuple[float, str, AlertStatus, CloseReason | None], **changes: object
) -> Alert:
    """An alert whose first event was ten minutes before it opened."""
    told = tuple(StatusChange(at(m), who, status, reason) for m, who, status, reason in history)
    last = told[-1] if told else None
    made = replace(
        alert(n, level=Level.HIGH),
        rule_id="scan",
        first_seen=at(opened - 10),
        opened=at(opened),
        due=at(opened + 60),
        history=told,
        status=last.status if last else AlertStatus.NEW,
        reason=last.reason if last else None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


ACK, CLOSED, NEW = AlertStatus.ACKNOWLEDGED, AlertStatus.CLOSED, AlertStatus.NEW
ALERTS = [
    one(1, 0, (30, "lan", ACK, None), (120, "minh", CLOSED, CloseReason.TRUE_POSITIVE)),
    one(2, 10, (90, "lan", CLOSED, CloseReason.FALSE_POSITIVE)),  # its look was late
    one(3, 20, (40, "lan", CLOSED, CloseReason.FALSE_POSITIVE), (50, "lan", NEW, None)),  # put back: open
    one(4, 30, (45, "lan", CLOSED, CloseReason.DUPLICATE)),
    one(5, 40),  # nobody looked: late, open
    one(6, -600, (10, "minh", CLOSED, CloseReason.BENIGN)),  # of the day before, decided now
    one(7, -600, (-500, "minh", CLOSED, CloseReason.BENIGN)),  # over before
    one(8, 500),  # after
    one(9, 60, (900, "minh", CLOSED, CloseReason.BENIGN)),  # open at the end of the period; looked at after it
    one(10, 70, suppressed_by="S-1"),
]


def test_what_an_eight_hour_shift_comes_to() -> None:
    closed = replace(made_of(ALERTS[:1], "w", ""), detected=at(5), closed=at(305))
    still = replace(made_of(ALERTS[1:2], "w", ""), detected=at(-60))
    merged = replace(made_of(ALERTS[2:3], "w", ""), detected=at(5), closed=at(6), merged_into=closed.id)
    found = figures(ALERTS, [closed, still, merged], ROSTER, SINCE, UNTIL)
    assert (sum(found.opened.values()), found.opened["high"], found.suppressed) == (7, 7, 1)
    assert found.closed == {"true-positive": 1, "false-positive": 1, "benign": 1, "duplicate": 1}
    assert (sum(found.backlog.values()), found.oldest_open) == (3, at(20))
    assert found.late_looks == 3
    assert found.time_to_detect == Spread(7, 600.0, 600.0)
    waits = [30, 80, 20, 15, 610]
    assert found.time_to_acknowledge == Spread(5, sum(waits) * 60 / 5, 30 * 60)
    assert found.time_to_resolve == Spread(4, (120 + 80 + 15 + 610) * 60 / 4, 100 * 60)
    assert (found.incidents_opened, found.incidents_closed, found.incidents_open) == (1, 1, 1)
    assert found.incident_time_to_resolve == Spread(1, 300 * 60, 300 * 60)
    [rule] = found.rules
    assert (rule.opened, rule.decided, rule.false_positives, rule.false_positive_rate) == (7, 4, 1, round(1 / 3, 4))
    assert [(a.shift, a.analyst, a.acknowledged, a.closed, a.reopened) for a in found.analysts] == [
        ("2026-11-20 07:00", "lan", 1, 3, 1),
        ("2026-11-20 07:00", "minh", 0, 2, 0),
    ]


def test_where_nothing_was_measured_there_is_no_figure() -> None:
    found = figures([], [], ROSTER, SINCE, UNTIL)
    assert found.time_to_detect == found.incident_time_to_resolve == Spread(0, None, None)
    assert found.oldest_open is None


@given(st.lists(st.integers(-700, 900), max_size=12), st.integers(1, 479))
def test_two_periods_side_by_side_count_what_the_whole_counts(opened: list[int], cut: int) -> None:
    alerts = [one(n, m, (m + 50, "lan", CLOSED, CloseReason.BENIGN)) for n, m in enumerate(opened)]
    whole = figures(alerts, [], ROSTER, SINCE, UNTIL)
    parts = [figures(alerts, [], ROSTER, *span) for span in ((SINCE, at(cut)), (at(cut), UNTIL))]
    assert sum(sum(p.opened.values()) for p in parts) == sum(whole.opened.values())
    assert sum(p.closed["benign"] for p in parts) == whole.closed["benign"]
    assert parts[1].backlog == whole.backlog


def test_a_shift_lasts_until_the_next() -> None:
    night = Shift(datetime(2026, 11, 20, 23))
    assert ROSTER.span(night) == (datetime(2026, 11, 20, 23, tzinfo=ZONE), datetime(2026, 11, 21, 7, tzinfo=ZONE))


@pytest.mark.parametrize("language", list(Language))
def test_the_report_shows_what_is_handed_over_with_hostile_text_as_text(language: Language) -> None:
    hostile = replace(ALERTS[4], title="<script>alert(1)</script>")
    incident = replace(made_of([hostile], "w", ""), detected=SINCE, title="=cmd|'/C calc'!A0")
    found = figures([hostile], [incident], ROSTER, SINCE, UNTIL)
    left = Handover([hostile], [(incident, Clocks(()))])
    document = report("shift", "SOC", found, left, UNTIL, language, ZONE)
    text = write(document, Format.HTML).decode()
    assert ("Báo cáo ca trực" if language is Language.VIETNAMESE else "Report of the shift") in text
    assert "<script>alert" not in text
    assert hostile.id in text
    assert incident.id in text
    assert write(document, Format.XLSX) == write(document, Format.XLSX)
