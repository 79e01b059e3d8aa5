"""Event text is data: nothing that an attacker wrote is obeyed, on any view, by a widget or by a terminal."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len

import soc.tui
from tests.soc.tui.desk_in_memory import night
from tests.soc.tui.hostile import TEXTS, hostile_beside, hostile_desk
from tests.soc.tui.stage import Stage, play

VIEWS = (
    (),
    ("enter",),
    ("2",),
    ("3",),
    ("4",),
    ("5",),
    ("6",),
    ("i",),
    ("escape", "escape", "i"),
    ("enter",),
    ("enter",),
    ("escape",) * 3,
)


def assert_harmless(stage: Stage, width: int) -> None:
    for strip in stage.strips:
        for segment in strip:
            acting = [c for c in segment.text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
            assert not acting, (acting, segment.text[:80])
            assert segment.style is None or segment.style.link is None
            assert segment.style is None or "@click" not in segment.style.meta
        assert strip.cell_length == width == cell_len(strip.text)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_no_view_obeys_what_an_attacker_wrote(number: int) -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("g", *["j"] * number)
        for keys in VIEWS[:8] if number else VIEWS:
            await stage.press(*keys)
            assert_harmless(stage, 120)
            assert len(stage.text) < 120 * 40
        await stage.press("escape", "escape", "a", "z", "c", "b", "z")
        assert_harmless(stage, 120)

    play(scene, hostile_desk())


@pytest.mark.parametrize("view", ["sources", "rules", "playbooks", "controls", "hunt"])
def test_no_board_and_no_hunt_obeys_what_an_attacker_wrote(view: str) -> None:
    boards, events = hostile_beside()

    async def scene(stage: Stage) -> None:
        await stage.press("colon")
        await stage.type(view)
        for number in range(len(TEXTS)):
            assert_harmless(stage, 120)
            await stage.press("enter")
            assert_harmless(stage, 120)
            if view == "hunt" and number < 3:
                await stage.press("enter")
                assert_harmless(stage, 120)
                await stage.press("escape")
            await stage.press("escape", "j")
        if view == "hunt":
            await stage.press("T")
            await stage.type("")
            assert_harmless(stage, 120)

    play(scene, night(2), boards=boards, hunting=events)


def test_markup_stands_on_the_screen_as_it_was_written() -> None:
    async def scene(stage: Stage) -> None:
        assert "[@click=app.bell]x[/]" in stage.text
        assert "[link=http://evil]y[/lin" in stage.text
        assert "␛]0;owned␇" in stage.text
        assert "exe<U+202E>gpj.scr" in stage.text

    play(scene, hostile_desk())


@pytest.mark.parametrize("pasted", ["\x1b]0;x\x07", "a\x9bb", "a\u202eb", "a\tb"])
def test_a_control_character_cannot_be_pasted_into_a_line(pasted: str) -> None:
    from textual.events import Paste
    from textual.widgets import Input

    async def scene(stage: Stage) -> None:
        await stage.press("/")
        field = stage.app.screen.query_one(Input)
        field.post_message(Paste(pasted))
        await stage.settle()
        assert field.value == ""
        await stage.press("escape")

    play(scene, hostile_desk())


def test_only_the_painting_module_makes_what_a_terminal_is_sent() -> None:
    """No other module of the room builds a Segment, or hands text to a widget that reads markup."""
    forbidden = re.compile(r"\b(Segment|Static|Label|RichLog|DataTable|Text|Content|from_markup|notify)\(")
    folder = Path(soc.tui.__file__).parent
    found = {path.name for path in folder.glob("*.py") if forbidden.search(path.read_text("utf-8"))}
    assert found == {"paint.py", "look.py"}
