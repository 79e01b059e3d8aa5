"""The queue and what is done with it: alerts decided by one or two keys, with an undo; all else by a list of actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from soc.alert import Alert, AlertStatus, CloseReason
from soc.store.ids import without
from soc.tui.acting import ActionsScreen, Target, carry_out
from soc.tui.alerts_list import AlertsList
from soc.tui.desk import Outcome
from soc.tui.prompts import Choose, Write
from soc.tui.session import Shows
from soc.tui.span import Role
from soc.tui.triage import Step
from soc.tui.tune_screen import TuneScreen

REASONS = {
    "t": CloseReason.TRUE_POSITIVE,
    "f": CloseReason.FALSE_POSITIVE,
    "b": CloseReason.BENIGN,
    "d": CloseReason.DUPLICATE,
}
"""The key that follows `c`; its capital asks for a note first."""


class AlertsScreen(AlertsList):
    """Alerts as a list."""

    VIEW = "alerts"
    KEYS = (
        "ack",
        "close",
        "open",
        "escalate",
        "actions",
        "filter",
        "status",
        "mark",
        "undo",
        "command",
        "incidents",
        "refresh",
        "help",
        "quit",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", id="ack"),
        Binding("c", "close", id="close"),
        Binding("z", "undo", id="undo"),
        Binding("m", "actions", id="actions"),
        Binding("x", "escalate", id="escalate"),
        Binding("s", "tune", id="tune"),
        Binding("i", "incidents", id="incidents"),
    ]

    def action_acknowledge(self) -> None:
        """Acknowledge the alert under the cursor and go on; or the marked ones, after a question."""
        ids = self.table.targets()
        if not self.table.marks:
            self.acknowledge(ids)
            return
        say = self.session.locale.say
        ask = Choose(say("ask.acknowledge", count=len(ids)), {"enter": say("yes"), "esc": say("no")}, {"y": "enter"})
        self.app.push_screen(ask, lambda answer: self.acknowledge(ids) if answer == "enter" else None)

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Acknowledge these."""
        self._decide(
            ids,
            lambda: self.session.triage.acknowledge(ids),
            lambda a: replace(a, status=AlertStatus.ACKNOWLEDGED) if a.status is AlertStatus.NEW else a,
        )

    def action_close(self) -> None:
        """Ask why, and close the alert under the cursor or the marked ones."""
        self.ask_reason(self.table.targets(), lambda: None)

    def ask_reason(self, ids: Sequence[str], then: Callable[[], None]) -> None:
        """Ask why these shall be closed, close them, and do what comes then."""
        if not ids:
            return
        if self.session.read_only:
            self.speaker.say("refused.read_only", Role.WARN)
            return
        say = self.session.locale.say
        answers = {key: say(f"reason.{reason}") for key, reason in REASONS.items()}
        capitals = {key.upper(): key.upper() for key in REASONS}
        marked = bool(self.table.marks) and set(ids) == self.table.marks
        question = say("ask.close_many", count=len(ids)) if marked else say("ask.close")

        def with_note(reason: CloseReason, note: str | None) -> None:
            if note is not None:
                self.close_alerts(ids, reason, note)
                then()

        def chosen(answer: str | None) -> None:
            reason = REASONS.get((answer or "").lower())
            if reason is None or answer is None:
                return
            if answer.isupper():
                self.app.push_screen(Write(say("ask.note")), lambda note: with_note(reason, note))
            else:
                with_note(reason, "")

        self.app.push_screen(Choose(question, answers, capitals), chosen)

    def close_alerts(self, ids: Sequence[str], reason: CloseReason, note: str) -> None:
        """Close these."""
        self._decide(
            ids,
            lambda: self.session.triage.close(ids, reason, note),
            lambda a: replace(a, status=AlertStatus.CLOSED, reason=reason),
        )

    def _decide(self, ids: Sequence[str], call: Callable[[], Step], becomes: Callable[[Alert], Alert]) -> None:
        """Show the decision at once, go on to the next row, and have it carried out."""
        if not ids:
            return
        if not self.session.read_only:
            self.table.patch_with(ids, becomes)
            if list(ids) == [self.table.cursor_id]:
                self.table.action_move(1)
            self.table.clear_marks()
        self.run_worker(self._carry_out(self.session.decide(call)), group="decide")

    async def _carry_out(self, decision: Future[Step]) -> None:
        step = await self.told(self.session.outcome(decision))
        if step is None:
            self.table.forget()
            return
        self._report(step, "done")
        await self._show_again(step.ids)

    async def _show_again(self, ids: Sequence[str]) -> None:
        """Show what became of these; a row that no longer belongs to the list goes."""
        now = await self.ask(self.session.desk.alerts, ids) or []
        self.table.patch({alert.id: alert for alert in now})
        gone = {alert.id for alert in now if not self.filter.keeps(alert)}
        if gone:
            await self._leave_out(gone)

    async def _leave_out(self, gone: set[str]) -> None:
        table = self.table
        while True:
            shown = table.ids
            rest = await self.session.ask(without, shown, gone)
            if shown is table.ids:  # no other decision took its rows out meanwhile
                break
        places = (table.find(shown, key) for key in gone)
        above = sum(1 for at in places if at is not None and at < table.cursor)
        table.empty = [] if rest else self._nothing()
        table.take(rest, table.cursor - above, keep_top=True)
        if not rest:
            self._reload()

    def action_actions(self) -> None:
        """All that can be done to the alert under the cursor, or to the marked ones."""
        self.open_actions(self.table.targets())

    def open_actions(self, ids: Sequence[str]) -> None:
        """All that can be done to these."""
        if ids:
            self.app.push_screen(ActionsScreen(self.session, self.target(ids)))

    def action_escalate(self) -> None:
        """Make an incident of the alert under the cursor, or of the marked ones."""
        self.escalate(self.table.targets())

    def escalate(self, ids: Sequence[str]) -> None:
        """Ask why, and make an incident of these; where they are one already, go to it."""
        held = {alert.id: alert.incident_id for alert in self.table.known(ids) if alert.incident_id}
        if held and len(held) == len(ids) and len(set(held.values())) == 1:
            self.go_to(Shows.INCIDENT, next(iter(held.values())))
        elif self.session.read_only:
            self.speaker.say("refused.read_only", Role.WARN)
        elif held:
            which, incident = next(iter(held.items()))
            self.speaker.say("escalate.held", Role.WARN, count=len(held), of=len(ids), id=which, incident=incident)
        elif ids:
            ask = Write(self.session.locale.say("ask.escalate", count=len(ids)))
            self.app.push_screen(ask, lambda why: self._escalate(ids, why) if why else None)

    def _escalate(self, ids: Sequence[str], why: str) -> None:
        self.run_worker(carry_out(self, self.target(ids), "escalate", {"note": why}), group="decide")

    def action_tune(self) -> None:
        """Tune from the alert under the cursor."""
        if self.table.cursor_id:
            self.app.push_screen(TuneScreen(self.session, self.table.cursor_id))

    def target(self, ids: Sequence[str]) -> Target:
        """These, and that what became of them is shown."""
        return Target("alert", tuple(ids), self._acted)

    def _acted(self, outcome: Outcome) -> None:
        self.table.clear_marks()
        self.run_worker(self._show_again(outcome.done), group="decide")

    def action_undo(self) -> None:
        """Take the last decision back."""
        self.run_worker(self.undo(self.session.decide(self.session.triage.undo)), group="decide")

    async def undo(self, decision: Future[Step]) -> Step | None:
        """What became of taking the last decision back; the cursor goes to its first alert."""
        step = await self.told(self.session.outcome(decision))
        if step:
            self._report(step, "undone")
            self._reload(step.ids[0])
        return step

    def _report(self, step: Step, how: str) -> None:
        title = step.before[0].title if len(step.before) == 1 else ""
        reason = self.session.locale.say(f"reason.{step.reason}") if step.reason else ""
        self.speaker.say(f"{how}.{step.verb}", count=len(step.before), title=title, reason=reason)

    def action_incidents(self) -> None:
        """The incidents."""
        self.go_to(Shows.INCIDENTS)

    def _open(self) -> None:
        self.go_to(Shows.ALERT, self)
