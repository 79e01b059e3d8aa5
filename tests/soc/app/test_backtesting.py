"""Backtests on a site's own history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc.alert import CloseReason
from soc.alert.facts import opened
from soc.app import backtesting
from soc.app.backtesting import BACKTEST, AlertCounts, Backtest, backtest, change_of, record
from soc.app.desk import SiteDesk
from soc.app.history import Span, first_received, history
from soc.app.reading import BATCH
from soc.app.site import Site
from soc.detect.backtest import Kind
from soc.errors import SocError
from tests.soc.app.lived import PASSWORD, alerts, confirm, lived, login, password_rule, write_yaml

OTHER = "10000000-0000-4000-8000-000000000002"
OCTOBER = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
QUIET = "incident: {risk: 101, rules: 99, pivot_level: critical}\n"
"""No alert becomes an incident."""


def tried(site: Site, folder: Path, *documents: dict[str, Any], span: Span = OCTOBER) -> Backtest:
    return backtest(site, change_of(site, [write_yaml(folder / "change.yml", *documents)]), span)


def test_a_change_shows_the_alerts_that_it_removes_adds_and_keeps(tmp_path: Path) -> None:
    lines = [login(1, "root", "203.0.113.1"), login(2, "lan", "203.0.113.2"), login(3, "lan", "203.0.113.2")]
    config = lived(tmp_path, lines, more=QUIET)
    with Site.load(config) as site:
        result = tried(
            site,
            tmp_path,
            password_rule(starts="Accepted password for lan"),
            password_rule(OTHER, starts="Accepted password for root"),
        )
        assert result.events == 3
        assert result.alerts == {PASSWORD: AlertCounts(removed=1, kept=1), OTHER: AlertCounts(added=1)}
        assert {o.rule.id: (o.removed, o.added, o.kept) for o in result.rules} == {
            PASSWORD: (1, 0, 2),
            OTHER: (0, 1, 0),
        }
        [gone] = next(o for o in result.rules if o.rule.id == PASSWORD).samples[Kind.REMOVED]
        assert "for root from 203.0.113.1" in gone.text
        assert [(d.day, d.before, d.after) for d in result.days if d.before or d.after] == [("2026-10-14", 2, 2)]
        assert result.objections() == []


def test_the_old_side_of_a_backtest_is_what_the_engine_alerted(tmp_path: Path) -> None:
    """The same engine, the same grouping: for a rule that is taken away, the alerts removed are those that stand in the ledger."""
    lines = [login(n, "root", f"203.0.113.{n % 7}") for n in range(60)]
    config = lived(tmp_path, lines, more=QUIET)
    with Site.load(config) as site:
        change = change_of(site, [], without=[PASSWORD])
        result = backtest(site, change, OCTOBER)
        assert result.total == AlertCounts(removed=len(alerts(site)))
        assert result.rules[0].removed == sum(alert.count for alert in alerts(site)) == 60


def test_a_confirmed_alert_that_would_vanish_refuses_the_change(tmp_path: Path) -> None:
    lines = [login(1, "root", "203.0.113.1"), login(2, "lan", "203.0.113.2")]
    config = lived(tmp_path, lines, more=QUIET)
    only_lan, only_root = (password_rule(starts=f"Accepted password for {user}") for user in ("lan", "root"))
    with Site.load(config) as site:
        confirm(site, alerts(site)[0])
        assert tried(site, tmp_path, only_root).objections() == []
        [objection] = tried(site, tmp_path, only_lan).objections()
        assert (
            objection == f"{alerts(site)[0].id} (Log-in with a password) would vanish: closed as true positive by lan"
        )


def test_a_confirmed_alert_of_last_year_counts_although_the_span_does_not_reach_it(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1, "root", day=1), login(2, "lan", "203.0.113.2", day=20)], more=QUIET)
    late = Span(datetime(2026, 10, 15, tzinfo=UTC), OCTOBER.until)
    with Site.load(config) as site:
        confirm(site, alerts(site)[0])
        result = tried(site, tmp_path, password_rule(starts="Accepted password for lan"), span=late)
        assert result.events == 1
        assert [p.alert_id for p in result.vanishing] == [alerts(site)[0].id]
        assert tried(site, tmp_path, password_rule(starts="Accepted password"), span=late).vanishing == ()


def test_a_member_of_an_incident_that_would_vanish_refuses_the_change(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1)], more="incident: {risk: 1}\n")
    with Site.load(config) as site:
        [alert] = alerts(site)
        assert alert.incident_id
        [objection] = tried(site, tmp_path, password_rule(starts="Nothing")).objections()
        assert objection.endswith(f"would vanish: part of incident {alert.incident_id}")


@pytest.mark.parametrize("reason", [CloseReason.FALSE_POSITIVE, CloseReason.BENIGN])
def test_an_alert_that_was_closed_as_harmless_may_vanish(tmp_path: Path, reason: CloseReason) -> None:
    config = lived(tmp_path, [login(1)], more="incident: {risk: 1}\n")
    with Site.load(config) as site:
        SiteDesk(site, "lan").close([alerts(site)[0].id], reason, "a patrol")
        assert tried(site, tmp_path, password_rule(starts="Nothing")).objections() == []


@pytest.mark.parametrize(("per_shift", "refused"), [(0, False), (5, True), (6, False)])
def test_a_shift_that_would_get_more_than_it_can_take_refuses_the_change(
    tmp_path: Path, per_shift: int, refused: bool
) -> None:
    """Two alerts of a rule that the change leaves alone count, and four that it adds."""
    lines = [
        *(login(n, "root", f"203.0.113.{n}") for n in range(2)),
        *(login(n, "lan", f"203.0.113.{n}") for n in range(4)),
    ]
    more = f"{QUIET}detect: {{alert_budget: {{per_shift: {per_shift}}}}}\n"
    config = lived(tmp_path, lines, password_rule(starts="Accepted password for root"), more=more)
    with Site.load(config) as site:
        result = tried(site, tmp_path, password_rule(OTHER, starts="Accepted password for lan"))
        assert [(str(x.shift), x.before, x.after) for x in result.loads if x.after] == [("2026-10-13 23:00", 2, 6)]
        assert bool(result.broken) is refused
        assert [o.partition(";")[0] for o in result.objections()] == (
            ["1 of 93 shifts would get more than the 5 alerts that one can take"] if refused else []
        )


def test_what_was_decided_is_a_fact(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1)], more=QUIET)
    with Site.load(config) as site:
        confirm(site, alerts(site)[0])
        result = tried(site, tmp_path, password_rule(starts="Nothing"))
        record(site, result, "minh")
        record(site, result, "minh", reason="the jump host is gone")
        facts = [entry.fact for entry in site.ledger.entries(kinds=[BACKTEST])]
        assert [(f.actor, f.body["verdict"], f.body["reason"]) for f in facts] == [
            ("minh", "refused", ""),
            ("minh", "forced", "the jump host is gone"),
        ]
        assert facts[1].body["change"] == result.change.digest
        assert facts[1].body["alerts"] == {"removed": 1, "added": 0, "kept": 0}
        assert facts[1].body["events"] == 1
        assert facts[1].body["objections"] == result.objections()


def test_a_new_file_in_the_rule_folder_is_an_addition_until_it_runs(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1)], more=QUIET)
    new = write_yaml(config.parent / "own" / "new.yml", password_rule(OTHER))
    with Site.load(config) as site:
        assert [(d.kind, d.id) for d in change_of(site, [new]).differences] == [(Kind.ADDED, OTHER)]
        assert change_of(site, [config.parent / "own" / "rule_0.yml"]).differences == ()


def test_a_rule_that_was_edited_in_place_can_only_be_held_against_a_copy(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1)], more=QUIET)
    in_place = config.parent / "own" / "rule_0.yml"
    copy = tmp_path / "before" / "rule_0.yml"
    copy.parent.mkdir()
    copy.write_text(in_place.read_text())
    write_yaml(in_place, password_rule(starts="Nothing"))
    with Site.load(config) as site:
        with pytest.raises(SocError, match="--against"):
            change_of(site, [in_place])
        change = change_of(site, [in_place], against=[copy.parent])
        assert [d.kind for d in change.differences] == [Kind.CHANGED]
        assert backtest(site, change, OCTOBER).total.removed == 1


def test_a_rule_that_is_not_there_cannot_be_left_out(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1)], more=QUIET)
    with Site.load(config) as site, pytest.raises(SocError, match="no rule nope"):
        change_of(site, [], without=["nope"])


def test_a_span_without_events_says_where_there_are_some(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1)], more=QUIET)
    empty = Span(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))
    with Site.load(config) as site, pytest.raises(SocError, match="of 2026-10-14 00:01 to 2026-10-14 00:01"):
        tried(site, tmp_path, password_rule(OTHER), span=empty)


def test_history_is_read_from_where_its_span_was_received(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(n % 1440) for n in range(12_000)], more=QUIET)
    with Site.load(config) as site:
        journal = site.journal_reader
        received = [e.ingested for _, events in history(journal, OCTOBER.since) for e in events]
        assert len(received) == 12_000
        middle = received[9_000]
        first = first_received(journal, middle)
        assert first == max(0, received.index(middle) - BATCH)
        assert first_received(journal, OCTOBER.since) == 0
        offsets = [offset for offset, _ in history(journal, middle)]
        assert offsets[0] == first


def test_progress_counts_every_event_once(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(n) for n in range(10)], more=QUIET)
    told: list[int] = []
    with Site.load(config) as site:
        change = change_of(site, [], without=[PASSWORD])
        backtesting.backtest(site, change, OCTOBER, told.append)
    assert sum(told) == 10


SEVERAL = "10000000-0000-4000-8000-000000000003"


def several(*, generate: bool) -> dict[str, Any]:
    """Three log-ins of one account within an hour."""
    return {
        "title": "Several log-ins",
        "id": SEVERAL,
        "status": "test",
        "level": "high",
        "correlation": {
            "type": "event_count",
            "rules": [PASSWORD],
            "group-by": ["user.name"],
            "timespan": "1h",
            "condition": {"gte": 3},
            "generate": generate,
        },
    }


def test_a_new_correlation_is_tried_with_the_rules_it_reads(tmp_path: Path) -> None:
    lines = [*(login(n, "lan", "192.0.2.7") for n in range(3)), login(30, "root"), login(100, "root")]
    with Site.load(lived(tmp_path, lines, more=QUIET)) as site:
        loud = tried(site, tmp_path, several(generate=True))
        assert loud.alerts == {SEVERAL: AlertCounts(added=1), PASSWORD: AlertCounts(kept=2)}
        quiet = tried(site, tmp_path, several(generate=False))
        assert quiet.alerts == {SEVERAL: AlertCounts(added=1), PASSWORD: AlertCounts(removed=2)}


def test_windows_are_full_when_the_span_begins(tmp_path: Path) -> None:
    """Two of three log-ins are before the span, the third is in it."""
    with Site.load(lived(tmp_path, [login(n, "lan", "192.0.2.7") for n in range(3)], more=QUIET)) as site:
        late = Span(datetime(2026, 10, 13, 17, 2, tzinfo=UTC), OCTOBER.until)
        result = tried(site, tmp_path, several(generate=True), span=late)
        assert result.events == 1
        assert result.alerts == {SEVERAL: AlertCounts(added=1), PASSWORD: AlertCounts(kept=1)}


def test_a_confirmed_alert_of_a_correlation_is_judged_by_its_events(tmp_path: Path) -> None:
    """Within the span by the run; of before it nobody can tell, and that is said."""
    lines = [*(login(n, "lan", "192.0.2.7") for n in range(3)), login(1, "root", day=20)]
    with Site.load(lived(tmp_path, lines, password_rule(), several(generate=True), more=QUIET)) as site:
        alert = alerts(site)[0]
        events = [event for _, batch in history(site.journal_reader, OCTOBER.since) for event in batch]
        found = replace(alert, id="A-several", rule_id=SEVERAL, event_ids=tuple(event.id for event in events[:3]))
        site.ledger.append([opened(found, site.clock())])
        confirm(site, found)
        change = {**several(generate=True), "title": "More log-ins"}
        assert tried(site, tmp_path, change).vanishing == ()
        change["correlation"]["condition"] = {"gte": 4}
        assert [p.alert_id for p in tried(site, tmp_path, change).vanishing] == ["A-several"]
        late = Span(datetime(2026, 10, 18, tzinfo=UTC), OCTOBER.until)
        result = tried(site, tmp_path, change, span=late)
        assert (result.vanishing, result.unjudged) == ((), 1)
