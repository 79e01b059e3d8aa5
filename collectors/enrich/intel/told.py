"""What is told while files of indicators are read, and what each reader of a form checks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from collectors.enrich.intel.indicator import Indicator
from collectors.errors import CollectorError

FAULTS_KEPT = 1_000
"""Faults that are told word for word; the others are counted."""

BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for what is no JSON, or not of the form asked for."""


class IndicatorError(CollectorError):
    """A file of indicators, or the set of a site, that cannot be read or written at all."""


@dataclass(slots=True)
class Told:
    """What was said while files were read. `taken`: indicators. `skipped`: by reason, what is no indicator of ours. `faults`: the first
    FAULTS_KEPT as "file:place: message"; `faulty`: how many there were."""

    taken: int = 0
    faulty: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, place: str, message: str) -> None:
        """Note a fault."""
        self.faulty += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(f"{place}: {message}")


def checked(indicator: Indicator) -> Indicator:
    """The same. Raises: ValueError where confidence or times cannot be."""
    if indicator.confidence is not None and not 0 <= indicator.confidence <= 100:
        raise ValueError(f"confidence {indicator.confidence} is not 0 to 100")
    begin, end = indicator.valid_from, indicator.valid_until
    if begin is not None and end is not None and end <= begin:
        raise ValueError(f"it is valid until {end.isoformat()}, before it begins at {begin.isoformat()}")
    return indicator
