"""What the SOC counts of itself, number by number; what was not counted is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from collectors.event import Event
from collectors.record import Position
from iso27001.counting import Count
from iso27001.language import Language
from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus, Entity, StatusChange
from soc.detect import Level
from soc.evidence import incident_line, links_of
from soc.evidence.engine import FAR, canary_counts, capacity_counts, engine_counts, intelligence_counts
from soc.evidence.flow import clock_counts, flow_counts, retention_counts
from soc.evidence.response import (
    Answered,
    custody_counts,
    notice_counts,
    playbook_counts,
    review_counts,
    run_counts,
)
from soc.evidence.triage import triage_counts
from soc.incident import Incident, NoticeSent, Phase, Review
from soc.incident.classification import Matrix
from soc.incident.clocks import clocks_of
from soc.reason import Because, Reason
from soc.respond import Plan, Playbook, Run, StepResult, StepState

NOW = datetime(2026, 11, 30, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def by_id(counts: list[Count]) -> dict[str, dict[str, Any]]:
    return {count.measure_id: dict(count.numbers) for count in counts}


def conserved(heard: Mapping[str, datetime], *, balanced: bool = True, **counts: int) -> Fact:
    told = {"received": 0, "dead": 0, "dropped": 0} | counts
    body = {
        "heard": {k: v.isoformat() for k, v in heard.items()},
        "sources": {"auth": told},
        "balanced": balanced,
    }
    return Fact("c", "conservation", NOW, "engine", body)


def test_coverage_and_loss_are_of_the_conservation_facts() -> None:
    facts = [
        conserved({"portal/nginx": NOW, "old/nginx": NOW - 2 * DAY}, received=90, dead=2, dropped=10),
        conserved({"extra/x": NOW}, received=10),
    ]
    counts = flow_counts(facts, ["portal/nginx", "old/nginx"], NOW - DAY, ["auth since 02:00"])
    assert by_id(counts) == {
        "LOG-01": {"sources_seen": 1, "sources_expected": 2},
        "LOG-03": {"accepted": 110, "lost": 10, "parse_failed": 2},
    }
    assert {count.stopped for count in counts} == {("auth since 02:00",)}


def test_what_does_not_add_up_and_what_never_flowed_is_not_counted_as_no_loss() -> None:
    assert by_id(flow_counts([conserved({}, balanced=False, received=9)], [], NOW - DAY, []))["LOG-03"]["lost"] is None
    assert by_id(flow_counts([], ["a/b"], NOW - DAY, []))["LOG-03"] == dict.fromkeys(
        ("accepted", "lost", "parse_failed")
    )


def test_retention_is_held_against_what_the_law_demands() -> None:
    demanded = {"a/x": 90 * DAY, "b/x": 365 * DAY, "c/x": 365 * DAY}
    kept = {"a/x": 365 * DAY, "b/x": 364 * DAY, "c/x": 400 * DAY}
    [count] = retention_counts(demanded, kept, {"c/x": 30 * DAY, "a/x": 90 * DAY})
    assert count.numbers == {"streams": 3, "streams_lifecycle_kept": 2, "streams_kept": 2}


def event(source: str, host: str, late_s: float) -> Event:
    when = NOW - timedelta(seconds=late_s)
    return Event("0" * 32, when, {"host.name": host}, b"", source, Position("", "", 0, 1), NOW)


def test_a_clock_is_the_median_of_a_host_and_a_host_of_few_events_says_nothing() -> None:
    events = [
        *(event("udp", "jump-01", late) for late in (0.1, 0.2, 900.0)),
        *(event("udp", "db-01", late) for late in (-61.0, -60.5, -60.0, -61.5)),
        *(event("udp", "seldom", late) for late in (500.0, 500.0)),
    ]
    [count] = clock_counts(events, [])
    assert count.numbers == {"sources": 2, "sources_within_5s": 1, "worst_skew_s": 60.75}
    assert count.population == 9
    assert clock_counts(events[-2:], []) == []


def detected(wait_s: float) -> Fact:
    body = {"events": [{"ingested": (NOW - timedelta(seconds=wait_s)).isoformat()}]}
    return Fact("d", "detection", NOW, "engine", body)


def test_the_engine_tells_its_lag_and_the_age_of_its_model() -> None:
    counts = engine_counts([detected(1), detected(9), detected(-3)], 120, 2, NOW - 3 * DAY, NOW)
    assert by_id(counts) == {
        "MON-01": {"rules_ok": 118, "rules_enabled": 120, "p95_lag_s": 9.0},
        "MON-05": {"days_since_training": 3.0},
    }
    assert "MON-05" not in by_id(engine_counts([], 1, 0, None, NOW))


def test_canaries_are_found_or_not_and_none_is_no_count() -> None:
    [count] = canary_counts([timedelta(seconds=2), timedelta(seconds=4), None])
    assert count.numbers == {"canaries_sent": 3, "canaries_alerted": 2, "median_delay_s": 3.0}
    assert canary_counts([]) == []


def test_a_disk_is_full_by_how_it_filled() -> None:
    def days(used: int, before: list[tuple[datetime, float]]) -> float | None:
        return by_id(capacity_counts(used, 1000, 0.0, before, NOW))["CAP-01"]["days_to_full"]  # type: ignore[no-any-return]

    assert days(600, [(NOW - 10 * DAY, 500), (NOW - DAY, 590)]) == 40
    assert days(400, [(NOW - 10 * DAY, 500)]) == FAR
    assert days(400, []) is None
    assert days(400, [(NOW, 400)]) is None


ALERT = Alert(
    id="A-1",
    rule_id="r",
    rule_version="v",
    title="t",
    level=Level.HIGH,
    tags=("attack.t1110.001",),
    logsource="",
    entity=Entity("source.ip", "203.0.113.1"),
    entities=(),
    system="",
    first_seen=NOW,
    last_seen=NOW,
    count=3,
    risk=50,
    risk_why=(),
    due=NOW,
    event_ids=(),
    matched=(),
)


def looked(alert: Alert, after: timedelta, status: AlertStatus = AlertStatus.ACKNOWLEDGED) -> Alert:
    change = StatusChange(NOW - DAY + after, "lan", status)
    return replace(alert, status=status, history=(*alert.history, change))


def counted(*alerts: Alert) -> dict[str, dict[str, Any]]:
    named = [replace(alert, id=f"A-{n}") for n, alert in enumerate(alerts)]
    opened = {alert.id: NOW - DAY for alert in named}
    return by_id(triage_counts(named, opened, NOW, []))


def test_triage_is_of_alerts_that_were_looked_at_or_should_have_been() -> None:
    in_time, late = looked(ALERT, HOUR), looked(ALERT, 2 * HOUR)
    closed = looked(in_time, 3 * HOUR, AlertStatus.CLOSED)
    found = counted(in_time, late, closed, ALERT, replace(ALERT, level=Level.LOW))
    assert (found["MON-03"]["high"], found["MON-03"]["high_in_60m"], found["MON-03"]["critical"]) == (4, 2, 0)
    assert found["MON-03"]["mtta_s"] == 4800
    assert found["INC-01"] == {"events": 5, "events_decided": 1, "median_decision_min": 180}


def test_an_alert_whose_time_is_not_over_is_left_out() -> None:
    found = by_id(triage_counts([ALERT], {"A-1": NOW - HOUR / 2}, NOW, []))
    assert (found["MON-03"]["high"], found["INC-01"]["median_decision_min"]) == (0, None)


def test_hits_are_explained_by_an_incident_or_by_being_closed() -> None:
    tampering = replace(ALERT, tags=("attack.t1070.002",))
    found = counted(
        tampering,
        replace(tampering, incident_id="I-1"),
        looked(tampering, HOUR, AlertStatus.CLOSED),
        replace(ALERT, tags=("attack.t1218.011",)),
        replace(ALERT, tags=("attack.t12180",)),
        looked(replace(ALERT, tags=("attack.t1048.003",)), 7 * HOUR),
        replace(ALERT, tags=("attack.exfiltration",)),
    )
    assert found["LOG-05"] == {"hits": 3, "hits_unexplained": 1}
    assert found["UTL-01"] == {"hits": 1, "hits_unexplained": 1}
    assert found["DLP-01"] == {"signals": 2, "signals_triaged_in_sla": 1}


def test_intelligence_is_as_old_as_its_oldest_feed() -> None:
    hit = replace(ALERT, logsource="category:threat_intel")
    [count] = intelligence_counts({"a": NOW - HOUR, "b": NOW - 30 * HOUR}, [hit, ALERT], NOW)
    assert count.numbers == {"feed_age_h": 30, "matches": 3}
    assert intelligence_counts({}, [hit], NOW) == []


INCIDENT = Incident(
    id="I-1",
    title="t",
    level=Level.HIGH,
    risk=80,
    phase=Phase.RESPOND,
    opened=NOW - 5 * DAY,
    last_seen=NOW - 5 * DAY,
    entities=(),
    systems=(),
    tags=(),
    alert_ids=(),
    why=(),
    timeline=(),
)


def answered(incident: Incident, severity: str = "M3") -> Answered:
    return Answered(incident, severity, clocks_of(incident, [], Matrix(), NOW))


def sent(after: timedelta, rule: str = "report") -> Incident:
    notice = NoticeSent(rule, INCIDENT.opened + after, "lan", "A05", "0" * 64, "0" * 64)
    return replace(INCIDENT, notices=(notice,))


def test_notices_are_late_when_they_were_sent_after_their_time_or_never() -> None:
    told = [
        answered(sent(70 * HOUR)),
        answered(sent(80 * HOUR)),
        answered(INCIDENT),
        answered(replace(INCIDENT, opened=NOW - HOUR)),
        answered(replace(INCIDENT, false_alarm=True)),
    ]
    assert by_id(notice_counts(told, NOW))["INC-03"] == {"notices_due": 3, "notices_late": 2}
    long_ago = replace(sent(80 * HOUR), opened=INCIDENT.opened - 60 * DAY)
    assert by_id(notice_counts([answered(long_ago)], NOW))["INC-03"]["notices_due"] == 0


def test_a_gap_in_the_law_leaves_the_number_of_late_notices_unknown() -> None:
    early = replace(INCIDENT, opened=datetime(2016, 1, 1, tzinfo=UTC))
    assert by_id(notice_counts([answered(early), answered(INCIDENT)], NOW))["INC-03"]["notices_late"] is None


def test_a_grave_incident_is_reviewed_within_14_days_of_its_closing() -> None:
    def closed(days: float, reviewed: float | None) -> Incident:
        end = NOW - days * DAY
        review = None if reviewed is None else Review(end + reviewed * DAY, "lan", "c", "l", "i")
        return replace(INCIDENT, closed=end, review=review)

    told = [
        answered(closed(20, 3), "M1"),
        answered(closed(20, -1), "M2"),
        answered(closed(20, 15), "M2"),
        answered(closed(20, None), "M2"),
        answered(closed(3, None), "M2"),  # there is time
        answered(closed(20, None), "M3"),
        answered(closed(200, None), "M1"),
    ]
    assert by_id(review_counts(told, NOW))["INC-04"] == {"major_closed": 4, "reviews_in_14d": 2}


def test_items_are_counted_by_their_hash_and_their_custody() -> None:
    [count] = custody_counts(["", "changed", ""], ["", "", "broken"])
    assert count.numbers == {"items": 3, "items_hash_ok": 2, "items_custody_ok": 2}
    assert custody_counts([], []) == []


def test_what_was_done_about_an_incident_is_evidence_of_answering() -> None:
    review = Review(NOW, "lan", "c", "l", "i")
    done = replace(sent(HOUR), plans=("P-1",), review=review)
    assert {link.control_id for link in links_of(done, [])} == {"A.5.5", "A.5.26", "A.5.27", "A.5.37"}
    assert links_of(INCIDENT, []) == ()


def test_an_incident_is_told_with_its_notices_and_when() -> None:
    line = incident_line(sent(80 * HOUR), [], clocks_of(sent(80 * HOUR), [], Matrix(), NOW), Language.ENGLISH)
    assert [(n.rule, n.state, n.sent) for n in line.notices] == [("report", "sent-late", INCIDENT.opened + 80 * HOUR)]
    assert line.notices[0].due == INCIDENT.opened + 72 * HOUR


def test_why_alerts_are_one_incident_is_told_in_the_reports_language() -> None:
    linked = replace(INCIDENT, why=(Reason(Because.RULES, (3,)), "as a ledger of before wrote it"))
    lines = [incident_line(linked, [], clocks_of(linked, [], Matrix(), NOW), language) for language in Language]
    assert [line.why[0] for line in lines] == [
        "3 different rules lead to one another",
        "3 luật khác nhau nối tiếp nhau",
    ]
    assert {line.why[1] for line in lines} == {"as a ledger of before wrote it"}


def run(*states: tuple[StepState, str], finished: bool = True, planned: datetime = NOW) -> Run:
    plan = Plan("P-1", "block", "t", "I-1", {}, (), "lan", planned)
    steps = tuple(StepResult(str(n), state, output=output) for n, (state, output) in enumerate(states))
    return Run(plan, (), steps, finished)


def test_steps_of_runs_that_ended_are_done_or_say_why_not() -> None:
    runs = [
        run((StepState.DONE, ""), (StepState.FAILED, "the firewall did not answer")),
        run((StepState.DONE, ""), (StepState.AWAITING_PERSON, "")),
        run((StepState.PENDING, ""), finished=False),
        run((StepState.FAILED, ""), planned=NOW - 400 * DAY),
    ]
    [count] = run_counts(runs, NOW - 365 * DAY)
    assert count.numbers == {"mandatory_steps": 4, "mandatory_steps_done": 2, "deviations_unjustified": 1}
    assert run_counts(runs[2:], NOW - 365 * DAY) == []


def test_playbooks_count_as_reviewed_for_a_year() -> None:
    books = [Playbook(each, "t", "d", "o", each, ()) for each in ("2026-01-01", "2025-11-29", "soon")]
    [count] = playbook_counts(books, date(2026, 11, 30))
    assert count.numbers == {"playbooks": 3, "playbooks_reviewed_12m": 1}
