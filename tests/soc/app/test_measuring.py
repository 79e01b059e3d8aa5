"""A site counts its measures when each is due, of what it has; what stands on a silent source is stale and names it."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from iso27001.catalogue import load
from iso27001.counting import Count, told_by
from iso27001.ledger import Fact
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from iso27001.measures import SAMPLE, Indicator, Sample, measures, read_sample
from iso27001.register import By
from iso27001.register.activities import ActivityKind, ActivityText, record
from iso27001.status import status
from soc.app.conservation import KIND
from soc.app.measuring import Measuring, measure_all
from soc.app.silence import stopped_sources
from soc.app.site import Site
from tests.soc.app.sites import new_site
from tests.soc.app.test_silence import MONDAY

SOURCES = """
  - {id: auth, kind: syslog, transport: tcp, listen: "127.0.0.1:0"}
  - {id: web, kind: file, path: /var/log/nginx/access.log, format: web-access}
"""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Clocked:
    """A site whose clock the test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = MONDAY
        self.site = Site.load(new_site(folder, SOURCES), clock=lambda: self.now)

    def samples(self) -> dict[str, Sample]:
        """The newest sample of each measure."""
        found = (read_sample(entry) for entry in self.site.ledger.entries(kinds=[SAMPLE]))
        return {sample.measure_id: sample for sample in found}

    def heard(self, *sources: str, hours: range) -> None:
        """Conservation facts, one each quarter of an hour, in which these sources sent something."""
        counts = {"received": 3, "parsed": 3, "evaluated": 3, "dead": 0, "dropped": 0}
        facts = []
        for minute in range(hours.start * 60, hours.stop * 60, 15):
            until = MONDAY + timedelta(minutes=minute)
            body = {
                "until": until.isoformat(),
                "sources": dict.fromkeys(sources, counts),
                "heard": {},
                "journal": {"from": 0, "to": 0, "told_from": 0, "told_to": 0, "end": 0},
                "balanced": True,
            }
            facts.append(Fact(f"{KIND}:{until}", KIND, until, "engine", body))
        self.site.ledger.append(facts)


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clocked]:
    found = Clocked(tmp_path / "site")
    with found.site:
        found.site.journal.commit("detect", 0)
        yield found


def test_every_measure_that_the_soc_can_count_has_a_sample(clocked: Clocked) -> None:
    measure_all(clocked.site)
    found = clocked.samples()
    assert {"LOG-01", "LOG-02", "CMP-01"} <= {of for of, sample in found.items() if sample.met is not None}
    assert set(found) == {
        *("LOG-01", "LOG-02", "LOG-03", "LOG-04", "LOG-05", "MON-01", "MON-03", "INC-01", "UTL-01", "DLP-01"),
        *("REC-01", "CAP-01", "INC-03", "INC-04", "INC-06", "CMP-01", "AUD-01", "IAM-02", "MON-04"),
    }
    assert found["LOG-02"].met is True, "the shipped configuration keeps what the law demands"
    assert found["CMP-01"].met is False
    assert found["CMP-01"].numbers["controls_evaluated"] >= 1, "what this round found is in it"
    assert found["INC-06"].numbers["playbooks"] == len(clocked.site.playbooks)
    assert found["CAP-01"].until - found["CAP-01"].since == 2 * timedelta(minutes=15)


def test_each_measure_is_counted_when_it_is_due(clocked: Clocked) -> None:
    measuring = Measuring(clocked.site)
    measuring.take()
    taken: dict[int, set[str]] = {}
    for minute in (1, 14, 15, 60):
        clocked.now = MONDAY + timedelta(minutes=minute)
        before = clocked.site.ledger.size
        measuring.take()
        entries = clocked.site.ledger.entries(after=before - 1, kinds=[SAMPLE])
        taken[minute] = {read_sample(entry).measure_id for entry in entries}
    assert taken[1] == taken[14] == set()
    assert taken[15] == {"CAP-01", "INC-03", "MON-01"}
    assert taken[60] >= {"CAP-01", "MON-01", "LOG-03", "LOG-04", "MON-03", "INC-01"}
    assert "LOG-01" not in taken[60]


def test_what_another_process_recorded_is_seen_and_counts_with_what_the_soc_counts(clocked: Clocked) -> None:
    measuring = Measuring(clocked.site)
    measuring.take()
    by = By("lan", clocked.now)
    held = clocked.now - 10 * DAY
    texts = [
        ActivityText(ActivityKind.EXERCISE, "x", held, "lan", 9, 9, "done"),
        ActivityText(ActivityKind.CONTACT_CHECK, "x", held, "lan", 4, 4, "done"),
        ActivityText(ActivityKind.ROSTER, "x", held, "lan", 168, 168, "done"),
    ]
    clocked.site.ledger.append([record(f"T-{n}", text, {}, load(), by) for n, text in enumerate(texts)])
    count = Count("VUL-01", {"hosts_scanned_180d": 9, "hosts": 9, "critical_open_over_15d": 0}, 9, "scan of October")
    told = told_by("lan", count, since=clocked.now - DAY, until=clocked.now, time=clocked.now)
    clocked.site.ledger.append([told])
    clocked.now += DAY
    measuring.take()
    found = clocked.samples()
    assert found["INC-06"].numbers["exercise_age_d"] == 11
    assert found["INC-06"].met is not None, "playbooks by the SOC, the rest by the register"
    assert found["VUL-01"].computed_by == "lan"


def test_a_source_that_stopped_makes_its_controls_stale_and_is_named(clocked: Clocked) -> None:
    clocked.heard("auth", "web", hours=range(14 * 24))
    clocked.now = MONDAY + 14 * DAY
    measure_all(clocked.site)
    assert clocked.samples()["LOG-05"].stopped == ()
    clocked.heard("web", hours=range(14 * 24, 14 * 24 + 3))
    clocked.now += 3 * HOUR
    assert stopped_sources(clocked.site, clocked.now) == ["auth since 2026-11-15T23:45Z"]
    measure_all(clocked.site)
    assert clocked.samples()["LOG-05"].met is True
    found = status(clocked.site.ledger, load(), since=MONDAY, until=clocked.now)
    state = next(state for state in found.controls if state.control.id == "A.8.18")
    assert (state.indicator, state.stopped) == (Indicator.STALE, ("auth since 2026-11-15T23:45Z",))


def test_a_soc_that_stood_still_makes_no_source_silent(clocked: Clocked) -> None:
    clocked.heard("auth", "web", hours=range(14 * 24))
    assert stopped_sources(clocked.site, MONDAY + 15 * DAY) == []


def test_a_backup_of_the_ledger_is_as_old_as_its_last_head_and_one_of_another_ledger_is_none(
    clocked: Clocked, tmp_path: Path
) -> None:
    site, backup = clocked.site, tmp_path / "backup.db"
    site.ledger.append([Fact("a", "note", MONDAY, "engine", {})])
    site.ledger.sign(MONDAY)
    with sqlite3.connect(site.ledger_path) as source, sqlite3.connect(backup) as copy:
        source.backup(copy)
    clocked.now = MONDAY + 5 * HOUR

    def age(path: Path | None) -> float | None:
        iso = dataclasses.replace(site.config.iso, backup=path)
        site.config = dataclasses.replace(site.config, iso=iso)
        measure_all(site)
        clocked.now += HOUR
        found = clocked.samples()["REC-01"]
        assert found.numbers["records_verified"] == found.numbers["records"]
        return found.numbers.get("ledger_backup_age_h")

    with Ledger.open(tmp_path / "other.db", signer=Signer.load_or_create(tmp_path / "other.key")) as other:
        other.append([Fact("b", "note", MONDAY, "engine", {})])
        other.sign(MONDAY)
    assert age(backup) == 5
    assert age(tmp_path / "other.db") is None
    assert age(tmp_path / "missing.db") is None
    assert age(None) is None


def test_nothing_is_counted_that_the_catalogue_does_not_know(clocked: Clocked) -> None:
    measure_all(clocked.site)
    assert set(clocked.samples()) <= set(measures())


def test_a_file_that_cannot_be_read_leaves_out_what_stands_on_it_and_nothing_else(tmp_path: Path) -> None:
    machines = tmp_path / "machines.csv"
    machines.write_text("name,addresses,system\n")
    with Site.load(new_site(tmp_path / "site", "[]", f"enrich: {{machines: [{machines}]}}\n")) as site:
        assert site.inventory.assets
        machines.write_text("what nobody can read\n")
        assert measure_all(site)[0] > 0
        told = {read_sample(entry).measure_id for entry in site.ledger.entries(kinds=[SAMPLE])}
        assert "MAL-01" not in told
        assert {"LOG-04", "MON-01"} <= told
