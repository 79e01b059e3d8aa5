"""Legal clocks: by the law of the day, the class, the systems and what a person said; and the notice made from facts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from iso27001.catalogue.reading import read
from iso27001.language import Language
from iso27001.legal import VIETNAM
from iso27001.report.writers import Format, write
from soc.detect import Level
from soc.incident import Incident, NoticeSent, Review, Task, TaskState
from soc.incident.classification import CLASSES, GROUPS, Matrix
from soc.incident.clocks import ClockState, clocks_of, severity_of
from soc.incident.merging import made_of
from soc.incident.notice import Notice, Sender, as_data, as_document
from soc.incident.notice_words import words
from soc.inventory import Asset, LogSource
from tests.soc.store.material import alert

DETECTED = datetime(2026, 11, 20, 8, 0, tzinfo=VIETNAM)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HOUR = timedelta(hours=1)


def system(criticality: int = 3, level: int = 3, *, personal: bool = False) -> Asset:
    return Asset(
        "civil-status",
        "Hộ tịch",
        "Civil status",
        criticality,
        level,
        "Head of justice",
        personal,
        (LogSource("a", "b"),),
    )


def incident(level: Level = Level.MEDIUM, **changes: object) -> Incident:
    made = made_of([replace(alert(1, level=level), system="civil-status")], "why", "")
    return replace(made, detected=DETECTED, **changes)


def hours(of: Incident, asset: Asset, now: datetime = DETECTED) -> dict[str, float]:
    found = clocks_of(of, [asset], Matrix(), now)
    assert found.gaps == ()
    return {clock.rule.id: (clock.due - DETECTED) / HOUR for clock in found.notices}


@pytest.mark.parametrize(
    ("of", "asset", "due"),
    [
        (incident(), system(), {"report": 72}),
        (incident(Level.CRITICAL), system(3), {"initial": 24, "report": 72}),  # M2, proposed
        (incident(Level.CRITICAL), system(5, 3), {"initial": 24, "report": 72}),  # M1
        (incident(Level.CRITICAL), system(5, 4), {"immediate": 0, "initial": 24, "report": 72}),
        (incident(Level.CRITICAL, severity="M3", group="N1"), system(5, 4), {"report": 72}),  # a person said otherwise
        (incident(triggers=("national-security",)), system(), {"immediate": 0, "report": 72}),
        (incident(severity="M3", group="N4"), system(personal=True), {"pd_breach": 72, "report": 72}),
        (incident(severity="M3", group="N4"), system(), {"report": 72}),
        (incident(tags=("attack.exfiltration",)), system(personal=True), {"pd_breach": 72, "report": 72}),
        (incident(triggers=("sensitive-personal-data",)), system(), {"pd_subject": 72, "report": 72}),
        (incident(Level.CRITICAL, false_alarm=True), system(5, 4), {}),
    ],
)
def test_what_is_due_by_class_system_and_what_a_person_said(of: Incident, asset: Asset, due: dict[str, float]) -> None:
    assert hours(of, asset) == due


def test_before_the_decrees_it_was_five_days_for_any() -> None:
    before = replace(incident(Level.CRITICAL), detected=datetime(2026, 8, 1, tzinfo=VIETNAM))
    [clock] = clocks_of(before, [system(5, 4)], Matrix(), DETECTED).notices
    assert (clock.rule.id, clock.due - before.detected) == ("old_notice", timedelta(days=5))  # type: ignore[operator]


def test_what_the_data_has_no_answer_to_is_told_beside_what_it_has() -> None:
    old = replace(incident(triggers=("personal-data",)), detected=datetime(2025, 12, 1, tzinfo=VIETNAM))
    found = clocks_of(old, [system()], Matrix(), DETECTED)
    assert [clock.rule.id for clock in found.notices] == ["old_notice"]
    assert "personal-data" in found.gaps[0]


def test_a_clock_warns_six_hours_before_and_ends_with_what_was_sent() -> None:
    of, asset = incident(), [system()]

    def state(now: datetime, of: Incident = of) -> ClockState:
        [clock] = clocks_of(of, asset, Matrix(), now).notices
        return clock.state

    assert state(DETECTED + 66 * HOUR - timedelta(seconds=1)) is ClockState.RUNNING
    assert state(DETECTED + 66 * HOUR) is ClockState.WARNING
    assert state(DETECTED + 72 * HOUR) is ClockState.WARNING
    assert state(DETECTED + 72 * HOUR + timedelta(seconds=1)) is ClockState.OVERDUE
    for at, expected in ((70, ClockState.SENT), (73, ClockState.SENT_LATE)):
        sent = NoticeSent("report", DETECTED + at * HOUR, "lan", "A05", "11" * 32, "22" * 32)
        assert state(DETECTED + 99 * HOUR, replace(of, notices=(sent,))) is expected


def test_classes_and_groups_are_those_of_the_legal_data() -> None:
    data = read("vn_legal.yaml", "vn-legal/2")
    assert {key: vi for key, (_, vi) in CLASSES.items()} == data["incident_levels"]
    assert {key: vi for key, (_, vi) in GROUPS.items()} == data["incident_groups"]


def test_a_matrix_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="informational needs five of M1"):
        Matrix(rows={Level.CRITICAL: ("M1",)})
    with pytest.raises(ValueError, match="serious holds"):
        Matrix(serious=("M9",))
    assert severity_of(incident(Level.HIGH), [], Matrix()) == "M3"


def notice(**changes: object) -> Notice:
    hostile = "<script>alert(1)</script> \x1b[31m"
    of = replace(
        incident(Level.CRITICAL),
        title=f"Đăng nhập trái phép {hostile}",
        tasks=(Task("T-1", "Chặn địa chỉ", state=TaskState.DONE), Task("T-2", "Đổi mật khẩu")),
        **changes,
    )
    [clock] = [c for c in clocks_of(of, [system(5)], Matrix(), DETECTED).notices if c.rule.id == "report"]
    one = (replace(alert(1), title=hostile),)
    return Notice(
        of, clock, "M1", one, (system(5),), Sender("Tỉnh Tây Ninh", "UBND tỉnh", "SOC"), DETECTED + HOUR, 7, "ab" * 32
    )


def test_the_notice_says_what_is_known_and_that_the_rest_is_not() -> None:
    data = as_data(notice())
    assert json.loads(json.dumps(data)) == data
    assert (data["notice"]["rule"], data["incident"]["class"], data["incident"]["assessed"], data["cause"]) == (
        "report",
        "M1",
        False,
        None,
    )
    assert [measure["state"] for measure in data["measures"]] == ["done", "open"]
    reviewed = as_data(notice(review=Review(DETECTED, "lan", "Mật khẩu yếu", "l", "i"), severity="M1", group="N2"))
    assert (reviewed["cause"], reviewed["incident"]["assessed"]) == ("Mật khẩu yếu", True)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("form", [Format.HTML, Format.DOCX])
def test_the_notice_is_a_file_in_both_languages_the_same_for_the_same_facts(language: Language, form: Format) -> None:
    written = [write(as_document(notice(), language, ZONE), form) for _ in range(2)]
    assert written[0] == written[1]
    if form is Format.HTML:
        text = written[0].decode()
        assert words(language)["title"] in text
        assert "Đăng nhập trái phép" in text
        assert "ab" * 32 in text
        assert "<script>alert" not in text
        assert "\x1b" not in text
        assert ("23/11/2026 08:00 +07" in text) or ("23/11/2026" in text)
