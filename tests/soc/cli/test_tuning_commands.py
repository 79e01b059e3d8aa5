"""The commands of those who tune, with their exit codes, their JSON and what they write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from soc.__main__ import run
from soc.app.backtesting import BACKTEST
from soc.app.site import Site
from tests.soc.app.lived import PASSWORD, alerts, confirm, lived, login, password_rule, write_yaml

OTHER = "10000000-0000-4000-8000-000000000002"
SPAN = ("--from", "2026-10-13", "--to", "2026-10-16")
QUIET = "incident: {risk: 101, rules: 99, pivot_level: critical}\n"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Soc = Callable[..., Ran]


@pytest.fixture
def soc(capfd: pytest.CaptureFixture[str]) -> Soc:
    def call(*arguments: str | Path) -> Ran:
        code = run([str(a) for a in arguments])
        return Ran(code, *capfd.readouterr())

    return call


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site where lan logged in twice and root once, which a person confirmed."""
    lines = [login(1, "lan", "192.0.2.7"), login(2, "lan", "192.0.2.7"), login(3, "root", "203.0.113.1")]
    rule = password_rule(tags=["attack.initial-access", "attack.t1078"])
    path = lived(tmp_path, lines, rule, more=QUIET)
    with Site.load(path) as site:
        confirm(site, next(alert for alert in alerts(site) if "203.0.113.1" in str(alert.entity)))
    return path


def change(tmp_path: Path, **keys: Any) -> Path:
    return write_yaml(tmp_path / "change.yml", password_rule(**keys))


def one(ran: Ran) -> dict[str, Any]:
    [row] = map(json.loads, ran.out.splitlines())
    assert isinstance(row, dict)
    return row


def test_a_backtest_without_objections_ends_with_0(soc: Soc, config: Path, tmp_path: Path) -> None:
    added = change(tmp_path, rule_id=OTHER, starts="Accepted password for lan")
    ran = soc("rules", "backtest", added, *SPAN, "--config", config)
    assert ran.code == 0, ran.err
    assert "3 events from 2026-10-13 00:00:00 to 2026-10-16 00:00:00: 0 alerts removed, 1 added, 0 kept" in ran.out
    assert "Accepted password for lan from 192.0.2.7" in ran.out
    assert "2026-10-14" in ran.out
    row = one(soc("rules", "backtest", added, *SPAN, "--json", "--config", config))
    assert row["alerts"] == {"removed": 0, "added": 1, "kept": 0}
    assert row["rules"][0]["detections"] == {"removed": 0, "added": 2, "kept": 0}
    assert row["objections"] == []


def test_a_backtest_that_loses_a_confirmed_alert_ends_with_1_unless_a_person_decides(
    soc: Soc, config: Path, tmp_path: Path
) -> None:
    lost = change(tmp_path, starts="Accepted password for lan")
    ran = soc("rules", "backtest", lost, *SPAN, "--config", config)
    assert ran.code == 1
    assert "would vanish: closed as true positive by lan" in ran.out
    assert "refused" in ran.err
    forced = soc("rules", "backtest", lost, *SPAN, "--force", "--reason", "known", "--as", "minh", "--config", config)
    assert forced.code == 0
    with Site.load(config) as site:
        [fact] = [entry.fact for entry in site.ledger.entries(kinds=[BACKTEST])]
    assert (fact.actor, fact.body["verdict"], fact.body["reason"]) == ("minh", "forced", "known")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("backtest",), "name a CHANGE"),
        (("backtest", "--without", PASSWORD, "--force"), "--force needs --reason"),
        (("backtest", "--without", PASSWORD, "--reason", "x"), "--reason is for --force"),
        (("backtest", "--without", PASSWORD, "--last", "soon"), '"soon" is not a length of time'),
        (("backtest", "--without", PASSWORD, "--from", "2026-11-01", "--to", "2026-10-01"), "there is no time from"),
        (("backtest", "--without", "nope"), "there is no rule nope"),
        (("tune", "--from-alert", "A-1"), "--from-alert, --reason, --owner and --expires are needed"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(soc: Soc, config: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = soc("rules", *arguments, "--config", config)
    assert ran.code == 2
    assert said in ran.err


def test_nothing_to_compare_is_said(soc: Soc, config: Path) -> None:
    ran = soc("rules", "backtest", config.parent / "own" / "rule_0.yml", *SPAN, "--config", config)
    assert (ran.code, ran.out) == (0, "")
    assert "nothing differs" in ran.err


def tune(config: Path, *more: str | Path) -> list[str | Path]:
    with Site.load(config) as site:
        alert = next(alert for alert in alerts(site) if "192.0.2.7" in str(alert.entity))
    who = ("--reason", "a patrol", "--owner", "minh", "--expires", "2099-01-01")
    return ["rules", "tune", "--from-alert", alert.id, *who, *SPAN, *more, "--config", config]


def test_a_tuning_is_written_listed_and_passes_its_test(soc: Soc, config: Path) -> None:
    ran = soc(*tune(config, "--field", "source.ip", "--name", "patrol"))
    assert ran.code == 0, ran.err
    assert "1 alert removed, 0 added, 1 kept" in ran.out
    written = config.parent / "own" / "tuning" / "patrol.yml"
    assert written.exists()
    tested = soc("rules", "test", written, "--config", config)
    assert tested.code == 0, tested.out
    assert "2 passed, 0 failed" in tested.err
    row = one(soc("rules", "tune", "--list", "--json", "--config", config))
    assert (row["owner"], row["standing"], row["hidden"], row["path"]) == ("minh", "active", 0, str(written))
    assert "minh" in soc("rules", "tune", "--list", "--config", config).out


def test_a_tuning_is_tried_without_being_written(soc: Soc, config: Path) -> None:
    row = one(soc(*tune(config, "--field", "source.ip", "--dry-run", "--json")))
    assert (row["written"], row["alerts"]) == (False, {"removed": 1, "added": 0, "kept": 1})
    assert not (config.parent / "own" / "tuning").exists()


def test_without_a_terminal_the_fields_to_choose_from_are_listed(soc: Soc, config: Path) -> None:
    ran = soc(*tune(config))
    assert ran.code == 2
    assert "source.ip = 192.0.2.7" in ran.err
    assert "user.name = lan" in ran.err


def test_coverage_is_a_table_json_and_a_layer(soc: Soc, config: Path, tmp_path: Path) -> None:
    layer = tmp_path / "layer.json"
    ran = soc("rules", "coverage", *SPAN, "--navigator", layer, "--config", config)
    assert ran.code == 0, ran.err
    assert "1 of 1 rules can fire" in ran.out
    assert json.loads(layer.read_text())["techniques"][0]["techniqueID"] == "T1078"
    row = one(soc("rules", "coverage", *SPAN, "--json", "--config", config))
    assert row["techniques"][0]["fired"] == 3


def test_a_release_is_tried_then_taken_and_edits_are_kept_from_the_next(soc: Soc, config: Path, tmp_path: Path) -> None:
    release = tmp_path / "r1"
    write_yaml(release / "rules" / "a.yml", password_rule(OTHER, starts="Accepted"))
    command = ("rules", "import", release, *SPAN, "--config", config)
    tried = soc(*command, "--dry-run")
    assert tried.code == 0, tried.err
    assert "1 new" in tried.out
    assert "0 alerts removed, 2 added, 0 kept" in tried.out
    into = config.parent / "own" / "sigmahq"
    assert not into.exists()
    taken = soc(*command)
    assert taken.code == 0, taken.err
    assert (into / "rules" / "a.yml").exists()
    again = soc(*command)
    assert again.code == 0
    assert "nothing differs" in again.err
    write_yaml(into / "rules" / "a.yml", password_rule(OTHER, starts="Mine"))
    refused = soc(*command)
    assert refused.code == 1
    assert "edited by hand" in refused.out
    assert soc(*command, "--force", "--reason", "upstream is right").code == 0
    assert "Mine" not in (into / "rules" / "a.yml").read_text()


def test_a_release_that_is_a_bad_zip_ends_with_2(soc: Soc, config: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no zip")
    ran = soc("rules", "import", bad, "--config", config)
    assert ran.code == 2
    assert "no zip file" in ran.err
