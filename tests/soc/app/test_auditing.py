"""`soc sources audit`: what the facts say is held against the journal and the store; what is gone, invented or passed over is named."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.intake import Taken
from soc.__main__ import run
from soc.app.auditing import Audit, audit
from soc.app.books import Books
from soc.app.conservation import KIND
from soc.app.run import Running
from soc.app.site import Site
from soc.store import AlertQuery
from soc.store.segments.building import build
from soc.store.segments.writing import write_part
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_run import wait_for

QUIET = "Connection closed by 192.0.2.7 port 4000"


def site_of(folder: Path, *, follow: bool = False) -> tuple[Path, Path]:
    log = folder / "auth.log"
    log.touch()
    source = f"{{id: auth, kind: file, path: {log}, format: rfc3164, follow: {str(follow).lower()}}}"
    return new_site(folder / "site", f"[{source}]"), log


def write(log: Path, first: int, count: int) -> None:
    with log.open("a") as stream:
        stream.write("".join(auth_line(first + i, QUIET) for i in range(count)) + "no header at all\n")


def ran(config: Path) -> None:
    with Site.load(config) as site, Running(site) as running:
        wait_for(running.finished, 30)


def audited(config: Path, *, store: bool = False) -> Audit:
    with Site.load(config) as site:
        now = site.clock() + timedelta(seconds=1)
        return audit(site, now - timedelta(days=1), now, store=store)


def sums(result: Audit, source: str = "auth") -> dict[str, int]:
    names = ("received", "parsed", "dead", "journalled", "replayed", "evaluated", "indexed")
    return {name: sum(getattr(each, name) for each in result.lines if each.source == source) for name in names}


def whole(parsed: int, dead: int) -> dict[str, int]:
    return {
        "received": parsed + dead, "parsed": parsed, "dead": dead, "journalled": parsed, "replayed": 0,
        "evaluated": parsed, "indexed": parsed,
    }  # fmt: skip


def test_counts_are_told_in_any_order_and_counted_in_that_of_the_journal() -> None:
    books = Books(10)
    batches = [
        Taken("a", 3, 2, 1, 0, 12),
        Taken("b", 5, 5, 0, 0, 17),
        Taken("a", 1, 1, 0, 0, 18),
        Taken("c", 2, 0, 2, 0, 12),
    ]
    for told, to in ((2, 10), (3, 10), (1, 10), (0, 18)):
        books.add(batches[told])
        assert books.to == to
        assert books.waiting is ((to == 10 and told != 3) or told == 3)
    assert books.counts["parsed"] == {"a": 3, "b": 5, "c": 0}
    assert books.counts["dead"] == {"a": 1, "c": 2, "b": 0}


def test_a_site_whose_runs_lost_nothing_adds_up_for_each_source_and_window(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config, log = site_of(tmp_path)
    for part in range(3):
        write(log, part * 40, 40)
        ran(config)
    result = audited(config, store=True)
    assert result.mismatches == []
    assert result.windows == 3
    assert sums(result) == whole(120, 3)
    assert run(["sources", "audit", "--config", str(config), "--store", "--json"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {row["source"] for row in rows} == {"auth"}
    assert run(["sources", "audit", "--config", str(config), "--minutes"]) == 0
    assert "all adds up" in capfd.readouterr().err
    with Site.load(config) as site:
        assert [e.fact.body["balanced"] for e in site.ledger.entries(kinds=["conservation.audited"])] == [True, True]


def test_dead_letters_that_were_replayed_are_counted_once(tmp_path: Path) -> None:
    log = tmp_path / "doors.log"
    log.write_text("Nov 22 10:00:00 web01 app: x\nhello\n")
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]")
    ran(config)
    config.write_text(config.read_text().replace("format: rfc3164", "format: notes") + "formats: [formats]\n")
    (config.parent / "formats").mkdir()
    (config.parent / "formats" / "notes.yml").write_text(
        "title: notes\nabout: ours\ndataset: notes.log\npatterns: [{match: '(?P<text>.+)'}]\n"
        "fields: {text: message}\nsamples: [{line: a, fields: {message: a}}]\n"
    )
    assert run(["sources", "replay-dead-letters", "--config", str(config)]) == 0
    log.write_text(log.read_text() + "more\n")
    ran(config)
    result = audited(config, store=True)
    assert result.mismatches == []
    assert sums(result) == whole(3, 1) | {"received": 3, "replayed": 1}


def test_a_run_that_was_killed_is_made_up_for_at_the_next_start(tmp_path: Path) -> None:
    config, log = site_of(tmp_path, follow=True)
    write(log, 0, 50)
    for part in range(3):
        code = f"import sys; from soc.__main__ import run; sys.exit(run(['run', '--config', {str(config)!r}]))"
        running = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 60
            wanted = (part + 1) * 50
            while time.monotonic() < until:
                with Site.load(config) as site:
                    if (config.parent / "var" / "journal").is_dir() and site.journal_reader.committed(
                        "detect"
                    ) >= wanted:
                        break
                time.sleep(0.1)
        finally:
            running.send_signal(signal.SIGKILL)
            running.wait()
        write(log, (part + 1) * 50, 50)
    config.write_text(config.read_text().replace("follow: true", "follow: false"))
    ran(config)
    result = audited(config, store=True)
    assert result.mismatches == []
    assert sums(result) == whole(200, 4)
    with Site.load(config) as site:
        facts = [entry.fact.body for entry in site.ledger.entries(kinds=[KIND])]
        assert facts[0]["journal"]["from"] == 0
        assert site.journal.committed("detect") == site.journal.end() == facts[-1]["journal"]["to"]


def tampered(config: Path, change: dict[str, Any]) -> list[str]:
    """The mismatches where one more fact says something else, as a run that lost track would."""
    from iso27001.ledger import Fact

    with Site.load(config) as site:
        last = site.ledger.last(KIND)
        assert last is not None
        body = json.loads(json.dumps(dict(last.fact.body)))
        place = body["journal"]
        body["journal"] = place | {"from": place["to"], "told_from": place["told_to"]}
        body["sources"] = {"auth": dict.fromkeys(("received", "parsed", "dead", "dropped", "evaluated"), 0)}
        for path, value in change.items():
            holder = body
            *parents, leaf = path.split("/")
            for key in parents:
                holder = holder[key]
            holder[leaf] = value
        site.ledger.append([Fact("conservation:x", KIND, site.clock(), "engine", body)])
    return [what for _, _, _, what in audited(config).mismatches]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sources/auth/received": 4}, "4 received, 0 parsed and 0 dead"),
        ({"sources/auth/received": 4, "sources/auth/parsed": 4}, "4 parsed, 0 in the journal"),
        ({"sources/auth/evaluated": 4}, "0 in the journal, 4 evaluated"),
        ({"sources/auth/received": 9, "sources/auth/dead": 9}, "10 counted dead, 1 dead letters held"),
        ({"journal/from": 1}, "evaluated to offset 40, and then from 1"),
        ({"journal/told_from": 2}, "told to offset 40, and then from 2"),
    ],
)
def test_what_does_not_add_up_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    config, log = site_of(tmp_path)
    write(log, 0, 40)
    ran(config)
    assert told in tampered(config, change)


def test_an_event_that_the_store_does_not_hold_is_found_and_a_running_soc_alerts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config, log = site_of(tmp_path)
    write(log, 0, 40)
    ran(config)
    with Site.load(config) as site:  # a file that answers for these offsets and lacks three of their events
        rows = list(enumerate(site.journal_reader.read(0, site.journal_reader.end())[0]))
        write_part(config.parent / "var" / "store" / "events", build(rows[:7] + rows[10:], {}), 0, {})
    assert run(["sources", "audit", "--config", str(config)]) == 0
    assert run(["sources", "audit", "--config", str(config), "--store"]) == 1
    assert "MISMATCH" in capfd.readouterr().out
    write(log, 100, 1)
    ran(config)
    ran(config)
    with Site.load(config) as site:
        site.catch_up()
        alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
        assert [alert.system for alert in alerts] == ["soc"]
