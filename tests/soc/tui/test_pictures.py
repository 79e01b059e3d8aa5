"""The pictures of the README are what the terminal UI paints: compared here, written anew by `SOC_PICTURES=write pytest` on this file."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from soc.alert import AlertStatus, CloseReason
from tests.soc.tui.desk_in_memory import DeskInMemory, alert, night
from tests.soc.tui.stage import Stage, play

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "pictures"
CELL = 12.2
"""Width of a cell in Rich's SVG."""


def portable(svg: str) -> str:
    """Without fonts from elsewhere, and with texts placed where they begin: some viewers drop the spaces before them."""
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace(
        "font-family: Fira Code, monospace", "font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace"
    )
    svg = re.sub(
        r'<text ([^>]*?) x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*)>((?:[^<])*)</text>', _place, svg
    )
    return re.sub(r"[ \t]+\n", "\n", svg)


def _place(match: re.Match[str]) -> str:
    style, x, y, length, rest, text = match.groups()
    body = text.removesuffix("\n")
    bare = re.sub(r"^(?:&#160;)+", "", body)
    before = (len(body) - len(bare)) // len("&#160;")
    short = re.sub(r"(?:&#160;)+$", "", bare)
    after = (len(bare) - len(short)) // len("&#160;")
    if not short:
        return ""
    begins, cells = float(x) + CELL * before, float(length) - CELL * (before + after)
    return f'<text {style} x="{begins:.1f}" y="{y}" textLength="{cells:.1f}"{rest}>{short}</text>'


async def alerts(stage: Stage) -> None:
    """A night's queue: some looked at, some marked, two new ones waiting."""
    desk = stage.desk
    await stage.press("a", "j", "space", "space")
    desk.change(["00000007"], AlertStatus.CLOSED, CloseReason.DUPLICATE, actor="lan")
    desk.arrive(alert(40, risk=93), alert(41, risk=62))
    await stage.until(lambda: "+2 new" in stage.text)
    await stage.until(lambda: "done" in stage.text)


async def one(stage: Stage) -> None:
    """Why one of them matched."""
    await stage.press("enter")
    await stage.until(lambda: "Why it matched" in stage.text)


async def raw(stage: Stage) -> None:
    """Its raw events."""
    await stage.press("enter", "2")
    await stage.until(lambda: "sshd[4121]" in stage.text)


async def incident(stage: Stage) -> None:
    """The story that they are part of."""
    await stage.press("i", "enter")
    await stage.until(lambda: "What happened" in stage.text)


async def board(stage: Stage) -> None:
    """Incidents in the lanes of their phases."""
    await stage.press("i", "b")
    await stage.until(lambda: "inc-2026-0017" in stage.text)


def view(command: str, words: str) -> Callable[[Stage], Awaitable[None]]:
    """A view that `:` leads to, when these words stand in it."""

    async def scene(stage: Stage) -> None:
        await stage.press("colon")
        await stage.type(command)
        await stage.until(lambda: words in stage.text)

    return scene


SCENES: dict[str, tuple[Callable[[Stage], Awaitable[None]], Callable[[], DeskInMemory], tuple[int, int]]] = {
    "alerts": (alerts, lambda: night(13), (120, 24)),
    "alert": (one, lambda: night(13), (100, 30)),
    "events": (raw, lambda: night(13), (100, 30)),
    "incident": (incident, lambda: night(13), (100, 28)),
    "board": (board, lambda: night(13), (120, 12)),
    "hunt": (view("hunt password", "1/40"), lambda: night(13), (120, 24)),
    "sources": (view("sources", "silent"), lambda: night(13), (100, 12)),
    "rules": (view("rules", "Password guessing"), lambda: night(13), (120, 12)),
    "playbooks": (view("playbooks", "to approve"), lambda: night(13), (100, 10)),
    "controls": (view("controls", "not met"), lambda: night(13), (100, 13)),
}


@pytest.mark.parametrize("name", SCENES)
def test_the_picture_in_the_readme_is_what_is_painted(name: str) -> None:
    scene, desk, size = SCENES[name]
    taken: list[str] = []

    async def pose(stage: Stage) -> None:
        await scene(stage)
        await stage.settle()
        taken.append(portable(stage.app.export_screenshot(title="soc tui", simplify=True)))

    play(pose, desk(), size=size)
    path = FOLDER / f"{name}.svg"
    if os.environ.get("SOC_PICTURES") == "write":
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(taken[0], "utf-8")
    assert "http" not in taken[0].replace("http://www.w3.org/2000/svg", "").replace("https://www.textualize.io", "")
    if (version("textual"), version("rich")) != ("8.2.8", "15.0.0"):
        pytest.skip("the pictures were painted with textual 8.2.8 and rich 15.0.0")
    assert path.read_text("utf-8") == taken[0], (
        "the view has changed: SOC_PICTURES=write pytest tests/soc/tui/test_pictures.py"
    )
