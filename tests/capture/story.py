"""The noun of the story: `Chapter`, one thing that happened on the recorded day, as the manifest tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Chapter:
    """The truth that detections can be held against. `malicious` False: looks bad and is not, for triage to close.

    `host`: whose records show it. `actor`: an address or an account. `techniques`: ATT&CK ids.
    """

    began: datetime
    ended: datetime
    actor: str
    host: str
    techniques: tuple[str, ...]
    text: str
    malicious: bool = True
