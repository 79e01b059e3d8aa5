"""Hits that come late in, the groups that they reach out: those of one source's late hits are among themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

from soc.detect.correlation.kind import Kind, Late


class LateKinds:
    """The groups of one source's late hits. `main`: those of all others, which are also those of kinds to which lateness means nothing;
    `new`: makes the groups of a correlation."""

    def __init__(self, main: Sequence[Kind[Any]], new: Callable[[int], Kind[Any]]) -> None:
        self.own: dict[int, Kind[Any]] = {}
        self._main = main
        self._new = new

    def __getitem__(self, at: SupportsIndex, /) -> Kind[Any] | None:
        """Of one correlation, made when first asked for."""
        number = int(at)
        main = self._main[number]
        if main.late is not Late.OWN:
            return main if main.late is Late.MAIN else None
        if number not in self.own:
            self.own[number] = self._new(number)
        return self.own[number]


@dataclass(slots=True)
class Lane:
    """What came late from one source. `newest`: the latest time so far; `touched`: the watermark at its last hit."""

    kinds: LateKinds
    newest: int
    touched: int
