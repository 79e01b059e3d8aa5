"""Tuning from an alert: what is written, what is refused, what is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from soc.app import rule_testing, tuning
from soc.app.backtesting import Backtest, backtest
from soc.app.checking import checks
from soc.app.hidden import record_hidden
from soc.app.history import Span
from soc.app.run import Running
from soc.app.site import Site
from soc.app.tuning import ADDED, Proposal
from soc.detect.tuning import Standing
from soc.errors import SocError
from tests.soc.app.lived import PASSWORD, alerts, confirm, lived, login, password_rule, write_yaml

OCTOBER = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
QUIET = "incident: {risk: 101, rules: 99, pivot_level: critical}\n"
MADE, END = date(2026, 11, 22), date(2027, 1, 1)


def lan_and_root(folder: Path) -> Path:
    lines = [login(1, "lan", "192.0.2.7"), login(2, "lan", "192.0.2.7"), login(3, "root", "203.0.113.1")]
    return lived(folder, lines, more=QUIET)


def proposed(site: Site, at: int = 0, *fields: str, expires: date = END) -> tuple[Proposal, Backtest]:
    case = tuning.case_of(site, alerts(site)[at])
    proposal = tuning.propose(
        site, case, fields or ["user.name"], reason="patrol", owner="minh", expires=expires, made=MADE
    )
    return proposal, backtest(site, proposal.change, OCTOBER)


def test_a_tuning_hides_its_case_and_its_test_passes(tmp_path: Path) -> None:
    with Site.load(lan_and_root(tmp_path)) as site:
        proposal, result = proposed(site)
        assert [(o.removed, o.added, o.kept) for o in result.rules] == [(2, 0, 1)]
        assert result.objections() == []
        path = tuning.place(site, "patrol")
        assert tuning.write(site, proposal, result, path, "lan") == ""
        assert path.parent == site.config.rules[0] / "tuning"
        assert sorted(p.name for p in path.parent.iterdir()) == ["patrol.test.yml", "patrol.yml"]
        verdicts = rule_testing.run(site, [path])
        assert [verdict.sample.kind.value for verdict in verdicts if verdict.sample] == ["hidden", "kept"]
        assert all(verdict.passed for verdict in verdicts)
        assert backtest(site, tuning_removed(site, proposal), OCTOBER).total.added == 1
        [fact] = [entry.fact for entry in site.ledger.entries(kinds=[ADDED])]
        assert fact.actor == "lan"
        assert {
            key: fact.body[key] for key in ("rule", "owner", "reason", "expires", "would_have_hidden", "cases")
        } == {
            "rule": PASSWORD,
            "owner": "minh",
            "reason": "patrol",
            "expires": "2027-01-01",
            "would_have_hidden": 2,
            "cases": [{"user.name": "lan"}],
        }


def tuning_removed(site: Site, proposal: Proposal) -> tuning.Change:
    from soc.app.backtesting import change_of

    return change_of(site, [], without=[proposal.tuning.id])


def test_upstream_files_are_left_as_they_are(tmp_path: Path) -> None:
    config = lan_and_root(tmp_path)
    before = (config.parent / "own" / "rule_0.yml").read_bytes()
    with Site.load(config) as site:
        proposal, result = proposed(site)
        tuning.write(site, proposal, result, tuning.place(site, "patrol"), "lan")
    assert (config.parent / "own" / "rule_0.yml").read_bytes() == before


def test_hiding_a_confirmed_alert_is_refused_like_any_change(tmp_path: Path) -> None:
    with Site.load(lan_and_root(tmp_path)) as site:
        confirm(site, alerts(site)[0])
        _, result = proposed(site)
        [objection] = result.objections()
        assert "would vanish: closed as true positive by lan" in objection
        _, other = proposed(site, 1)
        assert other.objections() == []


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    with Site.load(lan_and_root(tmp_path)) as site:
        proposal, result = proposed(site)
        path = tuning.place(site, "patrol")
        tuning.write(site, proposal, result, path, "lan")
        with pytest.raises(SocError, match="there already"):
            tuning.write(site, proposal, result, path, "lan")
        with pytest.raises(SocError, match="tuned already"):
            proposed(site)


def test_without_a_line_that_must_stay_there_is_no_test(tmp_path: Path) -> None:
    with Site.load(lived(tmp_path, [login(1, "lan")], more=QUIET)) as site:
        proposal, result = proposed(site)
        path = tuning.place(site, "patrol")
        assert "no event shows what must stay" in tuning.write(site, proposal, result, path, "lan")
        assert [p.name for p in path.parent.iterdir()] == ["patrol.yml"]


def test_the_rules_own_sample_shows_what_must_stay_where_history_does_not(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1, "lan")], more=QUIET)
    sample = {"format": "rfc3164", "match": [login(2, "root").strip()], "near_miss": ["Oct 14 00:01:00 h sshd[1]: x"]}
    write_yaml(config.parent / "own" / "rule_0.test.yml", sample)
    with Site.load(config) as site:
        proposal, result = proposed(site)
        path = tuning.place(site, "patrol")
        assert tuning.write(site, proposal, result, path, "lan") == ""
        assert all(verdict.passed for verdict in rule_testing.run(site, [path]))


@pytest.mark.parametrize("name", ["", "../escape", "a/b", ".hidden"])
def test_a_tuning_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with Site.load(lan_and_root(tmp_path)) as site, pytest.raises(SocError, match="no name"):
        tuning.place(site, name)


def test_a_tuning_must_end_after_it_begins(tmp_path: Path) -> None:
    with Site.load(lan_and_root(tmp_path)) as site, pytest.raises(SocError, match="hides nothing"):
        proposed(site, expires=MADE)


def test_a_correlation_sees_no_fields_and_is_not_tuned(tmp_path: Path) -> None:
    several = {
        "title": "Several log-ins",
        "id": "10000000-0000-4000-8000-000000000009",
        "status": "test",
        "level": "high",
        "correlation": {
            "type": "event_count",
            "rules": [PASSWORD],
            "group-by": ["user.name"],
            "timespan": "1h",
            "condition": {"gte": 2},
            "generate": True,
        },
    }
    with Site.load(lived(tmp_path, [login(1, "lan")], password_rule(), several, more=QUIET)) as site:
        alert = replace(alerts(site)[0], rule_id=str(several["id"]))
        with pytest.raises(SocError, match=f"tune one of its rules \\({PASSWORD}\\)"):
            tuning.case_of(site, alert)


def test_all_tuning_is_listed_with_what_it_has_hidden(tmp_path: Path) -> None:
    with Site.load(lan_and_root(tmp_path), clock=lambda: datetime(2026, 12, 20, tzinfo=UTC)) as site:
        for at, end in ((0, date(2026, 12, 1)), (1, date(2027, 1, 1))):
            proposal, result = proposed(site, at, expires=end)
            tuning.write(site, proposal, result, tuning.place(site, f"case-{at}"), "lan")
            record_hidden(
                site, {(proposal.tuning.id, PASSWORD): 7 + at}, Counter(), datetime(2026, 12, at + 1, tzinfo=UTC)
            )
        rows = tuning.listed(site)
        assert [(row.standing, row.expires, row.owner, row.hidden) for row in rows] == [
            (Standing.EXPIRED, "2026-12-01", "minh", 7),
            (Standing.SOON, "2027-01-01", "minh", 8),
        ]
        assert rows[0].rules == ("Log-in with a password",)
        assert rows[1].last == datetime(2026, 12, 2, tzinfo=UTC)


def test_a_tuning_that_has_ended_is_told_by_check_and_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = lan_and_root(tmp_path)
    with Site.load(config) as site:
        proposal, result = proposed(site)
        tuning.write(site, proposal, result, tuning.place(site, "patrol"), "lan")
    for moment, ended in ((datetime(2026, 12, 31, tzinfo=UTC), False), (datetime(2027, 1, 1, tzinfo=UTC), True)):
        caplog.clear()
        with Site.load(config, clock=lambda moment=moment: moment) as site:
            said = dict(checks(site))["rules"]()
            assert ('"Benign: Log-in with a password" of minh has expired on 2027-01-01' in said) is ended
            with Running(site):
                pass
            assert any(record.message == "a tuning has ended" for record in caplog.records) is ended
