"""Tuning from an alert as an analyst plays it: nothing is written before what it hides was seen."""

from __future__ import annotations

from datetime import timedelta

from soc.tui.alerts_screen import AlertsScreen
from soc.tui.tune_screen import PreviewScreen, TuneScreen
from tests.soc.tui.beside_in_memory import TunerInMemory
from tests.soc.tui.desk_in_memory import night
from tests.soc.tui.stage import Stage, play


async def previewed(stage: Stage) -> None:
    await stage.press("s")
    stage.on(TuneScreen)
    await stage.press("p")
    assert "Mark at least one field" in stage.text
    await stage.press("space", "j", "space", "p")
    await stage.type("the scanner of the security team")
    for _ in "90d":
        await stage.pilot.press("backspace")
    await stage.press(*"30")
    await stage.press("enter")
    assert "no length of time" in stage.text
    await stage.type("d")
    stage.on(PreviewScreen)
    assert "Of 15,246 events of the last 30 days: 12 alerts less, 1 as before" in stage.text
    assert "source.ip: 203.0.113.77" in stage.text


def test_a_tuning_is_written_after_its_preview() -> None:
    tuner = TunerInMemory()

    async def scene(stage: Stage) -> None:
        await previewed(stage)
        await stage.press("w")
        stage.on(AlertsScreen)
        assert "Written with its test: a.yml" in stage.text

    play(scene, night(3), tuner=tuner)
    assert tuner.asked == [
        ("00000000", ("source.ip", "process.name"), "the scanner of the security team", timedelta(days=30))
    ]
    assert tuner.written == ["t-1"]


def test_a_tuning_without_a_test_says_why() -> None:
    tuner = TunerInMemory()
    tuner.untested = "no event shows what must stay"

    async def scene(stage: Stage) -> None:
        await previewed(stage)
        await stage.press("w")
        assert "Written: a.yml, no test: no event shows what must stay" in stage.text

    play(scene, night(3), tuner=tuner)


def test_what_would_hide_a_confirmed_attack_is_refused_in_words() -> None:
    tuner = TunerInMemory(("A-1 (Password guessed) would vanish: closed as true positive",))

    async def scene(stage: Stage) -> None:
        await previewed(stage)
        assert "! A-1 (Password guessed) would vanish" in stage.text
        await stage.press("w")
        assert "Not done: refused: A-1" in stage.text
        await stage.press("escape", "escape")
        stage.on(AlertsScreen)

    play(scene, night(3), tuner=tuner)
    assert tuner.written == []


def test_a_read_only_session_tunes_nothing() -> None:
    tuner = TunerInMemory()

    async def scene(stage: Stage) -> None:
        await stage.press("enter", "s", "space", "p")
        assert "Read-only" in stage.text

    play(scene, night(3), tuner=tuner, read_only=True)
    assert tuner.asked == []
