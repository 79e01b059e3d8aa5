"""`soc sources ...`: what an administrator of sources sees, on real sites."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse as parse_xml

import pytest

from collectors.choosing import ChoosingParser
from collectors.parse.registry import use
from collectors.record import Position, RawRecord
from collectors.sources import CONFIGS
from iso27001.ledger import Fact
from soc.__main__ import run
from soc.app.intakes import context_of
from soc.app.run import Running
from soc.app.site import Site
from soc.app.sources import delivery_of
from tests.collectors.sources.certificates import Authority
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_intel import wait_for

FORMAT = """\
title: card readers
about: our own notes
dataset: doors.log
patterns: [{match: 'door (?P<door>\\d+) (?P<what>open|shut)'}]
fields: {door: doors.number, what: event.action}
samples: [{line: door 4 open, fields: {doors.number: '4', event.action: open}}]
"""


@pytest.fixture(autouse=True)
def no_site_after() -> Iterator[None]:
    yield
    use(tuple)


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def ran(path: Path) -> None:
    with Site.load(path) as site, Running(site) as running:
        while not running.finished():
            time.sleep(0.01)


@pytest.fixture
def doors(tmp_path: Path) -> Path:
    """A site with a source whose format does not know the third line yet."""
    log = tmp_path / "doors.log"
    log.write_text("door 4 open\ndoor 4 shut\ndoor 5 ajar\ndoor 6 broken\n")
    path = new_site(
        tmp_path / "site",
        f"[{{id: doors, kind: file, path: {log}, format: doors, follow: false}}]",
        "formats: [formats]\n",
    )
    (path.parent / "formats").mkdir()
    (path.parent / "formats" / "doors.yml").write_text(FORMAT)
    return path


def mend(path: Path) -> None:
    (path.parent / "formats" / "doors.yml").write_text(FORMAT.replace("open|shut", "open|shut|ajar"))


def events_of(path: Path) -> list[Any]:
    with Site.load(path) as site:
        return [event for event in site.journal_reader.read(0, 1_000)[0] if event.source == "doors"]


def test_list_counts_what_came_of_each_source(doors: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "list", "--config", str(doors), "--json"]) == 0
    [row] = rows(capfd.readouterr().out)
    assert (row["received"], row["last"], row["marks"]) == (0, None, [])
    ran(doors)
    assert run(["sources", "list", "--config", str(doors), "--json"]) == 0
    [row] = rows(capfd.readouterr().out)
    assert (row["id"], row["kind"], row["format"]) == ("doors", "file", "doors")
    assert (row["received"], row["parsed"], row["dead"], row["dropped"]) == (4, 2, 2, 0)
    assert row["delivery"].startswith("exactly once")
    assert [mark["offset"] for mark in row["marks"]] == [50]
    assert run(["sources", "list", "--config", str(doors)]) == 0
    assert "exactly once as far as" in capfd.readouterr().out


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_kind_of_source_says_what_it_promises(kind: str) -> None:
    assert delivery_of(kind)


def test_check_tells_every_fault_of_every_source(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    secret.chmod(0o644)
    unread = tmp_path / "unread.log"
    unread.write_text("x\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = new_site(
            tmp_path / "site",
            f"""
  - {{id: typo, kind: file, path: {unread}, format: sylog}}
  - {{id: later, kind: file, path: /nowhere/at/all.log}}
  - {{id: gone, kind: evtx, path: /nowhere/*.evtx}}
  - {{id: taken, kind: syslog, transport: tcp, listen: "127.0.0.1:{port}"}}
  - {{id: open, kind: syslog, transport: udp, listen: "127.0.0.1:0"}}
  - {{id: http, kind: http, listen: "127.0.0.1:0", token_file: {secret}}}
  - {{id: poll, kind: poll, url: "https://api.example/logs", headers_file: /nowhere/key}}
""",
        )
        assert run(["sources", "check", "--config", str(path), "--json"]) == 2
        found = {row["source"]: row for row in rows(capfd.readouterr().out)}
        assert run(["check", "--config", str(path)]) == 2
        assert 'typo: unknown format "sylog"' in capfd.readouterr().out, "soc check looks in the same way"
    assert found["typo"]["faults"] == ['unknown format "sylog"; did you mean "syslog"?']
    assert found["typo"]["found"] == ["1 file, 2 bytes"]
    assert found["later"] == {
        "source": "later", "ok": True, "faults": [], "found": [], "warnings": ["/nowhere/at/all.log: no file yet"],
    }  # fmt: skip
    assert found["gone"]["faults"] == ["/nowhere/*.evtx: no such file"]
    assert found["taken"]["faults"] == [f"127.0.0.1:{port}: Address already in use"]
    assert found["open"]["ok"]
    assert found["http"]["warnings"] == [f"token_file: {secret} may be read by everybody (chmod o= {secret})"]
    assert found["poll"]["faults"] == ["headers_file: /nowhere/key: No such file or directory"]


def test_check_tells_faults_of_those_who_may_send_traps_and_ports_of_datagrams(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    users, communities = tmp_path / "users", tmp_path / "communities"
    users.write_text("ups SHA-256 correct-horse AES short\n")
    communities.write_text("# none yet\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        path = new_site(
            tmp_path / "site",
            f"""
  - {{id: traps, kind: snmp, listen: "127.0.0.1:{port}", users_file: {users}, communities_file: {communities}}}
  - {{id: unread, kind: snmp, listen: "127.0.0.1:0", users_file: /nowhere/users}}
  - {{id: flows, kind: netflow, listen: "127.0.0.1:{port}"}}
""",
        )
        assert run(["sources", "check", "--config", str(path), "--json"]) == 2
    found = {row["source"]: row["faults"] for row in rows(capfd.readouterr().out)}
    in_use = f"127.0.0.1:{port}: Address already in use"
    assert found["traps"][0] == in_use
    assert found["traps"][1:] == [
        f"{communities}: no community",
        f"{users}:1: a password has 8 characters or more (RFC 3414 §11.2)",
    ]
    assert found["unread"] == ["users_file: /nowhere/users: No such file or directory"]
    assert found["flows"] == [in_use]


def test_check_knows_its_own_running_soc_and_a_format_with_a_fault(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    source = f'[{{id: net, kind: syslog, transport: tcp, listen: "127.0.0.1:{port}", format: doors}}]'
    path = new_site(tmp_path / "site", source, "formats: [formats]\n")
    (path.parent / "formats").mkdir()
    (path.parent / "formats" / "doors.yml").write_text(FORMAT)
    with Site.load(path) as site, Running(site):
        assert run(["sources", "check", "--config", str(path), "--json"]) == 0
        [row] = rows(capfd.readouterr().out)
        assert row["found"] == [f"127.0.0.1:{port} is in use, by soc run (process {os.getpid()}) as it seems"]
    (path.parent / "formats" / "doors.yml").write_text(FORMAT.replace("title", "titel"))
    assert run(["sources", "check", "--config", str(path)]) == 2
    assert 'doors.yml:1:1: unknown key "titel"' in capfd.readouterr().out


def test_samples_of_ours_and_of_the_site_are_run_and_reported(doors: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = doors.parent / "report.xml"
    assert run(["sources", "test", "--config", str(doors), "--junit", str(report)]) == 0
    assert "0 failed" in capfd.readouterr().err
    (doors.parent / "formats" / "doors.yml").write_text(FORMAT.replace("'4'", "'5'"))
    assert run(["sources", "test", "--config", str(doors), "--junit", str(report)]) == 1
    assert "doors.number is '4', not '5'" in capfd.readouterr().out
    root = parse_xml(report).getroot()
    assert root is not None
    assert root.get("failures") == "1"
    [failure] = root.findall(".//failure")
    assert "doors.yml:6:11" in (failure.text or "")


def test_lines_of_a_file_are_shown_as_the_source_would_read_them(
    doors: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sample = doors.parent / "sample.log"
    sample.write_bytes(b"door 4 open\ndoor 5 \x1b]0;x\x07\n")
    assert run(["sources", "test", "doors", str(sample), "--config", str(doors), "--json"]) == 1
    one, other = rows(capfd.readouterr().out)
    assert one["doors.number"] == "4"
    assert other["reason"].startswith("not a record of doors")
    assert run(["sources", "test", "doors", str(sample), "--config", str(doors)]) == 1
    told = capfd.readouterr()
    assert "doors.number" in told.out
    assert "\x1b" not in told.out
    assert "2 records: 1 events, 50.0% understood beyond the header, 1 refused" in told.err
    assert run(["sources", "test", "dors", str(sample), "--config", str(doors)]) == 2
    assert 'did you mean "doors"' in capfd.readouterr().err
    assert not (doors.parent / "var" / "journal").exists(), "nothing is kept"


def test_tap_listens_itself_where_soc_run_is_not_at_work(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(auth_line(1))
    path = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: syslog}}]")
    code = f"import sys; from soc.__main__ import run; sys.exit(run(['sources', 'tap', 'auth', '--count', '1', '--config', {str(path)!r}]))"
    tap = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert tap.stderr is not None
    assert "shown and not kept" in tap.stderr.readline()
    until = time.monotonic() + 30
    while tap.poll() is None and time.monotonic() < until:  # written until the tap is at the end of the file
        with log.open("a") as file:
            file.write(auth_line(2, "Failed password for \x1b[31mroot from 203.0.113.9 port 1 ssh2"))
        time.sleep(0.2)
    out, _ = tap.communicate(timeout=10)
    assert tap.returncode == 0
    assert "sshd" in out
    assert "203.0.113.9" in out
    assert "\x1b" not in out, "what events say is shown by name"
    assert not (path.parent / "var" / "journal").exists()


def test_tap_follows_the_journal_of_a_running_soc(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "auth.log"
    log.write_text("")
    path = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]")
    with Site.load(path) as site, Running(site):
        stop = threading.Event()

        def write() -> None:
            while not stop.wait(0.1):
                with log.open("a") as file:
                    file.write(auth_line(3) + "no date at all\n")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert run(["sources", "tap", "auth", "--count", "20", "--json", "--config", str(path)]) == 0
        finally:
            stop.set()
            writer.join()
    seen = rows(capfd.readouterr().out)
    assert {row.get("event.dataset", "dead") for row in seen} == {"sshd", "dead"}, seen


def test_tap_does_not_listen_where_a_sender_would_be_told_that_all_is_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = new_site(tmp_path / "site", '[{id: relp, kind: relp, listen: "127.0.0.1:0"}]')
    assert run(["sources", "tap", "relp", "--config", str(path)]) == 2
    assert "start soc run" in capfd.readouterr().err


def test_dead_letters_that_parse_now_become_events_once(doors: Path, capfd: pytest.CaptureFixture[str]) -> None:
    replay = ["sources", "replay-dead-letters", "--config", str(doors)]
    ran(doors)
    assert run([*replay, "--json"]) == 0
    assert rows(capfd.readouterr().out) == [{"source": "doors", "replayed": 0, "stayed": 2}]
    mend(doors)
    assert run([*replay, "--dry-run"]) == 0
    assert "2 dead letters, 1 would be replayed" in capfd.readouterr().err
    assert len(events_of(doors)) == 2
    assert run([*replay, "--as", "minh"]) == 0
    assert "2 dead letters, 1 replayed" in capfd.readouterr().err
    event = events_of(doors)[-1]
    assert (event.raw, event.fields["log.flags"]) == (b"door 5 ajar", ["replayed"])
    assert event.position.index == 3
    assert run(replay) == 0
    assert "1 dead letters, 0 replayed, 1 were replayed before" in capfd.readouterr().err
    assert len(events_of(doors)) == 3
    with Site.load(doors) as site:
        [entry] = site.ledger.entries(kinds=["deadletters.replayed"])
        assert (entry.fact.actor, entry.fact.body["letters"], entry.fact.body["sources"]) == ("minh", "0", {"doors": 1})
    ran(doors)  # what was replayed is detected on, and the books of the run are in balance
    with Site.load(doors) as site:
        assert all(entry.fact.body["balanced"] for entry in site.ledger.entries(kinds=["conservation"]))
        assert site.journal.committed("detect") == site.journal.end()


def test_a_replay_that_died_between_its_fact_and_its_events_is_made_up_for(doors: Path) -> None:
    ran(doors)
    mend(doors)
    with Site.load(doors) as site:
        from soc.app import replay_requests

        def dies(*_: object) -> int:
            raise KeyboardInterrupt

        journal = site.journal
        whole = journal.append
        journal.append = dies  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            replay_requests.replayed(site, "minh")
        journal.append = whole  # type: ignore[method-assign]
    for expected in (1, 0):
        with Site.load(doors) as site:
            assert replay_requests.replayed(site, "minh").replayed.total() == expected
    assert len(events_of(doors)) == 3


def replayed_apart(doors: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`soc sources replay-dead-letters` in a process of its own."""
    arguments = ["sources", "replay-dead-letters", *options, "--config", str(doors)]
    code = f"import sys; from soc.__main__ import run; sys.exit(run({arguments!r}))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_a_running_soc_replays_dead_letters_itself_and_its_books_are_in_balance(doors: Path) -> None:
    ran(doors)
    mend(doors)
    with Site.load(doors) as site, Running(site):
        trial = replayed_apart(doors, "--dry-run")
        done = replayed_apart(doors, "--as", "minh")
        again = replayed_apart(doors)
    assert "2 dead letters, 1 would be replayed" in trial.stderr
    assert (done.returncode, "2 dead letters, 1 replayed" in done.stderr) == (0, True), done.stderr
    assert "1 dead letters, 0 replayed, 1 were replayed before" in again.stderr
    event = events_of(doors)[-1]
    assert (event.raw, event.fields["log.flags"]) == (b"door 5 ajar", ["replayed"])
    with Site.load(doors) as site:
        assert next(site.ledger.entries(kinds=["deadletters.asked"])).fact.actor == "minh"
        [replay] = site.ledger.entries(kinds=["deadletters.replayed"])
        assert (replay.fact.actor, replay.fact.body["letters"]) == ("minh", "0")
        assert all(entry.fact.body["balanced"] for entry in site.ledger.entries(kinds=["conservation"]))
        assert site.journal.committed("detect") == site.journal.end()
    assert run(["sources", "audit", "--last", "30d", "--config", str(doors)]) == 0


def test_what_was_asked_of_a_soc_that_ended_is_done_by_the_next(doors: Path) -> None:
    from soc.app.replay_requests import ANSWERED, ASKED

    ran(doors)
    mend(doors)
    with Site.load(doors) as site:
        now = site.clock()
        site.ledger.append([Fact(f"{ASKED}:1", ASKED, now, "minh", {"source": "doors"})])
        site.ledger.append([Fact(f"{ASKED}:2", ASKED, now, "lan", {"source": "no such"})])
        site.ledger.append([Fact(f"{ANSWERED}:{ASKED}:2", ANSWERED, now, "engine", {"asked": f"{ASKED}:2"})])
    with Site.load(doors) as site, Running(site):
        wait_for(lambda: len(list(site.ledger.entries(kinds=[ANSWERED]))) == 2)
    with Site.load(doors) as site:
        answer = list(site.ledger.entries(kinds=[ANSWERED]))[-1].fact.body
    assert (answer["asked"], answer["replayed"], answer["error"]) == (f"{ASKED}:1", {"doors": 1}, "")
    assert len(events_of(doors)) == 3


def test_a_replay_that_cannot_be_is_told_to_who_asked_and_the_soc_goes_on(doors: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("name\nan\n")
    doors.write_text(f"{doors.read_text()}\nenrich: {{identities: [{people}]}}\n")
    with Site.load(doors) as site, Running(site) as running:
        people.unlink()
        done = replayed_apart(doors)
        assert not running.failures()
    assert done.returncode == 2
    assert "could not replay all dead letters" in done.stderr
    assert "people.csv cannot be read" in done.stderr


def test_a_source_of_another_encoding_is_read_in_it(tmp_path: Path) -> None:
    log = tmp_path / "old.log"
    log.write_bytes("Nov 22 10:00:00 web01 app: Hà Nội\n".encode("windows-1258", "replace"))
    one = f"{{id: old, kind: file, path: {log}, format: syslog, follow: false, encoding: windows-1258}}"
    other = f"{{id: new, kind: file, path: {log}, format: syslog, follow: false}}"
    path = new_site(tmp_path / "site", f"[{one}, {other}]")
    ran(path)
    with Site.load(path) as site:
        read = {event.source: event.fields for event in site.journal_reader.read(0, 100)[0]}
    assert str(read["old"]["message"]).startswith("Hà N")
    assert "log.flags" not in read["old"]
    assert str(read["new"]["message"]).startswith("H\\xe0 N")
    assert read["new"]["log.flags"] == ["invalid-encoding"]


@pytest.mark.parametrize("name", ["utf-16", "no-such"])
def test_an_encoding_that_no_lines_can_have_is_refused(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = new_site(tmp_path / "site", f"[{{id: a, kind: file, path: /x, encoding: {name}}}]")
    assert run(["sources", "list", "--config", str(path)]) == 2
    assert f'encoding "{name}" is none of text with lines' in capfd.readouterr().err


@pytest.mark.parametrize(
    ("days", "ok", "told"),
    [(-1, False, "the certificate ended on"), (10, True, "the certificate ends on"), (400, True, "certificate until")],
)
def test_the_end_of_a_certificate_is_seen_before_it_comes(
    tmp_path: Path, days: int, ok: bool, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    certificate, key = Authority(tmp_path).issue("soc01", days=days)
    path = new_site(
        tmp_path / "site",
        f'[{{id: net, kind: syslog, transport: tls, listen: "127.0.0.1:0", certificate: {certificate}, key: {key}}}]',
    )
    assert run(["sources", "check", "--config", str(path), "--json"]) == (0 if ok else 2)
    [row] = rows(capfd.readouterr().out)
    assert row["ok"] is ok
    assert any(told in text for text in (*row["faults"], *row["warnings"], *row["found"])), row
    Path(key).unlink()
    assert run(["sources", "check", "--config", str(path), "--json"]) == 2
    [row] = rows(capfd.readouterr().out)
    assert row["faults"]


def test_list_counts_what_came_in_the_minute_of_which_no_fact_tells_yet(
    doors: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Site.load(doors) as site, Running(site) as running:
        while not running.finished():
            time.sleep(0.01)
        assert site.ledger.last("conservation") is None
        assert run(["sources", "list", "--json", "--config", str(doors)]) == 0
    [row] = rows(capfd.readouterr().out)
    assert (row["received"], row["parsed"], row["dead"]) == (4, 2, 2)
    assert row["last"]


RECEIVED = datetime(2026, 10, 14, 3, 0, 30, tzinfo=UTC)


def heard(folder: Path, key: str, hosts: dict[str, tuple[timedelta, timedelta]]) -> Path:
    """A site whose journal ends with twelve lines of each host: its clock's offset from UTC, and how fast it gets later on the way."""
    config = new_site(folder, f'[{{id: net, kind: syslog, transport: udp, listen: "127.0.0.1:0"{key}}}]')
    records = []
    for n in range(12):
        received = RECEIVED + timedelta(seconds=n * 10)
        for host, (offset, later) in hosts.items():
            line = (
                f"<38>{received + offset - n * later:%b %d %H:%M:%S} {host} sshd[{n}]: Connection closed by 192.0.2.7"
            )
            records.append(RawRecord(line.encode(), "net", Position("", host, n, n), received))
    with Site.load(config) as site:
        [source] = site.config.sources
        events, dead = ChoosingParser(source.format, context_of(site, source)).parse(records)
        site.journal.append(events, {}, dead)
    return config


def test_a_host_whose_clock_is_hours_off_is_told_with_what_mends_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hour = timedelta(hours=1)
    hosts = {
        "in-utc": (0 * hour, 0 * hour),
        "in-delhi": (5.5 * hour, 0 * hour),
        "in-tokyo": (9 * hour, 0 * hour),
        "on-time": (7 * hour, 0 * hour),
        "in-a-queue": (6 * hour, timedelta(minutes=3)),
    }
    config = str(heard(tmp_path / "site", "", hosts))
    assert run(["sources", "list", "--config", config]) == 0
    told = capfd.readouterr().err
    assert "net: events of in-utc come 7 h after the time that they state" in told
    assert '"timezone: UTC" at a source of its own mends it' in told
    assert "in-delhi come 1.5 h after" in told
    assert "in-tokyo come 2 h before" in told
    assert '"timezone: Etc/GMT-9"' in told
    assert len(told.splitlines()) == 3
    assert run(["sources", "check", "--json", "--config", config]) == 0
    [row] = rows(capfd.readouterr().out)
    assert len(row["warnings"]) == 3
    assert (
        run(
            [
                "sources",
                "list",
                "--config",
                str(heard(tmp_path / "mended", ", timezone: UTC", {"in-utc": hosts["in-utc"]})),
            ]
        )
        == 0
    )
    assert capfd.readouterr().err == ""


def test_a_time_zone_that_is_none_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = new_site(tmp_path / "site", "[{id: a, kind: file, path: /x, timezone: Asia/Hanoy}]")
    assert run(["sources", "list", "--config", str(path)]) == 2
    assert 'timezone "Asia/Hanoy" is not one of the IANA database' in capfd.readouterr().err
