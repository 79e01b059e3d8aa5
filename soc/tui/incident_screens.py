"""The incidents as a list, and one of them with its story; from there to its alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from soc.incident import Incident
from soc.incident.clocks import NoticeClock
from soc.tui import incident_sheet, rows
from soc.tui.acting import ActionsScreen, Target
from soc.tui.filter import Filter
from soc.tui.incident_sheet import clock_cell, next_clock
from soc.tui.reader import Reader
from soc.tui.screen import LiveScreen
from soc.tui.session import Session, Shows
from soc.tui.span import Line, Role, Span, line
from soc.tui.table import PagedTable


class IncidentsScreen(LiveScreen):
    """All incidents: open ones first, then highest risk, then newest."""

    VIEW = "incidents"
    KEYS = ("open", "actions", "board", "refresh", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "actions", id="actions"),
        Binding("b", "board", id="board"),
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("escape,i", "back", id="back"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.table: PagedTable[Incident] = PagedTable(self._fetch, self._head, self._row, self._moved, self._open)
        self._clocks: dict[str, NoticeClock | None] = {}

    def body(self) -> Iterable[Widget]:
        """Table."""
        return (self.table,)

    def place_spans(self) -> list[Span]:
        """Where the cursor stands."""
        total = len(self.table.ids)
        return [Span(f"{self.table.cursor + 1:,}/{total:,}" if total else "0")]

    async def load(self) -> None:
        """Ask for what is shown, and show it."""
        table = self.table
        ids = await self.ask(self.session.desk.incident_ids)
        if ids is None:
            return
        found = table.find(ids, table.cursor_id) if table.cursor_id else None
        table.empty = [] if ids else self._nothing()
        table.forget()
        table.take(ids, table.cursor if found is None else found)

    def _nothing(self) -> list[Line]:
        say = self.session.locale.say
        return [line(Span(f"  {say('empty.incidents')}", Role.STRONG)), line(f"  {say('empty.incidents_why')}")]

    def _head(self, cells: int) -> list[Span]:
        return rows.header(rows.INCIDENT_COLUMNS, cells, self.session.locale)

    def _row(self, incident: Incident, cells: int, marked: bool) -> list[Span]:
        clock = clock_cell(self._clocks.get(incident.id), self.session.desk.now())
        return rows.incident_row(incident, clock, cells, self.session.locale, marked=marked)

    def action_actions(self) -> None:
        """All that can be done to the incident under the cursor, or to the marked ones."""
        ids = self.table.targets()
        if ids:
            target = Target("incident", tuple(ids), lambda _: self.table.clear_marks())
            self.app.push_screen(ActionsScreen(self.session, target))

    async def _fetch(self, ids: Sequence[str]) -> dict[str, Incident] | None:
        found = await self.ask(self.session.desk.incidents, ids)
        clocks = await self.ask(self.session.desk.clocks, ids)
        self._clocks |= {key: next_clock(each) for key, each in (clocks or {}).items()}
        return None if found is None else {incident.id: incident for incident in found}

    def action_board(self) -> None:
        """The open ones by phase."""
        self.go_to(Shows.BOARD)

    def _moved(self) -> None:
        self.tell()

    def _open(self) -> None:
        if self.table.cursor_id:
            self.go_to(Shows.INCIDENT, self.table.cursor_id)


class IncidentScreen(LiveScreen):
    """One incident: facts, why its alerts are one, what happened when."""

    VIEW = "incident"
    KEYS = ("alerts", "actions", "refresh", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "actions", id="actions"),
        Binding("enter,a", "alerts", id="alerts"),
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("escape,i", "back", id="back"),
    ]

    def __init__(self, session: Session, incident_id: str) -> None:
        super().__init__(session)
        self.incident_id = incident_id
        self.reader = Reader()
        self._incident: Incident | None = None

    def body(self) -> Iterable[Widget]:
        """Page."""
        return (self.reader,)

    def on_mount(self) -> None:
        """Load."""
        super().on_mount()
        self.reader.show([line(Span(self.session.locale.say("loading"), Role.DIM))])
        self.action_refresh()

    def title_spans(self) -> list[Span]:
        """Its id."""
        return [Span(f"  {self.incident_id}", Role.DIM)]

    async def load(self) -> None:
        """Ask for what is shown, and show it."""
        found = await self.ask(self.session.desk.incidents, [self.incident_id])
        if found:
            first = self._incident is None
            self._incident = found[0]
            clocks = (await self.ask(self.session.desk.clocks, [self.incident_id]) or {}).get(self.incident_id)
            page = incident_sheet.incident(found[0], clocks, self.session.desk.now(), self.session.locale)
            self.reader.show(page, keep_place=not first)
        elif found is not None:
            self.say("gone", Role.WARN)

    def action_actions(self) -> None:
        """All that can be done to it."""
        target = Target("incident", (self.incident_id,), lambda _: self.action_refresh())
        self.app.push_screen(ActionsScreen(self.session, target))

    def action_alerts(self) -> None:
        """Its alerts, of every status."""
        self.go_to(Shows.ALERTS, Filter(status="all", incident_id=self.incident_id))
