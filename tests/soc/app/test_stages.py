"""`soc run --role`: with one worker, with two, over kills, what is found is exactly what one process finds."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from soc.alert.facts import DETECTION, detection_fact_id
from soc.app.auditing import audit
from soc.app.conservation import KIND
from soc.app.reading import events_of
from soc.app.site import Site
from soc.detect.anomaly import train
from tests.servers.kafka import KafkaNode
from tests.soc.app.stages import (
    SOURCES,
    Said,
    built,
    decided,
    found,
    journal_of,
    plain,
    running,
    said,
    shared,
    site_of,
    soc,
    write_logs,
)
from tests.soc.detect.test_anomaly import ordinary_days

pytestmark = pytest.mark.server

LINES = 900


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all sites read: ids of events tell of which file they are."""
    return write_logs(tmp_path_factory.mktemp("logs"), LINES)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Said:
    """What a site on files says, in one process."""
    return plain(tmp_path_factory.mktemp("plain") / "site", logs)


def collect(config: Path) -> None:
    done = subprocess.run([*soc(config, "collect"), "--until-read"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def check(config: Path, expected: Said) -> None:
    """The same detections, alerts, events; and every event accounted for."""
    found = said(config)
    assert found.detections == expected.detections
    assert found.alerts == expected.alerts
    assert (found.journalled, found.stored) == (SOURCES * LINES, SOURCES * LINES)
    with Site.load(config) as site:
        [*facts] = [entry.fact.body for entry in site.ledger.entries(kinds=[KIND])]
        assert all(body["balanced"] for body in facts), [body["missing"] for body in facts]
        assert sum(body["sources"].get("auth-0", {}).get("evaluated", 0) for body in facts) == LINES
        assert sum(body["sources"].get("auth-0", {}).get("received", 0) for body in facts) == LINES
        found_missing = audit(site, datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), store=True)
        assert found_missing.windows == len(facts)
        assert found_missing.mismatches == []


def test_the_plain_run_finds_by_every_rule(expected: Said) -> None:
    """Else the others would prove little."""
    assert {title for title, _, _ in expected.alerts} >= {
        "Log-in with a password",
        "Many failures",
        "Many users",
        "Failures, then success",
        "That, twice",
        "A new user of an address",
    }
    assert expected.journalled == expected.stored == SOURCES * LINES


def test_one_worker_of_each_role_finds_what_one_process_finds(
    tmp_path: Path, kafka_node: KafkaNode, logs: Path, expected: Said
) -> None:
    journal, text = journal_of(kafka_node.server, partitions=2)
    config = site_of(tmp_path / "site", logs, text)
    with running(config, ["detect", "index"]):
        collect(config)
        decided(journal, 90)
    check(config, expected)


def test_workers_and_the_broker_may_be_killed_and_nothing_is_lost_or_found_twice(
    tmp_path: Path, kafka_node: KafkaNode, logs: Path, expected: Said
) -> None:
    """Of three workers one dies amid the evaluation, and the broker with it; the next one as soon as correlations are let go on."""
    journal, text = journal_of(kafka_node.server, partitions=4)
    config = site_of(tmp_path / "site", logs, text)
    with running(config, ["detect", "detect", "detect", "index"]) as (first, second, third, _):
        built(config, 4, 90)
        shared(journal, 3, 90)
        collecting = subprocess.Popen([*soc(config, "collect"), "--until-read"], stderr=subprocess.DEVNULL)
        found(journal, 90)
        first.kill()
        kafka_node.kill()
        kafka_node.start()
        assert collecting.wait(120) == 0
        second.kill()
        decided(journal, 120)
        assert third.poll() is None
    check(config, expected)


def spraying(source: int, first: int, count: int) -> str:
    """Log-ins that fail at night, of many users from one address for each source, and of one user from all of these."""
    return "".join(
        f"2026-10-14T02:{n // 60:02}:{n % 60:02}.{source:06}+07:00 host-{source} sshd[{n}]: Failed password for "
        f"{'root' if n % 9 == 0 else f'user{n % 25}'} from 203.0.113.{source} port {40_000 + n} ssh2\n"
        for n in range(first, first + count)
    )


def test_the_log_on_model_sees_every_log_on_in_the_order_of_the_journal_also_after_its_worker_died(
    tmp_path: Path, kafka_node: KafkaNode
) -> None:
    """What it finds is what it finds of the journal from its start: a worker that had forgotten the first half would find more."""
    journal, text = journal_of(kafka_node.server, partitions=2)
    config = site_of(tmp_path / "site", tmp_path, text)
    with Site.load(config) as site:
        train(ordinary_days(), site.model_path, now=site.clock())
    with running(config, ["index"]):
        for first in (0, 150):
            for source in range(SOURCES):
                with (tmp_path / f"auth-{source}.log").open("a") as log:
                    log.write(spraying(source, first, 150))
            with running(config, ["detect", "detect"]) as workers:
                collect(config)
                decided(journal, 90)
                for worker in workers:
                    worker.kill()
    with Site.load(config) as site:
        model = site.logon_model()
        assert model is not None
        events = [event for _, event in events_of(site.journal_reader, 0, site.journal_reader.end())]
        expected = {detection_fact_id(one): one.events[0].id for one in model.detect(events)}
        found = [entry.fact for entry in site.ledger.entries(kinds=[DETECTION])]
        of_model = {fact.id: fact.body["events"][0] for fact in found if fact.body["rule"]["id"] == model.rule.id}
    assert len(expected) > 50
    assert of_model.keys() == expected.keys()
    assert all(events[each["journal"]].id == expected[fact_id] for fact_id, each in of_model.items())
