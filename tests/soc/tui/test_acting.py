"""What can be done to alerts and incidents from the terminal UI: everything that the commands can, with the values that they take."""

from __future__ import annotations

from dataclasses import replace

from soc.alert import AlertStatus, NoteKind, Tlp
from soc.cli.alerts import command as alerts_command
from soc.cli.incidents import command as incidents_command
from soc.incident import Phase
from soc.incident.actions import ON_ALERTS, ON_INCIDENTS
from soc.reason import Because, Reason
from soc.tui.acting import ActionsScreen, FormScreen, Target
from soc.tui.alerts_screen import AlertsScreen
from soc.tui.app import bindings
from soc.tui.incident_screens import IncidentScreen
from soc.tui.messages import text
from soc.tui.messages_actions import VIETNAMESE
from tests.soc.tui.desk_in_memory import night
from tests.soc.tui.stage import Stage, play

TOP = "00000000"


def test_the_ui_offers_what_the_commands_offer() -> None:
    import click

    context = click.Context(alerts_command)
    written = {"list", "show"}
    for noun, table, group in (
        ("alert", ON_ALERTS, alerts_command),
        ("incident", ON_INCIDENTS, incidents_command),
    ):
        offered = set(Target(noun, ("x",), lambda _: None).actions)
        assert offered == set(table)
        assert offered <= set(group.list_commands(context))
        assert written <= set(group.list_commands(context))


def test_every_action_and_value_has_its_words_in_vietnamese() -> None:
    said = {
        words
        for table in (ON_ALERTS, ON_INCIDENTS)
        for action in table.values()
        for words in (action.about, *(argument.about for argument in action.arguments))
    }
    assert said == set(VIETNAMESE)


async def choose(stage: Stage, name: str) -> None:
    screen = stage.on(ActionsScreen)
    await stage.press("g", *["j"] * list(screen.target.actions).index(name), "enter")


def test_an_alert_is_assigned_commented_and_labelled() -> None:
    desk = night(5)

    async def scene(stage: Stage) -> None:
        await stage.press("m")
        await choose(stage, "assign")
        await stage.press("enter")
        await stage.type("lan")
        await stage.press("d")
        stage.on(AlertsScreen)
        assert "assign: done to 1" in stage.text
        await stage.press("m")
        await choose(stage, "comment")
        await stage.type("called the owner")
        await stage.press("d", "m")
        await choose(stage, "tag")
        await stage.press("enter")
        await stage.type("night vpn")
        await stage.press("d")

    play(scene, desk)
    alert = desk.held[TOP]
    assert alert.assignee == "lan"
    assert alert.labels == ("night", "vpn")
    assert [note.text for note in alert.notes if note.kind is NoteKind.COMMENT] == ["called the owner"]


def test_a_value_of_a_few_is_picked_by_number_or_by_the_arrows() -> None:
    desk = night(3)

    async def scene(stage: Stage) -> None:
        await stage.press("m")
        await choose(stage, "tlp")
        assert "amber+strict" in stage.text
        await stage.press("5", "d")
        assert desk.held[TOP].tlp is Tlp.RED
        await stage.press("m")
        await choose(stage, "tlp")
        await stage.press("j", "enter", "d")
        assert desk.held[TOP].tlp is Tlp.GREEN

    play(scene, desk)


def test_nothing_is_done_before_all_that_is_needed_is_given() -> None:
    desk = night(3)

    async def scene(stage: Stage) -> None:
        await stage.press("m")
        await choose(stage, "snooze")
        await stage.press("escape", "d")
        stage.on(FormScreen)
        assert "Still needed: for" in stage.text
        await stage.press("enter")
        await stage.type("soon")
        await stage.press("d")
        assert "soon" in stage.text
        assert "is not a duration" in stage.text
        await stage.press("backspace", "escape", "escape")
        stage.on(AlertsScreen)

    play(scene, desk)
    assert desk.calls == []


def test_marked_alerts_become_one_incident_with_a_reason() -> None:
    desk = night(12)
    free = [key for key, alert in desk.held.items() if not alert.incident_id]

    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        for key in free[:2]:
            while table.cursor_id != key:
                await stage.press("j")
            await stage.press("space", "g")
        await stage.press("x")
        assert "(2 alerts" in stage.text
        await stage.type("same operator")
        assert "escalate: done to 2" in stage.text
        assert not table.marks

    play(scene, desk)
    (made,) = [one for key, one in desk.incidents_held.items() if key != "inc-2026-0017"]
    assert set(made.alert_ids) == set(free[:2])
    assert made.why == (Reason(Because.ESCALATED, ("analyst", "same operator")),)


def test_an_alert_that_is_in_an_incident_leads_to_it_and_nobody_is_asked_why() -> None:
    desk = night(5)

    async def scene(stage: Stage) -> None:
        await stage.press("x")
        assert stage.on(IncidentScreen).incident_id == "inc-2026-0017"
        await stage.press("escape", "enter", "x")
        assert stage.on(IncidentScreen).incident_id == "inc-2026-0017"
        await stage.press("escape", "escape", "space", "space", "x")
        stage.on(AlertsScreen)
        assert "1 of these 2 are in an incident already (00000000 in inc-2026-0017)" in stage.text

    play(scene, desk)
    assert desk.calls == []


def test_the_line_of_keys_calls_an_action_by_its_name() -> None:
    for name in {*ON_ALERTS, *ON_INCIDENTS} & set(bindings()):
        assert text(f"key.{name}") == name


def test_what_is_refused_is_said_with_its_reason() -> None:
    desk = night(5)

    async def scene(stage: Stage) -> None:
        await stage.press("m")
        await choose(stage, "wake")
        await stage.press("d")
        assert "not to 1" in stage.text
        assert "it does not sleep" in stage.text

    play(scene, desk)


def test_an_incident_goes_through_its_phases_and_what_takes_one_refuses_two() -> None:
    desk = night(5)

    async def scene(stage: Stage) -> None:
        await stage.press("i", "enter", "m")
        await choose(stage, "phase")
        await stage.press("3", "d")
        stage.on(IncidentScreen)
        assert desk.incidents_held["inc-2026-0017"].phase is Phase.RESPOND
        await stage.until(lambda: "respond" in stage.text)
        await stage.press("m")
        await choose(stage, "review")
        await stage.type("a guessed password")
        await stage.type("no second factor")
        await stage.type("a second factor by May, lan")
        await stage.press("d")

    play(scene, desk)
    review = desk.incidents_held["inc-2026-0017"].review
    assert review is not None
    assert (review.cause, review.lessons) == ("a guessed password", "no second factor")


def test_a_read_only_session_sees_what_could_be_done_and_does_nothing() -> None:
    desk = night(5)

    async def scene(stage: Stage) -> None:
        await stage.press("m")
        await choose(stage, "ack")
        assert "Read-only" in stage.text
        await stage.press("escape", "j", "x")
        assert "Read-only" in stage.text

    play(scene, desk, read_only=True)
    assert desk.calls == []
    assert desk.held[TOP].status is AlertStatus.NEW


def test_the_form_is_usable_at_eighty_by_twenty_four_in_both_languages() -> None:
    for language in ("en", "vi"):

        async def scene(stage: Stage) -> None:
            await stage.press("i", "enter", "m")
            await choose(stage, "evidence")
            await stage.press("escape")
            assert all(strip.cell_length == 80 for strip in stage.strips)
            assert "sha256" in stage.text

        play(scene, night(5), size=(80, 24), language=language)


def test_two_hundred_alerts_become_an_empty_queue_and_one_incident_by_keys_alone() -> None:
    """A whole triage: what belongs together becomes an incident, noise is closed by the value that makes it, the rest in bundles."""
    desk = night(200)
    desk.incidents_held.clear()
    desk.held = {key: replace(alert, incident_id="") for key, alert in desk.held.items()}
    attack = {key for key, alert in desk.held.items() if alert.entity.value == "203.0.113.77"}

    async def whole_list(stage: Stage, reason: str) -> None:
        """Mark all that is listed, and close it."""
        table = stage.on(AlertsScreen).table
        await stage.press("g", *["space"] * len(table.ids), "c", reason)

    async def scene(stage: Stage) -> None:
        table = stage.on(AlertsScreen).table
        await stage.press("plus", "1")
        assert set(table.ids) == attack
        await stage.press(*["space"] * len(attack), "x")
        await stage.type("one address guessed and then got in")
        await stage.press("i", "enter", "m", *["j"] * list(ON_INCIDENTS).index("assess"), "enter")
        await stage.press("2", "2", "d", "escape", "escape")
        await whole_list(stage, "t")
        await stage.press("escape", "F", "4")
        await stage.press("plus")
        while table.ids:
            await whole_list(stage, "b")
        await stage.press("escape")
        for _ in range(20):
            if not table.ids:
                break
            await stage.press("o", "3")
            await whole_list(stage, "f")
            await stage.press("escape")
        assert "The queue is empty" in stage.text

    play(scene, desk, size=(120, 50))
    assert all(alert.status is AlertStatus.CLOSED for alert in desk.held.values())
    (one,) = desk.incidents_held.values()
    assert set(one.alert_ids) == attack
    assert (one.severity, one.group) == ("M2", "N2")
    assert sum(len(call.split()) - 1 for call in desk.calls if call.startswith("closed")) == 200
