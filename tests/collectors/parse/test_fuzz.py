"""The coverage-guided fuzzer finds nothing in a short run; `python -m tests.collectors.parse.fuzz` is the long one."""

from __future__ import annotations

import importlib.util
import os

import pytest

from tests.collectors.parse.fuzz import found
from tests.collectors.parse.golden import pairs

RUNS, SEED = 2_000, 5
"""The same inputs in each run of the tests: a gate says the same of the same code; the long run tries others."""


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None and os.environ.get("CI") != "true",
    reason="atheris is not installed (the dev extra brings it on Linux)",
)
@pytest.mark.parametrize("name", pairs())
def test_fuzzing_finds_nothing(name: str) -> None:
    assert not found(name, RUNS, SEED)
