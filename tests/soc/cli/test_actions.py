"""`soc alerts` and `soc incidents` do all that their tables of actions hold, to one or to many."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from soc.__main__ import run
from soc.alert import facts
from soc.alert.suppression import suppression_id
from soc.app.desk import SiteDesk
from soc.app.site import Site
from soc.cli import soc as program
from soc.incident import facts as incident_facts
from soc.incident.actions import ON_ALERTS, ON_INCIDENTS
from tests.soc.app.sites import new_site
from tests.soc.store.material import DAY, alert, incident

Call = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = new_site(tmp_path / "site")
    alerts = [alert(n, minutes=n) for n in range(6)]
    with Site.load(path) as site:
        site.ledger.append([facts.opened(each, DAY) for each in alerts])
        site.ledger.append([incident_facts.opened(incident(1, alerts[:3]), DAY)])
    return path


@pytest.fixture
def soc(config: Path, capfd: pytest.CaptureFixture[str]) -> Call:
    def call(*arguments: str | Path) -> tuple[int, list[dict[str, Any]], str]:
        code = run([*map(str, arguments), "--json", "--config", str(config)])
        captured = capfd.readouterr()
        return code, [json.loads(line) for line in captured.out.splitlines()], captured.err

    return call


def test_the_commands_are_the_actions_and_what_lists_and_shows() -> None:
    context = click.Context(program)
    reads = {
        "alerts": {"list", "show", "entities", "suppressions"},
        "incidents": {"list", "show", "clocks", "notice", "share", "answer"},
    }
    for name, table in (("alerts", ON_ALERTS), ("incidents", ON_INCIDENTS)):
        group = program.get_command(context, name)
        assert isinstance(group, click.Group)
        assert set(group.list_commands(context)) == set(table) | reads[name]
        for action in table.values():
            command = group.get_command(context, action.name)
            assert command is not None
            options = {option.removeprefix("--") for p in command.params[1:] for option in p.opts}
            assert options - {"as", "config", "json"} == {argument.name for argument in action.arguments}


def test_many_alerts_at_once_from_another_command_are_counted(
    soc: Call, config: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rows, _ = soc("alerts", "list")
    monkeypatch.setattr(
        "sys.stdin", io.StringIO("".join(json.dumps(row) + "\n" for row in rows[:4]) + "alert-000000\n")
    )
    code = run(["alerts", "close", "-", "--reason", "benign", "--note", "ours", "--config", str(config)])
    assert (code, capfd.readouterr().out.startswith("close: 5 of 5 alerts ")) == (0, True)
    assert len(soc("alerts", "list")[1]) == 1


def test_what_cannot_be_done_is_told_with_the_rest_done(soc: Call) -> None:
    assert soc("alerts", "snooze", "alert-000001", "--for", "8h")[0] == 0
    assert soc("alerts", "close", "alert-000002", "--reason", "benign")[0] == 0
    code, rows, _ = soc("alerts", "snooze", "alert-000002", "alert-000003", "--for", "8h")
    assert code == 2
    assert [(row["id"], row["done"], row["why"]) for row in rows] == [
        ("alert-000002", False, "it is closed"),
        ("alert-000003", True, ""),
    ]
    code, rows, err = soc("alerts", "snooze", "alert-000004", "--for", "soon")
    assert (code, rows) == (2, [])
    assert '"soon" is not a duration' in err


def test_an_incident_from_assessment_to_its_end_by_commands(soc: Call, config: Path, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("Accepted password for root")
    i = "incident-0001"
    assert soc("incidents", "assess", i, "--class", "M1", "--group", "N2", "--trigger", "personal-data")[0] == 0
    assert soc("incidents", "evidence", i, "--file", log, "--where", "jump-01", "--why", "the log-in")[0] == 0
    [item] = soc("incidents", "show", i)[1][0]["evidence"]
    assert item["sha256"] == hashlib.sha256(log.read_bytes()).hexdigest()
    kept = config.parent / "var" / "vault" / item["sha256"][:2] / item["sha256"]
    assert kept.read_bytes() == log.read_bytes()
    deed = ("--deed", "examined", "--where", "lab", "--why", "who it was")
    assert soc("incidents", "custody", i, "--item", item["id"][:4], *deed)[0] == 0
    kept.chmod(0o600)
    kept.write_text("Rejected password for root")
    assert soc("incidents", "custody", i, "--item", item["id"], *deed)[0] == 0
    chain = soc("incidents", "show", i)[1][0]["evidence"][0]["custody"]
    assert [line["intact"] for line in chain] == [True, True, False]
    code, rows, _ = soc("incidents", "close", i, "--note", "over")
    assert (code, rows[0]["why"]) == (2, "an incident of class M1 ends with its review (`review`)")
    assert soc("incidents", "review", i, "--cause", "c", "--lessons", "l", "--improvements", "n")[0] == 0
    assert soc("incidents", "close", i, "--note", "over")[0] == 0
    assert soc("incidents", "split", i, "--alert", "alert-000001", "--note", "n")[0] == 2
    assert soc("incidents", "reopen", i, "--note", "n")[0] == 0
    assert soc("incidents", "split", i, "--alert", "alert-000001", "--note", "n")[0] == 0
    assert {len(row["alert_ids"]) for row in soc("incidents", "list")[1]} == {1, 2}
    new = next(row["id"] for row in soc("incidents", "list")[1] if row["id"] != i)
    assert soc("incidents", "merge", new, "--into", i, "--note", "no, the same")[0] == 0
    assert soc("alerts", "escalate", "alert-000004", "alert-000005", "--note", "apart")[0] == 0
    with Site.load(config) as site:
        site.projections.reset()  # what is shown is what the ledger tells
        site.catch_up()
        desk = SiteDesk(site, "lan")
        assert sorted(len(each.alert_ids) for each in desk.incidents(desk.incident_ids())) == [1, 2, 3]
        assert sorted(desk.incident(i).alert_ids) == ["alert-000000", "alert-000001", "alert-000002"]


def test_who_is_at_risk_and_what_is_suppressed_are_listed(soc: Call, config: Path) -> None:
    with Site.load(config) as site:
        now = site.clock()
        recent = replace(alert(7, risk=80, value="203.0.113.7"), last_seen=now, opened=now)
        hidden = replace(alert(8, value="203.0.113.7"), last_seen=now, opened=now, rule_id=recent.rule_id, count=5)
        hidden = replace(hidden, suppressed_by=suppression_id(recent.rule_id, recent.entity))
        site.ledger.append([facts.opened(recent, now), facts.opened(hidden, now)])
    [address] = [row for row in soc("alerts", "entities")[1] if row["entity"]["value"] == "203.0.113.7"]
    assert (address["worst"], address["alerts"], address["risk"]) == (recent.id, 1, 80)
    assert soc("alerts", "suppress", recent.id, "--for", "8h", "--note", "our scanner")[0] == 0
    [row] = soc("alerts", "suppressions")[1]
    assert (row["reason"], row["stands"], row["hidden"], row["id"]) == ("our scanner", True, 5, hidden.suppressed_by)
    shown, err = (soc("alerts", "list", "--rule", recent.rule_id)[at] for at in (1, 2))
    assert hidden.id not in [each["id"] for each in shown]
    assert "1 more sleep or are suppressed" in err
    assert hidden.id in [each["id"] for each in soc("alerts", "list", "--suppressed")[1]]
    assert soc("alerts", "lift", recent.id, "--note", "over")[0] == 0
    assert [each["stands"] for each in soc("alerts", "suppressions")[1]] == [False]
