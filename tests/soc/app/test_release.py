"""Releases of rules: what is one, and what is refused before it can do harm."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from soc.app import release as room
from soc.app.release import open_release
from soc.errors import SocError
from soc.yaml_file import MAX_BYTES

RULE = b"title: A rule\nid: 10000000-0000-4000-8000-000000000001\n"


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def test_a_folder_and_its_zip_are_the_same_release(tmp_path: Path) -> None:
    entries = [
        ("rules/linux/a.yml", RULE),
        ("rules-emerging-threats/b.yml", RULE),
        ("rules/linux/a.test.yml", b"format: syslog"),
        ("deprecated/linux/old.yml", b"title: Old\nid: 20000000-0000-4000-8000-00000000000A\n"),
        ("unsupported/c.yml", RULE),
        ("regression_data/info.yml", b"id: x"),
        ("README.md", b"text"),
    ]
    folder = tmp_path / "release"
    for name, content in entries:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    one = open_release(folder)
    wrapped = open_release(zipped(tmp_path / "r2026-11-01.zip", *((f"sigma-1/{name}", c) for name, c in entries)))
    assert list(one.files) == ["rules-emerging-threats/b.yml", "rules/linux/a.yml"]
    assert wrapped.files == one.files
    assert wrapped.digest == one.digest
    assert wrapped.name == "r2026-11-01"
    assert one.deprecated == {"20000000-0000-4000-8000-00000000000a"}


def test_a_folder_of_rules_without_sigmahqs_layout_is_a_release(tmp_path: Path) -> None:
    found = open_release(zipped(tmp_path / "own.zip", ("web/a.yml", RULE), ("b.yaml", RULE), ("tests/c.yml", RULE)))
    assert list(found.files) == ["b.yaml", "web/a.yml"]


@pytest.mark.parametrize(
    "name", ["../rules/a.yml", "rules/../../a.yml", "/etc/rules/a.yml", "C:/rules/a.yml", "rules\\..\\..\\a.yml"]
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    info = zipfile.ZipInfo("x")
    info.filename = name
    with pytest.raises(SocError, match="leads out of the folder"):
        open_release(zipped(tmp_path / "slip.zip", ("rules/b.yml", RULE), (info, RULE)))


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("rules/a.yml")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(SocError, match="is a link"):
        open_release(zipped(tmp_path / "link.zip", (info, b"/etc/passwd")))


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_in_a_folder_is_refused(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True)
    (outside / "secret.yml").write_bytes(RULE)
    (tmp_path / "release" / "rules").mkdir(parents=True)
    target = outside / "secret.yml" if kind == "file" else outside / "inner"
    (tmp_path / "release" / "rules" / "a.yml").symlink_to(target)
    with pytest.raises(SocError, match=r"rules/a\.yml is a link"):
        open_release(tmp_path / "release")


def test_a_bomb_is_left_at_the_bound_of_a_file(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", ("rules/a.yml", b"a" * (50 * MAX_BYTES)))
    assert bomb.stat().st_size < MAX_BYTES
    with pytest.raises(SocError, match="larger than the 1,000,000 bytes"):
        open_release(bomb)


def test_a_size_that_lies_does_not_help_a_bomb(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", ("rules/a.yml", b"a" * (50 * MAX_BYTES)))
    raw = bomb.read_bytes()
    size = (50 * MAX_BYTES).to_bytes(4, "little")
    assert raw.count(size) == 2
    bomb.write_bytes(raw.replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(SocError):
        open_release(bomb)


def test_many_small_files_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(f"rules/{n}.yml", RULE) for n in range(20)]
    path = zipped(tmp_path / "many.zip", *entries)
    monkeypatch.setattr(room, "MAX_FILES", 19)
    with pytest.raises(SocError, match="more than 19 files"):
        open_release(path)
    monkeypatch.setattr(room, "MAX_FILES", 20)
    monkeypatch.setattr(room, "MAX_TOTAL_BYTES", 19 * len(RULE))
    with pytest.raises(SocError, match="bytes of rules"):
        open_release(path)
    monkeypatch.setattr(room, "MAX_TOTAL_BYTES", 20 * len(RULE))
    assert len(open_release(path).files) == 20


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SocError, match="in it twice"):
        open_release(zipped(tmp_path / "twice.zip", ("rules/a.yml", RULE), ("rules/a.yml", b"other")))


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(SocError, match="no zip file"):
        open_release(path)


def test_damage_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", ("rules/a.yml", bytes(range(256)) * 50))
    raw = bytearray(path.read_bytes())
    for place in range(60, 90):
        raw[place] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(SocError):
        open_release(path)


def test_what_holds_no_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SocError, match="holds no rules"):
        open_release(zipped(tmp_path / "x.zip", ("README.md", b"text")))
