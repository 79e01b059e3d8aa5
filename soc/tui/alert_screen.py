"""One alert: why it matched, its raw events, its rule, its history; decided with the same keys as in the list, then on to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from collectors.event import Value
from soc.alert import Alert
from soc.store import AlertQuery
from soc.tui import around, sheets
from soc.tui.alerts_screen import AlertsScreen
from soc.tui.desk import Desk
from soc.tui.hunt_screen import HuntScreen, reaching
from soc.tui.hunting import Found, only_value
from soc.tui.paint import Bar
from soc.tui.reader import Reader
from soc.tui.screen import DeskScreen
from soc.tui.session import Session, Shows
from soc.tui.span import Line, Role, Span, line
from soc.tui.triage import Step
from soc.tui.tune_screen import TuneScreen

PAGES = ("overview", "events", "rule", "history", "timeline", "related")


class AlertScreen(DeskScreen):
    """The alert under the cursor of a list."""

    VIEW = "alert"
    KEYS = (
        "ack",
        "close",
        "next",
        "previous",
        "pages",
        "escalate",
        "actions",
        "undo",
        "incident",
        "hunt",
        "back",
        "help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", id="ack"),
        Binding("c", "close", id="close"),
        Binding("z", "undo", id="undo"),
        Binding("n,J", "step(1)", id="next"),
        Binding("p,K", "step(-1)", id="previous"),
        Binding("tab,l,right", "turn(1)", id="pages"),
        Binding("shift+tab,h,left", "turn(-1)", id="pages.back"),
        *(Binding(str(number), f"page('{page}')", id=f"page.{page}") for number, page in enumerate(PAGES, 1)),
        Binding("i", "incident", id="incident"),
        Binding("H", "hunt", id="hunt"),
        Binding("m", "actions", id="actions"),
        Binding("x", "escalate", id="escalate"),
        Binding("s", "tune", id="tune"),
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("escape", "back", id="back"),
    ]

    def __init__(self, session: Session, queue: AlertsScreen) -> None:
        super().__init__(session)
        self._queue = queue
        self.alert_id = queue.table.cursor_id or ""
        self.page = PAGES[0]
        self.reader = Reader()
        self._names = Bar(id="pages")
        self._alert = queue.table.item
        self._events: list[Mapping[str, Value]] | None = None
        self._rule: str | None = None
        self._around: Found | None = None
        self._others: list[Alert] | None = None

    def body(self) -> Iterable[Widget]:
        """The names of the pages, the page."""
        return (self._names, self.reader)

    def on_mount(self) -> None:
        """Show what the list knows, and load the rest."""
        super().on_mount()
        self._show()
        self._load()

    def place_spans(self) -> list[Span]:
        """Where in the list the alert stands."""
        table = self._queue.table
        return [Span(f"{table.cursor + 1:,}/{len(table.ids):,}")]

    def desk_changed(self, version: int) -> None:
        """Show what became of it."""
        super().desk_changed(version)
        self._load()

    def _load(self) -> None:
        self.run_worker(self._bring(self.alert_id), group="load", exclusive=True)

    async def _bring(self, alert_id: str) -> None:
        desk = self.session.desk
        await self.note_version()
        found = await self.ask(desk.alerts, [alert_id])
        if not found:
            if found is not None:
                self.say("gone", Role.WARN)
            return
        changed = found[0] != self._alert
        self._alert = alert = found[0]
        if changed:
            self._show(keep_place=True)
        if self.page == "timeline" and self._around is None:
            self._around = await self._bring_around(alert) or Found((), ())
            self._show()
        elif self.page == "related" and self._others is None:
            self._others = await self.ask(related_to, desk, alert) or []
            self._show()
        if self._events is None:
            newest = alert.event_ids[-sheets.MAX_EVENTS :]
            self._events = await self.ask(desk.raw_events, newest) or []
            self._rule = await self.ask(desk.rule_text, alert.rule_id, alert.rule_version) or ""
            self._show(keep_place=True)

    async def _bring_around(self, alert: Alert) -> Found | None:
        query = only_value(alert.entity.kind, alert.entity.value)
        since, until = alert.first_seen - around.BEFORE, alert.last_seen + around.AFTER
        return await self.ask(self.session.hunting.find, query, since, until, events=around.EVENTS, bars=1)

    def _show(self, *, keep_place: bool = False) -> None:
        say = self.session.locale.say
        names = [
            part
            for number, page in enumerate(PAGES, 1)
            for part in (
                Span(f" {number} {say(f'page.{page}')} ", Role.CURSOR if page == self.page else Role.DIM),
                Span(" "),
            )
        ]
        self._names.show(((Span(" "), *names), ()))
        self.reader.show(self._lines(), keep_place=keep_place)
        self.tell()

    def _lines(self) -> list[Line]:
        locale, alert = self.session.locale, self._alert
        waiting = [line(Span(locale.say("loading"), Role.DIM))]
        if alert is None:
            return waiting
        if self.page == "events":
            return waiting if self._events is None else sheets.events(alert, self._events, locale)
        if self.page == "timeline":
            found = self._around
            return waiting if found is None else list(around.timeline(alert, found.events, found.total, locale))
        if self.page == "related":
            return waiting if self._others is None else list(around.related(alert, self._others, locale))
        if self.page == "rule":
            return waiting if self._rule is None else sheets.rule(alert, self._rule, locale)
        if self.page == "history":
            return sheets.history(alert, locale)
        return sheets.overview(alert, self.session.desk.now(), locale)

    def _follow(self) -> None:
        """Show the alert that the list's cursor stands on; none left: back to the list."""
        table = self._queue.table
        if table.cursor_id in (None, self.alert_id):
            self.app.pop_screen()
            return
        self.alert_id = table.cursor_id or ""
        self._turn_to(table.item)

    def _forget(self) -> None:
        self._events = self._rule = self._around = self._others = None

    def _turn_to(self, alert: Alert | None) -> None:
        """Another alert: nothing is known of it but what the list knows."""
        self._alert = alert
        self._forget()
        self._show()
        self._load()

    def action_acknowledge(self) -> None:
        """Acknowledge it and go on to the next."""
        self._queue.acknowledge([self.alert_id])
        if not self.session.read_only:
            self._follow()

    def action_close(self) -> None:
        """Ask why, close it, and go on to the next."""
        self._queue.ask_reason([self.alert_id], self._follow)

    def action_undo(self) -> None:
        """Take the last decision back and show its alert again."""
        self.run_worker(self._undo(self.session.decide(self.session.triage.undo)), group="decide")

    async def _undo(self, decision: Future[Step]) -> None:
        step = await self._queue.undo(decision)
        if step:
            self.alert_id = step.ids[0]
            self._turn_to(step.before[0])

    def action_step(self, rows: int) -> None:
        """The next alert of the list, or the one before."""
        before = self._queue.table.cursor
        self._queue.table.action_move(rows)
        if self._queue.table.cursor != before:
            self._follow()

    def action_turn(self, pages: int) -> None:
        """The next page, or the one before."""
        self.action_page(PAGES[(PAGES.index(self.page) + pages) % len(PAGES)])

    def action_page(self, page: str) -> None:
        """One page."""
        self.page = page
        self._show()
        if page in ("timeline", "related"):
            self._load()

    def action_refresh(self) -> None:
        """Load everything again."""
        self._forget()
        self._load()

    def action_actions(self) -> None:
        """All that can be done to it."""
        self._queue.open_actions([self.alert_id])

    def action_escalate(self) -> None:
        """Make an incident of it, or go to the one that it is in."""
        self._queue.escalate([self.alert_id])

    def action_tune(self) -> None:
        """Tune from it."""
        self.app.push_screen(TuneScreen(self.session, self.alert_id))

    def action_hunt(self) -> None:
        """What else the entity did, as a hunt to go on with."""
        if self._alert:
            entity, now = self._alert.entity, self.session.desk.now()
            last = reaching(now - self._alert.first_seen + around.BEFORE)
            self.app.push_screen(HuntScreen(self.session, only_value(entity.kind, entity.value), last))

    def action_incident(self) -> None:
        """The incident that it belongs to."""
        alert: Alert | None = self._alert
        if alert and alert.incident_id:
            self.go_to(Shows.INCIDENT, alert.incident_id)
        else:
            self.say("no_incident")


def related_to(desk: Desk, alert: Alert) -> list[Alert]:
    """The other alerts of its incident and those about its entity, highest risk first, as many as a page shows."""
    queries = [AlertQuery(text=alert.entity.value)]
    if alert.incident_id:
        queries.append(AlertQuery(incident_id=alert.incident_id))
    ids = dict.fromkeys(key for query in queries for key in desk.alert_ids(query)[: around.ALERTS + 1])
    found = desk.alerts(list(ids))
    return sorted(found, key=lambda other: (-other.risk, other.id))
