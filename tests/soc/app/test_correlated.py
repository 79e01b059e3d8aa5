"""Correlations in the running SOC: from the alert to every raw event, over restarts and SIGKILL, and the same in a replay."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from soc.alert.facts import DETECTION
from soc.app import heartbeat as beating
from soc.app.assurance import check_raw_events
from soc.app.audit import is_heartbeat
from soc.app.clock import now
from soc.app.run import Running
from soc.app.site import Site
from soc.detect import Detection
from soc.store import AlertQuery
from tests.soc.app.sites import new_site
from tests.soc.app.test_run import scraped, wait_for

FAILED, GUESSED, MANY, MORE = (str(UUID(int=number, version=4)) for number in (11, 12, 13, 14))
RULES = f"""\
title: Log-in failed
id: {FAILED}
name: failed
logsource: {{product: linux, service: sshd}}
detection: {{s: {{message|contains: Failed password}}, condition: s}}
level: low
---
title: Passwords guessed
id: {GUESSED}
correlation:
    type: event_count
    rules: [failed]
    group-by: [source.ip]
    timespan: 5m
    condition: {{gte: 5}}
level: high
---
title: Many accounts tried
id: {MANY}
correlation:
    type: value_count
    rules: [failed]
    group-by: [source.ip]
    timespan: 5m
    condition: {{field: user.name, gte: 8}}
level: high
"""


def line(when: datetime, address: str, user: str, number: int) -> str:
    said = f"Failed password for {user} from {address} port 4{number % 1000:03} ssh2"
    return f"{when.astimezone(UTC).isoformat()} jump-01 sshd[{number}]: {said}\n"


def failures(count: int, seed: int, begin: datetime) -> list[str]:
    """Log-ins that fail, one every 2 s or so from one of 8 addresses."""
    chance = random.Random(seed)
    lines, when = [], begin
    for number in range(count):
        when += timedelta(seconds=chance.random() * 4)
        lines.append(line(when, f"203.0.113.{chance.randrange(8)}", f"user{chance.randrange(30)}", number))
    return lines


def end_the_wait(log: Path) -> None:
    """A line of now, a step of the watermark later than those before."""
    time.sleep(0.2)
    with log.open("a") as stream:
        stream.write(line(now(), "203.0.113.77", "root", 7))


def site_of(tmp_path: Path, name: str, log: Path, more: str = "", *, follow: bool = True) -> Path:
    sources = f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: {str(follow).lower()}}}]"
    config = new_site(tmp_path / name, sources, more)
    (config.parent / "rules" / "ours.yml").write_text(RULES)
    return config


def facts(site: Site) -> list[dict[str, Any]]:
    bodies = [entry.fact.body for entry in site.ledger.entries(kinds=[DETECTION])]
    return [body for body in bodies if body["rule"]["id"] in (GUESSED, MANY)]


def ids(site: Site) -> list[str]:
    return [e.fact.id for e in site.ledger.entries(kinds=[DETECTION]) if e.fact.body["rule"]["id"] in (GUESSED, MANY)]


def replayed(site: Site, size: int) -> list[Detection]:
    """What a rule set that is new finds in the journal from its start."""
    [rules, *_] = site.detectors()
    found, offset = [], 0
    while offset < site.journal_reader.end():
        events, following = site.journal_reader.read(offset, size)
        site.recall.begin(events, offset)
        found += rules.detect(events, offset)  # type: ignore[call-arg]
        offset = following
    return [detection for detection in found if detection.rule.id in (GUESSED, MANY)]


def test_a_correlation_is_one_alert_that_leads_to_every_raw_event(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    began = now() - timedelta(minutes=2)
    text = [line(began + timedelta(seconds=n), "203.0.113.9", f"user{n}", n) for n in range(7)]
    log.write_text("".join(text))
    config = site_of(tmp_path, "site", log, follow=False)
    subprocess.run(
        [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)], check=True, capture_output=True
    )
    with Site.load(config) as site:
        [fact] = facts(site)
        [alert] = [a for a in site.projections.alerts(site.projections.alert_ids(AlertQuery())) if a.rule_id == GUESSED]
        assert (alert.title, str(alert.entity), alert.count) == ("Passwords guessed", "source.ip=203.0.113.9", 1)
        assert fact["alert"] == alert.id
        assert [f"{DETECTION}:{each}" for each in alert.detection_ids] == ids(site)
        raw = [site.journal_reader.fetch(event["journal"]).raw.decode() + "\n" for event in fact["events"]]
        assert raw == text[:5]
        checked, wrong = check_raw_events(site)
        assert checked >= 5
        assert wrong == []
        assert {match["where"] for match in fact["matched"]} == {"correlation/group-by", "correlation/event_count"}


@pytest.mark.parametrize("size", [1, 37, 5_000])
def test_a_replay_of_the_journal_gives_the_same_detections_in_the_same_order(tmp_path: Path, size: int) -> None:
    log = tmp_path / "auth.log"
    lines = failures(600, 5, now() - timedelta(minutes=25))
    config = site_of(tmp_path, "site", log)
    with Site.load(config) as site, Running(site):
        for start in range(0, len(lines), 60):
            with log.open("a") as stream:
                stream.write("".join(lines[start : start + 60]))
            wait_for(lambda: site.journal.end() >= start + 60, 5)  # noqa: B023
    with Site.load(config) as site:
        live = ids(site)
        assert len(live) > 20
        assert [f"{DETECTION}:{detection.id}" for detection in replayed(site, size)] == live


def test_killing_the_program_at_random_points_changes_no_correlation(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.touch()
    lines = failures(2_400, 11, now() - timedelta(minutes=90))
    config = site_of(tmp_path, "site", log)
    state = config.parent / "var" / "state" / "correlations"
    chance = random.Random(3)
    command = [sys.executable, "-c", QUICK, "run", "--config", str(config)]
    written = 0
    for _ in range(4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before, until = saved(state), time.monotonic() + 30
        while time.monotonic() < until:
            with log.open("a") as stream:
                stream.write("".join(lines[written : written + 12]))
            written += 12
            time.sleep(0.1)
            if saved(state) != before:
                before, until = saved(state), min(until, time.monotonic() + chance.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
    with log.open("a") as stream:
        stream.write("".join(lines[written:]))
    assert saved(state)
    with Site.load(config) as site, Running(site):
        wait_for(lambda: site.journal.end() >= len(lines), 20)
    with Site.load(config) as site:
        live = ids(site)
        assert len(live) > 20
        assert [f"{DETECTION}:{detection.id}" for detection in replayed(site, 500)] == live


def saved(state: Path) -> int:
    """When the state was last written; 0 for never."""
    return state.stat().st_mtime_ns if state.exists() else 0


QUICK = """\
import sys
from soc.app import live_rules
live_rules.SAVE_EVERY_S = 0.2
from soc.__main__ import main
sys.exit(main())
"""
"""`soc`, whose state is saved often, so that SIGKILL falls between a state and the offset that is committed."""


def test_without_a_usable_state_correlations_look_back_by_their_longest_timespan(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "auth.log"
    began = now() - timedelta(seconds=40)
    log.write_text("".join(line(began + timedelta(seconds=n), "203.0.113.9", "root", n) for n in range(3)))
    config = site_of(tmp_path, "site", log)
    with Site.load(config) as site, Running(site):
        wait_for(lambda: site.journal.end() == 3, 5)
    state = config.parent / "var" / "state" / "correlations"
    state.write_bytes(b"soc-correlation-state 1\n" + state.read_bytes()[30:])
    with log.open("a") as stream:
        stream.write("".join(line(began + timedelta(seconds=n), "203.0.113.9", "root", n) for n in range(3, 6)))
    with Site.load(config) as site, Running(site):
        wait_for(lambda: site.journal.end() == 6, 5)
        end_the_wait(log)
        wait_for(lambda: facts(site), 5)
        [fact] = facts(site)
        assert [event["journal"] for event in fact["events"]] == [0, 1, 2, 3, 4]
    assert "the saved state of correlations cannot be used" in caplog.messages


def test_a_heartbeat_ends_the_wait_where_nothing_else_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beating, "PAUSE", timedelta(seconds=0.2))
    monkeypatch.setattr(beating, "LONGEST_PAUSE", timedelta(seconds=0.4))
    log = tmp_path / "auth.log"
    config = site_of(tmp_path, "site", log, "detect: {lateness: 1s}\n")
    began = now()
    shift = [timedelta()]
    log.write_text("".join(line(began + timedelta(milliseconds=n), "203.0.113.9", "root", n) for n in range(5)))
    with Site.load(config, clock=lambda: now() + shift[0]) as site, Running(site) as running:
        wait_for(lambda: site.journal.end() >= 5, 5)
        shift[0] = timedelta(seconds=40)
        wait_for(lambda: facts(site), 5)
        wait_for(lambda: scraped(running)["soc_correlation_held_back_hits"] == "0.0", 5)
        told = site.journal.end()
        time.sleep(1.5)
        assert site.journal.end() == told, "none where nothing waits"
        wait_for(lambda: site.events.count() == 5, 5)
    with Site.load(config) as site:
        events, _ = site.journal_reader.read(0, 100)
        assert 1 <= sum(map(is_heartbeat, events)) <= 6
        assert [e.fact.body["balanced"] for e in site.ledger.entries(kinds=["conservation"])] == [True]
        assert [f"{DETECTION}:{detection.id}" for detection in replayed(site, 2)] == ids(site)


@pytest.mark.parametrize("change", ["one changed", "one more", "one gone"])
def test_a_reload_keeps_what_unchanged_correlations_remember(tmp_path: Path, change: str) -> None:
    log = tmp_path / "auth.log"
    began = now() - timedelta(seconds=40)
    log.write_text("".join(line(began + timedelta(seconds=n), "203.0.113.9", "root", n) for n in range(3)))
    config = site_of(tmp_path, "site", log, "detect: {watch: 100ms}\n")
    other = config.parent / "rules" / "linux" / "sshd_root_password_login.yml"
    with Site.load(config) as site, Running(site) as running:
        wait_for(lambda: site.journal.end() == 3, 5)
        if change == "one changed":
            other.write_text(other.read_text() + "# changed\n")
        elif change == "one gone":
            other.unlink()
        else:
            other.with_stem("more").write_text(
                re.sub("^id: .{36}", f"id: {MORE}", other.read_text(), flags=re.MULTILINE)
            )
        wait_for(lambda: scraped(running).get('soc_rules_reloads_total{result="loaded"}') == "1.0", 5)
        with log.open("a") as stream:
            stream.write("".join(line(began + timedelta(seconds=n), "203.0.113.9", "root", n) for n in range(3, 5)))
        wait_for(lambda: site.journal.end() >= 5, 5)
        end_the_wait(log)
        wait_for(lambda: facts(site), 5)
        [fact] = facts(site)
        assert [event["index"] for event in fact["events"]] == [1, 2, 3, 4, 5]
