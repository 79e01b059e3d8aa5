"""For any hour one can prove that nothing went unevaluated: the facts cover the journal without a gap, and a mismatch is an alert."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.intake import Taken
from iso27001.ledger import Fact
from soc.app.conservation import KIND, Conservation, so_far, told_before
from soc.app.evaluation import Evaluation
from soc.app.indexing import Indexing, LocalIndexer
from soc.app.run import Running
from soc.app.site import Site
from soc.app.told import Told
from soc.metrics import Metrics
from soc.store import AlertQuery
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_run import wait_for

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def run_over(config: Path, events: int) -> None:
    with Site.load(config) as site, Running(site):
        wait_for(lambda: site.journal.end() == events, 10)


def test_facts_cover_the_journal_without_a_gap_over_restarts(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]")
    for part in range(3):
        with log.open("a") as stream:
            stream.write("".join(auth_line(part * 10 + i) for i in range(10)) + "no header at all\n")
        run_over(config, (part + 1) * 10)
    with Site.load(config) as site:
        facts = [entry.fact.body for entry in site.ledger.entries(kinds=[KIND])]
    covered = [(fact["journal"]["from"], fact["journal"]["to"]) for fact in facts]
    assert covered[0][0] == 0
    assert [end for _, end in covered[:-1]] == [start for start, _ in covered[1:]]
    assert covered[-1][1] == 30
    totals = {
        name: sum(f["sources"]["auth"][name] for f in facts) for name in ("received", "parsed", "dead", "evaluated")
    }
    assert totals == {"received": 33, "parsed": 30, "dead": 3, "evaluated": 30}
    assert all(fact["balanced"] for fact in facts)
    assert {name: facts[-1]["so_far"]["auth"][name] for name in ("received", "parsed", "dead", "dropped")} == {
        "received": 33,
        "parsed": 30,
        "dead": 3,
        "dropped": 0,
    }
    assert facts[-1]["so_far"]["auth"]["last"] == next(
        f["until"] for f in reversed(facts) if f["sources"]["auth"]["received"]
    )


def test_totals_go_on_where_the_facts_of_before_did_not_tell_them(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site")) as site:
        for minute in range(3):
            at = (NOW + timedelta(minutes=minute)).isoformat()
            counts = {"received": 5, "parsed": 4, "dead": 1, "dropped": 2, "evaluated": 4}
            body = {"until": at, "sources": {"auth": counts, "web": dict.fromkeys(counts, 0)}}
            site.ledger.append([Fact(f"{KIND}:{minute}", KIND, NOW, "engine", body)])
        known = so_far(site, site.ledger.last(KIND))
    assert known == {
        "auth": {"received": 15, "parsed": 12, "dead": 3, "dropped": 6, "last": at},
        "web": {"received": 0, "parsed": 0, "dead": 0, "dropped": 0},
    }


def test_a_count_that_does_not_add_up_becomes_an_alert(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site")) as site:
        evaluation = Evaluation(site, site.journal, site.detectors(), Metrics())
        indexing = Indexing(site.journal, LocalIndexer(site.journal, site.events), Metrics())
        told = Told(site.journal, *told_before(site, site.journal))
        conservation = Conservation(site, site.journal, told, evaluation.offset)
        told.taken(Taken("auth", received=10, parsed=7, dead=0, dropped=0))
        fact = conservation.record(NOW, evaluation, indexing)
        assert fact is not None
        assert fact.body["balanced"] is False
        assert fact.body["missing"] == ["auth: 10 received, 7 parsed or dead-lettered", "7 parsed, 0 journalled"]
        evaluation.drain()
        [alert] = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
        assert alert.system == "soc"


def test_damaged_events_are_passed_over_told_and_alerted(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(i, "Connection closed by 192.0.2.7 port 4000") for i in range(20)))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]")
    run_over(config, 20)
    with log.open("a") as stream:
        stream.write(auth_line(30))
    run_over(config, 21)
    [segment] = (config.parent / "var" / "journal").glob("*.seg")
    raw = bytearray(segment.read_bytes())
    raw[raw.index(b"Connection closed")] ^= 0xFF
    segment.write_bytes(raw)
    (config.parent / "var" / "journal" / "consumers" / "detect").unlink(missing_ok=True)
    for offset in (config.parent / "var" / "journal").rglob("*detect*"):
        offset.unlink()
    with Site.load(config) as site:
        evaluation = Evaluation(site, site.journal, site.detectors(), Metrics())
        told = Told(site.journal, *told_before(site, site.journal))
        conservation = Conservation(site, site.journal, told, evaluation.offset)
        evaluation.drain()
        fact = conservation.record(
            NOW, evaluation, Indexing(site.journal, LocalIndexer(site.journal, site.events), Metrics())
        )
        assert fact is not None
        assert fact.body["missing"] == ["21 journalled, 1 evaluated"]
        evaluation.drain()
        alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
        assert "soc" in {alert.system for alert in alerts}


def test_accounting_while_events_are_evaluated_always_balances(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(i, f"Connection closed by 192.0.2.7 port {i}") for i in range(3_000)))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]")
    run_over(config, 3_000)
    with Site.load(config) as site:
        evaluation = Evaluation(site, site.journal, site.detectors(), Metrics())
        evaluation.offset = 0
        told = Told(site.journal, *told_before(site, site.journal))
        conservation = Conservation(site, site.journal, told, 0)
        worker = threading.Thread(target=evaluation.drain)
        worker.start()
        indexing = Indexing(site.journal, LocalIndexer(site.journal, site.events), Metrics())
        facts = []
        while worker.is_alive():
            facts.append(conservation.record(site.clock(), evaluation, indexing))
        worker.join()
        facts.append(conservation.record(site.clock(), evaluation, indexing))
    assert [fact.body["missing"] for fact in facts if fact is not None and not fact.body["balanced"]] == []
