"""Incidents of a real site, worked on in the terminal UI by keys alone: what the forms ask for, to the fact in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from soc.alert import facts
from soc.app.desk import SiteDesk
from soc.app.site import Site
from soc.incident import Incident
from soc.incident import facts as incident_facts
from soc.incident.actions import ON_INCIDENTS
from soc.tui.incident_screens import IncidentScreen, IncidentsScreen
from tests.soc.app.sites import new_site
from tests.soc.store.material import DAY, alert, incident
from tests.soc.tui.stage import Stage, play

ALERTS = [alert(number) for number in range(1, 5)]
ONE, OTHER = incident(1, ALERTS[:3]), incident(2, ALERTS[3:])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SiteDesk]:
    with Site.load(new_site(tmp_path / "site")) as site:
        opened = [facts.opened(one, DAY) for one in ALERTS]
        site.ledger.append([*opened, *(incident_facts.opened(one, DAY) for one in (ONE, OTHER))])
        site.catch_up()
        yield SiteDesk(site, "lan")


async def go_to(stage: Stage, one: Incident) -> None:
    await stage.press("i")
    table = stage.on(IncidentsScreen).table
    await stage.until(lambda: len(table.ids) == 2)
    while table.cursor_id != one.id:
        await stage.press("j")
    await stage.press("enter")
    await stage.until(lambda: one.id in stage.text)


async def choose(stage: Stage, name: str) -> None:
    await stage.press("m")
    await stage.burst(*["j"] * list(ON_INCIDENTS).index(name))
    await stage.press("enter")


async def act(stage: Stage, name: str, *values: str) -> None:
    """Choose an action, give what it asks for one after the other (one character is the number of a choice), and do it."""
    await choose(stage, name)
    for value in values:
        await (stage.press(value) if len(value) == 1 else stage.type(value))
    await stage.press("d")
    await stage.until(lambda: f"{name}: done to 1" in stage.text)
    stage.on(IncidentScreen)


def test_evidence_changes_hands_with_every_line_of_its_custody(
    desk: SiteDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "auth.log").write_text("the log as it was found\n")
    monkeypatch.chdir(tmp_path)

    async def scene(stage: Stage) -> None:
        await go_to(stage, ONE)
        await choose(stage, "evidence")
        await stage.type("db-01")  # where and why are asked for at once, the file is chosen
        await stage.type("log-on")
        await stage.press("g", "enter")
        await stage.type("auth.log")
        await stage.press("d")
        await stage.until(lambda: "auth.log" in stage.text)
        [item] = desk.incident(ONE.id).evidence
        await act(stage, "custody", item.id[:6], "3", "safe 2", "police")
        await stage.until(lambda: "safe 2" in stage.text)

    play(scene, desk, size=(140, 50))
    [item] = desk.incident(ONE.id).evidence
    first, second = item.custody
    assert (first.actor, first.where, second.actor, second.deed, second.where) == (
        "lan",
        "db-01",
        "lan",
        "transferred",
        "safe 2",
    )


def test_alerts_are_split_off_and_another_incident_is_merged_in(desk: SiteDesk) -> None:
    async def scene(stage: Stage) -> None:
        await go_to(stage, ONE)
        await act(stage, "split", f"{ALERTS[1].id} {ALERTS[2].id}", "other")
        await act(stage, "merge", OTHER.id, "one campaign")

    play(scene, desk, size=(140, 50))
    [new] = [one for one in desk.incidents(desk.incident_ids()) if one.id not in (ONE.id, OTHER.id)]
    assert set(new.alert_ids) == {ALERTS[1].id, ALERTS[2].id}
    assert desk.incident(ONE.id).merged_into == OTHER.id
    assert set(desk.incident(OTHER.id).alert_ids) == {ALERTS[0].id, ALERTS[3].id}
    places = {one.id: one.incident_id for one in desk.alerts([one.id for one in ALERTS])}
    assert [places[one.id] for one in ALERTS] == [OTHER.id, new.id, new.id, OTHER.id]


def test_a_grave_incident_ends_with_its_review(desk: SiteDesk) -> None:
    async def scene(stage: Stage) -> None:
        await go_to(stage, ONE)
        await act(stage, "assess", "1", "2")
        await choose(stage, "close")
        await stage.type("over")
        await stage.press("d")
        await stage.until(lambda: "ends with its review" in stage.text)
        await act(stage, "review", "guessed", "no second factor", "one by May")
        await act(stage, "close", "over")

    play(scene, desk, size=(140, 50))
    one = desk.incident(ONE.id)
    assert one.closed is not None
    assert one.review is not None
    assert (one.severity, one.review.improvements) == ("M1", "one by May")
