"""`soc rules explain`: each stage of an event's path, from a line that no parser reads to an alert of the journal."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soc.__main__ import run
from soc.app.site import Site
from soc.store import AlertQuery
from tests.soc.app.sites import LOGIN_AS_ROOT, auth_line, new_site

RULE = "Root Logged In over SSH with a Password"
FIRES = auth_line(1).rstrip("\n")
NEARLY = auth_line(2, "Accepted publickey for root from 203.0.113.45 port 41022 ssh2: ED25519 SHA256:abc").rstrip("\n")

Explain = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that has read a log of two lines."""
    folder = tmp_path_factory.mktemp("explain")
    log = folder / "auth.log"
    log.write_text(f"{FIRES}\n{NEARLY}\n")
    made = new_site(folder / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]")
    command = [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture
def explain(capfd: pytest.CaptureFixture[str], config: Path) -> Explain:
    def call(*arguments: str | Path, rule: str | Path = RULE) -> tuple[int, str]:
        code = run(["rules", "explain", str(rule), *map(str, arguments), "--config", str(config)])
        captured = capfd.readouterr()
        return code, captured.out + captured.err

    return call


def told(explain: Explain, *arguments: str | Path, rule: str | Path = RULE) -> dict[str, Any]:
    """The facts as JSON of the only event."""
    _, out = explain(*arguments, "--json", rule=rule)
    [row] = map(json.loads, out.splitlines())
    assert isinstance(row, dict)
    return row


def test_line_that_fires_ends_with_0_and_one_that_does_not_with_1(explain: Explain) -> None:
    code, out = explain("--event", FIRES)
    assert code == 0
    assert out.startswith(f'ok  verdict   "{RULE}" fires\n')
    code, out = explain("--event", NEARLY)
    assert code == 1
    assert f'NO  verdict   "{RULE}" does not fire: short by selection/message|startswith\n' in out


def test_line_that_no_parser_reads_is_a_dead_letter_with_its_reason(explain: Explain) -> None:
    code, out = explain("--event", "nonsense", "--format", "rfc5424")
    assert code == 1
    assert "no rule saw this: it is a dead letter" in out
    assert "NO  parsed    by rfc5424 (as --format says): " in out


def test_line_that_fits_no_format_says_which_there_are(explain: Explain) -> None:
    row = told(explain, "--event", "\x01\x02 nonsense")
    assert row["fires"] is False
    assert row["event"] is None
    assert "rfc3164" in row["parsed"]["fault"]


def test_file_that_is_not_there_is_said(explain: Explain) -> None:
    code, out = explain("--event", "no/such.log")
    assert code == 1
    assert "received  as given (there is no such file): no/such.log" in out


def test_format_that_is_none_is_refused(explain: Explain) -> None:
    code, out = explain("--event", "x", "--format", "sylog")
    assert code == 2
    assert 'format "sylog" is not one of' in out


def test_every_field_and_what_enrichment_added_are_told(explain: Explain) -> None:
    _, out = explain("--event", FIRES)
    assert "parsed    by rfc3164 (as its own form shows), happened 2026-10-14 03:00:01 (Asia/Ho_Chi_Minh)" in out
    assert "    source.ip = 203.0.113.45\n" in out
    assert "    enriched  service.name = data-centre, labels.criticality = 5\n" in out


def test_event_of_another_source_is_told_what_the_rule_reads(explain: Explain) -> None:
    row = told(
        explain, "--event", '{"event": {"dataset": "nginx.access"}, "message": "Accepted password for root from 1"}'
    )
    assert "does not read events of this kind" in row["verdict"]
    [way] = row["account"]["ways"]
    assert way["claims"] == [{"field": "event.dataset", "wanted": ["sshd"], "value": "nginx.access", "holds": False}]


def test_leaves_are_told_with_the_events_value_and_where_it_stands(explain: Explain) -> None:
    row = told(explain, "--event", NEARLY)
    [leaf] = row["account"]["short_by"]
    assert leaf["columns"] == ["message"]
    assert "Accepted password for root from " in leaf["patterns"]
    assert leaf["value"].startswith("Accepted publickey for root from 203.0.113.45")


def test_file_is_explained_record_by_record(explain: Explain, tmp_path: Path) -> None:
    (tmp_path / "two.log").write_text(f"{NEARLY}\n{FIRES}\n")
    code, out = explain("--event", tmp_path / "two.log")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if "verdict" in line] == ["NO", "ok"]
    assert f"received  {tmp_path}/two.log:2: " in out


def test_of_a_long_file_the_records_that_fire_are_told(explain: Explain, tmp_path: Path) -> None:
    (tmp_path / "long.log").write_text(f"{NEARLY}\n" * 50 + f"{FIRES}\n" + f"{NEARLY}\n" * 50)
    code, out = explain("--event", tmp_path / "long.log")
    assert code == 0
    assert out.count("verdict") == 1
    assert f"{tmp_path}/long.log:51: " in out
    assert "1 of 101 records are explained" in out
    (tmp_path / "long.log").write_text(f"{NEARLY}\n" * 50)
    code, out = explain("--event", tmp_path / "long.log")
    assert code == 1
    assert out.count("verdict") == 5


def test_standard_input_is_read(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FIRES.encode() + b"\n")))
    assert explain("--event", "-")[0] == 0


def test_rule_is_found_by_id_start_of_it_file_and_title(explain: Explain, config: Path) -> None:
    path = config.parent / "rules" / "linux" / "sshd_root_password_login.yml"
    rule_id = told(explain, "--event", FIRES, rule=path)["account"]["rule"]["id"]
    for rule in (rule_id, rule_id.upper(), rule_id[:8], RULE.lower()):
        assert told(explain, "--event", FIRES, rule=rule)["fires"], rule


def test_rule_that_is_not_there_is_said(explain: Explain) -> None:
    assert explain("--event", FIRES, rule="no-such-rule") == (
        2,
        "soc: there is no rule no-such-rule; `soc rules list` lists them\n",
    )


def test_event_must_be_named_in_one_way(explain: Explain) -> None:
    assert explain()[0] == 2
    assert explain("--event", "x", "--alert", "y")[0] == 2


def test_event_of_the_journal_is_taken_as_it_was_journalled(explain: Explain, config: Path) -> None:
    with Site.load(config) as site:
        events, _ = site.journal_reader.read(0, 10)
    fires, nearly = (next(e for e in events if e.original == line) for line in (FIRES, NEARLY))
    row = told(explain, "--event", fires.id)
    assert row["fires"]
    assert row["event"] == fires.document()
    assert row["place"] == f"journal offset {events.index(fires)}, source auth"
    assert row["parsed"] == {"format": "rfc3164", "how": "as source auth says", "fault": ""}
    assert row["enriched"] == {"service.name": "data-centre", "labels.criticality": 5}
    assert not told(explain, "--event", nearly.id)["fires"]


def test_event_that_the_journal_does_not_have_is_said(explain: Explain) -> None:
    code, out = explain("--event", "0" * 32)
    assert code == 2
    assert "the journal has no event 0000" in out


def test_alert_is_explained_on_its_events(explain: Explain, config: Path) -> None:
    with Site.load(config) as site:
        site.catch_up()
        alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
    alert = next(each for each in alerts if each.title == RULE)
    row = told(explain, "--alert", alert.id)
    assert row["fires"]
    assert row["event"]["event.id"] == alert.event_ids[0]


def test_filter_of_the_site_is_told_with_who_answers_for_it(explain: Explain, config: Path) -> None:
    path = config.parent / "rules" / "local.yml"
    path.write_text(
        "title: Jump Host\nid: 9b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11\nlogsource: {product: linux, service: sshd}\n"
        "filter:\n    rules: any\n    selection:\n        host.name: jump-01\n    condition: not selection\n"
    )
    try:
        _, out = explain("--event", FIRES)
    finally:
        path.unlink()
    assert 'hidden by the filter "Jump Host"' in out
    assert 'NO  filters   "Jump Host" hides it' in out


def test_what_an_event_says_cannot_act_on_the_terminal(explain: Explain) -> None:
    _, out = explain("--event", FIRES.replace("jump-01", "jump\x1b[31m-01"))
    assert "\x1b" not in out


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_of_people_who_want_them(
    config: Path, variables: dict[str, str], coloured: bool
) -> None:
    master, slave = pty.openpty()
    environment = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **variables}
    command = [sys.executable, "-m", "soc", "rules", "explain", RULE, "--event", FIRES, "--config", str(config)]
    with subprocess.Popen(command, stdout=slave, env=environment) as process:
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 65_536):
                shown += part
        except OSError:  # the terminal's other end is closed
            pass
        finally:
            os.close(master)
    assert process.returncode == 0
    assert (b"\x1b[32mok" in shown) is coloured
    assert LOGIN_AS_ROOT.encode() in shown
