"""Rule folders that change: what is new is parsed, what is not is not even read, and a fault leaves what was."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import pytest

from soc.app.rule_files import RuleFiles
from soc.errors import FaultsError


def write(folder: Path, number: int, word: str = "x", title: str = "") -> Path:
    path = folder / f"rule{number}.yml"
    path.write_text(
        f"title: {title or f'Rule {number}'}\nid: {UUID(int=number)}\nlogsource: {{product: linux}}\n"
        f"detection: {{s: {{message|contains: {word}}}, condition: s}}\nlevel: low\n"
    )
    return path


@pytest.fixture
def files(tmp_path: Path) -> RuleFiles:
    for number in range(1, 5):
        write(tmp_path, number)
    found = RuleFiles([tmp_path], None, {})
    found.load(found.stamps())
    return found


def titles(files: RuleFiles) -> list[str]:
    stamps = files.stamps()
    return [content.title for _, content in files.load(stamps)]


def test_nothing_changed_is_seen_without_reading(tmp_path: Path, files: RuleFiles) -> None:
    assert not files.changed(files.stamps())
    (tmp_path / "rule1.test.yml").write_text("format: json\n")
    assert not files.changed(files.stamps())


def test_a_file_that_is_changed_added_or_gone_is_seen(tmp_path: Path, files: RuleFiles) -> None:
    write(tmp_path, 2, title="Changed")
    assert files.changed(files.stamps())
    assert titles(files) == ["Rule 1", "Changed", "Rule 3", "Rule 4"]
    (tmp_path / "rule1.yml").unlink()
    below = tmp_path / "below"
    below.mkdir()
    write(below, 9)
    assert titles(files) == ["Rule 9", "Changed", "Rule 3", "Rule 4"]
    assert not files.changed(files.stamps())


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path, files: RuleFiles) -> None:
    path = tmp_path / "rule3.yml"
    before = path.stat()
    write(tmp_path, 3, word="y")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert files.changed(files.stamps())


def test_what_did_not_change_is_not_read(tmp_path: Path, files: RuleFiles) -> None:
    write(tmp_path, 2, title="Changed")
    stamps = files.stamps()
    for number in (1, 3, 4):
        (tmp_path / f"rule{number}.yml").write_text("no rule at all: [")  # after the stamps: seen next time
    assert [content.title for _, content in files.load(stamps)] == ["Rule 1", "Changed", "Rule 3", "Rule 4"]
    assert files.changed(files.stamps())


def test_a_fault_leaves_what_was_loaded(tmp_path: Path, files: RuleFiles) -> None:
    good = files.load(files.stamps())
    write(tmp_path, 1, title="Changed")
    (tmp_path / "rule3.yml").write_text("title: broken\n")
    with pytest.raises(FaultsError) as caught:
        files.load(files.stamps())
    assert {Path(fault.path).name for fault in caught.value.faults} == {"rule3.yml"}
    assert files.changed(files.stamps())
    write(tmp_path, 3)
    write(tmp_path, 1)
    assert files.load(files.stamps()) == good


def test_a_set_whose_files_contradict_each_other_is_refused(tmp_path: Path, files: RuleFiles) -> None:
    write(tmp_path, 1).rename(tmp_path / "copy.yml")
    write(tmp_path, 1)
    with pytest.raises(FaultsError, match="is taken by"):
        files.load(files.stamps())
    (tmp_path / "copy.yml").unlink()
    assert titles(files) == ["Rule 1", "Rule 2", "Rule 3", "Rule 4"]


def test_folders_that_are_suddenly_empty_are_refused(tmp_path: Path, files: RuleFiles) -> None:
    for path in tmp_path.glob("*.yml"):
        path.unlink()
    with pytest.raises(FaultsError, match="no rule is left"):
        files.load(files.stamps())
