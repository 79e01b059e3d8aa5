"""The port behind tuning from an alert: fields in, what a tuning of them would have hidden out; the file only after a person saw that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Preview:
    """A tuning that is not written yet. `text`: the file; `events`: replayed for it; `removed` and `kept`: alerts of its rule.

    `objections`: what forbids it, in words; empty where nothing does.
    """

    id: str
    text: str
    path: str
    events: int
    removed: int
    kept: int
    objections: tuple[str, ...] = ()


class Tuner(Protocol):
    """What the application implements; called as the desk is. Any method may raise SocError, which is said; nothing is written then."""

    def choices(self, alert_id: str) -> Sequence[tuple[str, str]]:
        """Fields of the alert's events with their values, those that the rule looked at first."""
        ...

    def preview(self, alert_id: str, fields: Sequence[str], reason: str, lasts: timedelta) -> Preview:
        """What a tuning of these fields would have hidden, for a reason and so long."""
        ...

    def write(self, preview: Preview) -> str:
        """Write what was previewed, to its path; why there is no test beside it, or ""."""
        ...
