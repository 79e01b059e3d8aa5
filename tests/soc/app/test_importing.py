"""Importing a release of rules into a site."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc.app import importing
from soc.app.backtesting import AlertCounts, backtest
from soc.app.history import Span
from soc.app.importing import IMPORTED, MANIFEST, Edits, Import, edits_of, manifest_of, prepare, restore
from soc.app.release import open_release
from soc.app.site import Site
from soc.detect.backtest import Kind
from soc.errors import FaultsError, SocError
from tests.soc.app.lived import PASSWORD, lived, login, password_rule, write_yaml

OCTOBER = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
QUIET = "incident: {risk: 101, rules: 99, pivot_level: critical}\n"


def rule_id(number: int) -> str:
    return f"30000000-0000-4000-8000-{number:012}"


def release(folder: Path, *numbers: int, starts: str = "Accepted password", **more: dict[str, Any]) -> Path:
    """A release with a rule of each number; `more`: other files, by name with `__` for `/`."""
    for number in numbers:
        write_yaml(folder / "rules" / f"rule_{number}.yml", password_rule(rule_id(number), starts=starts))
    for name, data in more.items():
        write_yaml(folder / f"{name.replace('__', '/')}.yml", data)
    return folder


def quiet_site(folder: Path) -> Path:
    return lived(folder, [login(1)], more=QUIET)


def taken(site: Site, path: Path, into: Path, forced: str = "") -> Import:
    found = prepare(site, open_release(path), into)
    importing.write(site, found, "lan", None, forced=forced)
    return found


def test_a_release_is_shown_before_it_is_written_and_runs_after(tmp_path: Path) -> None:
    with Site.load(quiet_site(tmp_path)) as site:
        into = site.config.rules[0] / "sigmahq"
        found = prepare(site, open_release(release(tmp_path / "r1", 1, 2)), into)
        result = backtest(site, found.change, OCTOBER)
        assert result.total == AlertCounts(added=2)
        assert not into.exists()
        assert [p.name for p in site.config.rules[0].parent.iterdir() if p.name.startswith(".")] == []
        importing.write(site, found, "lan", result)
        assert {rule.id for rule in site.rules().rules} == {PASSWORD, rule_id(1), rule_id(2)}
        assert [p.name for p in site.config.rules[0].parent.iterdir() if p.name.startswith(".")] == []
        manifest = manifest_of(into)
        assert manifest is not None
        assert sorted(manifest.files) == ["rules/rule_1.yml", "rules/rule_2.yml"]
        [fact] = [entry.fact for entry in site.ledger.entries(kinds=[IMPORTED])]
        assert fact.actor == "lan"
        assert {k: fact.body[k] for k in ("release", "into", "files", "added", "changed", "removed", "alerts")} == {
            "release": "r1",
            "into": "own/sigmahq",
            "files": 2,
            "added": 2,
            "changed": 0,
            "removed": 0,
            "alerts": {"removed": 0, "added": 2, "kept": 0},
        }


def test_the_next_release_says_what_is_new_changed_gone_and_deprecated(tmp_path: Path) -> None:
    with Site.load(quiet_site(tmp_path)) as site:
        into = site.config.rules[0] / "sigmahq"
        taken(site, release(tmp_path / "r1", 1, 2, 3, 4), into)
        second = release(tmp_path / "r2", 1, 5)
        release(second, 2, starts="Accepted password for root", deprecated__old=password_rule(rule_id(3)))
        found = taken(site, second, into)
        assert {kind: [d.id for d in found.named(kind)] for kind in Kind} == {
            Kind.ADDED: [rule_id(5)],
            Kind.CHANGED: [rule_id(2)],
            Kind.REMOVED: [rule_id(3), rule_id(4)],
        }
        assert [d.id for d in found.deprecated()] == [rule_id(3)]
        assert {rule.id for rule in site.rules().rules} == {PASSWORD, rule_id(1), rule_id(2), rule_id(5)}
        assert len(edits_of(into)) == 0


def test_what_people_edited_is_not_overwritten_without_a_decision(tmp_path: Path) -> None:
    with Site.load(quiet_site(tmp_path)) as site:
        into = site.config.rules[0] / "sigmahq"
        taken(site, release(tmp_path / "r1", 1, 2, 3), into)
        write_yaml(into / "rules" / "rule_1.yml", password_rule(rule_id(1), starts="Mine"))
        (into / "rules" / "rule_2.yml").unlink()
        write_yaml(into / "rules" / "own.yml", password_rule(rule_id(9)))
        (into / "NOTES.txt").write_text("ours")
        edits = Edits(("rules/rule_1.yml",), ("NOTES.txt", "rules/own.yml"), ("rules/rule_2.yml",))
        assert edits_of(into) == edits
        second = open_release(release(tmp_path / "r2", 1, 2, 3, 4))
        found = prepare(site, second, into)
        assert found.edits == edits
        with pytest.raises(SocError, match=r"2 files of .* were edited or deleted by hand"):
            importing.write(site, found, "lan", None)
        assert "Mine" in (into / "rules" / "rule_1.yml").read_text()
        importing.write(site, found, "lan", None, forced="upstream took our change")
        assert "Mine" not in (into / "rules" / "rule_1.yml").read_text()
        assert {rule.id for rule in site.rules().rules} >= {rule_id(1), rule_id(2), rule_id(9)}
        assert (into / "NOTES.txt").read_text() == "ours"
        fact = [entry.fact for entry in site.ledger.entries(kinds=[IMPORTED])][-1]
        assert fact.body["forced"] == "upstream took our change"
        assert fact.body["edits_lost"] == ["rules/rule_1.yml", "rules/rule_2.yml"]


def test_a_folder_that_nobody_imported_is_peoples_own(tmp_path: Path) -> None:
    with Site.load(quiet_site(tmp_path)) as site:
        into = site.config.rules[0] / "sigmahq"
        first = release(tmp_path / "r1", 1, 2)
        write_yaml(into / "rules" / "rule_1.yml", password_rule(rule_id(1), starts="Mine"))
        (into / "rules" / "rule_2.yml").write_bytes((first / "rules" / "rule_2.yml").read_bytes())
        assert prepare(site, open_release(first), into).edits == Edits(changed=("rules/rule_1.yml",))


def test_a_release_that_cannot_be_loaded_changes_nothing(tmp_path: Path) -> None:
    with Site.load(quiet_site(tmp_path)) as site:
        into = site.config.rules[0] / "sigmahq"
        bad = release(tmp_path / "r1", 1, rules__bad={"title": "Bad", "logsource": {"product": "linux"}})
        with pytest.raises(FaultsError) as refused:
            prepare(site, open_release(bad), into)
        assert {fault.path for fault in refused.value.faults} == {"rules/bad.yml"}
        assert not into.exists()
        found = prepare(site, open_release(bad), into, without_faulty=True)
        assert list(found.files) == ["rules/rule_1.yml"]
        assert {fault.path for fault in found.left_out} == {"rules/bad.yml"}


def test_an_id_that_the_site_has_itself_is_a_fault(tmp_path: Path) -> None:
    with Site.load(quiet_site(tmp_path)) as site:
        clash = release(tmp_path / "r1", 1, rules__clash=password_rule(PASSWORD))
        with pytest.raises(FaultsError, match=f"the id {PASSWORD} is taken"):
            prepare(site, open_release(clash), site.config.rules[0] / "sigmahq")


def test_a_crash_between_the_old_folder_and_the_new_one_is_mended(tmp_path: Path) -> None:
    with Site.load(quiet_site(tmp_path)) as site:
        into = site.config.rules[0] / "sigmahq"
        taken(site, release(tmp_path / "r1", 1), into)
        before = importing._beside(site, into, "before")
        into.rename(before)
        restore(site, into)
        assert (into / MANIFEST).exists()
        assert not before.exists()


def test_a_manifest_that_is_none_refuses(tmp_path: Path) -> None:
    with Site.load(quiet_site(tmp_path)) as site:
        into = site.config.rules[0] / "sigmahq"
        taken(site, release(tmp_path / "r1", 1), into)
        (into / MANIFEST).write_text("{}")
        with pytest.raises(SocError, match="nobody can tell what was edited"):
            edits_of(into)
