"""The views beside the queue as an analyst plays them: boards and the hunt, by keys alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from soc.errors import SocError
from soc.tui.alerts_screen import AlertsScreen
from soc.tui.board_screen import BoardScreen, ItemScreen, page
from soc.tui.boards import BOARDS, Section
from soc.tui.commands import meant
from soc.tui.filter import FilterError
from soc.tui.hunt_screen import HuntScreen, blocks, reaching
from soc.tui.hunting import only_value, with_value, without_value
from soc.tui.rows import Locale
from soc.tui.values_screen import ValueScreen, ValuesScreen
from tests.soc.tui.beside_in_memory import BoardsInMemory, HuntingInMemory
from tests.soc.tui.desk_in_memory import night
from tests.soc.tui.stage import Stage, play


async def go(stage: Stage, command: str) -> None:
    await stage.press("colon")
    await stage.type(command)


def test_a_colon_leads_to_every_view_and_back_to_the_queue() -> None:
    async def scene(stage: Stage) -> None:
        for name in BOARDS:
            await go(stage, name)
            assert stage.on(BoardScreen).board.name == name
            await stage.press("enter")
            stage.on(ItemScreen)
        await go(stage, "hu")
        stage.on(HuntScreen)
        await go(stage, "incidents")
        assert "203.0.113.77 took over root" in stage.text
        await go(stage, "alerts status:all level:high")
        assert str(stage.on(AlertsScreen).filter) == "status:all level:high"
        assert len(stage.app.screen_stack) == 1

    play(scene, night(13))


@pytest.mark.parametrize("typed", ["", "s", "rulez", "sources now"])
def test_what_is_no_view_is_told_while_one_types(typed: str) -> None:
    if typed == "s":
        assert meant(typed) == ("sources", "")
        return
    with pytest.raises(FilterError):
        meant(typed)


def test_a_wrong_name_stays_on_the_line_with_the_nearest() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("colon", *"rulez", "enter")
        assert 'did you mean "rules"' in stage.text
        await stage.press("escape")
        stage.on(AlertsScreen)

    play(scene, night(3))


def test_a_silent_source_stands_out_in_words_and_is_counted() -> None:
    async def scene(stage: Stage) -> None:
        await go(stage, "sources")
        assert "! silent" in stage.text
        assert " ! 1 " in stage.text
        await stage.press("slash")
        await stage.type("egov")
        assert "egov-audit" in stage.text
        assert "portal-nginx" not in stage.text
        await stage.press("slash")
        await stage.type("nothing like it")
        assert "No row holds these words" in stage.text
        await stage.press("escape")
        assert "portal-nginx" in stage.text
        await stage.press("escape")
        stage.on(AlertsScreen)

    play(scene, night(3))


def test_an_empty_board_says_what_to_do() -> None:
    boards = BoardsInMemory()
    boards.held = {name: [] for name in boards.held}

    async def scene(stage: Stage) -> None:
        for name, words in (("sources", "soc.yaml"), ("rules", "soc rules check"), ("playbooks", "soc playbook plan")):
            await go(stage, name)
            assert words in stage.text

    play(scene, night(3), boards=boards)


def test_a_plan_is_approved_after_a_question_and_a_step_confirmed_with_a_note() -> None:
    boards = BoardsInMemory()

    async def scene(stage: Stage) -> None:
        await go(stage, "playbooks")
        await stage.press("a")
        assert "Approve pl-81f0, as its page shows it?" in stage.text
        await stage.press("escape")
        assert boards.acts == []
        await stage.press("a", "enter")
        assert boards.acts == [("playbooks", "pl-81f0", "approve", "")]
        assert "pl-81f0 is approved, by minh." in stage.text
        assert "can run" in stage.text
        await stage.press("j", "enter", "d")
        await stage.type("tell-owner he knows")
        assert boards.acts[-1] == ("playbooks", "pl-20aa", "confirm", "tell-owner he knows")
        assert "Step tell-owner of pl-20aa is done." in stage.text

    play(scene, night(3), boards=boards)


def test_a_refusal_is_said_and_a_read_only_session_does_nothing() -> None:
    boards = BoardsInMemory()
    boards.fail = SocError("lan made pl-81f0 and may not approve it")

    async def scene(stage: Stage) -> None:
        await go(stage, "playbooks")
        await stage.press("a", "enter")
        assert "lan made pl-81f0 and may not approve it" in stage.text

    play(scene, night(3), boards=boards)

    async def looking(stage: Stage) -> None:
        await go(stage, "playbooks")
        await stage.press("a")
        assert "Read-only session" in stage.text

    boards.fail = None
    play(looking, night(3), boards=boards, read_only=True)
    assert boards.acts == []


def test_the_keys_of_a_board_are_those_that_do_something_there() -> None:
    async def scene(stage: Stage) -> None:
        await go(stage, "sources")
        assert "approve" not in stage.text
        await stage.press("a")
        await go(stage, "playbooks")
        assert "approve" in stage.text

    play(scene, night(3))


def test_a_hunt_goes_from_query_to_value_to_query_and_back() -> None:
    hunting = HuntingInMemory()

    async def scene(stage: Stage) -> None:
        await go(stage, "hunt password")
        assert "1/40" in stage.text
        assert "▁" in stage.text or "█" in stage.text
        await stage.press("T")
        for _ in "source.ip":
            await stage.pilot.press("backspace")
        await stage.type("source.ip")
        stage.on(ValuesScreen)
        assert "203.0.113.77" in stage.text.split("\n")[2]
        await stage.press("plus")
        assert hunting.asked[-1] == 'password and source.ip:"203.0.113.77"'
        assert "1/14" in stage.text
        await stage.press("enter", "j", "enter")
        stage.on(ValueScreen)
        await stage.press("escape", "minus")
        assert hunting.asked[-1].startswith('password and source.ip:"203.0.113.77" and not ')
        await stage.press("u")
        assert hunting.asked[-1] == 'password and source.ip:"203.0.113.77"'
        await stage.press("enter", "o")
        assert hunting.asked[-1].startswith("event.original:")
        await stage.press("escape")
        stage.on(AlertsScreen)

    play(scene, night(3), hunting=hunting)


def test_a_hunt_reaches_as_far_back_as_asked_and_says_when_there_is_nothing() -> None:
    hunting = HuntingInMemory()

    async def scene(stage: Stage) -> None:
        await go(stage, "hunt")
        await stage.press("t", "1")
        assert "last 15m" in stage.text
        assert "/2 " in stage.text
        await stage.press("slash")
        await stage.type("nowhere")
        assert "No events meet this query" in stage.text
        assert "look further back" in stage.text

    play(scene, night(3), hunting=hunting)


def test_an_alert_shows_what_its_entity_did_around_it_and_leads_to_the_hunt() -> None:
    hunting = HuntingInMemory()

    async def scene(stage: Stage) -> None:
        await stage.press("enter", "5")
        assert "src 203.0.113.77: 3 events" in stage.text
        times = [text.split()[1] for text in stage.text.split("\n") if "sshd" in text and ":" in text]
        assert times == sorted(times)
        await stage.press("6")
        assert "Password guessing over SSH" in stage.text
        assert "same incident inc-2026-0017" in stage.text
        await stage.press("j", "n", "5")
        assert "host app-dvc-02: 0 events" in stage.text
        assert "No stored event names it" in stage.text
        await stage.press("p", "H")
        assert stage.on(HuntScreen).asked == 'source.ip:"203.0.113.77"'
        assert "1/14" in stage.text
        await stage.press("escape", "escape")
        stage.on(AlertsScreen)

    play(scene, night(13), hunting=hunting)


def test_a_query_that_cannot_be_understood_is_said_and_what_is_shown_stays() -> None:
    async def scene(stage: Stage) -> None:
        await go(stage, "hunt password")
        await stage.press("slash")
        await stage.type(" and (")
        assert "Not done: query, column 1" in stage.text
        assert "1/40" in stage.text

    play(scene, night(3))


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("view", [*BOARDS, "hunt"])
def test_every_view_fits_eighty_by_twenty_four(view: str, language: str) -> None:
    async def scene(stage: Stage) -> None:
        await go(stage, view)
        for _ in range(2):
            assert all(strip.cell_length == 80 for strip in stage.strips)
            assert len(stage.strips) == 24
            assert "?" in stage.text.split("\n")[-1]
            await stage.press("enter")

    play(scene, night(3), size=(80, 24), language=language)


@pytest.mark.parametrize("columns", [60, 80])
def test_the_site_gives_way_to_what_is_shown_on_the_first_line(columns: int) -> None:
    desk = night(3)

    async def scene(stage: Stage) -> None:
        await go(stage, "hunt user.name:root")
        first = stage.text.split("\n")[0]
        assert "Hunt  user.name:root  last 24h" in first
        assert (desk.site in first) == (columns == 80)

    play(scene, desk, size=(columns, 24))


def test_a_section_that_says_nothing_is_left_out() -> None:
    sections = [Section("marks"), Section("dark", [("controls", "")]), Section("flow", [("received", 0)])]
    told = ["".join(span.text for span in one.spans) for one in page(sections, Locale())]
    assert [text.split() for text in told] == [["What", "came", "of", "it"], ["received", "0"]]


@pytest.mark.parametrize(
    ("days", "span"), [(0, "7d"), (7, "7d"), (8, "30d"), (40, "90d"), (300, "365d"), (900, "365d")]
)
def test_the_hunt_for_an_entity_reaches_back_to_its_alert(days: int, span: str) -> None:
    assert reaching(timedelta(days=days)) == span


def test_the_hunt_from_an_old_alert_finds_its_events() -> None:
    desk = night(3)
    desk.clock += timedelta(days=40)

    async def scene(stage: Stage) -> None:
        await stage.press("enter", "H")
        assert "last 90d" in stage.on(HuntScreen).top.plain

    play(scene, desk)


def test_a_value_in_a_query_means_itself() -> None:
    assert with_value("", "user.name", 'a"b\\c*') == 'user.name:"a\\"b\\\\c*"'
    assert with_value("x or y", "a", 1) == '(x or y) and a:"1"'
    assert without_value("x", "a", ["1", "2"]) == 'x and not a:("1" or "2")'
    assert only_value("a", None) == "not a:*"
    assert only_value("a", True) == 'a:"true"'


def test_a_bar_shows_whatever_is_not_nothing() -> None:
    assert blocks(0, 10) == (" ", " ")
    assert blocks(1, 1_000_000) == ("▁", " ")
    assert blocks(5, 10) == ("█", " ")
    assert blocks(10, 10) == ("█", "█")
