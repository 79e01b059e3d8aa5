"""Kept files: once, whole or not at all, and told when they were changed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from iso27001 import vault as module
from iso27001.errors import VaultError
from iso27001.vault import KeptFile, Vault


def given(tmp_path: Path, content: bytes, name: str = "biên bản.pdf") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_file_is_kept_under_its_hash_once_and_read_only(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    kept = vault.keep(given(tmp_path, b"minutes"))
    assert kept == KeptFile("biên bản.pdf", 7, sha256(b"minutes").hexdigest())
    assert vault.keep(given(tmp_path, b"minutes", "again.pdf")).sha256 == kept.sha256
    files = [path for path in (tmp_path / "vault").rglob("*") if path.is_file()]
    assert files == [vault.path(kept.sha256)]
    assert files[0].read_bytes() == b"minutes"
    assert files[0].stat().st_mode & 0o222 == 0


def test_a_changed_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    kept = vault.keep(given(tmp_path, b"minutes"))
    assert vault.fault(kept.sha256) == ""
    place = vault.path(kept.sha256)
    place.chmod(0o640)
    place.write_bytes(b"minutez")
    assert f"was changed: its SHA-256 is {sha256(b'minutez').hexdigest()}" in vault.fault(kept.sha256)
    place.unlink()
    assert "is not in" in vault.fault(kept.sha256)


def test_what_cannot_be_kept_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(tmp_path / "vault")
    with pytest.raises(VaultError, match="No such file"):
        vault.keep(tmp_path / "missing.pdf")
    monkeypatch.setattr(module, "MAX_BYTES", 3)
    with pytest.raises(VaultError, match="larger than 3 bytes"):
        vault.keep(given(tmp_path, b"minutes"))
    assert [path for path in (tmp_path / "vault").rglob("*") if path.is_file()] == []


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    folder = given(tmp_path, b"", "vault")
    with pytest.raises(VaultError, match="cannot be kept in"):
        Vault(folder).keep(given(tmp_path, b"minutes"))


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_what_is_no_hash_names_no_file(tmp_path: Path, digest: str) -> None:
    with pytest.raises(VaultError, match="is not a SHA-256"):
        Vault(tmp_path).path(digest)
