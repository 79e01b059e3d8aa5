"""Threat intelligence in a site: a feed's file becomes an alert of the next line, history is looked back on apart from alerts, and every
change is a fact."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from collectors.event import Value, make_event
from collectors.record import Position, RawRecord
from iso27001.measures import SAMPLE
from soc.__main__ import run
from soc.app.history import Span
from soc.app.intel import IMPORTED, REMOVED, indicator_store
from soc.app.measuring import measure_all
from soc.app.retro import MOST_NAMED, RETRO, covered, look_back
from soc.app.run import Running
from soc.app.site import Site
from soc.store import AlertQuery
from tests.collectors.enrich.test_geo import mmdb
from tests.soc.app.lived import alerts, lived, login
from tests.soc.app.sites import auth_line, new_site

DAY = datetime(2026, 10, 14, tzinfo=UTC)
SPAN = ("--from", "2026-10-13", "--to", "2026-10-16")
ATTACKER, OTHER = "203.0.113.45", "198.51.100.9"


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What --json printed."""
        return [json.loads(line) for line in self.out.splitlines()]


Soc = Callable[..., Ran]


@pytest.fixture
def soc(capfd: pytest.CaptureFixture[str]) -> Soc:
    def call(*arguments: str | Path) -> Ran:
        code = run([str(a) for a in arguments])
        return Ran(code, *capfd.readouterr())

    return call


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return new_site(tmp_path / "site")


def feed(folder: Path, *rows: str) -> Path:
    path = folder / "feed.csv"
    path.write_text("\n".join(("value,confidence,valid_from", *rows)) + "\n")
    return path


def facts(site: Site, kind: str) -> list[dict[str, Any]]:
    return [entry.fact.body for entry in site.ledger.entries(kinds=[kind])]


def wait_for(condition: Callable[[], object], within_s: float = 10) -> None:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            pytest.fail(f"not within {within_s} s")
        time.sleep(0.01)


def test_a_feed_that_is_imported_while_the_soc_runs_gives_an_alert_of_the_next_line(tmp_path: Path, soc: Soc) -> None:
    log = tmp_path / "auth.log"
    line = auth_line(0, f"Connection closed by {ATTACKER} port 4000")
    log.write_text(line)
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]")
    with Site.load(config) as site, Running(site) as running:
        wait_for(lambda: site.events.count() == 1)
        ran = soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,"), "--feed", "national-cert", "--config", config)
        assert ran.code == 0, ran.err
        with log.open("a") as file:
            file.write(line.replace("4000", "4001"))
        wait_for(lambda: site.projections.alert_ids(AlertQuery()) and site.events.count() == 2)
        [alert] = alerts(site)
        event = site.events.event(alert.event_ids[0])
        assert not running.failures()
    assert alert.title == "Indicator of an Attacker Came In"
    assert event is not None
    assert event["threat.feed.name"] == "national-cert"
    assert event["threat.indicator.ip"] == ATTACKER
    assert event["event.category"] == ["session", "threat"]


def test_events_are_enriched_with_systems_people_places_and_indicators_together(tmp_path: Path, soc: Soc) -> None:
    (tmp_path / "people.csv").write_text("name,full_name,criticality\nroot,Administrator,5\n")
    mmdb(tmp_path / "city.mmdb", {"203.0.113.0/24": {"country": {"iso_code": "LA"}}})
    log = tmp_path / "auth.log"
    log.write_text(login(1))
    more = f"enrich: {{identities: [{tmp_path}/people.csv], geoip: [{tmp_path}/city.mmdb]}}\n"
    config = new_site(
        tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]", more
    )
    assert soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,"), "--feed", "x", "--config", config).code == 0
    with Site.load(config) as site:
        running = Running(site)
        running.start()
        wait_for(running.finished)
        running.stop()
        fields = site.journal_reader.read(0, 1)[0][0].fields
    wanted = {
        "service.name": "data-centre",
        "user.full_name": "Administrator",
        "labels.user_criticality": 5,
        "source.geo.country_iso_code": "LA",
        "threat.indicator.name": ATTACKER,
    }
    assert {name: fields.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("key", ["identities", "geoip", "warning_lists"])
def test_a_file_of_enrichment_that_cannot_be_read_stops_the_start_and_soc_check_names_it(
    tmp_path: Path, soc: Soc, key: str
) -> None:
    config = new_site(tmp_path / "site", more=f"enrich: {{{key}: [none.file]}}\n")
    ran = soc("check", "--config", config)
    assert ran.code == 2
    assert "FAULT  enrichment" in ran.out
    assert "none.file cannot be read" in ran.out or "none.file is no file in MaxMind's DB format" in ran.out
    assert soc("run", "--until-read", "--config", config).code == 2


def test_imports_and_removals_are_told_and_kept_as_facts(tmp_path: Path, soc: Soc, config: Path) -> None:
    rows = (f"{ATTACKER},90,", f"{OTHER},10,")
    ran = soc("intel", "import", feed(tmp_path, *rows), "--feed", "cert", "--config", config, "--as", "minh")
    assert ran.out == "cert: 1 files, 2 new, 0 changed, 0 as they were, 0 removed; 2 indicators now\n"
    [row] = soc(
        "intel",
        "import",
        feed(tmp_path, f"{ATTACKER},95,"),
        "--feed",
        "cert",
        "--replace",
        "--json",
        "--config",
        config,
    ).rows
    assert (row["changed"], row["removed"], row["total"], row["written"]) == (1, 1, 1, True)
    assert "cert  1           0" in soc("intel", "list", "--config", config).out
    [value] = soc("intel", "list", "--values", "--json", "--config", config).rows
    assert (value["value"], value["confidence"], value["valid"]) == (ATTACKER, 95, True)
    assert (
        "1 would go, 0 are left"
        in soc("intel", "expire", "--feed", "cert", "--whole", "--dry-run", "--config", config).out
    )
    assert "1 removed, 0 are left" in soc("intel", "expire", "--feed", "cert", "--whole", "--config", config).out
    assert soc("intel", "expire", "--whole", "--config", config).code == 2
    with Site.load(config) as site:
        first, second = facts(site, IMPORTED)
        assert (first["feed"], first["added"], first["files"][0]["name"]) == ("cert", 2, "feed.csv")
        assert second["replace"] is True
        assert facts(site, REMOVED) == [{"feed": "cert", "whole": True, "removed": 1, "total": 0}]
        assert next(entry.fact.actor for entry in site.ledger.entries(kinds=[IMPORTED])) == "minh"


def test_a_faulty_file_changes_nothing_unless_asked(tmp_path: Path, soc: Soc, config: Path) -> None:
    path = feed(tmp_path, f"{ATTACKER},90,", "nonsense,90,", f"{OTHER},900,")
    ran = soc("intel", "import", path, "--feed", "cert", "--config", config)
    assert ran.code == 1
    assert f"FAULT  {path}:3: 'nonsense' is no address" in ran.out
    assert f"FAULT  {path}:4: confidence 900 is not 0 to 100" in ran.out
    assert "nothing was changed" in ran.err
    with Site.load(config) as site:
        assert facts(site, IMPORTED) == []
        assert not indicator_store(site).path.exists()
    assert soc("intel", "import", path, "--feed", "cert", "--without-faulty", "--config", config).code == 0
    assert soc("intel", "check", ATTACKER, "--config", config).code == 1


def test_a_dry_run_shows_and_writes_nothing(tmp_path: Path, soc: Soc, config: Path) -> None:
    ran = soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,"), "--feed", "cert", "--dry-run", "--config", config)
    assert "1 new" in ran.out
    assert "1 indicators it would be" in ran.out
    assert soc("intel", "list", "--config", config).out == ""


def test_a_folder_is_imported_whole_without_the_lists_of_a_misp_feed(tmp_path: Path, soc: Soc, config: Path) -> None:
    folder = tmp_path / "misp"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    (folder / "hashes.csv").write_text("x,y\n")
    event = {"Event": {"info": "x", "Attribute": [{"type": "ip-dst", "value": ATTACKER, "to_ids": True, "uuid": "u"}]}}
    (folder / "1.json").write_text(json.dumps(event))
    [row] = soc("intel", "import", folder, "--feed", "misp", "--json", "--config", config).rows
    assert (row["added"], row["files"]) == (1, [str(folder / "1.json")])
    (tmp_path / "empty").mkdir()
    assert "no file of indicators" in soc("intel", "import", tmp_path / "empty", "--feed", "x", "--config", config).err


def test_check_says_of_each_value_whether_it_matches_now_and_why_not(tmp_path: Path, soc: Soc) -> None:
    (tmp_path / "ours.txt").write_text("192.0.2.9\n")
    config = new_site(tmp_path / "site", more=f"enrich: {{warning_lists: [{tmp_path}/ours.txt]}}\n")
    path = feed(tmp_path, f"{ATTACKER},90,", "192.0.2.9,90,", f"{OTHER},90,2999-01-01")
    ran = soc("intel", "import", path, "--feed", "cert", "--config", config)
    assert "1 are on a warning list and will not match" in ran.out
    ran = soc("intel", "check", "203[.]0[.]113[.]45", "192.0.2.9", OTHER, "192.0.2.1", "--json", "--config", config)
    assert ran.code == 1
    assert [row["matches"] for row in ran.rows] == [
        "yes",
        "no: on warning list ours.txt",
        "no: not valid now",
        "no: not known",
    ]
    assert soc("intel", "check", "192.0.2.9", OTHER, "--config", config).code == 0
    assert soc("intel", "check", "nonsense", "--config", config).code == 2


# --- looking back --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A site that saw the attacker twice, one beside him, and somebody else."""
    lines = [login(1), login(2, "lan", "192.0.2.7"), login(3), login(4, "minh", "203.0.113.46")]
    return lived(tmp_path, lines)


def test_looking_back_finds_what_new_indicators_match_and_opens_no_alert(
    tmp_path: Path, soc: Soc, history: Path
) -> None:
    with Site.load(history) as site:
        before = [alert.id for alert in alerts(site)]
    soc("intel", "import", feed(tmp_path, "203.0.113.0/24,90,2026-11-01"), "--feed", "cert", "--config", history)
    ran = soc("intel", "retro", *SPAN, "--json", "--config", history)
    assert ran.code == 1
    [row] = ran.rows
    [found] = row["findings"]
    assert (row["events"], found["indicator"], found["values"], found["events"]) == (
        4,
        "203.0.113.0/24",
        [ATTACKER, "203.0.113.46"],
        3,
    )
    assert found["fields"] == ["source.ip"]
    assert (found["early"], found["feed"], len(found["event_ids"])) == (True, "cert", 3)
    assert found["first"] < found["last"]
    with Site.load(history) as site:
        assert [alert.id for alert in alerts(site)] == before
        [fact] = facts(site, RETRO)
        assert fact["findings"] == row["findings"]


def test_an_event_counts_once_however_many_of_its_fields_match_and_what_is_named_is_bounded(
    tmp_path: Path, soc: Soc
) -> None:
    config = new_site(tmp_path / "site")
    soc("intel", "import", feed(tmp_path, "203.0.113.0/24,90,"), "--feed", "cert", "--config", config)
    with Site.load(config) as site:
        events = []
        for number in range(60):
            record = RawRecord(b"x", "proxy", Position("", "proxy", number, number), DAY + timedelta(seconds=number))
            fields: dict[str, Value] = {
                "source.ip": f"203.0.113.{number}",
                "destination.ip": f"203.0.113.{number + 100}",
            }
            events.append(make_event(record, record.received, fields))
        site.journal.append(events, {}, [])
        [found] = look_back(site, Span(DAY, DAY + timedelta(days=1)), since_import=None).findings
    assert (found.events, found.first, found.last) == (60, DAY, DAY + timedelta(seconds=59))
    assert found.fields == ["source.ip", "destination.ip"] or found.fields == ["destination.ip", "source.ip"]
    assert len(found.values) == len(found.event_ids) == MOST_NAMED


def test_only_what_came_since_the_last_look_over_the_same_span_is_looked_for(
    tmp_path: Path, soc: Soc, history: Path
) -> None:
    soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,"), "--feed", "cert", "--config", history)
    assert (
        soc("intel", "retro", "--from", "2026-10-15", "--config", history).code == 0
    )  # a later span: the attacker is not in it
    assert soc("intel", "retro", *SPAN, "--config", history).code == 1
    assert soc("intel", "retro", *SPAN, "--config", history).code == 0
    assert soc("intel", "retro", *SPAN, "--all", "--config", history).code == 1
    soc("intel", "import", feed(tmp_path, "192.0.2.7,90,"), "--feed", "cert", "--config", history)
    ran = soc("intel", "retro", *SPAN, "--config", history)
    assert "192.0.2.7" in ran.out
    assert ATTACKER not in ran.out
    listed = soc("intel", "retro", "--list", "--json", "--config", history)
    assert [row["indicator"] for row in listed.rows] == [ATTACKER, ATTACKER, "192.0.2.7"]


def test_what_matched_when_it_came_in_and_what_had_ended_is_not_told_again(tmp_path: Path, soc: Soc) -> None:
    config = new_site(tmp_path / "site")
    soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,"), "--feed", "cert", "--config", config)
    log = tmp_path / "auth.log"
    log.write_text(login(1) + login(2, "lan", OTHER))
    config.write_text(
        config.read_text().replace(
            "sources: []", f"sources: [{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]"
        )
    )
    assert soc("run", "--until-read", "--config", config).code == 0
    ended = tmp_path / "ended.csv"
    ended.write_text(f"value,valid_until\n{OTHER},2026-10-01\n")
    soc("intel", "import", ended, "--feed", "old", "--config", config)
    ran = soc("intel", "retro", *SPAN, "--json", "--config", config)
    assert (ran.code, ran.rows[0]["findings"], ran.rows[0]["seen"]) == (0, [], 1)


def test_a_look_back_covers_a_later_span_only_where_it_reached_until_its_own_time(
    tmp_path: Path, soc: Soc, history: Path
) -> None:
    soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,"), "--feed", "cert", "--config", history)
    soc("intel", "retro", *SPAN, "--config", history)
    with Site.load(history) as site:
        now = site.clock()
        inside, beyond = Span(DAY, DAY + timedelta(hours=1)), Span(DAY, now)
        assert covered(site, inside) is not None
        assert covered(site, beyond) is None
    soc("intel", "retro", "--from", "2026-10-13", "--config", history)
    with Site.load(history) as site:
        assert covered(site, beyond) is not None
        assert covered(site, Span(DAY - timedelta(days=9), now)) is None


def test_findings_beyond_the_bound_are_counted(
    tmp_path: Path, soc: Soc, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soc.app.retro.MOST_FINDINGS", 1)
    soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,", "192.0.2.7,90,"), "--feed", "cert", "--config", history)
    with Site.load(history) as site:
        read: list[int] = []
        result = look_back(
            site, Span(DAY - timedelta(days=1), DAY + timedelta(days=1)), since_import=None, progress=read.append
        )
        assert (len(result.findings), result.unkept, sum(read)) == (1, 1, site.journal_reader.end())


def test_without_indicators_nothing_is_read(history: Path) -> None:
    with Site.load(history) as site:
        assert look_back(site, Span(DAY, DAY + timedelta(days=1)), since_import=None).events == 0


def test_the_age_of_feeds_and_what_they_matched_are_a_sample_of_the_measure_of_threat_intelligence(
    tmp_path: Path, soc: Soc
) -> None:
    config = new_site(tmp_path / "site")
    with Site.load(config) as site:
        measure_all(site)
        assert not [fact for fact in facts(site, SAMPLE) if fact["measure"] == "TI-01"]
    soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,"), "--feed", "gone", "--config", config)
    soc("intel", "expire", "--feed", "gone", "--whole", "--config", config)
    soc("intel", "import", feed(tmp_path, f"{ATTACKER},90,"), "--feed", "cert", "--config", config)
    log = tmp_path / "auth.log"
    log.write_text(login(1) + login(2))
    source = f"sources: [{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]"
    config.write_text(config.read_text().replace("sources: []", source))
    assert soc("run", "--until-read", "--config", config).code == 0
    with Site.load(config) as site:
        measure_all(site)
        [sample] = [fact for fact in facts(site, SAMPLE) if fact["measure"] == "TI-01"]
    assert sample["population"] == 1
    assert sample["numbers"]["matches"] == 2
    assert 0 <= sample["numbers"]["feed_age_h"] < 1
    assert sample["met"] is None  # nobody counted the decisions about advisories
