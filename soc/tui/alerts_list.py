"""The queue as a list: alerts in the order of triage, filtered, narrowed by values, live without moving.

The list is the analyst's: a row goes only by what they do, and a new one comes only when they ask (`r`), change the filter or have emptied
the list; until then `+3 new` says so. What others decide shows in the rows at once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from soc.alert import Alert, AlertStatus
from soc.detect import Level
from soc.store import Facet
from soc.tui import filter as filters
from soc.tui import rows, sheets
from soc.tui.filter import Filter, FilterError
from soc.tui.paint import Bar
from soc.tui.prompts import Pick, Write
from soc.tui.screen import DeskScreen
from soc.tui.session import Session
from soc.tui.span import Line, Role, Span, line
from soc.tui.table import PagedTable
from soc.tui.values_screen import Pivot, Valued, ValuesScreen

FIRST = 128
"""Alerts of a first look: more than any screen, found and shown before the rest of the list is asked for."""

VALUES = 200
"""Values of a facet, the most frequent."""

EXACT = 50_000
"""Up to so many rows new ones are counted exactly; in longer lists by how much the list grew, which costs nothing."""

REST = 4
"""After a look at what changed, so many times its length passes before the next: a slow store is asked less often."""


class AlertsList(DeskScreen):
    """What is shown, and by what it is narrowed; what is done stands in AlertsScreen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", id="filter"),
        Binding("f", "next_status", id="status"),
        *(Binding(str(level.rank + 1), f"floor('{level}')", id=f"level.{level}") for level in Level),
        Binding("F", "facets", id="facets"),
        Binding("plus", "pivot('include')", id="include"),
        Binding("minus", "pivot('exclude')", id="exclude"),
        Binding("o", "pivot('only')", id="only"),
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("S", "save", id="save"),
        Binding("escape", "back", id="back"),
    ]

    def __init__(self, session: Session, chosen: Filter | None = None) -> None:
        super().__init__(session)
        self.filter = chosen or Filter()
        self.table: PagedTable[Alert] = PagedTable(self._fetch, self._head, self._row, self._moved, self._open)
        self._peek = Bar(id="peek")
        self._new = 0
        self._hidden = 0
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
        if chosen.hidden:
            parts.append(say("shown.hidden"))
        if chosen.floor is not Level.INFORMATIONAL:
            parts.append(f"≥ {rows.level_name(chosen.floor, self.session.locale)}")
        if chosen.since:
            parts.append(say("filter.last", since=chosen.since))
        parts += [f"{'=' if h.wanted else '≠'} {h.value}" for h in chosen.having]
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
        if self._hidden:
            spans += [Span(say("hidden", count=f"{self._hidden:,}"), Role.DIM), Span("  ")]
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
        desk, table, now = self.session.desk, self.table, self.session.desk.now()
        await self.note_version()
        first: Sequence[str] | None = None
        if not self._loaded:  # the first screen does not wait for the last
            first = await self.ask(desk.alert_ids, self.filter.query(now, FIRST))
            if first:
                table.put(first, await self._fetch(first) or {})
                table.take(first, (table.find(first, keep) or 0) if keep else 0)
        whole = first is not None and len(first) < FIRST
        ids = first if whole else await self.ask(desk.alert_ids, self.filter.query(now))
        if ids is None:
            return
        found = await self.session.ask(table.find, ids, keep) if keep and ids else None
        if table.marks:
            table.marks = await self.session.ask(lambda: {key for key in table.marks if key in ids})
        table.empty = [] if ids else self._nothing()
        self._new, self._first_new, self._loaded = 0, None, True
        table.forget()
        table.take(ids, table.cursor if found is None else found)
        await self._count_hidden()

    async def _count_hidden(self) -> None:
        """How many more there would be, did they not sleep or were they not suppressed."""
        shown, chosen = self.table.ids, self.filter
        whole = replace(chosen, hidden=True).query(self.session.desk.now())
        count = None if chosen.hidden else await self.ask(self.session.desk.alert_count, whole)
        if shown is self.table.ids:
            self._hidden = max(0, (count or 0) - len(shown))
            self.tell()

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
        query = self.filter.query(desk.now())
        new: int | None = None
        first: str | None = None
        if len(shown) > EXACT:
            count = await self.ask(desk.alert_count, query)
            new = None if count is None else max(0, count - len(shown))
        else:
            fresh = await self.ask(desk.alert_ids, query)
            if fresh is not None:
                new, first = await self.session.ask(news, fresh, shown)
        if new is None or shown is not self.table.ids:
            return
        if not shown and new:
            self._reload()
            return
        self.table.forget()
        found = await self.ask(desk.alerts, [first]) if first else None
        self._new, self._first_new = new, found[0] if found else None
        self.tell()

    @abstractmethod
    def _open(self) -> None:
        """Open the alert under the cursor."""

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

    def action_facets(self) -> None:
        """Ask by what, and show how many of the list have which value."""
        names = [facet.value for facet in Facet]
        self.app.push_screen(Pick(self.session.locale.say("ask.facet"), names), self._facets)

    def _facets(self, name: str | None) -> None:
        if name:
            self.run_worker(self._bring_facets(Facet(name)), group="facets", exclusive=True)

    async def _bring_facets(self, facet: Facet) -> None:
        query = self.filter.query(self.session.desk.now())
        found = await self.ask(self.session.desk.facets, query, facet, VALUES)
        if found is not None:
            values = [Valued(facet.value, words, value, count) for value, words, count in found]
            self.app.push_screen(ValuesScreen(self.session, facet.value, values, self._by_value))

    def action_pivot(self, how: str) -> None:
        """Ask by which value of the alert under the cursor, and narrow the list by it."""
        alert = self.table.item
        if alert is None:
            return
        values = {
            f"entity {rows.entity(alert.entity)}": Valued(Facet.ENTITY.value, "", alert.entity.value),
            f"rule {alert.title}": Valued(Facet.RULE.value, "", alert.rule_id),
            f"system {alert.system or '-'}": Valued(Facet.SYSTEM.value, "", alert.system),
            f"assignee {alert.assignee or '-'}": Valued(Facet.ASSIGNEE.value, "", alert.assignee),
        }
        question = self.session.locale.say(f"help.{how}")
        ask = Pick(question, list(values))
        self.app.push_screen(ask, lambda word: self._by_value(Pivot(how), values[word]) if word else None)

    def _by_value(self, how: Pivot, one: Valued) -> None:
        value = str(one.value)
        before = self.filter if how is not Pivot.ONLY else Filter(status=self.filter.status)
        match Facet(one.field):
            case Facet.LEVEL if how is not Pivot.EXCLUDE:
                self.filter_by(replace(before, floor=Level(value)))
            case Facet.STATUS if how is not Pivot.EXCLUDE:
                word = next(word for word, of in filters.STATUSES.items() if of == {AlertStatus(value)})
                self.filter_by(replace(before, status=word))
            case facet:
                self.filter_by(before.with_value(facet, value, wanted=how is not Pivot.EXCLUDE))

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
            self._loaded = False
            self.hush()
            self._reload()

    def action_refresh(self) -> None:
        """Take the new alerts in."""
        self._reload()

    def action_back(self) -> None:
        """Marks first, then the filter, then the screen."""
        if self.table.marks:
            self.table.clear_marks()
        elif self.filter.incident_id:
            self.app.pop_screen()
        else:
            self.filter_by(Filter())


def news(fresh: Sequence[str], shown: Sequence[str]) -> tuple[int, str | None]:
    """How many of the fresh ids are not shown yet, and the first of them."""
    known = set(shown)
    new = [key for key in fresh if key not in known]
    return len(new), new[0] if new else None
