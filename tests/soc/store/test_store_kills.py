"""SIGKILL while the store is filled: `python -m bench.store_kills` with few runs."""

from __future__ import annotations

from pathlib import Path

from bench.store_kills import kill_store


def test_killing_what_fills_the_store_loses_and_repeats_nothing(tmp_path: Path) -> None:
    outcome = kill_store(tmp_path, runs=5, seed=7)
    assert outcome.acknowledged
    assert outcome.faultless, outcome
    assert list((tmp_path / "events").glob("segment-*.parquet"))
