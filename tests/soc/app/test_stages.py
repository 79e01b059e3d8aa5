"""`soc run --role`: with one worker, with two, over kills, what is found is exactly what one process finds."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from msgspec import structs

from collectors.journal import open_journal, open_reader
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_messages import partition_of
from collectors.journal.kafka_stage import SESSION_MS
from soc.__main__ import run
from soc.alert.facts import DETECTION, detection_fact_id
from soc.app import budget
from soc.app.auditing import audit
from soc.app.clock import Clock, now
from soc.app.conservation import KIND
from soc.app.gaps import KIND as GAP
from soc.app.gaps import Gap, gaps
from soc.app.reading import events_of
from soc.app.site import Site
from soc.app.stages import evaluating
from soc.app.stages.collect import Collect
from soc.app.stages.detect import Detect
from soc.app.stages.index import Index
from soc.app.stages.messages import topics_of
from soc.detect.anomaly import train
from tests.servers.kafka import KafkaNode
from tests.soc.app.lived import PASSWORD, password_rule, write_yaml
from tests.soc.app.sites import new_site
from tests.soc.app.stages import (
    SOURCES,
    Said,
    built,
    collected,
    decided,
    found,
    journal_of,
    lines,
    plain,
    running,
    said,
    shared,
    site_of,
    soc,
    write_logs,
)
from tests.soc.app.test_degradation import CHEAP, COSTLY, rule
from tests.soc.app.test_run import wait_for
from tests.soc.desk_fixtures import event
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
        decided(journal, 200)  # what the dead had under way is over after a minute, if nobody took their place before
        assert third.poll() is None
    check(config, expected)


@contextmanager
def slow(node: KafkaNode) -> Iterator[None]:
    """A broker that does nothing for half of the time."""
    over = threading.Event()

    def hold() -> None:
        while not over.wait(0.15):
            node.pause()
            over.wait(0.15)
            node.resume()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_broker_that_is_slow_or_does_not_answer_loses_nothing_and_doubles_nothing(
    tmp_path: Path, kafka_node: KafkaNode, logs: Path, expected: Said
) -> None:
    """It stops for longer than a worker may be silent while collecting begins, then detecting, then deciding; all go on by themselves."""
    journal, text = journal_of(kafka_node.server, partitions=2)
    config = site_of(tmp_path / "site", logs, text)

    def decisions(_: float) -> None:
        with closing(open_reader(journal)) as reader:
            wait_for(lambda: reader.committed("detect") > 0, 90)

    with running(config, ["detect", "detect", "index"]) as roles:
        built(config, 3, 90)
        shared(journal, 2, 90)
        collecting = subprocess.Popen([*soc(config, "collect"), "--until-read"], stderr=subprocess.DEVNULL)
        for begun in (partial(collected, journal), partial(found, journal), decisions):
            with slow(kafka_node):
                begun(90)
            kafka_node.pause()
            time.sleep(SESSION_MS / 1_000 + 1)
            kafka_node.resume()
        with slow(kafka_node):
            assert collecting.wait(120) == 0
            decided(journal, 120)
        assert [role.poll() for role in roles] == [None] * 3
    check(config, expected)


@contextmanager
def by(config: Path, clock: Clock) -> Iterator[None]:
    """All roles by a clock; here, for under libfaketime the Kafka library waits as long as the clock is ahead, which no real one does."""
    with ExitStack() as stack:
        for role in (Index, Detect, Detect, Collect):
            site = stack.enter_context(Site.load(config, clock=clock))
            assert isinstance(site.config.journal, KafkaJournalConfig)
            stack.enter_context(role(site, topics_of(site.config.journal)))
        yield


def test_a_clock_that_steps_under_all_roles_loses_nothing_and_all_adds_up(
    tmp_path: Path, kafka_node: KafkaNode, capfd: pytest.CaptureFixture[str]
) -> None:
    journal, text = journal_of(kafka_node.server, partitions=2)
    config = site_of(tmp_path / "site", tmp_path, text)
    config.write_text(config.read_text().replace("follow: false", "follow: true"))
    write_yaml(config.parent / "own" / "all.yml", password_rule(starts="Failed password for "))
    logs = [tmp_path / f"auth-{source}.log" for source in range(SOURCES)]
    for log in logs:
        log.touch()
    ahead, written = [timedelta()], 0
    for hours in ((0, 2, -3), (-2, 1)):
        ahead[0] = timedelta(hours=hours[0])
        with by(config, lambda: now() + ahead[0]):
            for step in hours:
                ahead[0] = timedelta(hours=step)
                for source, log in enumerate(logs):
                    with log.open("a") as stream:
                        stream.writelines(islice(lines(source, LINES), written, written + 50))
                written += 50
                with closing(open_reader(journal)) as reader:
                    wait_for(lambda reader=reader, least=SOURCES * written: reader.end() >= least, 60)
                decided(journal, 60)
    with Site.load(config) as site:
        events = [event for _, event in events_of(site.journal_reader, 0, site.journal_reader.end())]
        read = Counter(event.source for event in events)
        assert [read[f"auth-{source}"] for source in range(SOURCES)] == [written] * SOURCES
        failed = {event.id for event in events if b"Failed" in event.raw}
        bodies = [entry.fact.body for entry in site.ledger.entries(kinds=[DETECTION])]
        found_of = [body["events"][0]["id"] for body in bodies if body["rule"]["id"] == PASSWORD]
        assert len(found_of) == len(failed)
        assert set(found_of) == failed
    assert run(["sources", "audit", "--config", str(config), "--store"]) == 0
    assert "all adds up" in capfd.readouterr().err
    assert run(["iso", "verify", "--config", str(config)]) == 0


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


def test_a_costly_rule_is_suspended_in_each_partition_in_the_open_over_a_restart_and_tried_again(
    tmp_path: Path, kafka_node: KafkaNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "EVERY", 4)
    monkeypatch.setattr(budget, "HURRY", 4)
    monkeypatch.setattr(evaluating, "BATCH", 20)
    journal, text = journal_of(kafka_node.server, partitions=2)
    config = new_site(tmp_path / "site", "[]", text + "detect: {rule_budget: 100us}\n")
    config.write_text(config.read_text().replace("rules: [rules]", "rules: [own]"))
    own = config.parent / "own"
    own.mkdir()
    (own / "costly.yml").write_text(rule(COSTLY, "Costly", "message|re: '(?=a)a.*Q[0-9]{3}$'", "not s"))
    (own / "cheap.yml").write_text(rule(CHEAP, "Cheap", "message|contains: needle"))
    ahead, fed = [timedelta()], 0

    def come(batches: int) -> None:
        """So many batches of twenty events of each of two sources, which are in different partitions."""
        nonlocal fed
        with closing(open_journal(journal)) as writer:
            for source in ("one", "two") * batches:
                made = (
                    event(n, n / 6_000, host_os_type="linux", message=f"needle {n} " + "abcdefghijQ1" * 200)
                    for n in range(fed, fed + 20)
                )
                writer.append([structs.replace(each, source=source) for each in made], {}, [])
                fed += 20
        with by(config, lambda: now() + ahead[0]):
            decided(journal, 90)

    def told() -> list[Gap]:
        """The gaps, one of each partition; each rule has fired on everything but that, once."""
        with Site.load(config) as site:
            end = site.journal_reader.end()
            events = [*events_of(site.journal_reader, 0, end)]
            bodies = [entry.fact.body for entry in site.ledger.entries(kinds=[DETECTION])]
            known = sorted(gaps(site.ledger.entries(kinds=[GAP])), key=lambda gap: gap.partition or 0)
        assert [(gap.rule, gap.partition) for gap in known] == [(COSTLY, 0), (COSTLY, 1)]
        places = {offset: partition_of(each.source, 2) for offset, each in events if each.source in ("one", "two")}
        assert len(places) == fed
        unseen = {at for at, n in places.items() if known[n].start <= at < (known[n].end or end)}
        for rule_id, blind in ((COSTLY, unseen), (CHEAP, set[int]())):
            fired = [body["events"][0]["journal"] for body in bodies if body["rule"]["id"] == rule_id]
            assert sorted(fired) == sorted(places.keys() - blind)
        return known

    come(5 * budget.MIN_SAMPLES)
    begun = told()
    assert [gap.end for gap in begun] == [None, None]
    assert all("the budget is 100 us" in gap.why for gap in begun)
    come(5)
    assert told() == begun
    ahead[0] = budget.FIRST_PAUSE + timedelta(seconds=1)
    before = fed
    come(5)
    assert all(gap.end is not None and gap.end >= before for gap in told())
