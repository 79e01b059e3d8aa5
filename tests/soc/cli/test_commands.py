"""The commands as people and scripts use them: on the site that the demo leaves, with their exit codes and their JSON."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from soc.__main__ import run
from tests.soc.app.sites import auth_line, new_site


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Soc = Callable[..., Ran]


@pytest.fixture
def soc(capfd: pytest.CaptureFixture[str]) -> Soc:
    def call(*arguments: str | Path) -> Ran:
        code = run([str(a) for a in arguments])
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The site that `soc demo --keep` leaves, made once in a process of its own."""
    folder = tmp_path_factory.mktemp("demo") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "soc", "demo", "--keep", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


@pytest.fixture
def config(demo: Path) -> Path:
    return demo / "soc.yaml"


def test_the_demo_tells_the_whole_story(demo: Path) -> None:
    said = (demo / "said.txt").read_text()
    assert "15,246 records, 15,246 events, 0 dead letters" in said
    assert "Reconnaissance to impact, source.ip=203.0.113.66" in said
    assert "Many Accounts Tried over SSH from One Address: source.ip=203.0.113.66" in said
    assert "SSH Password Guessed, as Failures Were Followed by a Log-in" in said
    assert "$ nft add element inet soc blocked '{ 203.0.113.66 timeout 24h }'" in said
    assert "A.8.15" in said
    assert f"soc tui --config {demo / 'soc.yaml'}" in said
    assert (demo / "report.html").stat().st_size > 50_000


def test_the_demo_refuses_a_folder_that_is_a_site(soc: Soc, demo: Path) -> None:
    ran = soc("demo", "--keep", demo)
    assert ran.code == 2
    assert "nothing was changed" in ran.err


def test_every_listing_speaks_json(soc: Soc, config: Path) -> None:
    for command in (
        ("alerts", "list", "--limit", "1000"),
        ("incidents", "list"),
        ("rules", "list"),
        ("playbook", "list"),
        ("iso", "status"),
        ("iso", "controls"),
        ("config", "show"),
        ("model", "show"),
        ("check",),
    ):
        ran = soc(*command, "--json", "--config", config)
        assert ran.code == 0, (command, ran.err)
        assert ran.rows, command


def test_an_alert_shows_why_and_its_raw_lines(soc: Soc, config: Path) -> None:
    rows = soc("alerts", "list", "--json", "--text", "root sudo", "--config", config).rows
    shown = soc("alerts", "show", rows[0]["id"], "--config", config)
    assert shown.code == 0
    assert "why it matched" in shown.out
    assert "jump-01 sudo" in shown.out or "sudo:" in shown.out


def test_triage_by_commands_is_history(soc: Soc, config: Path) -> None:
    alert_id = soc("alerts", "list", "--json", "--limit", "1", "--config", config).rows[0]["id"]
    assert soc("alerts", "ack", alert_id, "--as", "lan", "--config", config).code == 0
    assert (
        soc(
            "alerts",
            "close",
            alert_id,
            "--reason",
            "true-positive",
            "--note",
            "seen",
            "--as",
            "minh",
            "--config",
            config,
        ).code
        == 0
    )
    alert = soc("alerts", "show", alert_id, "--json", "--config", config).rows[0]
    assert [(c["actor"], c["status"]) for c in alert["history"]] == [("lan", "acknowledged"), ("minh", "closed")]
    assert (alert["assignee"], alert["reason"]) == ("lan", "true-positive")
    assert soc("alerts", "reopen", alert_id, "--as", "lan", "--config", config).code == 0


def test_a_playbook_from_plan_to_result(soc: Soc, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(auth_line(1))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, follow: false}}]")
    done = subprocess.run(
        [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    incident = soc("incidents", "list", "--json", "--config", config).rows[0]["id"]
    plan = soc(
        "playbook", "plan", "block-address", "--incident", incident, "--as", "lan", "--json", "--config", config
    ).rows[0]
    assert soc("playbook", "approve", plan["id"], "--as", "lan", "--config", config).code == 2
    assert soc("playbook", "approve", plan["id"], "--as", "minh", "--config", config).code == 0
    assert soc("playbook", "confirm", plan["id"], "look", "--as", "lan", "--config", config).code == 0
    ran = soc("playbook", "run", plan["id"], "--as", "lan", "--json", "--config", config)
    assert (ran.code, ran.rows[0]["output"]) == (0, "block 203.0.113.45\n")
    story = soc("incidents", "show", incident, "--json", "--config", config).rows[0]["timeline"]
    assert sum(1 for entry in story if entry["kind"] == "playbook") == 4


def test_verify_is_sound_and_finds_one_changed_byte(soc: Soc, config: Path) -> None:
    assert soc("iso", "measures", "run", "--config", config).code == 0
    good = soc("iso", "verify", "--json", "--config", config)
    assert (good.code, good.rows[0]["sound"], good.rows[0]["events_wrong"]) == (0, True, [])
    assert good.rows[0]["events_checked"] > 1_000
    [segment] = (config.parent / "var" / "journal").glob("*.seg")
    raw = segment.read_bytes()
    at = raw.index(b"Accepted password for tuan.hs from 203.0.113.66")
    segment.write_bytes(raw[:at] + b"a" + raw[at + 1 :])
    try:
        bad = soc("iso", "verify", "--json", "--config", config)
        assert bad.code == 1
        assert bad.rows[0]["events_wrong"]
    finally:
        segment.write_bytes(raw)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_report_of_the_same_moment_is_the_same_file(soc: Soc, config: Path, tmp_path: Path, language: str) -> None:
    for kind in ("html", "json"):
        ran = soc(
            "iso",
            "report",
            "--format",
            kind,
            "--language",
            language,
            "--output",
            tmp_path / f"r.{kind}",
            "--config",
            config,
        )
        assert ran.code == 0, ran.err
    html = (tmp_path / "r.html").read_text("utf-8")
    assert ("Ghi nhật ký" if language == "vi" else "Logging") in html
    assert ("Tỉnh Tây Ninh" if language == "vi" else "Tay Ninh province") in html
    assert "<script" not in html
    assert json.loads((tmp_path / "r.json").read_bytes())["controls"]


def test_scan_gives_the_documented_fields(soc: Soc, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(auth_line(1, "Connection closed by 192.0.2.7 port 4000") + auth_line(2))
    config = new_site(tmp_path / "site")
    ran = soc("scan", log, "--json", "--config", config)
    assert ran.code == 1
    row = ran.rows[0]
    assert row["event.index"] == 2
    assert row["log.file.path"] == str(log)
    for name in ("rule.id", "rule.title", "rule.level", "@timestamp", "event.id", "event.original", "host.name"):
        assert row[name], name
    assert soc("scan", log, "--format", "table", "--config", config).out.startswith("TIME (Asia/Ho_Chi_Minh)")
    assert soc("scan", log, "--format", "csv", "--config", config).out.startswith("@timestamp,rule.level")


def test_a_record_cannot_say_which_rule_fired(soc: Soc, tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text("""\
title: A tool is started
id: 6b3f8c52-3e0c-4a4e-9d51-000000000001
status: experimental
level: high
logsource: {product: windows, category: process_creation}
detection:
  tool: {Image|endswith: '.exe'}
  condition: tool
""")
    sysmon = {
        "channel": "Microsoft-Windows-Sysmon/Operational",
        "provider_name": "Microsoft-Windows-Sysmon",
        "event_id": 1,
    }
    record = {
        "@timestamp": "2026-10-14T03:00:00Z",
        "winlog": {**sysmon, "event_data": {"Image": "C:\\a.exe"}},
        "rule": {"level": "low", "author": "an"},
        "matched": "nothing",
    }
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(record) + "\n")
    ran = soc("scan", log, "--json", "--rules", tmp_path / "rule.yml", "--config", tmp_path / "none")
    [row] = ran.rows
    assert (row["rule.level"], row["rule.author"]) == ("high", "an")
    assert row["matched"] == ["tool/Image|endswith: winlog.event_data.Image=C:\\a.exe"]
    assert (row["producer.rule.level"], row["producer.matched"]) == ("low", "nothing")


def test_scan_of_bad_input_counts_it_and_goes_on(soc: Soc, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a-binary.log").write_bytes(bytes(range(256)) * 100)
    (folder / "b-broken.evtx").write_bytes(b"ElfFile\x00" + b"\x00" * 5_000)
    (folder / "c-empty.evtx").write_bytes(b"")
    (folder / "d-long.log").write_bytes(auth_line(1).encode() + b"A" * 10_000_000 + b"\n" + auth_line(2).encode())
    (folder / "e-utf8.log").write_bytes(
        auth_line(3).encode() + b"2026-10-14T03:00:00Z h p: \xff\xfe\n" + auth_line(4).encode()
    )
    (folder / "z-good.log").write_text(auth_line(9))
    ran = soc("scan", folder, "--json", "--config", new_site(tmp_path / "site"))
    assert ran.code == 1
    by_file = {Path(row["log.file.path"]).name for row in ran.rows}
    assert by_file >= {"d-long.log", "e-utf8.log", "z-good.log"}
    assert "dead letters" in ran.err
    assert "binary data" in ran.err


def test_scan_writes_a_formula_as_text(soc: Soc, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(
        "2026-10-14T03:00:01+07:00 =cmd|x sshd[1]: Accepted password for root from 203.0.113.45 port 41022 ssh2\n"
    )
    ran = soc("scan", log, "--format", "csv", "--config", new_site(tmp_path / "site"))
    assert "'=cmd|x" in ran.out


def test_usage_and_configuration_faults_are_2(soc: Soc, tmp_path: Path) -> None:
    assert soc("alrts").code == 2
    assert 'did you mean "alerts"?' in soc("alrts").err
    assert soc("alerts", "list", "--config", tmp_path / "none.yaml").code == 2
    config = new_site(tmp_path / "site")
    config.write_text(config.read_text().replace("rules:", "ruls:").replace("data:", "dta:"))
    ran = soc("config", "show", "--config", config)
    assert ran.code == 2
    assert 'soc.yaml:1:1: unknown key "dta"; did you mean "data"?' in ran.err
    assert 'unknown key "ruls"; did you mean "rules"?' in ran.err


def test_rule_faults_stop_the_start_with_their_places(soc: Soc, tmp_path: Path) -> None:
    config = new_site(tmp_path / "site")
    rule = next((tmp_path / "site" / "rules" / "linux").glob("sshd_root_password_login.yml"))
    rule.write_text(rule.read_text().replace("condition:", "conditon:"))
    for command in (("run",), ("rules", "check"), ("scan", str(rule))):
        ran = soc(*command, "--config", config)
        assert ran.code == 2, command
        said = ran.out + ran.err
        assert command == ("run",) or "sshd_root_password_login.yml:" in said


def test_rules_check_tells_faults_notes_and_what_no_source_can_fire(soc: Soc, tmp_path: Path) -> None:
    config = new_site(tmp_path / "site")
    site = tmp_path / "site"
    assert (ran := soc("rules", "check", "--config", config)).code == 0, ran.out
    odd = site / "rules" / "odd.yml"
    odd.write_text(
        "title: Odd\nname: odd\nid: 5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e10\nlogsource: {product: aws}\n"
        "detection:\n  s: {eventName: x}\n  condition: s and not s\n---\n"
        "title: Many\nid: 5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e11\n"
        "correlation: {type: event_count, rules: [odd], timespan: 5m, condition: {gte: 5}}\n---\n"
        "title: Old\nid: 5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e12\nlogsource: {product: aws}\n"
        "filter: {rules: [odd], s: {a: b}, condition: not s}\ntuning: {reason: why, owner: An, expires: 2020-01-01}\n"
    )
    ran = soc("rules", "check", odd, "--sources", "--config", config)
    assert ran.code == 0
    assert f"never: {odd}:7:14: nothing can match this condition" in ran.out
    assert "silenced: Odd (5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e10) alerts only through Many" in ran.out
    assert 'the filter "Old" of An has expired on 2020-01-01' in ran.out
    assert f"{odd}:1: Odd: no source collects product:aws" in ran.out
    assert "0 of 2 rules can fire on what is collected" in ran.err
    rows = [
        json.loads(line)
        for line in soc("rules", "check", odd, "--conventions", "--json", "--config", config).out.splitlines()
    ]
    assert {row.get("kind") for row in rows} == {"never", "warning", "convention", None}
    assert next(row for row in rows if "silenced" in row)["by"] == ["Many"]
    odd.write_text(odd.read_text().replace("rules: [odd], s", "rules: [od], s"))
    ran = soc("rules", "check", odd, "--json", "--config", config)
    assert ran.code == 2
    assert [row["message"] for row in map(json.loads, ran.out.splitlines()) if row.get("kind") == "fault"] == [
        'no rule has the id or name "od"; did you mean "odd"?'
    ]


def test_an_unreachable_store_is_3(soc: Soc, tmp_path: Path) -> None:
    config = new_site(tmp_path / "site", more='store: {kind: elasticsearch, hosts: ["http://127.0.0.1:9"]}\n')
    ran = soc("alerts", "list", "--config", config)
    assert ran.code == 3
    assert "cannot be reached" in ran.err


def test_ctrl_c_is_130_and_a_term_signal_is_0(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.touch()
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}}}]")
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 0)):
        process = subprocess.Popen(
            [sys.executable, "-m", "soc", "run", "--config", str(config)], stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        while "stop with Ctrl-C" not in process.stderr.readline():
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(timeout=20) == code
        process.stderr.close()


def test_a_reader_that_leaves_early_is_no_error(config: Path) -> None:
    command = f"{sys.executable} -m soc alerts list --json --config {config} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env={**os.environ}, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


def test_init_makes_a_site_that_checks_and_overwrites_nothing(soc: Soc, tmp_path: Path) -> None:
    assert soc("init", tmp_path / "new").code == 0
    assert soc("check", "--config", tmp_path / "new" / "soc.yaml").code == 0
    assert soc("rules", "test", "--config", tmp_path / "new" / "soc.yaml").code == 0
    again = soc("init", tmp_path / "new")
    assert again.code == 2
    assert "already has" in again.err


def test_the_terminal_ui_is_refused_where_there_is_no_terminal(soc: Soc, config: Path) -> None:
    ran = soc("tui", "--config", config)
    assert ran.code == 2
    assert "soc alerts" in ran.err


def test_a_relative_config_means_the_folder_it_stands_in(
    soc: Soc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert soc("init", "site").code == 0
    for command in (("check",), ("alerts", "list"), ("rules", "test"), ("playbook", "list")):
        assert soc(*command, "--config", "site/soc.yaml").code == 0, command
    assert (tmp_path / "site" / "var").is_dir()
    assert not (tmp_path / "site" / "site").exists()


def test_what_the_system_refuses_is_a_sentence_and_2(soc: Soc, tmp_path: Path) -> None:
    config = new_site(tmp_path / "site")
    log = tmp_path / "auth.log"
    log.write_text(auth_line(1))
    ran = soc("scan", log, "--output", tmp_path / "none" / "x", "--config", config)
    assert (ran.code, ran.err.count("\n")) == (2, 1) or "cannot be written" in ran.err
    command = f"{sys.executable} -m soc rules list --json --config {config} > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_verifying_makes_nothing(soc: Soc, tmp_path: Path) -> None:
    config = new_site(tmp_path / "site")
    assert soc("iso", "verify", "--config", config).code == 2
    assert not (tmp_path / "site" / "var").exists()


def test_a_copy_that_cannot_be_written_can_be_read(demo: Path, tmp_path: Path) -> None:
    """As an auditor has it; root gives up its right to write anything first."""
    setpriv = shutil.which("setpriv")
    powerless = (
        [setpriv, "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]
        if setpriv and os.geteuid() == 0
        else []
    )
    if os.geteuid() == 0 and not powerless:
        pytest.skip("setpriv is missing, and root can write everything")
    copy = tmp_path / "copy"
    shutil.copytree(demo, copy)
    subprocess.run(["chmod", "-R", "a-w", str(copy)], check=True)
    try:
        for command in (("alerts", "list"), ("incidents", "list"), ("iso", "status"), ("iso", "verify")):
            arguments = [
                *powerless,
                sys.executable,
                "-m",
                "soc",
                *command,
                "--json",
                "--config",
                str(copy / "soc.yaml"),
            ]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (command, done.stderr)
            assert done.stdout, command
        refused = subprocess.run(
            [*powerless, sys.executable, "-m", "soc", "alerts", "ack", "A-", "--config", str(copy / "soc.yaml")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 2
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(copy)], check=True)


def test_dead_letters_are_listed_whole_with_their_reason(soc: Soc, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_bytes(auth_line(1).encode() + b"no header \xff\n")
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]")
    done = subprocess.run(
        [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 records received, 1 parsed, 1 dead letters" in done.stderr
    [row] = soc("deadletters", "list", "--json", "--config", config).rows
    assert (row["source"], row["record"]) == ("auth", "no header \\xff")
    assert row["reason"]


def test_nothing_readable_is_not_a_clean_scan(soc: Soc, tmp_path: Path) -> None:
    (tmp_path / "x.evtx").write_bytes(b"")
    assert soc("scan", tmp_path / "x.evtx", "--config", new_site(tmp_path / "site")).code == 2
