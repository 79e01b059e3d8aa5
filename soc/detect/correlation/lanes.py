"""Hits that come late in, the groups that they reach out: those of one source's late hits are among themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

from soc.detect.correlation.kind import Kind, Late

if TYPE_CHECKING:
    from soc.detect.correlation.correlator import Correlator


class LateKinds:
    """The groups of one source's late hits; those of kinds to which lateness means nothing are the main ones."""

    def __init__(self, correlator: Correlator) -> None:
        self.own: dict[int, Kind[Any]] = {}
        self._correlator = correlator

    def __getitem__(self, at: SupportsIndex, /) -> Kind[Any] | None:
        """Of one correlation, made when first asked for."""
        number = int(at)
        main = self._correlator.kinds[number]
        if main.late is not Late.OWN:
            return main if main.late is Late.MAIN else None
        if number not in self.own:
            self.own[number] = self._correlator.kind(number)
        return self.own[number]


@dataclass(slots=True)
class Lane:
    """What came late from one source. `newest`: the latest time so far; `touched`: the watermark at its last hit."""

    kinds: LateKinds
    newest: int
    touched: int
