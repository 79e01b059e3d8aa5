"""The queue narrowed by values: of the alert under the cursor, and by how many there are of which."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from soc.alert import AlertStatus
from soc.store import Facet, Having
from soc.tui.alerts_screen import AlertsScreen
from soc.tui.values_screen import ValuesScreen
from tests.soc.tui.desk_in_memory import NOW, night
from tests.soc.tui.stage import Stage, play


def test_the_value_under_the_cursor_narrows_widens_and_stands_alone() -> None:
    async def scene(stage: Stage) -> None:
        screen = stage.on(AlertsScreen)
        await stage.press("plus")
        assert "entity src 203.0.113.77" in stage.text
        await stage.press("enter")
        assert screen.filter.having == (Having(Facet.ENTITY, "203.0.113.77"),)
        assert "= 203.0.113.77" in stage.text
        assert "1/2" in stage.text
        await stage.press("minus", "3")
        assert screen.filter.having[1] == Having(Facet.SYSTEM, "civil-status", wanted=False)
        assert "No alerts match" in stage.text
        await stage.press("escape", "o", "3")
        assert screen.filter.having == (Having(Facet.SYSTEM, "civil-status"),)
        assert "1/4" in stage.text

    play(scene, night(13))


def test_facets_count_the_list_and_lead_on() -> None:
    desk = night(13)
    desk.held["00000000"] = replace(desk.held["00000000"], status=AlertStatus.ACKNOWLEDGED)

    async def scene(stage: Stage) -> None:
        screen = stage.on(AlertsScreen)
        await stage.press("F", "4")
        stage.on(ValuesScreen)
        assert stage.text.split("\n")[2].split()[:3] == ["4", "system", "civil-status"]
        await stage.press("minus")
        assert "≠ civil-status" in stage.text
        assert "1/9" in stage.text
        await stage.press("escape", "F", "2", "j", "plus")
        assert screen.filter.status == "ack"
        await stage.press("escape", "F", "1", "plus")
        assert screen.filter.floor.value in stage.text

    play(scene, desk)


def test_what_sleeps_or_is_suppressed_is_counted_and_shown_when_asked_for() -> None:
    desk = night(5)
    desk.held["00000000"] = replace(desk.held["00000000"], snoozed_until=NOW + timedelta(hours=8))
    desk.held["00000001"] = replace(desk.held["00000001"], suppressed_by="S-1")

    async def scene(stage: Stage) -> None:
        assert "1/3" in stage.text
        assert "2 hidden" in stage.text
        await stage.press("slash")
        await stage.type("hidden:yes")
        assert "3/5" in stage.text
        assert "and what is hidden" in stage.text
        assert "2 hidden" not in stage.text

    play(scene, desk)
