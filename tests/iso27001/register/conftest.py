"""A ledger for every test of the register."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.iso27001.register.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    found = Kept(tmp_path)
    with found.ledger:
        yield found
