"""Incidents with their clocks, and the board of their phases, as a shift lead plays them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from soc.incident import EvidenceItem, Phase, Review, Task
from soc.incident.clocks import ClockState
from soc.incident.decisions import evidence_id
from soc.tui.incident_screens import IncidentScreen
from soc.tui.incident_sheet import clock_cell
from soc.tui.phase_board import PhaseBoard
from tests.soc.tui.desk_in_memory import NOW, DeskInMemory, incident, night
from tests.soc.tui.stage import Stage, play


def several() -> DeskInMemory:
    desk = night(5)
    one = replace(incident(), severity="M2", group="N2", detected=NOW - timedelta(hours=20), assignee="lan")
    desk.incidents_held = {
        "inc-1": replace(one, id="inc-1"),
        "inc-2": replace(one, id="inc-2", phase=Phase.DETECT_REPORT, title="Second", severity="", group=""),
        "inc-3": replace(one, id="inc-3", title="Third", detected=NOW - timedelta(days=7)),
        "inc-4": replace(one, id="inc-4", closed=NOW),
    }
    return desk


def test_the_list_shows_how_long_until_the_next_notice() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("i")
        lines = {word: text for text in stage.text.split("\n") for word in ("Second", "Third") if word in text}
        assert "M2" in lines["Third"]
        assert "!" in lines["Third"]
        assert "?" in lines["Second"]

    play(scene, several(), size=(160, 30))


def test_a_card_goes_to_the_next_phase_and_back_and_the_cursor_with_it() -> None:
    desk = several()

    async def scene(stage: Stage) -> None:
        await stage.press("i", "b")
        board = stage.on(PhaseBoard).lanes
        assert [len(lane.cards) for lane in board.lanes] == [1, 2, 0, 0]
        assert board.cursor_id == "inc-2"
        await stage.press("greater_than_sign")
        assert desk.incidents_held["inc-2"].phase is Phase.ASSESS_DECIDE
        await stage.until(lambda: board.lane == 1)
        assert board.cursor_id == "inc-2"
        await stage.press("less_than_sign")
        assert desk.incidents_held["inc-2"].phase is Phase.DETECT_REPORT
        await stage.press("h", "l", "j", "enter")
        assert stage.on(IncidentScreen).incident_id == "inc-3"

    play(scene, desk)


def test_a_read_only_board_moves_nothing() -> None:
    desk = several()

    async def scene(stage: Stage) -> None:
        await stage.press("i", "b", "greater_than_sign")
        assert "Read-only" in stage.text

    play(scene, desk, read_only=True)
    assert desk.incidents_held["inc-2"].phase is Phase.DETECT_REPORT


def test_the_board_fits_eighty_by_twenty_four_and_follows_the_cursor() -> None:
    desk = several()
    one = desk.incidents_held["inc-3"]
    desk.incidents_held |= {f"more-{n}": replace(one, id=f"more-{n}", title=f"Title {n}") for n in range(12)}

    async def scene(stage: Stage) -> None:
        await stage.press("i", "b", "l", *["j"] * 13)
        assert all(strip.cell_length == 80 for strip in stage.strips)
        assert "Title 11" in stage.text
        await stage.press(*["k"] * 13)
        assert "Title 11" not in stage.text

    for language in ("en", "vi"):
        play(scene, desk, size=(80, 24), language=language)


def test_the_page_tells_what_is_due_to_do_and_proven() -> None:
    desk = several()
    item = EvidenceItem(evidence_id("inc-1", "a" * 64), "disk.img", "a" * 64, 10, kept=False)
    desk.incidents_held["inc-1"] = replace(
        desk.incidents_held["inc-1"],
        tasks=(Task("T-1", "Call the owner", "minh", NOW - timedelta(hours=1)),),
        evidence=(item,),
        review=Review(NOW, "lan", "a guessed password", "no second factor", "one by May"),
    )

    async def scene(stage: Stage) -> None:
        await stage.press("i", "enter")
        for words in ("Legal notices", "Call the owner", "disk.img", "no second factor", "M2 Serious", "TLP:AMBER"):
            assert words in stage.text, words

    play(scene, desk, size=(140, 60))


def test_a_clock_that_ran_out_says_so() -> None:
    from soc.incident.classification import Matrix
    from soc.incident.clocks import clocks_of

    late = clocks_of(several().incidents_held["inc-3"], (), Matrix(), NOW).notices
    assert any(clock.state is ClockState.OVERDUE and clock_cell(clock, NOW)[0].startswith("!") for clock in late)


def test_empty_lanes_give_their_room_to_cards_where_there_is_little() -> None:
    async def titles(stage: Stage) -> list[int]:
        await stage.press("i", "b")
        first = next(text for text in stage.text.split("\n") if text.startswith(" detect"))
        return [first.index(word) for word in (" detect", " assess", " resp", " learn")]

    async def narrow(stage: Stage) -> None:
        assert await titles(stage) == [0, 30, 60, 70]
        assert "203.0.113.77 took over root"[:28] in stage.text
        await stage.press("l")
        assert stage.app.cursor_position.x == 30

    async def wide(stage: Stage) -> None:
        assert await titles(stage) == [0, 40, 80, 120]

    play(narrow, several(), size=(80, 24))
    play(wide, several(), size=(160, 24))


def test_a_lane_keeps_its_count_where_its_title_is_cut() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("i", "b")
        assert "… 0 " in next(text for text in stage.text.split("\n") if "detect" in text)

    play(scene, several(), size=(80, 24))


def test_the_first_line_of_an_incident_tells_its_most_urgent_notice() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("i", "enter")
        assert "Notice ! overdue by" in next(text for text in stage.text.split("\n") if "risk" in text)

    desk = several()
    desk.incidents_held = {"inc-3": desk.incidents_held["inc-3"]}
    play(scene, desk, size=(80, 24))
