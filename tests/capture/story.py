"""The noun of the story: `Chapter`, one thing that happened on the recorded day, as the manifest tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


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


def scripted(
    day: datetime, host: str, begins: str, ends: str, actor: str, techniques: str, malicious: bool, text: str
) -> Chapter:
    """A chapter whose times stand in a script and are not measured; `ends` is the last minute of it ("12:05")."""
    began, ended = (day + timedelta(hours=int(clock[:2]), minutes=int(clock[3:])) for clock in (begins, ends))
    return Chapter(began, ended + timedelta(seconds=59), actor, host, tuple(techniques.split()), text, malicious)
