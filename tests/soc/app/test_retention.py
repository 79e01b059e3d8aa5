"""What a site keeps no longer is dropped, what is evidence stays, and an auditor finds every gap explained."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.journal import JournalConfig
from soc.__main__ import run
from soc.alert.facts import DETECTION
from soc.app.assurance import check_raw_events
from soc.app.auditing import audit
from soc.app.history import Span
from soc.app.holding import hold, holds, release
from soc.app.keeping import Looked
from soc.app.recomputing import recompute
from soc.app.retention import retain
from soc.app.run import Running
from soc.app.sealing import altered, tell_sealed
from soc.app.site import Site
from soc.app.store_care import embedded, migrate
from soc.errors import EXIT_OK, FaultsError
from soc.store import EventQuery
from soc.store.elastic_events import ElasticEventStore
from soc.store.local_events import LocalEventStore
from soc.store.segments import building, writing
from tests.servers.elastic import ElasticNode
from tests.soc.app.sites import LOGIN_AS_ROOT, new_site
from tests.soc.app.test_run import wait_for

HOSTS = ("motcua-01", "ngansach-01", "elsewhere")
"""Of a system of level 3, of one of level 4, of none."""

LINES = 150
KEPT = "store: {retention: 400d, retention_of: {level_3: 100d}}\njournal: {kind: local, retention: 30d}\n"
NOW = datetime.now(UTC)


def line(number: int) -> str:
    """Every fiftieth fires a rule."""
    message = LOGIN_AS_ROOT if number % 50 == 9 else "Connection closed by 192.0.2.7 port 4000"
    return f"2026-10-14T03:{number // 60:02}:{number % 60:02}.000000+07:00 {HOSTS[number % 3]} sshd[7]: {message} n{number}\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site that has run over LINES lines: segments of 24 events, files of the journal of some 20."""
    monkeypatch.setattr(building, "ROWS", 8)
    monkeypatch.setattr(writing, "GROUPS", 3)
    monkeypatch.setattr(Site, "journal_config", property(lambda site: JournalConfig(site.journal_folder, 8_000)))
    log = tmp_path / "auth.log"
    log.touch()
    source = f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]"
    config = new_site(tmp_path / "site", source, KEPT)
    with Site.load(config) as site, Running(site):
        for first in range(0, LINES, 10):
            with log.open("a") as stream:
                stream.write("".join(map(line, range(first, first + 10))))
            wait_for(lambda first=first: site.journal.end() >= first + 10, 10)
    return config


def later(config: Path, days: int, hours: int = 1) -> Site:
    moment = datetime.now(UTC) + timedelta(days=days, hours=hours)
    return Site.load(config, clock=lambda: moment)


def evidence(site: Site) -> set[int]:
    """The numbers of the lines behind detections, which are also their places in the journal."""
    return {event["journal"] for entry in site.ledger.entries(kinds=[DETECTION]) for event in entry.fact.body["events"]}


def dropped(looked: list[Looked]) -> Counter[str]:
    found = Counter[str]()
    for each in looked:
        found[each.where] += each.dropped
    return found


def sound(site: Site) -> None:
    """Whatever an auditor asks holds."""
    tell_sealed(site)
    assert altered(site)[1] == []
    checked, wrong = check_raw_events(site)
    assert checked >= 3
    assert wrong == []
    result = audit(site, NOW - timedelta(days=1), NOW + timedelta(days=1), store=True)
    assert result.mismatches == []
    assert sum(each.parsed for each in result.lines if each.source == "auth") == LINES


def test_young_events_stay(config: Path) -> None:
    with later(config, 0) as site:
        assert retain(site) == []
        sound(site)


def test_the_journal_goes_first_and_events_behind_detections_are_read_from_the_store(config: Path) -> None:
    with later(config, 31) as site:
        looked = retain(site)
        start = site.journal.start()
        assert dropped(looked) == {"journal": start}
        assert 100 < start <= LINES
        assert [each.why for each in looked if not each.dropped] in (
            [],
            [f"evaluated, told and in files of the store is only what stands below {LINES // 8 * 8:,}"],
        )
        assert site.events.count() == LINES
        sound(site)
        for entry in list(site.ledger.entries(kinds=[DETECTION])):
            again = recompute(site, str(entry.seq))
            assert again.same, again.lines
            assert any("run again on the same bytes, gives" in line for line in again.lines)
        result = audit(site, NOW - timedelta(days=1), NOW + timedelta(days=1))
        assert sum(each.expired for each in result.lines) == start
        assert retain(site) == [each for each in looked if not each.dropped]


def test_who_looks_back_on_the_journal_is_told_where_it_begins(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["rules", "coverage", "--config", str(config)]
    assert run(asked) == EXIT_OK
    assert "the journal begins" not in capsys.readouterr().err
    with later(config, 31) as site:
        retain(site)
    assert run(asked) == EXIT_OK
    assert "note: the journal begins on 2" in capsys.readouterr().err


@pytest.mark.server
def test_what_the_journal_dropped_moves_to_elasticsearch_from_the_files_of_the_store(
    config: Path, elastic_node: ElasticNode
) -> None:
    with later(config, 31) as site:
        retain(site)
        assert site.journal.start() > 100
        stored = site.events.search(EventQuery(limit=2 * LINES))
    store = f'store: {{kind: elasticsearch, hosts: ["{elastic_node.url}"], namespace: moved, retention: 400d}}'
    config.write_text(config.read_text().replace(KEPT.splitlines()[0], store))
    with Site.load(config) as site:
        assert isinstance(site.events, ElasticEventStore)
        done = migrate(site.journal_reader, site.events, lambda _: None, embedded(site))
        assert (done.stored, done.refused, done.missing, done.changed) == (LINES, (), (), ())
        assert site.events.search(EventQuery(limit=2 * LINES)) == stored


def test_a_level_whose_time_is_over_goes_but_for_evidence_and_the_rest_stays_as_it_was(config: Path) -> None:
    with later(config, 101) as site:
        looked = retain(site)
        sealed = 24 * sum(each.where == "store" and each.dropped > 0 for each in looked)
        assert sealed == 120
        gone = {n for n in range(sealed) if n % 3 == 0} - evidence(site)
        assert dropped(looked)["store"] == len(gone)
        assert site.events.count() == LINES - len(gone)
        assert {each.why.partition(";")[0] for each in looked if each.dropped} == {"", "some are kept 400d"}
        sound(site)
        assert (
            len(list((config.parent / "var/store/events").glob("segment-*.parquet"))) == 6 + 5
        )  # old ones are read still
    with later(config, 101, hours=3) as site:
        assert dropped(retain(site))["store"] == 0
        sound(site)
        assert len(list((config.parent / "var/store/events").glob("segment-*.parquet"))) == 6


def test_when_all_time_is_over_only_evidence_and_the_newest_file_stay(config: Path) -> None:
    with later(config, 101) as site:
        retain(site)
    with later(config, 401) as site:
        retain(site)
        assert site.events.count() == len({n for n in evidence(site) if n < 120}) + LINES - 120
        sound(site)


def test_what_was_narrowed_and_then_goes_whole_does_not_come_back(config: Path) -> None:
    with later(config, 101) as site:
        assert not evidence(site) & set(range(24, 48))
        hold(site, "n25 or n27", Span(NOW - timedelta(days=3650), NOW), "case 9", "lan")
        retain(site)
        for each in holds(site):
            release(site, each.id, "over", "lan")
    second = "segment-00000000000000000024-"
    assert len(list((config.parent / "var/store/events").glob(f"{second}*.parquet"))) == 2
    config.write_text(config.read_text().replace("retention: 400d", "retention: 200d"))
    with later(config, 300) as site:
        with pytest.MonkeyPatch.context() as never:
            never.setattr("soc.app.store_retention.GRACE", timedelta(days=3650))
            retain(site)
        assert list((config.parent / "var/store/events").glob(f"{second}*")) == []
        assert site.events.count() == len({n for n in evidence(site) if n < 120}) + LINES - 120
        sound(site)


def test_what_is_on_hold_stays_until_it_is_released(config: Path) -> None:
    with later(config, 101) as site:
        held = hold(site, '"n0" or "n3"', Span(NOW - timedelta(days=3650), NOW), "case 7", "lan")
        retain(site)
        found = {document["message"] for document in search(site, "n0 or n3 or n6")}
        assert len(found) == 2
        sound(site)
        release(site, held.id, "closed", "lan")
    with later(config, 102) as site:
        retain(site)
        assert search(site, "n0 or n3 or n6") == []
        sound(site)


def search(site: Site, query: str) -> list[dict[str, object]]:
    from soc.store.language import parse
    from soc.store.segments.view import Asked

    assert isinstance(site.events, LocalEventStore)
    return list(site.events.view().documents(Asked(parse(query))))


def test_a_run_that_dies_after_it_said_so_is_finished_by_the_next(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with later(config, 101) as site, monkeypatch.context() as dying:
        dying.setattr("soc.store.segments.narrowing.narrow", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            retain(site)
        assert site.events.count() == LINES
        sound(site)
    with later(config, 101, hours=3) as site:
        assert dropped(retain(site))["store"]
        sound(site)


def test_what_was_removed_by_hand_is_still_missed(config: Path) -> None:
    with later(config, 31) as site:
        retain(site)
        path = min((config.parent / "var/store/events").glob("segment-*.parquet"))
        path.unlink()
        assert altered(site)[1] == [f"{path.name}: is not there any more"]
    with later(config, 31) as site:
        files = sorted((config.parent / "var/journal").glob("*.seg"))
        files[0].unlink()
        if len(files) > 1:
            result = audit(site, NOW - timedelta(days=1), NOW + timedelta(days=1))
            assert result.mismatches


def test_the_command_shows_first_and_drops_then(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["store", "retention", "--dry-run", "--config", str(config)]) == EXIT_OK
    assert "nothing is as old as that" in capsys.readouterr().err
    assert run(["store", "hold", "n1", "--why", "case 8", "--as", "lan", "--config", str(config)]) == EXIT_OK
    (name,) = capsys.readouterr().out.split()
    assert run(["store", "holds", "--json", "--config", str(config)]) == EXIT_OK
    assert [json.loads(row)["why"] for row in capsys.readouterr().out.splitlines()] == ["case 8"]
    assert run(["store", "release", name, "--why", "over", "--config", str(config)]) == EXIT_OK
    assert run(["store", "holds", "--config", str(config)]) == EXIT_OK
    assert "nothing is on hold" in capsys.readouterr().err


def test_nothing_is_dropped_or_run_where_the_law_demands_more(config: Path) -> None:
    config.write_text(config.read_text().replace("level_3: 100d", "level_3: 80d"))
    with later(config, 500) as site:
        with pytest.raises(FaultsError, match="less than the 90d"):
            retain(site)
        with pytest.raises(FaultsError, match="less than the 90d"):
            Running(site)
        assert site.events.count() == LINES
