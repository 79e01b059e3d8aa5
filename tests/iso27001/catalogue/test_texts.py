"""The standard's text that a site has bought, beside the catalogue."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from iso27001.catalogue import load
from iso27001.catalogue.texts import read_texts
from iso27001.errors import CatalogueError


def folder(tmp_path: Path, **files: bytes) -> Path:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_texts_are_read_by_control_and_clause_in_one_unicode_form(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Nhật ký\n")
    path = folder(tmp_path, **{"A.8.15.txt": decomposed.encode(), "9.2.1.md": b"\xef\xbb\xbfclause", ".swp": b"\xff"})
    (tmp_path / "old").mkdir()
    assert read_texts(path, load()) == {"9.2.1": "clause", "A.8.15": unicodedata.normalize("NFC", "Nhật ký")}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("A.8.99.txt", b"x", r'A\.8\.99\.txt: unknown control "A\.8\.99"; did you mean "A\.8\.9"'),
        ("A.12.4.1.txt", b"x", "an id of 2013, now A.8.15"),
        ("A.8.15.docx", b"x", "a file of text ends with .txt or .md"),
        ("A.8.15.txt", b"a\xff", "byte 1 is not UTF-8"),
        ("A.8.15.txt", b"x" * 65_537, "65,537 bytes, more than 65,536"),
        ("A.8.15.md", b"x", "another file for A.8.15"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = folder(tmp_path, **{"A.8.15.txt": b"first"} | {name: content})
    with pytest.raises(CatalogueError, match=message):
        read_texts(path, load())


def test_all_faults_come_at_once_and_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        read_texts(folder(tmp_path, **{"A.8.98.txt": b"", "A.8.99.txt": b""}), load())
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(CatalogueError, match="the texts cannot be read"):
        read_texts(tmp_path / "missing", load())
