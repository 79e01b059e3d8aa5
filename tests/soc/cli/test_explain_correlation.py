"""`soc rules explain` on a correlation: its rules on the event, its group, what that was short of until when, and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.event import Event
from soc.__main__ import run
from soc.app.site import Site
from soc.store import AlertQuery
from tests.soc.app.sites import auth_line, new_site
from tests.soc.detect.test_rule_test_sequences import CORRELATION
from tests.soc.detect.test_rule_test_verdicts import CHAIN

BURST, LOGIN_AFTER = "1b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c12", "2b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c13"
FAILED = "Failed password for an from {} port 41022 ssh2"
ACCEPTED = "Accepted password for an from {} port 41022 ssh2"

GUESSED, SLOW = "203.0.113.45", "203.0.113.9"
LINES = [
    *[auth_line(100 + 2 * n, FAILED.format(GUESSED)) for n in range(12)],  # the tenth completes it
    auth_line(130, ACCEPTED.format(GUESSED)),
    *[auth_line(200 + 5 * n, FAILED.format(SLOW)) for n in range(12)],  # six in any half minute
    auth_line(262, ACCEPTED.format(SLOW)),
]
LATER = auth_line(270, ACCEPTED.format(SLOW))
LATE = auth_line(101, FAILED.format("198.51.100.1"))  # more than two minutes behind the line before it


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with the rules, which has read the lines as they came."""
    folder = tmp_path_factory.mktemp("explain")
    log = folder / "auth.log"
    log.write_text("".join(LINES))
    made = new_site(folder / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]")
    (folder / "site" / "rules" / "burst.yml").write_text(CORRELATION.replace("ssh_login", "ssh-login"))
    (folder / "site" / "rules" / "chain.yml").write_text(CHAIN)
    command = [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    with log.open("a") as file:
        file.write(LATER + LATE)
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def events(config: Path) -> list[Event]:
    """What the journal has of the lines, in their order."""
    with Site.load(config) as site:
        found, _ = site.journal_reader.read(0, 1_000)
    return [event for event in found if event.source == "auth"]


Told = Callable[..., tuple[int, str]]


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str], config: Path) -> Told:
    def call(rule: str, event: Event | Path | str, *more: str) -> tuple[int, str]:
        named = event.id if isinstance(event, Event) else str(event)
        code = run(["rules", "explain", rule, "--event", named, *more, "--config", str(config)])
        captured = capfd.readouterr()
        return code, captured.out + captured.err

    return call


def facts(told: Told, rule: str, event: Event | Path | str) -> dict[str, Any]:
    row = json.loads(told(rule, event, "--json")[1])
    assert isinstance(row, dict)
    return row


def test_event_that_completes_it(told: Told, events: list[Event]) -> None:
    code, out = told(BURST, events[9])
    assert code == 0
    assert 'ok  verdict   "Ten Failed Log-ins in Half a Minute" fires with this event' in out
    assert 'it alerts only through "Log-in after Ten Failed Ones"' in out
    assert 'ok  rule      "Failed Log-ins" fires\n' in out
    assert "source.ip=203.0.113.45: 10, needed is gte 10 until 2026-10-14 03:02:10\n" in out
    assert "2026-10-14 03:01:58, source.ip=203.0.113.45: 10 (gte 10 in 0:00:30), completed by this event" in out


def test_event_that_helped_to_it(told: Told, events: list[Event]) -> None:
    code, out = told(BURST, events[3])
    assert code == 0
    assert "fires: this event is one of those of 2026-10-14 03:01:58" in out
    assert "source.ip=203.0.113.45: 4, needed is gte 10 until 2026-10-14 03:02:10\n" in out


def test_event_after_it_fired(told: Told, events: list[Event]) -> None:
    code, out = told(BURST, events[11])
    assert code == 1
    assert "does not fire with this event: its group fired already at 2026-10-14 03:01:58" in out


def test_group_that_is_short_says_by_how_many_until_when(told: Told, events: list[Event]) -> None:
    row = facts(told, BURST, events[20])
    assert row["verdict"].endswith(
        "its group source.ip=203.0.113.9 is at 6, needed is gte 10 until 2026-10-14 03:04:00"
    )
    [layer] = row["account"]["layers"]
    [group] = layer["groups"]
    assert group["key"] == [["source.ip", SLOW]]
    assert (group["figure"], group["needed"], len(group["numbers"])) == (6, "gte 10", 6)
    assert row["account"]["firings"] == []


def test_event_that_no_rule_of_it_fires_on(told: Told, events: list[Event]) -> None:
    code, out = told(BURST, events[12])
    assert code == 1
    assert "does not fire with this event: none of its rules fires on it\n" in out
    assert '"Failed Log-ins" does not fire: short by selection/event.outcome\n' in out


def test_event_that_came_too_late(told: Told, events: list[Event]) -> None:
    row = facts(told, BURST, events[-1])
    assert row["account"]["late"] is True
    assert "it came late, so it counts only among what came late" in row["verdict"]
    assert facts(told, BURST, events[0])["account"]["late"] is False


def test_chain_tells_every_layer(told: Told, events: list[Event]) -> None:
    code, out = told(LOGIN_AFTER, events[12])
    assert code == 0
    assert '"Log-in after Ten Failed Ones" fires with this event' in out
    row = facts(told, LOGIN_AFTER, events[20])
    assert [layer["id"] for layer in row["account"]["layers"]] == [BURST, LOGIN_AFTER]
    assert (
        'its group of "Ten Failed Log-ins in Half a Minute", which it needs, source.ip=203.0.113.9 is at 6'
        in row["verdict"]
    )


def test_event_that_helped_a_lower_layer_is_told_what_came_of_it(told: Told, events: list[Event]) -> None:
    _, out = told(LOGIN_AFTER, events[3])
    assert (
        "source.ip=203.0.113.45 is at 4, needed is gte 10 until 2026-10-14 03:02:10; it fired at 2026-10-14 03:02:10"
        in out
    )


def test_rule_that_alerts_only_through_a_correlation_says_so(told: Told, events: list[Event]) -> None:
    code, out = told("failed_login", events[0])
    assert code == 0
    assert '"Failed Log-ins" fires, but alerts only through "Ten Failed Log-ins in Half a Minute"' in out


def test_filter_of_a_rule_below_is_told(told: Told, events: list[Event], config: Path) -> None:
    path = config.parent / "rules" / "tuning.yml"
    path.write_text(
        "title: Known Guesser\nid: 8b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11\nlogsource: {product: linux, service: sshd}\n"
        f"filter:\n    rules: [failed_login]\n    selection:\n        source.ip: {GUESSED}\n    condition: not selection\n"
    )
    try:
        code, out = told(BURST, events[9])
    finally:
        path.unlink()
    assert code == 1
    assert 'its rule "Failed Log-ins" is hidden by a filter, "Known Guesser"' in out


def test_alert_of_a_correlation_is_explained(told: Told, config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Site.load(config) as site:
        site.catch_up()
        alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
    alert = next(each for each in alerts if each.rule_id == LOGIN_AFTER)
    assert run(["rules", "explain", LOGIN_AFTER, "--alert", alert.id, "--config", str(config)]) == 0
    assert '"Log-in after Ten Failed Ones" fires with this event' in capfd.readouterr().out


def test_file_is_all_there_is(told: Told, tmp_path: Path) -> None:
    (tmp_path / "some.log").write_text("".join(LINES[:10]))
    code, out = told(BURST, tmp_path / "some.log")
    assert code == 0
    assert "fires with this event" in out
    (tmp_path / "some.log").write_text("".join(LINES[:9]))
    code, out = told(BURST, tmp_path / "some.log")
    assert code == 1
    assert "is at 9, needed is gte 10" in out


def test_when_the_engine_did_not_have_the_rule_it_says_so(told: Told, events: list[Event], config: Path) -> None:
    path = config.parent / "rules" / "later.yml"
    path.write_text(
        CORRELATION.split("---")[0]
        .replace("0b1c", "7b1c")
        .replace("failed_login", "later")
        .replace("Failed Log-ins", "Late Rule")
        .replace("ssh_login", "ssh-login")
    )
    try:
        _, out = told("later", events[0])
    finally:
        path.unlink()
    assert '"Late Rule" would fire, but did not run then' in out
    assert "NO  engine    the rule was not among those that ran when the event came" in out
    assert "ok  engine    the rule ran when the event came, in this version" in told("failed_login", events[0])[1]
