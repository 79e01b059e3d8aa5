"""SIGKILL while a file is written and a real rsyslog sends over RELP: `python -m bench.kills` with few runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.kills import kill_runs


@pytest.mark.server
def test_killing_the_program_loses_and_repeats_nothing_of_a_file_and_of_relp(tmp_path: Path) -> None:
    outcome = kill_runs(tmp_path, runs=4, rate=500, seed=7)
    assert all(outcome.sent.values())
    assert outcome.faultless, outcome
