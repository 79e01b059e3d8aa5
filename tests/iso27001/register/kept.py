"""A ledger to decide in, and who decides: what the tests of the register stand on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iso27001.ledger import Entry, Fact
from iso27001.ledger.store import Ledger
from iso27001.register import By, write

NOW = datetime(2026, 11, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def by(actor: str, days: float = 0) -> By:
    """Somebody, so many days after NOW."""
    return By(actor, NOW + days * DAY)


class Kept:
    """A ledger with what was decided in it."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger.open(folder / "ledger.db")

    def write(self, *facts: Fact) -> None:
        """Append decisions, one by one."""
        for fact in facts:
            write(self.ledger, fact)

    def entries(self, kinds: Sequence[str]) -> list[Entry]:
        """The entries of these kinds, as they come back from the disk."""
        return list(self.ledger.entries(kinds=kinds))
