"""What only the local stores promise: their files, the journal behind the index, other processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from collectors.journal import JournalConfig, open_reader
from soc.action import Who
from soc.alert import decisions as alert_decisions
from soc.alert import facts as alert_facts
from soc.errors import SocError, UnreachableError
from soc.store import AlertQuery, EventQuery, Facet, Having, Indexed, local_projections, wording
from soc.store.columns import alert_columns, words
from soc.store.config import StoreConfig
from soc.store.local_events import LocalEventStore
from tests.soc.store.material import DAY, Site, alert, entries, event, ids, story


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path, StoreConfig())
    yield opened
    opened.close()


def test_the_index_of_another_journal_is_refused_and_changes_nothing(site: Site) -> None:
    site.index([event(1), event(2)])
    with pytest.raises(SocError, match="it is the store of another journal"):
        site.store.index([event(7), event(8)], 1)
    assert site.store.count() == 2
    assert site.index([event(3, fields={"host.name": "new"})]) == Indexed(1, 0)
    assert len(site.store.search(EventQuery(equals={"host.name": "new"}))) == 1


def test_a_search_passes_over_damaged_events_and_logs_them(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    batches = [[event(n) for n in range(start, start + 10)] for start in (0, 10, 20)]
    for batch in batches:
        site.index(batch)
    reader = open_reader(JournalConfig(site.folder / "journal"))
    assert reader.end() == 30
    other_process = LocalEventStore(site.folder / "events", reader)
    (segment,) = (site.folder / "journal").glob("*.seg")
    content = bytearray(segment.read_bytes())
    content[content.index(b"line 15") + 6] ^= 1
    segment.write_bytes(content)
    found = other_process.search(EventQuery())
    assert sorted(map(str, ids(found))) == sorted(one.id for one in batches[0] + batches[2])
    assert other_process.event(batches[1][0].id) is None
    other_process.close()
    assert "events cannot be read" in caplog.text


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "projections.db").write_bytes(
        b"not SQLite at all, but long enough to look like a file of some kind" * 20
    )
    site = Site(tmp_path, StoreConfig())
    with pytest.raises(SocError, match=r"projections\.db: file is not a database"):
        site.projections()
    site.close()


@pytest.mark.parametrize("size", [1, 2, 7, 40, 41])
def test_ids_read_in_parts_are_those_read_at_once(site: Site, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Twenty times the same risk, five times the same moment: the next part goes on after the id."""
    alerts = [alert(n, minutes=n // 5, value=f"10.0.0.{n % 3}") for n in range(40)]
    made = [replace(one, risk=50 + n % 2) for n, one in enumerate(alerts)]
    projections = site.projections()
    projections.apply(entries([alert_facts.opened(one, DAY) for one in made]))
    ordered = [one.id for one in sorted(made, key=lambda one: (-one.risk, -one.last_seen.timestamp(), one.id))]
    monkeypatch.setattr(local_projections, "PART", size)
    assert list(projections.alert_ids(AlertQuery())) == ordered
    assert list(projections.alert_ids(AlertQuery(limit=9))) == ordered[:9]
    whose = {one.id for one in made if one.entity.value == "10.0.0.1"}
    query = AlertQuery(having=(Having(Facet.ENTITY, "10.0.0.1"),))
    assert list(projections.alert_ids(query)) == [key for key in ordered if key in whose]
    assert projections.alert_count(query) == len(whose)


def test_alerts_of_one_value_are_found_by_its_index(site: Site) -> None:
    projections = site.projections()
    with sqlite3.connect(site.folder / "projections.db") as connection:
        for having in (*(Having(facet, "x") for facet in Facet if facet not in (Facet.LEVEL, Facet.STATUS)), None):
            query = AlertQuery(having=(having,)) if having else AlertQuery(incident_id="x")
            where, values = local_projections._conditions(connection, query)
            plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT count(*) FROM alert {where}", values).fetchall()
            assert [row[3].split()[0] for row in plan] == ["SEARCH"], plan
    projections.close()


@pytest.mark.parametrize("few", [0, 2, 20_000])
@pytest.mark.parametrize("most", [0, 1, 500])
def test_words_are_found_however_rare_they_are(
    site: Site, monkeypatch: pytest.MonkeyPatch, few: int, most: int
) -> None:
    """Whether by the values that hold them or in the order of triage, and after a label or a system came."""
    monkeypatch.setattr(wording, "FEW", few)
    monkeypatch.setattr(wording, "VALUES", most)
    systems = ("Hộ tịch", "portal", "a b")
    alerts = [alert(n, minutes=n, value=f"10.0.{n % 4}.{n}", system=systems[n % 3]) for n in range(24)]
    who = Who("Lan", DAY)
    facts = [alert_facts.opened(one, DAY) for one in alerts]
    facts += [alert_decisions.labelled(alerts[5], ["Bài"], [], who), alert_decisions.assigned(alerts[6], "mịn", who)]
    projections = site.projections()
    projections.apply(entries(facts))
    held = projections.alerts(projections.alert_ids(AlertQuery()))
    for text in (
        "10.0.3.",
        "10.0.3.7",
        "hộ",
        "HỘ 10.0.1",
        "portal",
        "bài",
        "mịn",
        "b",
        "nobody",
        "10.0.3.7 nobody",
        "guess 0.2",
    ):
        query = AlertQuery(text=text)
        wanted = [one.id for one in held if all(word in alert_columns(one).search for word in words(text))]
        assert list(projections.alert_ids(query)) == wanted, text
        assert projections.alert_count(query) == len(wanted)
        assert sum(count for _, count in projections.facets(query, Facet.SYSTEM, 9)) == len(wanted)
    projections.reset()
    assert list(projections.alert_ids(AlertQuery(text="portal"))) == []


def test_a_folder_that_is_not_there_is_worth_a_retry(site: Site) -> None:
    site.folder = site.folder / "missing"
    with pytest.raises(UnreachableError, match="unable to open database file"):
        site.projections()


def test_projections_of_another_version_are_made_anew(site: Site) -> None:
    facts = entries(story(4, alerts=10))
    first = site.projections()
    first.apply(facts)
    expected = list(first.alert_ids(AlertQuery()))
    first.close()
    with sqlite3.connect(site.folder / "projections.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    again = site.projections()
    assert again.applied() == 0
    again.apply(facts)
    assert list(again.alert_ids(AlertQuery())) == expected


def test_a_batch_that_breaks_off_leaves_nothing_of_it(site: Site) -> None:
    projections = site.projections()
    projections.apply(entries(alert_facts.opened(alert(n), DAY) for n in range(3)))
    broken = entries((alert_facts.opened(alert(n), DAY) for n in range(3, 6)), 3)
    broken[2].fact.body["alert"]["level"] = "unheard-of"  # type: ignore[index]
    with pytest.raises(ValueError, match="unheard-of"):
        projections.apply(broken)
    assert projections.applied() == 3
    assert len(projections.alert_ids(AlertQuery())) == 3


def test_readers_do_not_wait_for_an_open_transaction(site: Site) -> None:
    site.projections().apply(entries(story(6, alerts=5)))
    writer = sqlite3.connect(site.folder / "projections.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM alert")
    begun = time.monotonic()
    assert len(site.projections().alert_ids(AlertQuery())) == 5
    assert time.monotonic() - begun < 5
    writer.execute("ROLLBACK")
    writer.close()


def test_a_forked_child_reads_and_leaves_the_connections_of_its_parent_alone(site: Site) -> None:
    projections = site.projections()
    facts = entries(story(6, alerts=5))
    projections.apply(facts[:5])
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            os.write(write, b"%d" % len(projections.alert_ids(AlertQuery())))
        finally:
            os._exit(0)
    os.close(write)
    seen = int(os.read(read, 10))
    os.close(read)
    os.wait()
    assert seen == len(projections.alert_ids(AlertQuery()))
    projections.apply(facts)
    assert projections.applied() == len(facts)


def test_a_killed_writer_leaves_a_whole_prefix(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from soc.store.config import StoreConfig
from soc.store.local_events import LocalEventStore
from tests.soc.store.material import *
site = Site(Path(sys.argv[1]), StoreConfig())
projections = site.projections()
facts = entries(story(2, alerts=4000))
for start in range(0, len(facts), 50):
    site.index([event(n) for n in range(start, start + 50)])
    projections.apply(facts[start:start + 50])
    print(start + 50, flush=True)
"""
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    said = 0
    while said < 500:
        said = int(writer.stdout.readline())
    writer.kill()
    said = max([said, *map(int, writer.stdout.read().split())])
    writer.wait()
    site = Site(tmp_path, StoreConfig())
    assert site.store.count() >= said
    assert site.store.count() % 50 == 0
    projections = site.projections()
    assert projections.applied() >= said
    facts = entries(story(2, alerts=4000))[: projections.applied()]
    alone = Site(tmp_path / "alone", StoreConfig())
    expected = alone.projections()
    expected.apply(facts)
    every = expected.alert_ids(AlertQuery())
    assert projections.alerts(every) == expected.alerts(every)
    alone.close()
    site.close()


def test_choosing_the_local_stores_does_not_load_elasticsearch() -> None:
    code = (
        "import sys, soc.store.opening; sys.exit('elasticsearch' in sys.modules or 'elastic_transport' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
