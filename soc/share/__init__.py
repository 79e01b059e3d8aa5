"""Incidents in, what others may know of them out, as the Traffic Light Protocol allows and without personal data; their answers in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network

from soc.alert import Tlp


def _patterns() -> dict[str, str]:
    return {
        "citizen id": r"(?<!\d)\d{12}(?!\d)",
        "telephone": r"(?<!\d)(?:\+84|0)\d{9}(?!\d)",
        "mail address": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    }


@dataclass(frozen=True, slots=True)
class Config:
    """`redact`: kinds of entities whose values are persons; `patterns`: what else is personal, by name, as regular expressions.

    `internal`: networks of our own, whose addresses are no indicators for others.
    """

    redact: tuple[str, ...] = ("user.name", "account")
    patterns: Mapping[str, str] = field(default_factory=_patterns)
    internal: tuple[str, ...] = (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )

    def __post_init__(self) -> None:
        """Raises: ValueError for an expression or a network that is none."""
        for name, pattern in self.patterns.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"patterns: {name}: {error}") from error
        for text in self.internal:
            ip_network(text)


@dataclass(frozen=True, slots=True)
class Indicator:
    """Something by which others can find the same attacker: `kind` is "ip" or "domain"."""

    kind: str
    value: str
    first_seen: datetime
    last_seen: datetime
    techniques: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """What goes out: text is redacted, and nothing in it is marked stricter than `tlp`.

    `techniques`: ATT&CK ids ("T1110.001"). `story`: (when, what) in order. `left_out`: how many alerts were marked stricter; `redacted`:
    how many values were replaced, by what they were.
    """

    incident_id: str
    title: str
    severity: str
    group: str
    tlp: Tlp
    detected: datetime
    first_seen: datetime
    last_seen: datetime
    modified: datetime
    closed: datetime | None
    techniques: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    story: tuple[tuple[datetime, str], ...]
    left_out: int
    redacted: Mapping[str, int]
