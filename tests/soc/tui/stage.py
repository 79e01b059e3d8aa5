"""Plays a scene on the terminal UI without a terminal: keys in, what stands on the screen out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from textual import events
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from soc.tui.app import SocApp
from soc.tui.preferences import Preferences
from soc.tui.rows import Locale
from soc.tui.session import Session
from tests.soc.tui.beside_in_memory import BoardsInMemory, HuntingInMemory, TunerInMemory
from tests.soc.tui.desk_in_memory import HANOI, DeskInMemory

ScreenT = TypeVar("ScreenT", bound=Screen)


class Stage:
    """One session in play."""

    def __init__(self, app: SocApp, pilot: Pilot[int], desk: DeskInMemory) -> None:
        self.app, self.pilot, self.desk = app, pilot, desk

    async def press(self, *keys: str) -> None:
        """Press keys and let what they ask for be done."""
        for key in keys:
            await self.pilot.press(key)
        await self.settle()

    async def burst(self, *keys: str) -> None:
        """Keys that arrive all at once, as they do when a slow line catches up; then let all be done."""
        for key in keys:
            self.app.post_message(events.Key(key, {"slash": "/"}.get(key, key if len(key) == 1 else None)))
        await self.settle()
        await self.settle()

    async def type(self, text: str) -> None:
        """Type a text and enter."""
        await self.pilot.press(*("space" if c == " " else c for c in text), "enter")
        await self.settle()

    async def settle(self) -> None:
        """Until the desk's thread and the screen have nothing left to do."""
        for _ in range(2):
            await self.app.session.ask(lambda: None)
            await self.pilot.pause()

    async def until(self, holds: Callable[[], bool], timeout_s: float = 5) -> None:
        """Wait for something that comes by itself."""
        for _ in range(int(timeout_s / 0.02)):
            if holds():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"did not come within {timeout_s} s:\n{self.text}")

    def on(self, kind: type[ScreenT]) -> ScreenT:
        """The screen in front, which must be of this kind."""
        assert isinstance(self.app.screen, kind)
        return self.app.screen

    @property
    def strips(self) -> list[Strip]:
        """What the screen in front is painted with."""
        return self.app.screen._compositor.render_strips()

    @property
    def text(self) -> str:
        """What stands on it."""
        return "\n".join(strip.text.rstrip() for strip in self.strips)


def play(
    scene: Callable[[Stage], Awaitable[None]],
    desk: DeskInMemory,
    *,
    size: tuple[int, int] = (120, 32),
    read_only: bool = False,
    language: str = "en",
    own: Preferences | None = None,
    boards: BoardsInMemory | None = None,
    hunting: HuntingInMemory | None = None,
    tuner: TunerInMemory | None = None,
) -> None:
    """Open the terminal UI on a desk, play the scene, and leave."""

    async def run() -> None:
        beside = boards or BoardsInMemory(), hunting or HuntingInMemory(), tuner or TunerInMemory()
        session = Session(desk, *beside, Locale(language, HANOI), own, read_only=read_only)
        app = SocApp(session)
        try:
            async with app.run_test(size=size) as pilot:
                stage = Stage(app, pilot, desk)
                await stage.settle()
                await scene(stage)
        finally:
            session.end()

    asyncio.run(run())
