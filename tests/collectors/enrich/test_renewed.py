"""What is read of files, while they change: the newest that could be read, in every thread, and each refusal told once."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from collectors.enrich.renewed import Renewed
from collectors.errors import CollectorError


def renewed(path: Path, *more: Path) -> Renewed[str]:
    def read() -> str:
        try:
            text = " ".join(each.read_text() for each in (path, *more))
        except OSError as error:
            raise CollectorError(f"{path} cannot be read") from error
        if "bad" in text:
            raise CollectorError(f"{path}: bad")
        return text

    return Renewed("words", [path, *more], read)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "words"
    path.write_text("old")
    return path


def test_a_change_of_one_of_several_files_is_read_and_no_change_is_not(tmp_path: Path, path: Path) -> None:
    (tmp_path / "more").write_text("words")
    file = renewed(path, tmp_path / "more")
    assert (file.refresh(), file.value) == (False, "old words")
    (tmp_path / "more").write_text("ones")
    assert (file.refresh(), file.value) == (True, "old ones")
    assert file.refresh() is False


def test_what_cannot_be_read_keeps_the_old_and_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = renewed(path)
    path.write_text("bad now")
    assert [file.refresh() for _ in range(3)] == [False] * 3
    assert file.refused == f"{path}: bad"
    path.unlink()
    assert [file.refresh() for _ in range(3)] == [False] * 3
    assert file.value == "old"
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.__dict__["error"] for record in told] == [f"{path}: bad", f"{path} cannot be read"]
    path.write_text("new")
    assert (file.refresh(), file.value, file.refused) == (True, "new", "")


def test_what_cannot_be_read_at_first_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CollectorError, match="cannot be read"):
        renewed(tmp_path / "none")


def test_a_file_that_changes_while_it_is_read_is_read_again(path: Path) -> None:
    def read() -> str:
        text = path.read_text()
        if text == "half":
            path.write_text("the whole")
        return text

    file = Renewed("words", [path], read)
    path.write_text("half")
    assert (file.refresh(), file.value) == (True, "half")
    assert (file.refresh(), file.value) == (True, "the whole")


def test_others_go_on_while_one_reads(path: Path) -> None:
    began, go_on = threading.Event(), threading.Event()

    def read() -> str:
        text = path.read_text()
        if text == "new":
            began.set()
            go_on.wait(10)
        return text

    file = Renewed("words", [path], read)
    path.write_text("new")
    reader = threading.Thread(target=file.refresh)
    reader.start()
    assert began.wait(10)
    assert (file.refresh(), file.value) == (False, "old")
    go_on.set()
    reader.join()
    assert file.value == "new"
