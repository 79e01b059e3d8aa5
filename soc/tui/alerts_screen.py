"""The queue: alerts in the order of triage, filtered, decided by one or two keys.

The list is the analyst's: a row goes only by what they do, and a new one comes only when they ask (`r`), change the filter or have emptied
the list; until then `+3 new` says so. What others decide shows in the rows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from time import perf_counter
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from soc.alert import Alert, AlertStatus, CloseReason
from soc.detect import Level
from soc.tui import filter as filters
from soc.tui import rows, sheets
from soc.tui.acting import ActionsScreen, Target, carry_out
from soc.tui.desk import Outcome
from soc.tui.filter import Filter, FilterError
from soc.tui.paint import Bar
from soc.tui.prompts import Choose, Write
from soc.tui.screen import DeskScreen
from soc.tui.session import Session
from soc.tui.span import Line, Role, Span, line
from soc.tui.table import PagedTable
from soc.tui.triage import Step
from soc.tui.tune_screen import TuneScreen

REASONS = {
    "t": CloseReason.TRUE_POSITIVE,
    "f": CloseReason.FALSE_POSITIVE,
    "b": CloseReason.BENIGN,
    "d": CloseReason.DUPLICATE,
}
"""The key that follows `c`; its capital asks for a note first."""

EXACT = 50_000
"""Up to so many rows new ones are counted exactly; in longer lists by how much the list grew, which costs nothing."""


REST = 4
"""After a look at what changed, so many times its length passes before the next: a slow store is asked less often."""


class AlertsScreen(DeskScreen):
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
        Binding("slash", "filter", id="filter"),
        Binding("f", "next_status", id="status"),
        *(Binding(str(level.rank + 1), f"floor('{level}')", id=f"level.{level}") for level in Level),
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("i", "incidents", id="incidents"),
        Binding("m", "actions", id="actions"),
        Binding("x", "escalate", id="escalate"),
        Binding("s", "tune", id="tune"),
        Binding("S", "save", id="save"),
        Binding("escape", "back", id="back"),
    ]

    def __init__(self, session: Session, chosen: Filter | None = None) -> None:
        super().__init__(session)
        self.filter = chosen or Filter()
        self.table: PagedTable[Alert] = PagedTable(self._fetch, self._head, self._row, self._moved, self._open)
        self._peek = Bar(id="peek")
        self._new = 0
        self._first_new: Alert | None = None
        self._loaded = False
        self._looking = False
        self._rest_until = 0.0

    def body(self) -> Iterable[Widget]:
        """Table, the reason of the alert under the cursor."""
        return (self.table, self._peek)

    def on_mount(self) -> None:
        """Load."""
        super().on_mount()
        self._reload()

    # what is shown

    def _head(self, cells: int) -> list[Span]:
        return rows.header(rows.ALERT_COLUMNS, cells, self.session.locale)

    def _row(self, alert: Alert, cells: int, marked: bool) -> list[Span]:
        return rows.alert_row(alert, cells, self.session.desk.now(), self.session.locale, marked=marked)

    async def _fetch(self, ids: Sequence[str]) -> dict[str, Alert] | None:
        found = await self.ask(self.session.desk.alerts, ids)
        return None if found is None else {alert.id: alert for alert in found}

    def title_spans(self) -> list[Span]:
        """The filter in words."""
        say, chosen = self.session.locale.say, self.filter
        parts = [say("filter.incident") if chosen.incident_id else "", say(f"shown.{chosen.status}")]
        if chosen.floor is not Level.INFORMATIONAL:
            parts.append(f"≥ {rows.level_name(chosen.floor, self.session.locale)}")
        if chosen.since:
            parts.append(say("filter.last", since=chosen.since))
        if chosen.text:
            parts.append(f"“{chosen.text}”")
        return [Span("  " + " · ".join(filter(None, parts)))]

    @property
    def typed(self) -> str:
        """The filter as one would type it."""
        return f"alerts {self.filter}".rstrip()

    def place_spans(self) -> list[Span]:
        """News, marks, and where the cursor stands."""
        say = self.session.locale.say
        spans = []
        if self._new:
            shape = f" {rows.SHAPES[self._first_new.level].strip()}" if self._first_new else ""
            spans += [Span(f" {say('news', count=self._new)}{shape} ", Role.NEWS), Span("  ")]
        if self.table.marks:
            spans += [Span(say("marked", count=len(self.table.marks)), Role.KEY), Span("  ")]
        total = len(self.table.ids)
        return [*spans, Span(f"{self.table.cursor + 1:,}/{total:,}" if total else "0")]

    def _moved(self) -> None:
        self.tell()
        alert = self.table.item
        peek = sheets.peek(alert, self.session.locale) if alert else []
        self._peek.show(*(((Span(" "), *one.spans), ()) for one in peek))

    def _reload(self, keep: str | None = None) -> None:
        """Ask for the list again; the cursor on `keep`, or else on the row where it was."""
        self.run_worker(self._load(keep or self.table.cursor_id), group="load", exclusive=True)

    async def _load(self, keep: str | None) -> None:
        desk, table = self.session.desk, self.table
        await self.note_version()
        ids = await self.ask(desk.alert_ids, self.filter.query(desk.now()))
        if ids is None:
            return
        found = await self.session.ask(table.find, ids, keep) if keep and ids else None
        if table.marks:
            table.marks = await self.session.ask(table.marks.intersection, ids)
        table.empty = [] if ids else self._nothing()
        self._new, self._first_new, self._loaded = 0, None, True
        table.forget()
        table.take(ids, table.cursor if found is None else found)

    def _nothing(self) -> list[Line]:
        say = self.session.locale.say
        if self.filter == Filter():
            words = ("empty.none", "empty.watch", "empty.demo")
        else:
            words = ("empty.filtered", "empty.change", "empty.reset")
        first, *rest = words
        return [line(Span(f"  {say(first)}", Role.STRONG)), *(line(Span(f"  {say(key)}")) for key in rest)]

    def desk_changed(self, version: int) -> None:
        """Show what became of the rows, and count what is new."""
        if self._loaded and not self._looking and perf_counter() >= self._rest_until:
            super().desk_changed(version)
            self._looking = True
            self.run_worker(self._look(), group="look")

    async def _look(self) -> None:
        began = perf_counter()
        try:
            await self._look_again()
        finally:
            self._looking = False
            self._rest_until = perf_counter() + REST * (perf_counter() - began)

    async def _look_again(self) -> None:
        desk, shown = self.session.desk, self.table.ids
        fresh = await self.ask(desk.alert_ids, self.filter.query(desk.now()))
        if fresh is None or shown is not self.table.ids:
            return
        if not shown and fresh:
            self._reload()
            return
        self.table.forget()
        self._new, first = await self.session.ask(news, fresh, shown)
        found = await self.ask(desk.alerts, [first]) if first else None
        self._first_new = found[0] if found else None
        self.tell()

    # what is done

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
            rest = await self.session.ask(lambda ids: [key for key in ids if key not in gone], shown)
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
        """Ask why, and make an incident of these."""
        if self.session.read_only:
            self.speaker.say("refused.read_only", Role.WARN)
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

    def action_filter(self) -> None:
        """Ask for a filter."""
        say = self.session.locale.say

        def fault(typed: str) -> str:
            try:
                filters.parse(typed)
            except FilterError as error:
                return say(error.key, **error.values)
            return ""

        def typed(answer: str | None) -> None:
            if answer is not None:
                self.filter_by(replace(filters.parse(answer), incident_id=self.filter.incident_id))

        start = str(self.filter)
        self.app.push_screen(Write(say("ask.filter"), f"{start} " if start else "", fault), typed)

    def action_next_status(self) -> None:
        """Show the next of: open, new, acknowledged, closed, all."""
        self.filter_by(self.filter.next_status())

    def action_floor(self, level: str) -> None:
        """Show this level and above."""
        self.filter_by(replace(self.filter, floor=Level(level)))

    def filter_by(self, chosen: Filter) -> None:
        """Show what this filter lets through."""
        if chosen != self.filter:
            self.filter = chosen
            self.hush()
            self._reload()

    def action_refresh(self) -> None:
        """Take the new alerts in."""
        self._reload()

    def action_incidents(self) -> None:
        """The incidents."""
        from soc.tui.incident_screens import IncidentsScreen

        self.app.push_screen(IncidentsScreen(self.session))

    def _open(self) -> None:
        from soc.tui.alert_screen import AlertScreen

        self.app.push_screen(AlertScreen(self.session, self))

    def action_back(self) -> None:
        """Marks first, then the filter, then the screen."""
        if self.table.marks:
            self.table.clear_marks()
        elif self.filter.incident_id:
            self.app.pop_screen()
        else:
            self.filter_by(Filter())


def news(fresh: Sequence[str], shown: Sequence[str]) -> tuple[int, str | None]:
    """How many of the fresh ids are not shown yet, and the first of them (None where the list is too long to look)."""
    if max(len(fresh), len(shown)) > EXACT:
        return max(0, len(fresh) - len(shown)), None
    known = set(shown)
    new = [key for key in fresh if key not in known]
    return len(new), new[0] if new else None
