"""One analyst's session at the desk: who looks, in what language, what was decided, and the one thread in which the desk is called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from soc.tui.desk import Desk
from soc.tui.rows import Locale
from soc.tui.triage import Triage

P = ParamSpec("P")
T = TypeVar("T")


class Session:
    """What every screen shares."""

    def __init__(self, desk: Desk, locale: Locale, *, read_only: bool = False) -> None:
        self.desk = desk
        self.locale = locale
        self.read_only = read_only
        self.triage = Triage(desk, read_only=read_only)
        self._thread = ThreadPoolExecutor(1, "desk")

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something of the desk in its thread; calls are carried out in the order in which they were asked."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: call(*args, **kwargs))

    def end(self) -> None:
        """Wait until every decision that was asked for is carried out."""
        self._thread.shutdown(wait=True)
