"""Open incidents as cards, in a lane for each phase of ISO/IEC 27035; the most urgent legal clock stands on the card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from soc.incident import Incident, Phase
from soc.incident.clocks import Clocks
from soc.incident.merging import title_in
from soc.tui import rows
from soc.tui.acting import ActionsScreen, Target, carry_out
from soc.tui.incident_sheet import clock_cell, next_clock
from soc.tui.lanes import Card, Lane, Lanes
from soc.tui.screen import LiveScreen
from soc.tui.session import Session, Shows
from soc.tui.span import Role, Span

MOST = 500
"""Incidents on the board, the first of the list."""


class PhaseBoard(LiveScreen):
    """Lanes of incidents; `>` and `<` move a card to the next phase and back."""

    VIEW = "board"
    AUTO_FOCUS = "Lanes"
    KEYS = ("open", "forward", "backward", "actions", "refresh", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("greater_than_sign", "step(1)", id="forward"),
        Binding("less_than_sign", "step(-1)", id="backward"),
        Binding("m", "actions", id="actions"),
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("escape,b", "back", id="back"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.lanes = Lanes(self.tell, self._open)

    def body(self) -> Iterable[Widget]:
        """Lanes."""
        return (self.lanes,)

    async def load(self) -> None:
        """Ask for what is shown, and show it."""
        desk = self.session.desk
        ids = await self.ask(desk.incident_ids)
        found = await self.ask(desk.incidents, (ids or ())[:MOST])
        clocks = await self.ask(desk.clocks, (ids or ())[:MOST])
        if found is not None and clocks is not None:
            self.lanes.show([self._lane(phase, found, clocks) for phase in Phase])

    def _lane(self, phase: Phase, incidents: Iterable[Incident], clocks: Mapping[str, Clocks]) -> Lane:
        cards = [
            self._card(one, clocks.get(one.id))
            for one in incidents
            if one.phase is phase and one.closed is None and not one.merged_into
        ]
        return Lane(self.session.locale.say(f"phase.{phase}"), cards)

    def _card(self, one: Incident, clocks: Clocks | None) -> Card:
        locale, now = self.session.locale, self.session.desk.now()
        left, role = clock_cell(next_clock(clocks), now)
        head = (
            Span(f"{rows.SHAPES[one.level].strip()} ", rows.LEVEL_ROLES[one.level]),
            Span(f"{one.severity or '?'} ", Role.STRONG),
            Span(f"{left} ", role),
            Span(one.id, Role.DIM),
        )
        below = f"{one.assignee or '-'}  {locale.say('card.alerts', count=len(one.alert_ids))}"
        return Card(one.id, (head, (Span(title_in(one, locale.language)),), (Span(below, Role.DIM),)))

    def _target(self, key: str) -> Target:
        return Target("incident", (key,), lambda _: self.action_refresh())

    def action_step(self, by: int) -> None:
        """Move the card to the next phase, or back."""
        key, phases = self.lanes.cursor_id, list(Phase)
        to = self.lanes.lane + by
        if key is None or not 0 <= to < len(phases):
            return
        if self.session.read_only:
            self.say("refused.read_only_here", Role.WARN)
            return
        moved = carry_out(self, self._target(key), "phase", {"to": phases[to].value})
        self.run_worker(moved, group="decide")

    def action_actions(self) -> None:
        """All that can be done to the incident."""
        if self.lanes.cursor_id:
            self.app.push_screen(ActionsScreen(self.session, self._target(self.lanes.cursor_id)))

    def _open(self) -> None:
        if self.lanes.cursor_id:
            self.go_to(Shows.INCIDENT, self.lanes.cursor_id)
