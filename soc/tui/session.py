"""One analyst's session at the desk: who looks, in what language, what was decided, and the one thread in which the desk is called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum, auto
from typing import Any, ParamSpec, TypeVar

from soc.errors import SocError
from soc.tui.boards import Boards
from soc.tui.desk import Desk
from soc.tui.hunting import Hunting
from soc.tui.preferences import Preferences
from soc.tui.rows import Locale
from soc.tui.triage import Refusal, Step, Triage
from soc.tui.tuner import Tuner

P = ParamSpec("P")
T = TypeVar("T")


class Shows(StrEnum):
    """What a screen may ask another one for, so that they need not know each other."""

    ALERT, ALERTS, BOARD, INCIDENT, INCIDENTS = auto(), auto(), auto(), auto(), auto()


class Session:
    """What every screen shares."""

    def __init__(
        self,
        desk: Desk,
        boards: Boards,
        hunting: Hunting,
        tuner: Tuner,
        locale: Locale,
        own: Preferences | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self.desk = desk
        self.boards = boards
        self.hunting = hunting
        self.tuner = tuner
        self.locale = locale
        self.own = own or Preferences()
        self.read_only = read_only
        self.triage = Triage(desk, read_only=read_only)
        self.screens: dict[Shows, Callable[..., Any]] = {}
        """What makes the screen of each; the app knows."""
        self._thread = ThreadPoolExecutor(1, "desk")
        self._unheard: set[Future[Step]] = set()

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something of the desk in its thread; calls are carried out in the order in which they were asked."""
        return await asyncio.wrap_future(self._thread.submit(call, *args, **kwargs))

    def decide(self, call: Callable[[], Step]) -> Future[Step]:
        """Have a decision carried out: asked for now, so that leaving at once does not lose it."""
        future = self._thread.submit(call)
        self._unheard.add(future)
        return future

    async def outcome(self, decision: Future[Step]) -> Step:
        """What became of a decision. Raises: Refusal, SocError."""
        try:
            return await asyncio.wrap_future(decision)
        finally:
            if decision.done():
                self._unheard.discard(decision)

    def end(self) -> list[SocError]:
        """Wait until every decision is carried out; the errors of those whose outcome no screen was left to tell."""
        self._thread.shutdown(wait=True)
        faults = [future.exception() for future in self._unheard]
        unknown = [fault for fault in faults if fault is not None and not isinstance(fault, Refusal | SocError)]
        if unknown:
            raise unknown[0]
        return [fault for fault in faults if isinstance(fault, SocError)]
