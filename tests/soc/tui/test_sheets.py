"""soc.tui.sheets: why it matched is seen where it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from soc.alert import AlertStatus, CloseReason, StatusChange
from soc.detect import Match
from soc.incident import TimelineEntry
from soc.reason import Because, Reason
from soc.tui import incident_sheet, sheets
from soc.tui.rows import Locale
from soc.tui.sheets import MAX_VALUE, mark, needles
from soc.tui.span import Line, Role, Span
from tests.soc.tui.desk_in_memory import HANOI, NOW, RULE, alert, event, incident

LOCALE = Locale("en", HANOI)


def plain(lines: list[Line]) -> str:
    return "\n".join("".join(span.text for span in one.spans) for one in lines)


def marked(lines: list[Line]) -> list[str]:
    return [span.text.strip() for one in lines for span in one.spans if span.role is Role.MARK]


def test_the_overview_says_what_how_bad_why_whom_and_until_when() -> None:
    page = plain(sheets.overview(alert(0), NOW, LOCALE))
    for words in (
        "C ■ critical",
        "risk 96",
        "to be looked at within 11m",
        "event.outcome = success",
        "source.ip cidr 203.0.113.0/24",
        "civil-status: criticality 5 of 5",
        "host.name         db-ht-01",
        "2026-03-03 03:10:30",
        "T1110.001",
    ):
        assert words in page


def test_why_this_risk_and_why_one_incident_are_said_in_the_analysts_language() -> None:
    vietnamese = Locale("vi", HANOI)
    risky = replace(alert(0), risk_why=(Reason(Because.LEVEL, ("critical", 80)), Reason(Because.REPETITION, (4, 4))))
    assert "mức nghiêm trọng: 80; gặp 4 lần: +4" in plain(sheets.peek(risky, vietnamese))
    assert "gặp 4 lần: +4" in plain(sheets.overview(risky, NOW, vietnamese))
    linked = replace(incident(), why=(Reason(Because.SHARED, ("A-1", "A-2", "source.ip=203.0.113.77")),))
    told = TimelineEntry(NOW, "phase", Reason(Because.PHASE_CLOSED, ("lan", "respond", "xong")), actor="lan")
    page = plain(incident_sheet.incident(replace(linked, timeline=(told,)), None, NOW, vietnamese))
    assert "A-1 và A-2 có chung source.ip=203.0.113.77" in page
    assert "giai đoạn  lan: ứng phó. Sự cố đã kết thúc. xong" in page


def test_the_line_under_the_list_tells_what_matched_before_what_the_log_source_asked() -> None:
    asked = Match("logsource", "process.name", "sshd", "sshd")
    told = Match("selection/message|re", "message", "curl.*sh", "curl x | sh")
    first = plain(sheets.peek(replace(alert(0), matched=(asked, told)), LOCALE)).split("\n")[0]
    assert first == "Why it matched: message curl x | sh  process.name sshd"


def test_every_leaf_that_matched_is_marked_with_its_value() -> None:
    assert marked(sheets.overview(alert(0), NOW, LOCALE)) == ["success", "203.0.113.77", "root"]


def test_a_correlation_tells_its_group_its_figure_and_what_was_needed() -> None:
    of_many = replace(
        alert(0),
        matched=(
            Match("correlation/group-by", "source.ip", "", "203.0.113.77"),
            Match("correlation/value_count", "user.name", "gte 10 in 0:30:00", "12"),
        ),
    )
    page = plain(sheets.overview(of_many, NOW, LOCALE))
    assert "source.ip = 203.0.113.77   (correlation)" in page
    assert "value_count of user.name = gte 10 in 0:30:00   (correlation)" in page
    assert marked(sheets.overview(of_many, NOW, LOCALE))[:1] == ["203.0.113.77"]


def test_the_raw_line_and_the_fields_are_marked() -> None:
    hits = marked(sheets.events(alert(0), [event("e00000000b")], LOCALE))
    assert hits.count("203.0.113.77") == 2  # in the raw line, and its own field
    assert "root" in hits
    assert "success" in hits


def test_the_newest_event_stands_first() -> None:
    page = plain(sheets.events(alert(0, count=4), [event("e0a"), event("e0b")], LOCALE))
    assert page.index("e0b") < page.index("e0a")
    assert "… and 2 more" in page


@pytest.mark.parametrize(
    ("written", "told"),
    [("2026-10-14T16:47:00.000000Z", "2026-10-14 23:47:00"), ("yesterday", "yesterday"), ("", "")],
)
def test_an_event_is_headed_by_the_time_of_the_site_or_by_what_it_says(written: str, told: str) -> None:
    page = plain(sheets.events(alert(0), [{"@timestamp": written}], LOCALE))
    assert page.split("\n")[0].rstrip() == f"Event 1 of {alert(0).count}  {told}".rstrip()


def test_a_line_of_a_megabyte_is_cut_and_says_so() -> None:
    page = plain(sheets.events(alert(0), [{"event.original": "A" * 1_000_000}], LOCALE))
    assert len(page) < MAX_VALUE + 500
    assert f"and {1_000_000 - MAX_VALUE} more characters" in page


def test_the_rule_is_marked_where_it_matched() -> None:
    assert marked(sheets.rule(alert(0), RULE, LOCALE)) == [
        "selection:",
        "event.outcome: success",
        "source.ip|cidr: 203.0.113.0/24",
        "account:",
        "user.name:",
        "- root",
        "- 'adm*'",
    ]


def test_a_rule_whose_text_is_gone_is_named() -> None:
    assert alert(0).rule_id in plain(sheets.rule(alert(0), "", LOCALE))


def test_history_tells_who_what_and_why() -> None:
    closed = replace(
        alert(0), history=(StatusChange(NOW, "lan", AlertStatus.CLOSED, CloseReason.BENIGN, "patch window"),)
    )
    assert "closed · benign  lan  patch window" in plain(sheets.history(closed, LOCALE))


def test_an_incident_tells_its_links_and_its_story() -> None:
    page = plain(incident_sheet.incident(incident(), None, NOW, LOCALE))
    assert "share source.ip=203.0.113.77, 39 minutes apart" in page
    assert "03-03 02:43:30  alert      Log-on accepted" in page


def test_a_mark_ignores_case_and_touches_no_character() -> None:
    assert mark("Invoke-WebRequest", ["webrequest"]) == [Span("Invoke-"), Span("WebRequest", Role.MARK)]
    assert mark("x" * 5000, ["x"])[0] == Span("x", Role.MARK)


def test_wildcards_are_no_part_of_what_is_looked_for() -> None:
    assert needles(Match("s/CommandLine", "CommandLine", "*\\powershell*-enc ?*", "")) == ["\\powershell", "-enc "]
    assert needles(Match("s/CommandLine|re", "CommandLine", "a.*b", "")) == []
