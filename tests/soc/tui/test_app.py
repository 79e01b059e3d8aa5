"""The terminal UI as an analyst plays it, by keys alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Key

from soc.alert import AlertStatus, CloseReason
from soc.errors import SocError, UnreachableError
from soc.tui import alerts_list
from soc.tui.alert_screen import AlertScreen
from soc.tui.alerts_list import news
from soc.tui.alerts_screen import AlertsScreen
from soc.tui.help_screen import HelpScreen
from soc.tui.incident_screens import IncidentScreen, IncidentsScreen
from soc.tui.preferences import Preferences
from soc.tui.rows import Locale
from soc.tui.session import Session
from tests.soc.tui.beside_in_memory import BoardsInMemory, HuntingInMemory, TunerInMemory
from tests.soc.tui.desk_in_memory import HANOI, DeskInMemory, alert, night
from tests.soc.tui.stage import Stage, play

CLOSED = AlertStatus.CLOSED
TOP = "00000000"


def preferences(folder: Path, text: str) -> Preferences:
    path = folder / "tui.yml"
    path.write_text(text)
    return Preferences.load(path)


def open_ids(desk: DeskInMemory) -> list[str]:
    return [a.id for a in desk.held.values() if a.status is not CLOSED]


def test_twenty_alerts_are_triaged_to_an_empty_queue_by_keys_alone() -> None:
    """Read the first, acknowledge two, close the rest one by one, six of them as a marked bundle, and see the empty queue."""
    desk = night(20)

    async def scene(stage: Stage) -> None:
        await stage.press("enter")
        stage.on(AlertScreen)
        await stage.press("2", "3", "4", "1", "a", "escape")
        assert desk.held[TOP].status is AlertStatus.ACKNOWLEDGED
        await stage.press("a", "g")
        for reason in "tfbd" * 3:
            await stage.press("c", reason)
        await stage.press("j", *["space"] * 6, "c", "b")
        assert "Closed 6 as benign" in stage.text
        assert len(open_ids(desk)) == 2
        await stage.press("c", "t", "g", "c", "f")
        assert open_ids(desk) == []
        assert "The queue is empty" in stage.text
        assert "soc demo" in stage.text

    play(scene, desk)
    reasons = [a.history[-1].reason for a in desk.held.values()]
    assert reasons.count(CloseReason.BENIGN) == 9
    assert all(a.status is CLOSED for a in desk.held.values())


def test_keys_pressed_faster_than_the_desk_works_hit_each_alert_once() -> None:
    desk = night(20)
    slow = desk.close

    def close(ids: list[str], reason: CloseReason, note: str) -> None:
        import time

        time.sleep(0.02)
        slow(ids, reason, note)

    desk.close = close  # type: ignore[method-assign]

    async def scene(stage: Stage) -> None:
        await stage.pilot.press(*(["c", "b"] * 20))
        await stage.until(lambda: open_ids(desk) == [])
        assert len(desk.calls) == 20
        await stage.until(lambda: "The queue is empty" in stage.text)

    play(scene, desk)


def test_keys_typed_ahead_on_a_slow_line_are_all_obeyed_in_their_order() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        order = list(stage.on(AlertsScreen).table.ids)
        await stage.burst("j", "c", "t", "c", "f", "a", "z", "c", "F", "n", "o", "t", "e", "enter")
        assert [call.split() for call in desk.calls] == [
            ["closed", order[1]],
            ["closed", order[2]],
            ["acknowledged", order[3]],
            ["new", order[3]],
            ["closed", order[4]],
        ]
        assert desk.held[order[4]].history[-1].note == "note"
        await stage.burst("slash", "s", "u", "d", "o", "enter")
        await stage.until(lambda: "“sudo”" in stage.text)
        await stage.burst("enter", "4")
        assert stage.on(AlertScreen).page == "history"

    play(scene, desk)


def test_a_decision_just_before_leaving_is_carried_out() -> None:
    desk = night(20)
    slow = desk.acknowledge

    def acknowledge(ids: list[str]) -> None:
        import time

        time.sleep(0.2)
        slow(ids)

    desk.acknowledge = acknowledge  # type: ignore[method-assign]

    async def scene(stage: Stage) -> None:
        stage.app.post_message(Key("a", "a"))
        stage.app.post_message(Key("q", "q"))
        await stage.until(lambda: stage.app.return_value == 0)

    play(scene, desk)
    assert desk.calls == [f"acknowledged {TOP}"]


def test_a_decision_that_failed_while_leaving_is_not_kept_quiet() -> None:
    desk = night(20)
    desk.fail = UnreachableError("no answer from the store")
    session = Session(desk, BoardsInMemory(), HuntingInMemory(), TunerInMemory(), Locale())
    session.decide(lambda: session.triage.acknowledge([TOP]))
    assert [str(error) for error in session.end()] == ["no answer from the store"]


def test_acknowledge_goes_on_to_the_next() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        second = table.ids[1]
        await stage.press("a")
        assert desk.held[TOP].status is AlertStatus.ACKNOWLEDGED
        assert table.cursor_id == second
        assert "Acknowledged 1: Log-on accepted" in stage.text

    play(scene, desk)


def test_z_takes_back_and_puts_the_cursor_on_it() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        await stage.press("j", "j", "c", "f")
        gone = desk.calls[0].split()[1]
        assert gone not in table.ids
        await stage.press("G", "z")
        assert table.cursor_id == gone
        assert desk.held[gone].status is AlertStatus.NEW
        await stage.press("z")
        assert "Nothing to take back." in stage.text

    play(scene, desk)


def test_a_capital_reason_asks_for_a_note() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        await stage.press("c", "F")
        await stage.type("scanner of the auditors")
        assert desk.held[TOP].history[-1].note == "scanner of the auditors"
        assert desk.held[TOP].reason is CloseReason.FALSE_POSITIVE
        await stage.press("c", "F", "x", "escape")
        await stage.press("c", "escape")
        assert len(desk.calls) == 1

    play(scene, desk)


def test_many_are_acknowledged_only_after_a_question_that_counts_them() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        await stage.press("space", "space", "space")
        assert "3 marked" in stage.text
        await stage.press("a")
        assert "Acknowledge the 3 marked?" in stage.text
        await stage.press("escape")
        assert desk.calls == []
        await stage.press("a", "enter")
        assert desk.calls[0].startswith("acknowledged")
        assert len(desk.calls[0].split()) == 4
        assert "marked" not in stage.text

    play(scene, desk)


def test_a_mark_elsewhere_is_named_before_anything_happens_to_it() -> None:
    """One marked row and the cursor on another: the question says that it is about the marked one."""
    desk = night(20)

    async def scene(stage: Stage) -> None:
        marked = stage.on(AlertsScreen).table.cursor_id
        await stage.press("space", "j", "a")
        assert "Acknowledge the 1 marked?" in stage.text
        await stage.press("escape", "c")
        assert "Close the 1 marked as" in stage.text
        await stage.press("t")
        assert desk.calls == [f"closed {marked}"]

    play(scene, desk)


def test_a_read_only_session_refuses_in_words() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        assert "READ-ONLY" in stage.text
        for keys in (("a",), ("c",), ("z",), ("enter", "a"), ("c",)):
            await stage.press(*keys)
            assert "Read-only session" in stage.text
        assert desk.calls == []

    play(scene, desk, read_only=True)


def test_new_alerts_never_move_a_row_until_they_are_asked_for() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        await stage.press("j", "j", "j")
        here, shown = table.cursor_id, list(table.ids)
        desk.arrive(alert(100, risk=99, level=alert(0).level), alert(101, risk=98))
        await stage.until(lambda: "+2 new, r shows ■" in stage.text or "+2 new, r shows C ■" in stage.text)
        assert list(table.ids) == shown
        assert table.cursor_id == here
        await stage.press("r")
        assert "new, r" not in stage.text
        assert table.cursor_id == here
        assert table.ids[:2] == ["00000100", "00000101"]

    play(scene, desk)


def test_taking_new_alerts_in_keeps_the_cursor_on_its_line_of_the_screen() -> None:
    desk = night(200)

    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        await stage.press("pagedown", "pagedown", "j")
        here, line = table.cursor_id, table.cursor - table.scroll_offset.y
        desk.arrive(*(alert(1000 + n, risk=99) for n in range(5)))
        await stage.until(lambda: "+5 new" in stage.text)
        await stage.press("r")
        assert table.cursor_id == here
        assert table.cursor - table.scroll_offset.y == line

    play(scene, desk)


def test_an_empty_list_takes_new_alerts_in_by_itself() -> None:
    desk = DeskInMemory()

    async def scene(stage: Stage) -> None:
        assert "The queue is empty" in stage.text
        desk.arrive(alert(3))
        await stage.until(lambda: "Export of 12,400" in stage.text)

    play(scene, desk)


def test_what_a_colleague_decides_shows_in_the_row_within_a_second() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        assert "closed" not in stage.text
        desk.change([TOP], CLOSED, CloseReason.BENIGN, actor="lan")
        await stage.until(lambda: "done" in stage.text.splitlines()[2], 1.0)
        assert stage.on(AlertsScreen).table.ids[0] == TOP

    play(scene, desk)


def test_the_filter_takes_words_and_keys_and_says_what_is_wrong() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        await stage.press("/")
        await stage.pilot.press(*"level:hihg", "enter")
        await stage.settle()
        assert 'level:hihg is unknown; did you mean "high"?' in stage.text
        await stage.press("escape", "/")
        await stage.type("level:high sudo")
        table = stage.on(AlertsScreen).table
        assert {desk.held[key].title for key in table.ids} == {"sudo to root by an account that never used it"}
        assert "≥ high · “sudo”" in stage.text
        await stage.press("/", *["backspace"] * 30)
        await stage.type("nothing like this")
        assert "No alerts match." in stage.text
        await stage.press("escape")
        assert len(table.ids) == 20

    play(scene, desk)


def test_one_key_sets_the_level_and_one_steps_through_the_states() -> None:
    desk = night(20)
    desk.change([TOP], CLOSED, CloseReason.BENIGN)

    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        await stage.press("5")
        assert len(table.ids) == 3
        await stage.press("1", "f", "f", "f")
        assert list(table.ids) == [TOP]
        assert "closed" in stage.text.splitlines()[0]

    play(scene, desk)


def test_the_detail_shows_why_events_rule_and_history() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        await stage.press("enter")
        assert "Why it matched" in stage.text
        await stage.press("2")
        assert "sshd[4121]: Accepted password for root from 203.0.113.77" in stage.text
        await stage.press("tab")
        assert "source.ip|cidr: 203.0.113.0/24" in stage.text
        await stage.press("l")
        assert "first seen by the engine" in stage.text
        await stage.press("n")
        assert "2/20" in stage.text
        await stage.press("p", "escape")
        stage.on(AlertsScreen)

    play(scene, desk)


def test_in_the_detail_a_decision_goes_on_to_the_next_and_at_the_end_back_to_the_list() -> None:
    desk = night(3)

    async def scene(stage: Stage) -> None:
        order = list(stage.on(AlertsScreen).table.ids)
        await stage.press("enter", "a")
        assert stage.on(AlertScreen).alert_id == order[1]
        await stage.press("c", "b")
        assert stage.on(AlertScreen).alert_id == order[2]
        await stage.press("z")
        assert stage.on(AlertScreen).alert_id == order[1]
        assert desk.held[order[1]].status is AlertStatus.NEW
        await stage.press("n", "c", "d")
        stage.on(AlertsScreen)
        assert desk.held[order[2]].reason is CloseReason.DUPLICATE

    play(scene, desk)


def test_incidents_lead_to_their_story_and_on_to_their_alerts() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        await stage.press("i")
        stage.on(IncidentsScreen)
        assert "203.0.113.77 took over root" in stage.text
        await stage.press("enter")
        stage.on(IncidentScreen)
        assert "39 minutes apart" in stage.text
        await stage.press("enter")
        assert len(stage.on(AlertsScreen).table.ids) == 4
        await stage.press("escape", "escape", "escape")
        assert len(stage.on(AlertsScreen).table.ids) == 20
        await stage.press("enter", "i")
        stage.on(IncidentScreen)

    play(scene, desk)


def test_a_desk_without_incidents_says_how_they_come() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("i")
        assert "become one by themselves" in stage.text

    play(scene, DeskInMemory())


def test_an_unreachable_store_is_said_and_the_decision_is_not_shown_as_done() -> None:
    desk = night(20)

    async def scene(stage: Stage) -> None:
        desk.fail = UnreachableError("no answer from the store")
        await stage.press("a")
        assert "Not done: no answer from the store" in stage.text
        desk.fail = None
        await stage.press("r")
        await stage.until(lambda: "NEW" in stage.text.splitlines()[2])

    play(scene, desk)


def test_ids_whose_alerts_are_gone_are_not_asked_for_again_and_again() -> None:
    desk = night(20)
    asked: list[int] = []
    alerts = desk.alerts

    def some(ids: list[str]) -> list[object]:
        asked.append(len(ids))
        return [a for a in alerts(ids) if a.id != TOP]

    desk.alerts = some  # type: ignore[assignment,method-assign]

    async def scene(stage: Stage) -> None:
        await stage.press("j", "k", "j")
        await stage.pilot.pause(0.6)
        assert "· · ·" in stage.text
        assert len(asked) < 5

    play(scene, desk)


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("size", [(80, 24), (60, 20), (160, 50)])
def test_every_view_fits_the_screen(size: tuple[int, int], language: str) -> None:
    desk = night(60)

    async def scene(stage: Stage) -> None:
        for keys in ((), ("enter",), ("2",), ("3",), ("4",), ("?",), ("escape", "escape", "i"), ("enter",), ("?",)):
            await stage.press(*keys)
            lines = stage.text.splitlines()
            assert len(lines) <= size[1]
            assert "?" in lines[size[1] - 1] or isinstance(stage.app.screen, HelpScreen)

    play(scene, desk, size=size, language=language)


def test_the_keys_of_a_view_are_told_as_they_are_bound(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        assert " x ack" in stage.text
        await stage.press("?")
        assert "Acknowledge and go on to the next" in stage.text
        await stage.press("?", "x")
        assert stage.desk.calls == [f"acknowledged {TOP}"]
        await stage.press("a")
        assert len(stage.desk.calls) == 1

    play(scene, night(20), own=preferences(tmp_path, "keys: {ack: x}"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("keys: {akc: x}", 'no key is called "akc"; did you mean "ack"'),
        ("theme: soc-lihgt", 'there is no theme "soc-lihgt"; did you mean "soc-light"'),
        ('views: {night: "alrts"}', 'night: No view is called alrts; did you mean "alerts"'),
        ("kees: {}", 'tui.yml:1:1.*kees.*did you mean "keys"'),
    ],
)
def test_preferences_that_cannot_be_understood_are_refused_with_the_nearest(
    tmp_path: Path, text: str, fault: str
) -> None:
    with pytest.raises(SocError, match=fault):
        play(lambda _: pytest.fail("it started"), night(1), own=preferences(tmp_path, text))


def test_a_view_is_saved_under_a_name_and_is_there_the_next_day(tmp_path: Path) -> None:
    async def today(stage: Stage) -> None:
        await stage.press("slash")
        await stage.type("status:all level:high")
        await stage.press("S")
        await stage.type("worst of all")
        assert "is no name for a view" in stage.text
        await stage.press("S")
        await stage.type("worst")
        assert "Saved: :worst" in stage.text

    async def tomorrow(stage: Stage) -> None:
        await stage.press("colon")
        assert "worst" in stage.text
        await stage.type("worst")
        assert str(stage.on(AlertsScreen).filter) == "status:all level:high"
        assert any(command.title == ":worst" for command in stage.app.get_system_commands(stage.app.screen))

    play(today, night(5), own=preferences(tmp_path, "theme: soc-light"))
    play(tomorrow, night(5), own=Preferences.load(tmp_path / "tui.yml"))
    assert "theme: soc-light" in (tmp_path / "tui.yml").read_text()


def test_the_palette_offers_the_actions_of_the_view() -> None:
    async def scene(stage: Stage) -> None:
        titles = {command.title for command in stage.app.get_system_commands(stage.app.screen)}
        assert {"ack", "close", "undo", "filter", "incidents", "theme"} <= titles
        await stage.press("ctrl+p")
        await stage.pilot.press(*"undo")
        await stage.pilot.pause(0.3)
        await stage.press("enter")
        await stage.until(lambda: "Nothing to take back" in stage.text)

    play(scene, night(20))


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("ctrl+c", 130)])
def test_leaving_tells_how(key: str, code: int) -> None:
    async def scene(stage: Stage) -> None:
        await stage.pilot.press(key)
        assert stage.app.return_value == code

    play(scene, night(2))


def test_a_click_moves_the_cursor_and_a_double_click_opens() -> None:
    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        await stage.pilot.click(table, offset=(20, 5))
        assert table.cursor == 4
        await stage.pilot.click(table, offset=(20, 3), times=2)
        await stage.settle()
        stage.on(AlertScreen)

    play(scene, night(20))


def test_every_theme_can_be_shown() -> None:
    async def scene(stage: Stage) -> None:
        for theme in ("soc-light", "ansi-dark", "ansi-light", "textual-light", "nord", "soc-dark"):
            stage.app.theme = theme
            await stage.settle()
            assert "C ■" in stage.text

    play(scene, night(20))


def test_news_are_counted_exactly_in_lists_that_can_be_read() -> None:
    assert news(["n", "a", "b"], ["a", "b", "gone"]) == (1, "n")
    assert news(["a"], ["a"]) == (0, None)


def test_news_of_long_lists_are_told_by_how_much_they_grew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts_list, "EXACT", 10)
    desk = night(11)

    async def scene(stage: Stage) -> None:
        desk.arrive(alert(40, risk=93), alert(41, risk=62))
        await stage.until(lambda: "+2 new" in stage.text)
        await stage.press("r")
        assert "1/13" in stage.text

    play(scene, desk)


def test_an_alert_that_vanishes_while_it_is_read_says_so() -> None:
    desk = night(5)

    async def scene(stage: Stage) -> None:
        await stage.press("enter")
        del desk.held[TOP]
        desk.changes += 1
        await stage.until(lambda: "It is no longer there." in stage.text)

    play(scene, desk)


def test_due_times_follow_the_desks_clock() -> None:
    desk = night(5)
    desk.held[TOP] = replace(desk.held[TOP], due=desk.clock)

    async def scene(stage: Stage) -> None:
        assert "!0s" in stage.text

    play(scene, desk)


def test_the_zone_is_the_wall_clocks() -> None:
    async def scene(stage: Stage) -> None:
        assert "03:14 +07" in stage.text

    play(scene, night(1))
    assert HANOI.utcoffset(None) is not None
