"""`soc store` end to end: a site leaves the embedded store for a real Elasticsearch node, is checked, hunted in, exported and imported."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from soc.__main__ import run
from soc.app.history import Span
from soc.app.history_hunt import ElasticScan
from soc.app.scan_jobs import hunt
from soc.app.site import Site
from soc.cli._found import tell
from soc.detect.correlation import Lateness
from soc.detect.ruleset import RuleSet
from soc.detect.sigma.convert import Query
from tests.servers.elastic import EVERY_NODE, ElasticNode
from tests.soc.app.lived import PASSWORD, lived, login, password_rule, write_yaml

AGAIN_ID = "5e7f0c2e-93c7-4b5a-8d5a-00000000a9a1"
AGAIN = f"""\
title: Again and again
id: {AGAIN_ID}
correlation:
  type: event_count
  rules: [{PASSWORD}]
  group-by: [source.ip]
  timespan: 8m
  condition: {{gte: 5}}
  generate: true
level: high
"""

ARGV = [sys.executable, "-m", "soc"]


def soc(config: Path, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    """The objects that a command prints."""
    said, told = StringIO(), StringIO()
    with redirect_stdout(said), redirect_stderr(told):
        code = run([*arguments, "--config", str(config), "--json"])
    assert code == status, told.getvalue()
    return [json.loads(line) for line in said.getvalue().splitlines()]


NUMBERS = {
    "title": "Some number",
    "id": "5e7f0c2e-93c7-4b5a-8d5a-00000000a9a2",
    "logsource": {"product": "linux", "service": "sshd"},
    "detection": {"s": {"process.pid|startswith": "1"}, "condition": "s"},
    "level": "low",
}
"""A rule whose query no node takes: a wildcard in a field of numbers."""


def hunted(config: Path, *arguments: str) -> list[tuple[str, str]]:
    """Rules and the events that they are shown with."""
    return sorted((row["rule.id"], row["event.id"]) for row in soc(config, "hunt", *arguments, status=1))


def test_the_embedded_store_has_nothing_to_care_for(tmp_path: Path) -> None:
    config = lived(tmp_path, [login(1)])
    done = subprocess.run(
        [*ARGV, "store", "check", "--config", str(config)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "the embedded store is a view of the journal beside it" in done.stderr


@pytest.mark.server
@pytest.mark.parametrize("server", EVERY_NODE)
def test_a_site_leaves_the_embedded_store(server: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    node: ElasticNode = request.getfixturevalue(server)
    config = lived(tmp_path, [login(minute, user=f"user{minute}") for minute in range(30)])
    text = config.read_text()

    def live_in(namespace: str) -> None:
        store = f'store: {{kind: elasticsearch, hosts: ["{node.url}"], namespace: {namespace}}}\n'
        config.write_text(text + store)

    span = ("--from", "2026-10-14", "--to", "2026-10-15")
    embedded = soc(config, "search", "user.name:user7", *span)
    assert len(embedded) == 1
    write_yaml(tmp_path / "hunt" / "password.yml", password_rule(starts="ACCEPTED password FOR user2"))
    (tmp_path / "hunt" / "again.yml").write_text(AGAIN)
    asked = ("--rules", str(tmp_path / "hunt"), *span)
    by_rule = hunted(config, *asked)
    assert Counter(rule for rule, _ in by_rule)[PASSWORD] == 11
    assert AGAIN_ID in {rule for rule, _ in by_rule}
    live_in("left")
    assert {row["where"] for row in soc(config, "store", "check", status=1)} == {"left-ecs", "left-events"}
    [first] = soc(config, "store", "migrate")
    assert (first["events"], first["stored"], first["present"]) == (30, 30, 0)
    [again] = soc(config, "store", "migrate")
    assert (again["stored"], again["present"], again["sha256"]) == (0, 30, first["sha256"])
    assert soc(config, "store", "check") == []
    assert soc(config, "store", "reindex") == []
    assert soc(config, "search", "user.name:user7", *span) == embedded
    assert sum(row["events"] for row in soc(config, "search", "user.name:user*", "--histogram", *span)) == 30
    assert soc(config, "search", "--top", "source.ip", *span) == [{"value": "203.0.113.45", "events": 30}]
    assert len(soc(config, "alerts", "list")) >= 1
    assert hunted(config, *asked) == by_rule
    soc(config, "store", "export", str(tmp_path / "events.jsonl"))
    live_in("other")
    [copied] = soc(config, "store", "import", str(tmp_path / "events.jsonl"))
    assert (copied["documents"], copied["present"]) == (30, 0)
    assert soc(config, "search", "user.name:user7", *span) == embedded


@pytest.mark.server
def test_a_rule_whose_query_the_node_refuses_is_hunted_all_the_same_and_told(
    elastic_node: ElasticNode, tmp_path: Path
) -> None:
    config = lived(tmp_path, [login(minute) for minute in range(5)])
    store = f'store: {{kind: elasticsearch, hosts: ["{elastic_node.url}"], namespace: refused}}\n'
    config.write_text(config.read_text() + store)
    soc(config, "store", "migrate")
    write_yaml(tmp_path / "hunt" / "numbers.yml", NUMBERS)
    asked = ("hunt", "--rules", tmp_path / "hunt", "--from", "2026-10-14", "--to", "2026-10-15", "--config", config)
    for jobs in ("1", "2"):
        ran = subprocess.run([*ARGV, *map(str, asked), "--jobs", jobs], capture_output=True, text=True, check=False)
        assert (ran.returncode, len(ran.stdout.splitlines())) == (1, 6), ran.stderr
        assert (
            "slow: Some number: all that it could read was read, as the store refuses its query: query_shard"
            in ran.stderr
        )
        assert "[process.pid] which is of type [long]" in ran.stderr


@pytest.mark.server
def test_a_rule_that_the_node_refuses_to_be_asked_for_is_named_and_the_others_are_hunted(
    elastic_node: ElasticNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = lived(tmp_path, [login(minute) for minute in range(5)])
    store = f'store: {{kind: elasticsearch, hosts: ["{elastic_node.url}"], namespace: unasked}}\n'
    config.write_text(config.read_text() + store)
    soc(config, "store", "migrate")
    queries = [
        Query("1", "All", "*", covers="*"),
        Query("2", "Nobody reads this", "x:1", covers="((("),
        Query("3", "Nor this", "", "no query", covers="((("),
    ]
    with Site.load(config) as site:
        rules = RuleSet(site.content(), lateness=Lateness(None))
        span = Span(datetime(2026, 10, 13, tzinfo=UTC), datetime(2026, 10, 15, tzinfo=UTC))
        for jobs in (1, 2):
            scan = ElasticScan(rules, site.config.store, queries, span, lambda found: [found.rule.id], 1 << 30)
            assert list(hunt(scan, scan.files, span.until, lambda _: None, 0, jobs))
            assert scan.summary.events == 5
            assert scan.summary.left_out.keys() == {"Nobody reads this", "Nor this"}
            tell(scan.summary, None)
            assert "not hunted: Nobody reads this: Elasticsearch refuses (400): query_shard" in capsys.readouterr().err
