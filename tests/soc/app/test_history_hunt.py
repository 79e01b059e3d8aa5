"""`soc hunt`: what rules find in stored events is what the engine finds in the same events, sealed or not, by one process or by two."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pyarrow as pa
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from collectors.event import Event, make_event
from collectors.record import Position, RawRecord
from soc.app.history import Span
from soc.app.history_hunt import open_history_hunt
from soc.app.scan_jobs import hunt
from soc.app.site import Site
from soc.cli import soc
from soc.detect import Detection
from soc.detect.correlation import Lateness
from soc.detect.ruleset import RuleSet
from soc.store.segments import building, writing
from tests.soc.app.sites import LOGIN_AS_ROOT, new_site

START = datetime(2026, 10, 14, 3, tzinfo=UTC)
RULE = dedent(
    """\
    title: Root
    id: 5e7f0c2e-93c7-4b5a-8d5a-000000000001
    name: root_login
    logsource: {product: linux, service: sshd}
    detection: {s: {message|contains: for root}, condition: s}
    level: high
    ---
    title: Odd word
    id: 5e7f0c2e-93c7-4b5a-8d5a-000000000002
    logsource: {product: linux, service: sshd}
    detection: {k: [oddword], condition: k}
    level: low
    ---
    title: Root again and again
    id: 5e7f0c2e-93c7-4b5a-8d5a-000000000003
    correlation: {type: event_count, rules: [root_login], group-by: [host.name], timespan: 10m, condition: {gte: 3}, generate: true}
    level: critical
    """
)


def event(n: int) -> Event:
    message = LOGIN_AS_ROOT if n % 5 == 0 else f"Accepted password for u{n % 3} {'oddWord ' if n % 11 == 0 else ''}"
    line = f"<38>1 host sshd[{n}]: {message}".encode()
    record = RawRecord(line, "auth", Position("/var/log/auth.log", "s1", n * 100, n + 1), START)
    fields = {
        "event.dataset": "sshd",
        "event.category": "authentication",
        "process.name": "sshd",
        "host.name": f"h{n % 2}",
    }
    more = {"rare.field": "oddword"} if n == 61 else {}
    return make_event(record, START + timedelta(seconds=30 * (n - n % 4)), {**fields, "message": message, **more})


@pytest.fixture(params=[512, 2_048])
def history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> tuple[Path, Path, list[Event]]:
    """A site with 120 events, of which 96 stand in a segment and parts and the rest in the journal alone, and rules; with memory for one
    group of rows at a time, and for several."""
    monkeypatch.setattr(building, "ROWS", 16)
    monkeypatch.setattr(writing, "GROUPS", 3)
    monkeypatch.setattr(building, "FEW", 1)
    config = new_site(tmp_path / "site")
    config.write_text(f"{config.read_text()}detect: {{memory_mb: {request.param}}}\n")
    rules = tmp_path / "rules.yml"
    rules.write_text(RULE)
    events = [event(n) for n in range(120)]
    with Site.load(config) as site:
        site.journal.append(events, {}, ())
        site.events.index(events[:96], 0)
    return config, rules, events


def hunted(config: Path, rules: Path, *more: str) -> tuple[int, list[tuple[str, str]], str]:
    span = ["--from", "2026-10-14 00:00:00", "--to", "2026-10-15 00:00:00"]
    ran = CliRunner().invoke(
        soc, ["hunt", "--config", str(config), "--rules", str(rules), "--json", *span, *more], standalone_mode=False
    )
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    return ran.return_value, [(each["rule.id"][-1], each["event.id"]) for each in found], ran.stderr


def test_a_hunt_finds_in_history_what_the_engine_finds_in_its_events(history: tuple[Path, Path, list[Event]]) -> None:
    config, rules, events = history
    with Site.load(config) as site:
        engine = RuleSet(site.content([rules]), lateness=Lateness(None))
    detections = [*engine.detect(events), *engine.finish()]
    wanted = [(each.rule.id[-1], each.events[-1].id) for each in detections]
    assert {rule for rule, _ in wanted} == {"1", "2", "3"}
    code, found, told = hunted(config, rules, "--jobs", "1")
    assert code == 1, told
    assert found == wanted
    assert "120 events" in told
    assert hunted(config, rules, "--jobs", "2")[:2] == (1, wanted)


def test_a_hunt_keeps_to_its_span_and_level(history: tuple[Path, Path, list[Event]]) -> None:
    config, rules, events = history
    last = START + timedelta(minutes=20)
    span = ["--from", "2026-10-14 10:05:00", "--to", "2026-10-14 10:20:00", "--level", "high"]
    code, found, told = hunted(config, rules, *span)
    roots = [e.id for n, e in enumerate(events) if n % 5 == 0 and START + timedelta(minutes=5) <= e.time < last]
    assert code == 1, told
    assert [each for rule, each in found if rule == "1"] == roots
    assert "2" not in {rule for rule, _ in found}


def test_what_a_damaged_segment_held_is_hunted_in_the_journal(history: tuple[Path, Path, list[Event]]) -> None:
    config, rules, _ = history
    whole = hunted(config, rules)[1]
    file = min(config.parent.rglob("segment-*.parquet"))
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 255
    file.write_bytes(data)
    code, found, _ = hunted(config, rules)
    assert code == 1
    assert found == whole  # the journal still has its events


def test_a_hunt_holds_few_groups_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "ROWS", 256)
    config = new_site(tmp_path / "site")
    rules = tmp_path / "rules.yml"
    rules.write_text(RULE)
    events = [replace(each, raw=each.raw + f" {each.id}".encode() * 40) for each in map(event, range(8_192))]
    with Site.load(config) as site:
        site.journal.append(events, {}, ())
        site.events.index(events, 0)
    with Site.load(config) as site:
        before, taken = pa.total_allocated_bytes(), [0]

        def show(_: Detection) -> list[str]:
            taken.append(pa.total_allocated_bytes() - before)
            return []

        scan = open_history_hunt(site, [rules], Span(START, START + timedelta(days=30)), show)
        assert len(scan.files) == 2
        found = list(hunt(scan, scan.files, START, lambda _: None, 0, 1))
    assert scan.summary.events == 8_192
    assert len(found) > 1_000
    raw_bytes = sum(len(each.raw) for each in events)
    assert raw_bytes / 64 < max(taken) < raw_bytes / 2
