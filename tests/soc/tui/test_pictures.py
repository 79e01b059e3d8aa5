"""A picture of every view is what the terminal UI paints: compared here, written anew by `SOC_PICTURES=write pytest` on this file."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from soc.alert import AlertStatus, CloseReason
from soc.incident.actions import ON_INCIDENTS
from soc.tui.acting import ActionsScreen, FormScreen
from soc.tui.alert_screen import AlertScreen
from soc.tui.alerts_screen import AlertsScreen
from soc.tui.board_screen import BoardScreen, ItemScreen
from soc.tui.help_screen import HelpScreen
from soc.tui.hunt_screen import HuntScreen
from soc.tui.incident_screens import IncidentScreen, IncidentsScreen
from soc.tui.phase_board import PhaseBoard
from soc.tui.screen import DeskScreen
from soc.tui.tune_screen import PreviewScreen, TuneScreen
from soc.tui.values_screen import ValueScreen, ValuesScreen
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


def keys(*pressed: str, then: str) -> Callable[[Stage], Awaitable[None]]:
    """What these keys lead to, when these words stand in it."""

    async def scene(stage: Stage) -> None:
        await stage.press(*pressed)
        await stage.until(lambda: then in stage.text)

    return scene


async def form(stage: Stage) -> None:
    """The values of an action, one of them given."""
    await stage.press("i", "enter", "m", *["j"] * list(ON_INCIDENTS).index("custody"), "enter")
    await stage.type("E-81f0c2d4")
    await stage.press("3", "escape")
    await stage.until(lambda: "transferred" in stage.text)


async def preview(stage: Stage) -> None:
    """What a tuning would have hidden."""
    await stage.press("s", "space", "j", "space", "p")
    await stage.type("the scanner of the security team")
    await stage.type("")
    await stage.until(lambda: "Of 15,246 events" in stage.text)


async def item(stage: Stage) -> None:
    """All that is known of a source."""
    await view("sources", "silent")(stage)
    await stage.press("enter")
    await stage.until(lambda: "logsource" in stage.text)


async def value(stage: Stage) -> None:
    """A value of an event, whole."""
    await view("hunt password", "1/40")(stage)
    await stage.press("enter", "j", "enter")
    stage.on(ValueScreen)


def view(command: str, words: str) -> Callable[[Stage], Awaitable[None]]:
    """A view that `:` leads to, when these words stand in it."""

    async def scene(stage: Stage) -> None:
        await stage.press("colon")
        await stage.type(command)
        await stage.until(lambda: words in stage.text)

    return scene


SCENES: dict[
    str, tuple[Callable[[Stage], Awaitable[None]], Callable[[], DeskInMemory], tuple[int, int], type[DeskScreen]]
] = {
    "alerts": (alerts, lambda: night(13), (120, 24), AlertsScreen),
    "alert": (one, lambda: night(13), (100, 30), AlertScreen),
    "events": (raw, lambda: night(13), (100, 30), AlertScreen),
    "incident": (incident, lambda: night(13), (100, 28), IncidentScreen),
    "board": (board, lambda: night(13), (120, 12), PhaseBoard),
    "hunt": (view("hunt password", "1/40"), lambda: night(13), (120, 24), HuntScreen),
    "sources": (view("sources", "silent"), lambda: night(13), (100, 12), BoardScreen),
    "rules": (view("rules", "Password guessing"), lambda: night(13), (120, 12), BoardScreen),
    "playbooks": (view("playbooks", "to approve"), lambda: night(13), (100, 10), BoardScreen),
    "controls": (view("controls", "not met"), lambda: night(13), (100, 13), BoardScreen),
    "incidents": (keys("i", then="took over root"), lambda: night(13), (120, 10), IncidentsScreen),
    "item": (item, lambda: night(13), (100, 24), ItemScreen),
    "actions": (keys("m", then="suppress"), lambda: night(13), (100, 18), ActionsScreen),
    "form": (form, lambda: night(13), (100, 12), FormScreen),
    "values": (keys("F", "4", then="civil-status"), lambda: night(13), (100, 14), ValuesScreen),
    "value": (value, lambda: night(13), (100, 12), ValueScreen),
    "tune": (keys("s", "space", then="process.name"), lambda: night(13), (100, 12), TuneScreen),
    "preview": (preview, lambda: night(13), (100, 20), PreviewScreen),
    "help": (keys("question_mark", then="Leave at once"), lambda: night(13), (100, 40), HelpScreen),
}


@pytest.mark.parametrize("name", SCENES)
def test_the_picture_in_the_readme_is_what_is_painted(name: str) -> None:
    scene, desk, size, kind = SCENES[name]
    taken: list[str] = []

    async def pose(stage: Stage) -> None:
        await scene(stage)
        await stage.settle()
        stage.on(kind)
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


def leaves(kind: type[DeskScreen]) -> set[type[DeskScreen]]:
    below = [each for each in kind.__subclasses__() if each.__module__.startswith("soc.tui")]
    return {leaf for each in below for leaf in leaves(each)} if below else {kind}


def test_every_view_has_its_picture() -> None:
    assert {kind for *_, kind in SCENES.values()} == leaves(DeskScreen)
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(SCENES)
