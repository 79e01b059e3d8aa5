"""soc.tui.table: it costs what is on the screen."""

from __future__ import annotations

from textual.geometry import Region

from soc.tui.alerts_screen import AlertsScreen
from soc.tui.table import BATCH, KEPT
from tests.soc.tui.desk_in_memory import night
from tests.soc.tui.stage import Stage, play


def test_moving_the_cursor_repaints_two_lines() -> None:
    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        painted: list[int] = []
        render = table.render_line
        table.render_line = lambda y: (painted.append(y), render(y))[1]  # type: ignore[method-assign]
        await stage.press("j")
        assert sorted(set(painted)) == [1, 2]

    play(scene, night(20))


def test_a_screen_is_fetched_in_batches_and_the_next_one_before_it_is_seen() -> None:
    desk = night(2000)
    asked: list[int] = []
    alerts = desk.alerts
    desk.alerts = lambda ids: (asked.append(len(ids)), alerts(ids))[1]  # type: ignore[method-assign]

    async def scene(stage: Stage) -> None:
        assert asked[0] == BATCH
        await stage.press(*["pagedown"] * 4)
        assert set(asked) == {BATCH}
        assert len(asked) <= 3
        await stage.press("G")
        await stage.until(lambda: "· · ·" not in stage.text)

    play(scene, desk)


def test_what_is_kept_has_a_bound() -> None:
    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        table.put([str(n) for n in range(9000)], {str(n): stage.desk.held["00000000"] for n in range(9000)})
        assert len(table._items) == KEPT

    play(scene, night(3))


def test_every_way_to_move_stays_inside_the_list() -> None:
    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        for keys in (
            ("k",),
            ("pageup",),
            ("G", "j"),
            ("pagedown",),
            ("ctrl+d",),
            ("home",),
            ("ctrl+u",),
            ("end",),
            ("g",),
        ):
            await stage.press(*keys)
            assert 0 <= table.cursor < 300
            line = table.cursor - table.scroll_offset.y
            assert 0 <= line < table.size.height - 1
        await stage.press("pagedown")
        assert table.cursor == table.scroll_offset.y == table.size.height - 1

    play(scene, night(300))


def test_an_empty_table_takes_every_key() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("j", "k", "g", "G", "pagedown", "pageup", "space", "enter", "a", "c", "z", "ctrl+d", "r")
        assert stage.on(AlertsScreen).table.cursor == 0

    play(scene, night(0))


def test_the_terminals_own_cursor_follows_the_row_for_braille_and_screen_readers() -> None:
    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        await stage.press("j", "j")
        assert stage.app.cursor_position.y == table.region.y + 3

    play(scene, night(20))


def test_a_smaller_screen_keeps_the_cursor_in_sight() -> None:
    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        await stage.press(*["j"] * 20)
        await stage.pilot.resize_terminal(80, 16)
        await stage.settle()
        line = table.cursor - table.scroll_offset.y
        assert 0 <= line < table.size.height - 1
        assert Region(0, 0, 80, 16).contains_region(table.region)

    play(scene, night(40))
