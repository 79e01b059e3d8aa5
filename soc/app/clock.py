"""The one place of the trunk that reads the clock; everything else gets the time as an argument."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives now, aware UTC. A demo or a test passes one of its own."""


def now() -> datetime:
    """Now, aware UTC."""
    return datetime.now(UTC)  # noqa: TID251  the door
