"""soc.yaml and the inventory in, out how long events are kept by the class of their system, and what is to be done with files of them.

Classes are the systems of the inventory and their levels (Decree 331/2026/NĐ-CP).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from soc.inventory import Inventory
from soc.store.config import StoreConfig


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long events are kept, from their receipt on."""

    config: StoreConfig
    inventory: Inventory

    def of(self, system: str) -> timedelta:
        """Of events that are about a system, by its id ("": about none)."""
        return self.config.retention_of.get(self.key(system), self.config.retention)

    def key(self, system: str) -> str:
        """The key of `retention_of` that decides for a system; "" where it is `retention`."""
        asset = self.inventory.asset(system)
        keys = (system, f"level_{asset.level}") if asset else (system,)
        return next((key for key in keys if key in self.config.retention_of), "")

    @property
    def shortest(self) -> timedelta:
        """Younger events are kept in any case."""
        return min(self.config.retention, *self.config.retention_of.values(), timedelta.max)


@dataclass(frozen=True, slots=True)
class Looked:
    """A file of the "store" or the "journal": `dropped` of its `events`, the last of which came in at `received`; `why` no more of them."""

    where: str
    file: str
    events: int
    received: datetime
    dropped: int
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a file, and how."""

    looked: Looked
    carry_out: Callable[[], None] = lambda: None
