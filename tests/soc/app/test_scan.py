"""The hunt: as the slow way finds it, alike in any number of processes, and in the open when one of them dies."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors.event import Event
from collectors.parse import Context, parse_batch
from collectors.record import RawRecord
from collectors.sources import read_file
from soc.app import scan_jobs
from soc.app.scan import Piece, Scan, files_under, total_bytes
from soc.detect import Detection, Level
from soc.detect.correlation import Lateness
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import load
from tests.collectors.parse.golden import DATA
from tests.soc.detect.sigma.material import CORPUS, FOLDERS

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RULE = """\
title: A tool is started
id: 6b3f8c52-3e0c-4a4e-9d51-{number:012}
status: experimental
level: {level}
logsource: {{product: windows, category: process_creation}}
detection:
  tool: {{Image|endswith: '{tool}'}}
  condition: tool
"""
TRAIL_RULE = """\
title: A trail is stopped
id: 8d3f8c52-3e0c-4a4e-9d51-000000000001
status: experimental
level: high
logsource: {product: aws, service: cloudtrail}
detection:
  stop: {eventName: StopLogging}
  condition: stop
"""
KEYWORD = """\
title: A word anywhere
id: 7c3f8c52-3e0c-4a4e-9d51-000000000001
status: experimental
level: low
logsource: {product: windows}
detection:
  words: ['wanted word', 'C:\\Users\\an\\x']
  condition: words
"""


def event(number: int, image: str) -> bytes:
    header = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
        "EventID": 1,
        "TimeCreated": {
            "#attributes": {"SystemTime": f"2026-11-22T03:{number // 60 % 60:02}:{number % 60:02}.000000Z"}
        },
        "EventRecordID": number,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": f"pc{number % 7}",
    }
    data = {"Image": f"C:\\Tools\\{image}", "ProcessId": number, "User": "LAB\\an", "CommandLine": f"{image} {number}"}
    return json.dumps({"Event": {"System": header, "EventData": data}}).encode()


def line(number: int) -> bytes:
    if number % 97 == 5:
        return b'{"Event": {"System": broken'
    if number % 50 == 7:
        return b""
    return event(number, ["a.exe", "b.exe", "wanted word.exe", "notepad.exe"][number % 4 if number % 3 else 3])


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    folder = tmp_path / "rules"
    folder.mkdir()
    for number, (tool, level) in enumerate([("\\a.exe", "high"), ("\\b.exe", "low"), ("b.exe", "medium")]):
        (folder / f"{number}.yml").write_text(RULE.format(number=number, tool=tool, level=level))
    (folder / "keyword.yml").write_text(KEYWORD)
    return RuleSet(load([folder]), lateness=Lateness(None))


def log_folder(folder: Path, lines: int = 3_000) -> list[Path]:
    """A large file, the same packed, a syslog, an empty file, one that is no log, and a small one."""
    folder.mkdir()
    (folder / "large.jsonl").write_bytes(b"\n".join(map(line, range(lines))))
    (folder / "packed.jsonl.gz").write_bytes(gzip.compress(b"\n".join(map(line, range(300)))))
    (folder / "auth.log").write_text("Nov 22 03:00:00 web sshd[1]: hello\n" * 200)
    (folder / "empty.log").write_bytes(b"")
    (folder / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    (folder / "small.jsonl").write_bytes(event(1, "a.exe") + b"\r\n" + event(2, "b.exe") + b"\r\n")
    return files_under([folder])


def shown(detection: Detection) -> list[str]:
    place = detection.events[-1].position
    return [
        detection.id,
        detection.rule.id,
        place.path,
        str(place.index),
        str(place.offset),
        *map(str, detection.matched),
    ]


def unchanged(events: Sequence[Event]) -> list[Event]:
    return list(events)


def new_scan(rules: RuleSet, show: Callable[[Detection], list[str] | None] = shown) -> Scan[list[str]]:
    return Scan(rules, Context(), unchanged, show, memory_bytes=1 << 30)


def found(scan: Scan[list[str]], files: list[Path], jobs: int) -> list[list[str]]:
    return list(scan_jobs.hunt(scan, files, NOW, lambda _: None, total_bytes(files), jobs))


def slowly(rules: RuleSet, path: Path, log_format: str) -> Iterator[list[str]]:
    """What is detected in Events of whole records, one after the other."""
    records = [record for batch in read_file(path, str(path), NOW) for record in batch.records]
    for record in records:
        events, _ = parse_batch([record], log_format, Context())
        yield from map(shown, rules.detect(events))


def test_a_scan_finds_what_events_one_by_one_give(rules: RuleSet, tmp_path: Path) -> None:
    files = log_folder(tmp_path / "logs")
    scan = new_scan(rules)
    expected = [each for path in files if "jsonl" in path.name for each in slowly(rules, path, "windows-json")]
    assert len(expected) > 1_000
    assert found(scan, files, 1) == expected
    broken = sum(line(n).endswith(b"broken") for lines in (3_000, 300) for n in range(lines))
    assert scan.summary.files == len(files)
    assert sum(scan.summary.detections.values()) == len(expected)
    assert sum(count for reason, count in scan.summary.refused.items() if "not a Windows event" in reason) == broken


def test_any_number_of_processes_gives_the_same(
    rules: RuleSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_jobs, "TASK_BYTES", 60_000)
    files = log_folder(tmp_path / "logs")
    alone, two, three = new_scan(rules), new_scan(rules), new_scan(rules)
    assert len([piece for path in files for piece in alone.pieces(path, 60_000)]) > 15
    expected = found(alone, files, 1)
    for scan, jobs in ((two, 2), (three, 3)):
        assert found(scan, files, jobs) == expected
        ours, theirs = alone.summary, scan.summary
        assert (ours.files, ours.events, ours.detections, ours.refused) == (
            theirs.files, theirs.events, theirs.detections, theirs.refused,
        )  # fmt: skip
        key = lambda letter: (letter.record.position.path, letter.record.position.index)  # noqa: E731
        assert sorted(ours.dead, key=key) == sorted(theirs.dead, key=key)


@pytest.mark.parametrize("name", ["trail.json", "trail.json.gz"])
def test_a_list_of_records_in_one_line_is_taken_apart_however_long(tmp_path: Path, name: str) -> None:
    (tmp_path / "rule.yml").write_text(TRAIL_RULE)
    records = [json.loads(each) for each in (DATA / "shapes" / "aws_cloudtrail.log").read_text().splitlines()] * 40
    data = json.dumps({"Records": records}).encode()
    assert len(data) > 500_000
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    scan = new_scan(RuleSet(load([tmp_path / "rule.yml"]), lateness=Lateness(None)))
    assert len(found(scan, [path], 1)) == 40
    assert (scan.summary.events, scan.summary.refused) == (len(records), {})


def test_progress_adds_up_to_the_bytes_of_the_files(
    rules: RuleSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_jobs, "TASK_BYTES", 60_000)
    files = log_folder(tmp_path / "logs")
    for jobs in (1, 2):
        read: list[int] = []
        assert list(scan_jobs.hunt(new_scan(rules), files, NOW, read.append, total_bytes(files), jobs))
        assert sum(read) == total_bytes(files)


def test_a_process_that_dies_is_told_and_the_rest_goes_on(
    rules: RuleSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_jobs, "TASK_BYTES", 20_000)
    folder = tmp_path / "logs"
    folder.mkdir()
    for n in range(6):
        (folder / f"{n}.jsonl").write_bytes(b"\n".join(event(i, "a.exe") for i in range(60)))

    def show(detection: Detection) -> list[str]:
        if detection.events[-1].position.path.endswith("2.jsonl"):
            os.kill(os.getpid(), signal.SIGKILL)
        return shown(detection)

    scan = new_scan(rules, show)
    rows = found(scan, files_under([folder]), 2)
    assert [Path(path).name for path, _ in scan.summary.unreadable] == ["2.jsonl"]
    assert "died of signal SIGKILL" in scan.summary.unreadable[0][1]
    assert [Path(row[2]).name for row in rows] == [f"{n}.jsonl" for n in (0, 1, 3, 4, 5) for _ in range(60)]


def test_correlations_find_the_same_in_any_number_of_processes(
    rules: RuleSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_jobs, "TASK_BYTES", 60_000)
    (tmp_path / "rules" / "many.yml").write_text("""\
title: Many tools
id: 6b3f8c52-3e0c-4a4e-9d51-0000000000ff
status: experimental
level: high
correlation:
  type: event_count
  rules: [6b3f8c52-3e0c-4a4e-9d51-000000000000]
  group-by: [Computer]
  timespan: 1h
  condition: {gte: 30}
""")
    chained = RuleSet(load([tmp_path / "rules"]), lateness=Lateness(None))
    files = log_folder(tmp_path / "logs")
    rows = found(new_scan(chained), files, 2)
    assert [row for row in rows if row[1].endswith("ff")]
    assert rows == found(new_scan(RuleSet(load([tmp_path / "rules"]), lateness=Lateness(None))), files, 1)


def test_an_attack_over_two_files_is_found_by_the_shipped_correlations_in_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file ends with guesses and a back-up that begins, the other goes on with the log-in; it is read first."""
    monkeypatch.setattr(scan_jobs, "TASK_BYTES", 2_000)
    folder = tmp_path / "logs"
    folder.mkdir()
    head = "<86>1 2026-10-14T0{}:{:02}:{:02}.000000Z web-01 "
    ssh = "sshd 4242 - -  {} password for tuan.hs from 203.0.113.45 port 50022 ssh2"
    failed = [head.format(1, 30, second) + ssh.format("Failed") for second in range(30)]
    cron = head.format(1, 30, 40) + "CRON 1802 - -  (backup) CMD (/usr/local/sbin/nightly-dump)"
    accepted = head.format(1, 34, 0) + ssh.format("Accepted")
    quiet = [head.format(4 + n // 60, n % 60, 0) + "systemd 1 - -  Started a unit." for n in range(120)]
    (folder / "b.log").write_text("\n".join([*failed, cron]) + "\n")
    (folder / "a.log").write_text("\n".join([accepted, *quiet]) + "\n")
    shelf = Path(__file__).parents[3] / "rules"
    rows = []
    for jobs in (1, 2, 3):
        scan = new_scan(RuleSet(load([shelf]), lateness=Lateness(None)))
        assert len(list(scan.pieces(folder / "a.log", 2_000))) > 2
        rows.append(found(scan, files_under([folder]), jobs))
        assert scan.summary.events == 152
    assert rows[0] == rows[1] == rows[2]
    assert (
        {row[1] for row in rows[0]}
        >= {
            "79ab6d43-d260-4aab-8de6-378f10166b5b",  # twenty failures
            "4afd9284-f615-4028-a6e4-0f3804c8a1ea",  # then a log-in
            "6f13da79-5052-4bb5-8ac8-f154fd0f3f36",  # the back-up did not end: only events that fire nothing tell that time went on
        }
    )


def test_a_process_that_is_far_ahead_is_not_waited_for_when_all_it_did_is_given_out(
    rules: RuleSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first task takes long; meanwhile another process does all that may be ahead of it, and is idle."""
    monkeypatch.setattr(scan_jobs, "TASK_BYTES", 2_000)
    folder = tmp_path / "logs"
    folder.mkdir()
    for n in range(20):
        (folder / f"{n:02}.jsonl").write_bytes(b"\n".join(event(i, "a.exe") for i in range(10)))

    def show(detection: Detection) -> list[str]:
        if detection.events[-1].position.path.endswith("00.jsonl"):
            time.sleep(0.1)
        return shown(detection)

    rows = found(new_scan(rules, show), files_under([folder]), 2)
    assert [Path(row[2]).name for row in rows] == [f"{n:02}.jsonl" for n in range(20) for _ in range(10)]


def test_hits_that_filters_hide_are_counted_in_every_process(
    rules: RuleSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_jobs, "TASK_BYTES", 60_000)
    (tmp_path / "rules" / "filter.yml").write_text("""\
title: One computer is a test bench
id: 8d3f8c52-3e0c-4a4e-9d51-000000000001
logsource: {product: windows, category: process_creation}
filter:
  rules: [6b3f8c52-3e0c-4a4e-9d51-000000000000]
  bench: {Computer: pc3}
  condition: not bench
""")
    files = log_folder(tmp_path / "logs")
    hidden = []
    for jobs in (1, 2):
        scan = new_scan(RuleSet(load([tmp_path / "rules"]), lateness=Lateness(None)))
        rows = found(scan, files, jobs)
        hidden.append(scan.summary.hidden)
        assert len(rows) + scan.summary.hidden == len(found(new_scan(rules), files, 1))
    assert hidden[0] == hidden[1] > 10


def test_detections_below_the_least_level_are_counted_and_not_made(
    rules: RuleSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_jobs, "TASK_BYTES", 60_000)
    for number, level in ((1, "low"), (2, "high")):
        (tmp_path / "rules" / f"many{number}.yml").write_text(f"""\
title: Many tools
id: 6b3f8c52-3e0c-4a4e-9d51-00000000000{number + 4}
status: experimental
level: {level}
correlation:
  type: event_count
  rules: [6b3f8c52-3e0c-4a4e-9d51-000000000001]
  group-by: [Computer]
  timespan: 1h
  condition: {{gte: 30}}
  generate: true
""")
    files = log_folder(tmp_path / "logs")
    content = load([tmp_path / "rules"])
    every = new_scan(RuleSet(content, lateness=Lateness(None)))
    rows = found(every, files, 1)
    high = {rule.id for rule in every.rules.rules if rule.level in ("medium", "high")}
    assert {row[1] for row in rows} == {rule.id for rule in every.rules.rules}
    for jobs in (1, 2):
        scan = new_scan(RuleSet(content, lateness=Lateness(None), least=Level.MEDIUM))
        assert found(scan, files, jobs) == [row for row in rows if row[1] in high]
        assert scan.summary.detections == every.summary.detections


def test_reasons_that_quote_records_are_bounded(rules: RuleSet, tmp_path: Path) -> None:
    stamped = event(1, "a.exe").replace(b"2026-11-22T03", b"%d-11-22T03")
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join([stamped.replace(b"%d", b"x%d" % n) for n in range(3_000)]))
    scan = new_scan(rules)
    assert found(scan, [tmp_path / "bad.jsonl"], 1) == []
    assert len(scan.summary.refused) <= 2_001
    assert sum(scan.summary.refused.values()) == 3_000


def test_processes_of_a_parent_that_goes_on_after_sigterm_end_all_the_same(rules: RuleSet, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        assert found(new_scan(rules), log_folder(tmp_path / "logs"), 2)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_ctrl_c_ends_every_process_at_once(rules: RuleSet, tmp_path: Path) -> None:
    rule_folder, log = tmp_path / "rules", tmp_path / "large.jsonl"
    log.write_bytes(b"\n".join(event(n, "a.exe") for n in range(60_000)))
    inherited = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background jobs are started with it ignored
    ran = subprocess.Popen(
        [sys.executable, "-m", "soc", "scan", log, log, "--rules", rule_folder, "--jobs", "2", "--json", "--config", tmp_path / "none"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    signal.signal(signal.SIGINT, inherited)
    assert ran.stdout is not None
    assert ran.stdout.readline()
    os.killpg(ran.pid, signal.SIGINT)
    _, said = ran.communicate(timeout=20)
    assert ran.returncode not in (0, 1)
    assert b"Traceback" not in said
    for _ in range(50):
        try:
            os.killpg(ran.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process of the scan is still there")


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout")
def test_an_event_file_is_read_as_such_whatever_format_the_text_logs_have(rules: RuleSet) -> None:
    scan = Scan(rules, Context(), unchanged, shown, format_name="rfc3164")
    found(scan, [next((CORPUS / "evtx").rglob("*.evtx"))], 1)
    assert scan.summary.events > 0
    assert scan.summary.refused == {}


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout")
def test_every_recorded_event_is_detected_alike_as_row_and_as_event(tmp_path_factory: pytest.TempPathFactory) -> None:
    folders = [CORPUS / "sigmahq" / folder for folder in FOLDERS]
    rules = RuleSet(load(folders, cache=tmp_path_factory.getbasetemp() / "cache"), lateness=Lateness(None))
    files = sorted((CORPUS / "evtx").rglob("*.evtx"))
    expected: list[list[str]] = []
    records: list[RawRecord] = []
    for path in files:
        for batch in read_file(path, str(path), NOW):
            records += batch.records
    for start in range(0, len(records), 1_000):
        events, _ = parse_batch(records[start : start + 1_000], "windows-json", Context())
        expected += map(shown, rules.detect(events))
    scan = new_scan(rules)
    assert list(scan.run(map(Piece, files), NOW, lambda _: None)) == expected
    assert len(expected) > 3_000
