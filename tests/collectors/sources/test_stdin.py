"""Standard input through a real pipe."""

from __future__ import annotations

import os

import pytest

from collectors.errors import SourceError
from collectors.sources import StdinConfig
from collectors.sources.stdin import StdinSource

from .follower import Follower


def test_lines_come_as_they_are_typed_and_the_last_without_newline() -> None:
    read, write = os.pipe()
    with Follower(StdinSource(StdinConfig(max_line_bytes=10), fd=read)) as f:
        os.write(write, b"one\nt")
        assert f.until(1) == [b"one"]
        os.write(write, b"wo\n\n0123456789abc\nend")
        os.close(write)
        assert f.until(4) == [b"one", b"two", b"0123456789", b"end"]
    assert [r.truncated for r in f.records] == [0, 0, 3, 0]
    assert [r.position.index for r in f.records] == [1, 2, 4, 5]
    assert f.source.counts.blank == 1
    os.close(read)


def test_a_silent_input_stops_when_told() -> None:
    read, write = os.pipe()
    with Follower(StdinSource(StdinConfig(), fd=read)) as f:
        pass
    assert f.lines == []
    os.close(read)
    os.close(write)


def test_a_large_input_comes_in_batches() -> None:
    read, write = os.pipe()
    with Follower(StdinSource(StdinConfig(), fd=read)) as f:
        with os.fdopen(write, "wb") as file:
            file.write(b"\n".join(b"%d" % n for n in range(20_000)))
        assert f.until(20_000) == [b"%d" % n for n in range(20_000)]
    assert max(len(b.records) for b in f.batches) <= 5_000
    os.close(read)


def test_a_closed_input_is_a_source_error() -> None:
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    import threading

    with pytest.raises(SourceError, match="cannot be read"):
        list(StdinSource(StdinConfig(), fd=read).batches(threading.Event()))
