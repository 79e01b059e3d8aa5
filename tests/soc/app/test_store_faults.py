"""Whatever the event store does, each event is in it once, or in the dead letters once with the reason; counted through `soc run`."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

import soc.app.loops
import soc.store.elastic
import soc.store.elastic_bulk
import soc.store.sqlite
from collectors.errors import JournalError
from collectors.journal import JournalConfig, open_reader
from collectors.record import DeadLetter
from soc.app.audit import is_heartbeat
from soc.app.auditing import audit
from soc.app.indexing import STORE, Indexing, LocalIndexer
from soc.app.run import Running
from soc.app.site import Site
from soc.app.store_care import elastic_store as elastic_store_of
from soc.metrics import Metrics
from soc.store import AlertQuery
from tests.servers.elastic import ElasticNode
from tests.servers.node import free_port
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_clock_steps import running as running_by
from tests.soc.app.test_clock_steps import step
from tests.soc.app.test_run import wait_for
from tests.soc.store.faulty import Gate, gate

LINES = 2_500
"""More than one bulk request."""
CONFLICTING = 7
"""Lines with a name that Elasticsearch keeps for itself: its mapping refuses the document."""


def json_line(number: int, *, refused: bool = False) -> str:
    fields = {
        "@timestamp": f"2026-10-14T03:{number // 60 % 60:02}:{number % 60:02}+07:00",
        "event.dataset": "portal.access",
        "message": f"line {number}",
    }
    return json.dumps({**fields, "_routing": "x"} if refused else fields)


def of_store(site: Site) -> list[DeadLetter]:
    letters, _ = site.journal_reader.dead_letters(0, 100_000)
    return [letter for letter in letters if letter.format == STORE]


def logins_of_root(site: Site) -> int:
    alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
    return sum(alert.count for alert in alerts if alert.title == "Root Logged In over SSH with a Password")


def assert_all_is_in_the_store_once(site: Site, refused: int = 0) -> None:
    events, _ = site.journal_reader.read(0, 100_000)
    letters = of_store(site)
    assert len(letters) == len({letter.record.data for letter in letters}) == refused
    bad = {letter.record.data for letter in letters}
    good = [event.id for event in events if event.raw not in bad]
    assert site.events.held(good) == set(good)
    assert site.events.count() == len(good)
    now = site.clock() + timedelta(seconds=1)
    result = audit(site, now - timedelta(days=1), now, store=True)
    assert result.mismatches == []
    assert sum(line.indexed for line in result.lines) == len(good)
    assert sum(line.refused for line in result.lines) == refused


@contextmanager
def running_over(config: Path, log: Path, *, fault: Callable[[], object] = lambda: None) -> Iterator[Running]:
    """A SOC that has indexed the first lines, and gets the rest when the fault is there; left when all is indexed."""
    log.write_text("".join(json_line(i) + "\n" for i in range(100)))
    with Site.load(config) as site, Running(site) as running:
        wait_for(lambda: running._indexing.offset == 100, 30)
        fault()
        with log.open("a") as stream:
            stream.write("".join(json_line(i) + "\n" for i in range(100, LINES)))
        yield running
        wait_for(lambda: site.journal.committed("index") == LINES, 60)
    with Site.load(config) as site:
        assert site.journal_reader.end() == LINES
        assert_all_is_in_the_store_once(site)


def site_on(folder: Path, store: str) -> tuple[Path, Path]:
    log = folder / "portal.json"
    log.touch()
    config = new_site(folder / "site", f"[{{id: portal, kind: file, path: {log}, format: json}}]", store)
    config.write_text(config.read_text().replace("rules: [rules]", "rules: [rules/linux]"))
    return config, log


def elastic_store(port: int, timeout: str = "30s") -> str:
    name = f"f{uuid4().hex[:12]}"
    return (
        f'store: {{kind: elasticsearch, hosts: ["http://127.0.0.1:{port}"], namespace: {name}, timeout: {timeout}}}\n'
    )


def indexed(config: Path) -> int:
    """How far a SOC that runs in a process of its own has indexed; 0 while it starts."""
    try:
        with closing(open_reader(JournalConfig(config.parent / "var" / "journal"))) as reader:
            return reader.committed("index")
    except JournalError:
        return 0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts end after parts of a second, so that faults outlast them and the loops of `soc run` must go on."""
    monkeypatch.setattr(soc.store.elastic, "PAUSES_S", (0.01, 0.02))
    monkeypatch.setattr(soc.store.elastic_bulk, "PAUSES_S", (0.01, 0.02))
    monkeypatch.setattr(soc.app.loops, "RETRY_S", 0.2)


def busy(faults: Gate) -> None:
    faults.refuse = [429] * 10


def gone(faults: Gate) -> None:
    faults.refuse = [503, 502, 504] * 4


def partial(faults: Gate) -> None:
    faults.hold_back = [set(range(0, 2_000, 3)), set(range(0, 100, 2)), {1}, {0}]


def lost_answers(faults: Gate) -> None:
    faults.drop = 3


def slow(faults: Gate) -> None:
    faults.slow_s = [1.5, 1.5]


def tarpit(faults: Gate) -> None:
    faults.trickle_s = [3.0]


def everything(faults: Gate) -> None:
    faults.hold_back = [{0, 1, 2}, {0}] * 3
    faults.drop = 2
    faults.slow_s = [1.5]
    faults.refuse = [429, 503] * 3


@pytest.mark.server
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [busy, gone, partial, lost_answers, slow, tarpit, everything])
def test_a_store_that_fails_for_a_while_gets_every_event_once(
    fault: Callable[[Gate], None], elastic_node: ElasticNode, tmp_path: Path
) -> None:
    with gate(elastic_node.port) as faults:
        config, log = site_on(tmp_path, elastic_store(int(faults.server_address[1]), timeout="1s"))
        with running_over(config, log, fault=lambda: fault(faults)) as running:
            wait_for(
                lambda: not (faults.refuse or faults.hold_back or faults.drop or faults.slow_s or faults.trickle_s), 60
            )
        assert running.metrics.unreachable._value.get() > 0 or fault in (partial, tarpit)


@pytest.mark.server
@pytest.mark.usefixtures("impatient")
def test_a_store_that_is_down_at_the_start_and_later_again_holds_up_no_source(
    elastic_node: ElasticNode, tmp_path: Path
) -> None:
    port = free_port()
    config, log = site_on(tmp_path, elastic_store(port))
    auth = tmp_path / "auth.log"
    auth.write_text("".join(auth_line(i) for i in range(20)))
    config.write_text(
        config.read_text().replace("sources: [", f"sources: [{{id: auth, kind: file, path: {auth}, format: rfc3164}}, ")
    )
    with Site.load(config) as site, Running(site) as running:
        log.write_text("".join(json_line(i) + "\n" for i in range(1_000)))
        wait_for(lambda: site.journal.end() == 1_020, 30)
        assert site.journal.committed("index") == 0
        with gate(elastic_node.port, listen=port):
            wait_for(lambda: site.journal.committed("index") == 1_020, 30)
            wait_for(lambda: site.journal.committed("detect") == 1_020, 30)
            assert logins_of_root(site) == 20
        with auth.open("a") as more, log.open("a") as stream:
            more.write("".join(auth_line(i) for i in range(20, 30)))
            stream.write("".join(json_line(i) + "\n" for i in range(1_000, LINES)))
        wait_for(lambda: site.journal.end() == LINES + 30, 30)
        wait_for(lambda: running.metrics.unreachable._value.get() > 6, 30)
        with gate(elastic_node.port, listen=port):
            wait_for(lambda: site.journal.committed("index") == LINES + 30, 30)
            wait_for(lambda: site.journal.committed("detect") == LINES + 30, 30)
            assert logins_of_root(site) == 30
    with gate(elastic_node.port, listen=port), Site.load(config) as site:
        assert_all_is_in_the_store_once(site)


@pytest.mark.server
@pytest.mark.usefixtures("impatient")
def test_what_the_mapping_refuses_is_in_the_dead_letters_once_also_over_faults_and_crashes(
    elastic_node: ElasticNode, tmp_path: Path
) -> None:
    with gate(elastic_node.port) as faults:
        config, log = site_on(tmp_path, elastic_store(int(faults.server_address[1])))
        lines = [json_line(i, refused=i % 300 == 0) for i in range(CONFLICTING * 300)]
        log.write_text("\n".join(lines) + "\n")
        faults.drop, faults.hold_back = 1, [{0, 299}, {1}]
        with Site.load(config) as site, Running(site) as running:
            wait_for(lambda: site.journal.committed("index") == len(lines), 60)
            wait_for(lambda: running.metrics.refused._value.get() == CONFLICTING, 5)
        with Site.load(config) as site:
            assert_all_is_in_the_store_once(site, refused=CONFLICTING)
            assert {letter.record.data.decode() for letter in of_store(site)} == set(lines[::300])
            assert all("_routing" in letter.reason for letter in of_store(site))
            site.journal.commit("index", 0)  # a run that dies between the dead letters and its offset
            Indexing(site.journal, LocalIndexer(site.journal, site.events), Metrics()).drain()
            assert len(of_store(site)) == CONFLICTING
        other = config.read_text().replace("namespace: f", "namespace: g")  # an empty store is filled from the start
        config.write_text(other)
        with Site.load(config) as site:
            again = Indexing(site.journal, LocalIndexer(site.journal, site.events), Metrics())
            again.drain()
            assert (again.indexed, again.refused) == (len(lines) - CONFLICTING, CONFLICTING)
            assert len(of_store(site)) == CONFLICTING


@pytest.mark.server
def test_killing_the_program_while_it_indexes_leaves_every_event_in_the_store_once(
    elastic_node: ElasticNode, tmp_path: Path
) -> None:
    with gate(elastic_node.port) as faults:
        faults.slow_s = [0.3] * 20  # it dies with answers under way
        config, log = site_on(tmp_path, elastic_store(int(faults.server_address[1])))
        argv = [sys.executable, "-m", "soc", "run", "--config", str(config)]
        chance = random.Random(3)
        written = 0
        for _ in range(6):
            with log.open("a") as stream:
                stream.write("".join(json_line(i) + "\n" for i in range(written, written + LINES)))
            written += LINES
            asked = len(faults.bulks)
            process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for(lambda before=asked: len(faults.bulks) > before, 60)
            time.sleep(chance.random() * 0.5)
            process.kill()
            process.wait()
        with Site.load(config) as site, Running(site):
            wait_for(lambda: site.journal.committed("index") == written, 60)
        with Site.load(config) as site:
            assert site.journal_reader.end() == written
            assert_all_is_in_the_store_once(site)


@pytest.mark.server
@pytest.mark.usefixtures("impatient")
def test_a_node_that_is_full_or_killed_gets_every_event_once_without_a_hand(
    elastic_node: ElasticNode, tmp_path: Path
) -> None:
    store = elastic_store(elastic_node.port, timeout="5s")
    config, log = site_on(tmp_path, store)
    auth = tmp_path / "auth.log"
    auth.write_text("".join(auth_line(i) for i in range(10)))
    config.write_text(
        config.read_text().replace("sources: [", f"sources: [{{id: auth, kind: file, path: {auth}, format: rfc3164}}, ")
    )
    written, logins = 0, 10

    def lines_come() -> None:
        nonlocal written, logins
        with log.open("a") as stream, auth.open("a") as more:
            stream.write("".join(json_line(i) + "\n" for i in range(written, written + 500)))
            more.write("".join(auth_line(i) for i in range(logins, logins + 10)))
        written, logins = written + 500, logins + 10

    def all_is_done(site: Site) -> bool:
        journal = site.journal
        return journal.end() == journal.committed("index") == journal.committed("detect") == written + logins

    with Site.load(config) as site, Running(site) as running:
        lines_come()
        wait_for(lambda: all_is_done(site), 30)
        _, client = elastic_store_of(site)
        name = site.config.store.namespace
        ours = f"logs-*-{name},{name}-*"
        for block in (
            "read_only_allow_delete",
            "write",
        ):  # what the flood stage of a full disk sets; what a person sets
            client.indices.put_settings(index=ours, settings={f"index.blocks.{block}": True})
            before = running.metrics.unreachable._value.get()
            lines_come()
            wait_for(lambda before=before: running.metrics.unreachable._value.get() > before + 2, 30)
            assert not all_is_done(site)
            client.indices.put_settings(index=ours, settings={f"index.blocks.{block}": None})
            wait_for(lambda: all_is_done(site), 30)
        lines_come()
        elastic_node.kill()
        try:
            lines_come()
            before = running.metrics.unreachable._value.get()
            wait_for(lambda: running.metrics.unreachable._value.get() > before, 30)
        finally:
            elastic_node.start()
        wait_for(lambda: all_is_done(site), 60)
        assert logins_of_root(site) == logins
    with Site.load(config) as site:
        assert_all_is_in_the_store_once(site)


@pytest.mark.server
def test_a_clock_that_steps_while_the_store_is_busy_gets_every_event_once(
    elastic_node: ElasticNode, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    with gate(elastic_node.port) as faults:
        config, log = site_on(tmp_path, elastic_store(int(faults.server_address[1])))
        step(clock, 0)
        written = 0
        with running_by(config, clock):
            for offset_s in (0, 7_200, -10_800):
                step(clock, offset_s)
                faults.hold_back, faults.refuse = [{0, 1, 2}, {0}], [429, 503]
                with log.open("a") as stream:
                    stream.write("".join(json_line(i) + "\n" for i in range(written, written + 300)))
                written += 300
                wait_for(lambda written=written: indexed(config) >= written, 60)
        assert not faults.refuse
        assert not faults.hold_back
        with Site.load(config) as site:
            events, _ = site.journal_reader.read(0, 100_000)
            assert len([event for event in events if event.source == "portal"]) == written
            ids = [event.id for event in events if not is_heartbeat(event)]
            assert site.events.held(ids) == set(ids)
            assert site.events.count() == len(ids)


@pytest.mark.usefixtures("impatient")
def test_a_local_store_that_another_process_holds_gets_every_event_once(tmp_path: Path) -> None:
    config, log = site_on(tmp_path, "")
    folder = config.parent / "var" / "store" / "events"
    folder.mkdir(parents=True)
    holder = subprocess.Popen(["flock", str(folder / "lock"), "sleep", "4"])
    wait_for((folder / "lock").exists, 10)
    with running_over(config, log) as running:
        assert holder.wait(10) == 0
        assert running.metrics.unreachable._value.get() > 0
