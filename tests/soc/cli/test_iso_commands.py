"""The tracker by commands: what is recorded, who may, and that a refused decision leaves nothing behind."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest
import yaml

from iso27001.catalogue import load
from soc.action import Role
from soc.app.tracking.acts import ACTS
from soc.cli.iso._acts import Acts
from tests.soc.app.sites import new_site
from tests.soc.cli.test_commands import Soc, soc

__all__ = ["soc"]

RISK = (
    *("--title", "Máy chủ ngừng", "--asset", "portal", "--threat", "disk failure", "--likelihood", "3"),
    *("--impact", "4", "--treatment", "modify", "--owner", "Head of operations", "--control", "A.12.3.1"),
    *("--residual-likelihood", "1", "--residual-impact", "4"),
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return new_site(tmp_path / "site")


def test_a_risk_by_commands(soc: Soc, config: Path) -> None:
    made = soc("iso", "risk", "record", *RISK, "--as", "lan", "--json", "--config", config)
    assert (made.code, made.rows) == (0, [{"id": "R-1", "kind": "risk.recorded", "seq": 0, "actor": "lan"}])
    refused = soc("iso", "risk", "accept", "R-1", "--as", "lan", "--config", config)
    assert (refused.code, refused.err) == (
        2,
        "soc: lan recorded R-1: its residual risk is accepted by somebody else\n",
    )
    assert soc("iso", "risk", "accept", "R-1", "--as", "minh", "--config", config).code == 0
    [row] = soc("iso", "risk", "list", "--json", "--config", config).rows
    assert (row["state"], row["level"], row["residual"], row["controls"]) == ("accepted", 12, 4, ["A.8.13"])
    assert "Máy chủ ngừng" in soc("iso", "risk", "show", "R-1", "--config", config).out
    missing = soc("iso", "risk", "close", "R-2", "--reason", "x", "--as", "lan", "--config", config)
    assert 'there is no risk R-2; did you mean "R-1"?' in missing.err


def test_evidence_by_commands_keeps_a_copy_and_tells_what_was_changed(soc: Soc, config: Path, tmp_path: Path) -> None:
    paper = tmp_path / "chính sách.pdf"
    paper.write_bytes(b"policy")
    given = (
        *("--title", "Chính sách", "--kind", "document", "--control", "8.15", "--why", "the policy", "--owner", "lan"),
        *("--effective-from", "2026-01-01", "--expires", "2099-01-01"),
    )
    add = ("iso", "evidence", "add", "--file", paper, *given, "--as", "lan", "--config", config)
    assert soc(*add).code == 0
    review = ("iso", "evidence", "review", "E-1", "--state", "approved", "--config", config)
    assert "lan gave E-1: it is approved by somebody else" in soc(*review, "--as", "lan").err
    assert soc(*review, "--as", "minh").code == 0
    handled = soc(
        *("iso", "evidence", "handle", "E-1", "--action", "transfer", "--holder", "binh", "--place", "room 3"),
        *("--why", "audit", "--as", "lan", "--config", config),
    )
    assert handled.code == 0, handled.err
    [row] = soc("iso", "evidence", "list", "--given", "--json", "--config", config).rows
    assert (row["state"], row["evidence"]["file_name"], len(row["custody"])) == ("approved", "chính sách.pdf", 2)
    assert soc("iso", "evidence", "check", "--config", config).code == 0
    [kept] = (config.parent / "var" / "vault").glob("*/*")
    kept.chmod(0o600)
    kept.write_bytes(b"policX")
    check = soc("iso", "evidence", "check", "--json", "--config", config)
    assert check.code == 1
    assert "was changed" in check.rows[0]["fault"]
    broken = soc(
        *("iso", "evidence", "handle", "E-1", "--action", "return", "--holder", "lan", "--place", "room 1"),
        *("--why", "x", "--as", "binh", "--config", config),
    )
    assert broken.code == 2
    assert "was changed" in broken.err


def test_evidence_that_is_refused_keeps_no_file(soc: Soc, config: Path, tmp_path: Path) -> None:
    paper = tmp_path / "x.pdf"
    paper.write_bytes(b"x")
    ran = soc(
        *("iso", "evidence", "add", "--file", paper, "--title", "x", "--kind", "document", "--control", "A.8.99"),
        *("--why", "x", "--owner", "lan", "--effective-from", "2026-01-01", "--expires", "2027-01-01"),
        *("--as", "lan", "--config", config),
    )
    assert (ran.code, 'unknown control "A.8.99"' in ran.err) == (2, True)
    assert not (config.parent / "var" / "vault").exists()


def statement(folder: Path, **lines: dict[str, object]) -> None:
    """A draft of all 93 controls."""
    whole = {
        control: {"status": "partial", "reason": "the centre needs it", "need": {"risk": ["R-1"]}}
        for control in load().controls
    }
    (folder / "soa.yml").write_text(yaml.safe_dump({"controls": whole | lines}, allow_unicode=True))


def test_the_statement_of_applicability_by_commands(soc: Soc, config: Path) -> None:
    assert soc("iso", "soa", "show", "--config", config).code == 2
    statement(config.parent)
    check = soc("iso", "soa", "check", "--config", config)
    assert (check.code, len(check.err.splitlines())) == (2, 93), "the register has no R-1 yet"
    soc("iso", "risk", "record", *RISK, "--as", "lan", "--config", config)
    assert soc("iso", "soa", "check", "--config", config).code == 0
    assert soc("iso", "soa", "propose", "--why", "the first", "--as", "lan", "--config", config).code == 0
    assert soc("iso", "soa", "approve", "v1", "--as", "lan", "--config", config).code == 2
    assert soc("iso", "soa", "approve", "v1", "--as", "chair", "--note", "in November", "--config", config).code == 0
    out = {"A.8.30": {"applicable": False, "reason": "không thuê ngoài"}}
    statement(config.parent, **out)
    rows = soc("iso", "soa", "diff", "v1", "--json", "--config", config).rows
    assert {row["control"] for row in rows} == {"A.8.30"}
    assert {row["field"]: row["after"] for row in rows}["applicable"] == "no"
    [listed] = soc("iso", "soa", "list", "--json", "--config", config).rows
    assert (listed["state"], listed["decided_by"], listed["applicable"]) == ("stands", "chair", 93)
    status = soc("iso", "status", "--json", "--config", config).rows
    assert {row["implementation"] for row in status} == {"partial"}
    assert len(soc("iso", "soa", "show", "--json", "--config", config).rows) == 93


def test_an_audit_by_commands_from_plan_to_lock(soc: Soc, config: Path, tmp_path: Path) -> None:
    def iso(*arguments: str | Path, who: str = "binh") -> int:
        return soc("iso", *arguments, "--as", who, "--config", config).code

    soc("iso", "measures", "run", "--config", config)
    assert (
        iso(
            *("audit", "plan", "--title", "Đánh giá nội bộ", "--kind", "internal", "--scope", "centre"),
            *("--since", "2020-01-01", "--until", "2099-01-01", "--auditor", "binh"),
            *("--criterion", "A.8.15", "--criterion", "9.2.1"),
            who="lead",
        )
        == 0
    )
    assert iso("audit", "population", "AU-1", "--name", "measures") == 0
    assert iso("audit", "population", "AU-1", "--name", "measures", who="lan") == 2
    assert iso("audit", "sample", "AU-1", "--name", "measures", "--seed", "17 04 39", "--size", "4") == 0
    output = tmp_path / "sample.jsonl"
    exported = soc(
        *("iso", "audit", "export", "AU-1", "--name", "measures", "--sample", "--output", output, "--json"),
        *("--config", config),
    )
    assert exported.rows[0]["written"] == 4
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    [audit] = soc("iso", "audit", "show", "AU-1", "--json", "--config", config).rows
    assert [line["seq"] for line in lines] == audit["samples"][0]["seqs"]
    assert {line["fact"]["kind"] for line in lines} == {"measure.sample"}
    assert (
        iso(
            *("findings", "open", "--title", "x", "--text", "y", "--conclusion", "minor NC", "--control", "A.8.15"),
            *("--ref", "AU-1", "--owner", "lan", "--due", "2099-01-01"),
        )
        == 0
    )
    assert iso("audit", "conclude", "AU-1", "--criterion", "A.8.15", "--conclusion", "conform", "--reason", "x") == 2
    assert iso("audit", "conclude", "AU-1", "--criterion", "A.8.15", "--conclusion", "minor NC", "--reason", "x") == 0
    assert iso("audit", "lock", "AU-1", "--summary", "x") == 2, "9.2.1 is open"
    assert iso("audit", "conclude", "AU-1", "--criterion", "9.2.1", "--conclusion", "conform", "--reason", "x") == 0
    assert iso("audit", "lock", "AU-1", "--summary", "one minor nonconformity") == 0
    assert iso("audit", "conclude", "AU-1", "--criterion", "9.2.1", "--conclusion", "conform", "--reason", "y") == 2
    [row] = [r for r in soc("iso", "status", "--json", "--config", config).rows if r["control"] == "A.8.15"]
    assert row["conclusion"] == "minor NC"
    assert iso("findings", "analyse", "F-1", "--cause", "never set", who="lan") == 0
    assert iso("findings", "plan", "F-1", "--action", "set it", "--owner", "lan", "--due", "2099-01-01", who="lan") == 0
    assert iso("findings", "done", "F-1", "--number", "1", "--note", "done", who="lan") == 0
    assert iso("findings", "check", "F-1", "--effect", "effective", "--note", "seen", who="lan") == 2
    assert iso("findings", "check", "F-1", "--effect", "effective", "--note", "seen") == 0
    assert soc("iso", "findings", "list", "--json", "--config", config).rows == []
    assert soc("iso", "findings", "list", "--all", "--json", "--config", config).rows[0]["state"] == "closed"


def test_exceptions_and_activities_by_commands(soc: Soc, config: Path) -> None:
    asked = soc(
        *("iso", "exceptions", "request", "--control", "A.8.5", "--subject", "gw-02", "--reason", "old firmware"),
        *("--owner", "hoa", "--expires", "2099-01-01", "--as", "lan", "--config", config),
    )
    assert asked.code == 0, asked.err
    assert soc("iso", "exceptions", "approve", "X-1", "--as", "minh", "--config", config).code == 0
    [row] = soc("iso", "exceptions", "list", "--json", "--config", config).rows
    assert (row["state"], row["decided_by"]) == ("approved", "minh")
    held = soc(
        *("iso", "activities", "record", "--kind", "training", "--title", "Nhận thức", "--held", "2026-10-01"),
        *("--owner", "lan", "--expected", "40", "--reached", "38", "--outcome", "test passed by 37"),
        *("--as", "lan", "--config", config),
    )
    assert held.code == 0, held.err
    [row] = soc("iso", "activities", "list", "--kind", "training", "--json", "--config", config).rows
    assert (row["reached"], row["controls"]) == ("38 of 40", ["A.6.3"])


def test_measures_by_commands(soc: Soc, config: Path) -> None:
    assert soc("iso", "measures", "run", "--config", config).code == 0
    rows = {row["measure"]: row for row in soc("iso", "measures", "list", "--json", "--config", config).rows}
    assert len(rows) == 36
    assert rows["LOG-02"]["indicator"] == "met"
    assert rows["VUL-01"]["indicator"] == "no data"
    told = soc(
        *("iso", "measures", "record", "VUL-01", "--number", "hosts=9", "--number", "hosts_scanned_180d=9"),
        *("--number", "critical_open_over_15d=0", "--number", "known_exploited_open=0"),
        *("--from", "scan report of November", "--as", "lan", "--config", config),
    )
    assert told.code == 0, told.err
    [row] = soc("iso", "measures", "list", "VUL-01", "--json", "--config", config).rows
    assert (row["indicator"], row["computed_by"], row["query"]) == ("met", "lan", "scan report of November")
    wrong = soc("iso", "measures", "record", "VUL-01", "--number", "host=9", "--from", "x", "--config", config)
    assert (wrong.code, 'unknown number "host"; did you mean "hosts"?' in wrong.err) == (2, True)
    assert soc("iso", "measures", "record", "VUL-01", "--number", "hosts", "--from", "x", "--config", config).code == 2


def roles(config: Path, role: Role) -> str:
    """Give this process's user a role; the user's name."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    config.write_text(config.read_text() + f"roles: {{{role.value}: [{me}]}}\n")
    return me


@pytest.mark.parametrize("role", list(Role))
def test_auditors_write_conclusions_and_nothing_else_and_nobody_else_does(soc: Soc, config: Path, role: Role) -> None:
    me = roles(config, role)
    risk = soc("iso", "risk", "record", *RISK, "--as", me, "--config", config)
    lock = soc("iso", "audit", "lock", "AU-1", "--summary", "x", "--as", me, "--config", config)
    assert (risk.code == 0) is (role in {Role.LEAD, Role.ADMIN})
    assert ("takes the role auditor and no other" in lock.err) is (role is not Role.AUDITOR)
    assert ("there is no audit AU-1" in lock.err) is (role is Role.AUDITOR)
    assert soc("iso", "risk", "list", "--config", config).code == 0, "everybody reads"


def test_every_kind_of_record_has_a_command_and_every_act_one_of_its_own() -> None:
    from soc.cli.iso import command as iso

    for noun, acts in ACTS.items():
        group = iso.get_command(None, noun)  # type: ignore[attr-defined]
        assert isinstance(group, Acts)
        assert set(acts) <= set(group.list_commands(None)), noun  # type: ignore[arg-type]


def test_a_control_is_shown_whole_with_the_sites_own_text_and_law(soc: Soc, config: Path, tmp_path: Path) -> None:
    texts = config.parent / "texts"
    texts.mkdir()
    (texts / "A.8.15.txt").write_text("bought, and not ours to ship\n")
    config.write_text(config.read_text() + "iso: {texts: texts, owners: {LOG-01: Trần Thị B}}\n")
    [row] = soc("iso", "controls", "12.4.1", "--json", "--config", config).rows
    assert (row["control"], row["text"]) == ("A.8.15", "bought, and not ours to ship")
    assert "LOG-01" in row["measures"]
    [measure] = soc("iso", "measures", "list", "LOG-01", "--json", "--config", config).rows
    assert measure["owner"] == "Trần Thị B"
    assert soc("iso", "controls", "A.8.99", "--config", config).code == 2
    config.write_text(config.read_text().replace("LOG-01", "LOG-99"))
    unknown = soc("iso", "controls", "--config", config)
    assert unknown.code == 0, "the catalogue needs no site"
    assert 'unknown measure "LOG-99"' in soc("iso", "measures", "list", "--config", config).err


def test_a_law_with_a_gap_stops_the_command_with_its_name(soc: Soc, config: Path) -> None:
    law = config.parent / "law.yml"
    law.write_text(
        "schema: vn-legal/2\nregimes:\n- {id: a, name_vi: A, effective: 2026-01-01, until: 2026-06-01}\n"
        "- {id: b, name_vi: B, effective: 2026-07-01}\ndeadlines:\n"
        "- {id: r, regime: a, ref: x, trigger: incident, when: x, to: x, hours: 72}\n"
        "- {id: r, regime: b, ref: x, trigger: incident, when: x, to: x, hours: 72}\n"
    )
    config.write_text(config.read_text() + "iso: {law: law.yml}\n")
    ran = soc("iso", "status", "--config", config)
    assert ran.code == 2
    assert 'nothing is due for "incident" from 2026-06-01 to 2026-07-01: a gap in the dates' in ran.err


def test_a_key_that_is_gone_is_told_and_no_other_takes_its_place(soc: Soc, config: Path) -> None:
    assert soc("iso", "risk", "record", *RISK, "--as", "lan", "--config", config).code == 0
    key = config.parent / "var" / "keys" / "ledger.key"
    key.unlink()
    ran = soc("iso", "risk", "accept", "R-1", "--as", "minh", "--config", config)
    assert (ran.code, "the private key is gone, and its public key is there" in ran.err) == (2, True)
    assert not key.exists()


def test_check_reads_the_draft_and_the_texts_of_the_standard(soc: Soc, config: Path) -> None:
    def told() -> str:
        return soc("check", "--config", config).out + soc("check", "--config", config).err

    assert "8 legal deadlines" in told()
    statement(config.parent)
    assert "93 of 93 controls stated" in told()
    statement(config.parent, **{"A.12.4.1": {}})
    assert "FAULT  iso: " in told()
    assert "an id of 2013, now A.8.15" in told()
    assert soc("check", "--config", config).code == 2
