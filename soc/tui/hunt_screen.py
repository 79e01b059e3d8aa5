"""The hunt: a query line over the stored events, how many there were when, a table of the newest; from any value on to the next query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from collectors.event import Value
from soc.tui import hunting, rows
from soc.tui.filter import age
from soc.tui.hunting import Found
from soc.tui.paint import Bar
from soc.tui.prompts import Choose, Write
from soc.tui.rows import Column
from soc.tui.screen import DeskScreen
from soc.tui.session import Session
from soc.tui.span import Role, Span, line
from soc.tui.table import PagedTable
from soc.tui.values_screen import Pivot, Valued, ValuesScreen, text_of

EVENTS = 1_000
"""Events in the table; the bars count all of them."""

VALUES = 100
"""Values of one field, the most frequent."""

SPANS = {"1": "15m", "2": "1h", "3": "24h", "4": "7d", "5": "30d", "6": "90d", "7": "365d"}

COLUMNS = (
    Column("time", 14, 14),
    Column("dataset", 14, 18, 2),
    Column("host", 12, 16, 1),
    Column("message", 0, 0),
)

_BLOCKS = " ▁▂▃▄▅▆▇█"


def reaching(back: timedelta) -> str:
    """The shortest span of a week or more that reaches so far back; the longest where none does."""
    return next((span for span in SPANS.values() if age(span) >= max(back, timedelta(days=7))), SPANS["7"])


class HuntScreen(DeskScreen):
    """One query and what it finds."""

    VIEW = "hunt"
    KEYS = ("query", "span", "top", "open", "wider", "refresh", "command", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "query", id="query"),
        Binding("t", "span", id="span"),
        Binding("T,f", "top", id="top"),
        Binding("u,backspace", "wider", id="wider"),
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("S", "save", id="save"),
        Binding("escape", "back", id="back"),
    ]

    def __init__(self, session: Session, query: str = "", last: str = "24h") -> None:
        super().__init__(session)
        self.asked = query
        self.last = last
        self._before: list[str] = []
        self._found = Found((), ())
        self._bars = Bar(id="bars")
        self.table: PagedTable[Mapping[str, Value]] = PagedTable(
            self._fetch, self._head, self._row, self.tell, self._open, can_mark=False
        )

    def body(self) -> Iterable[Widget]:
        """Bars, table."""
        return (self._bars, self.table)

    def on_mount(self) -> None:
        """Search."""
        super().on_mount()
        self.action_refresh()

    def on_resize(self) -> None:
        """As many bars as there are cells."""
        super().on_resize()
        self._show_bars()

    def title_spans(self) -> list[Span]:
        """The query and how far it reaches back."""
        say = self.session.locale.say
        return [
            Span(f"  {self.asked or say('hunt.all')}", Role.STRONG),
            Span(f"  {say('filter.last', since=self.last)}"),
        ]

    def place_spans(self) -> list[Span]:
        """How many there are, and where the cursor stands."""
        total = len(self.table.ids)
        return [Span(f"{self.table.cursor + 1:,}/{self._found.total:,}" if total else "0")]

    @property
    def typed(self) -> str:
        """The query as one would type it."""
        return f"hunt {self.asked}".rstrip()

    def hunt(self, query: str) -> None:
        """Another query; the one before is kept for the way back."""
        if query != self.asked:
            self._before.append(self.asked)
            self.asked = query
        self.action_refresh()

    def action_refresh(self) -> None:
        """Search again, up to now."""
        self.say("hunt.searching", Role.DIM)
        self.run_worker(self._load(), group="load", exclusive=True)

    def _span(self) -> tuple[datetime, datetime]:
        until = self.session.desk.now() + timedelta(seconds=1)
        return until - age(self.last), until

    async def _load(self) -> None:
        since, until = self._span()
        find = self.session.hunting.find
        found = await self.ask(find, self.asked, since, until, events=EVENTS, bars=max(1, self.size.width - 2))
        if found is None:
            return
        self.hush()
        self._found = found
        self._show_bars()
        say, ids = self.session.locale.say, [str(number) for number in range(len(found.events))]
        self.table.empty = [line(Span(f"  {say('empty.hunt')}", Role.STRONG)), line(f"  {say('empty.hunt_why')}")]
        self.table.put(ids, dict(zip(ids, found.events, strict=True)))
        self.table.take(ids, 0)

    def _show_bars(self) -> None:
        counts = [count for _, count in self._found.bars]
        clock = self.session.locale.clock
        if not counts:
            self._bars.show()
            return
        high = max(counts)
        low_row, high_row = zip(*(blocks(count, high) for count in counts), strict=True)
        first, last = self._found.bars[0][0], self._found.bars[-1][0]
        most = self.session.locale.say("hunt.most", count=f"{high:,}")
        self._bars.show(
            ((Span(" "), Span("".join(high_row), Role.KEY)), ()),
            ((Span(" "), Span("".join(low_row), Role.KEY)), ()),
            ((Span(f" {clock(first)}", Role.DIM),), (Span(f"{most}  {clock(last)} ", Role.DIM),)),
        )

    async def _fetch(self, ids: Sequence[str]) -> dict[str, Mapping[str, Value]]:
        return {key: self._found.events[int(key)] for key in ids if int(key) < len(self._found.events)}

    def _head(self, cells: int) -> list[Span]:
        return rows.header(COLUMNS, cells, self.session.locale)

    def _row(self, event: Mapping[str, Value], cells: int, marked: bool) -> list[Span]:
        del marked

        def cell(column: Column, _: int) -> tuple[str, Role]:
            match column.name:
                case "time":
                    return self.session.locale.written(text_of(event.get("@timestamp"))), Role.PLAIN
                case "dataset":
                    return text_of(event.get("event.dataset")), Role.DIM
                case "host":
                    return text_of(event.get("host.name")), Role.PLAIN
            return text_of(event.get("message") or event.get("event.original")), Role.PLAIN

        return rows.lay(COLUMNS, cells, cell)

    def action_query(self) -> None:
        """Ask for a query."""
        say = self.session.locale.say
        self.app.push_screen(Write(say("ask.query"), self.asked), self._typed)

    def _typed(self, typed: str | None) -> None:
        if typed is not None:
            self.hunt(" ".join(typed.split()))

    def action_span(self) -> None:
        """Ask how far back."""
        say = self.session.locale.say
        self.app.push_screen(Choose(say("ask.span"), SPANS), self._reach)

    def _reach(self, key: str | None) -> None:
        if key:
            self.last = SPANS[key]
            self.action_refresh()

    def action_top(self) -> None:
        """Ask for a field, and show its most frequent values."""
        self.app.push_screen(Write(self.session.locale.say("ask.field"), "source.ip"), self._count)

    def _count(self, field: str | None) -> None:
        if field and field.strip():
            self.run_worker(self._bring_top(field.strip()), group="top", exclusive=True)

    async def _bring_top(self, field: str) -> None:
        since, until = self._span()
        found = await self.ask(self.session.hunting.top, self.asked, since, until, field, VALUES)
        if found is not None:
            values = [Valued(field, value, value, count) for value, count in found]
            self.app.push_screen(ValuesScreen(self.session, field, values, self._pivot))

    def _open(self) -> None:
        event = self.table.item
        if event is not None:
            first = [name for name in ("event.original", "message") if name in event]
            names = (*first, *sorted(set(event) - set(first)))
            values = [Valued(name, text_of(event[name]), event[name]) for name in names]
            title = str(event.get("@timestamp", ""))
            self.app.push_screen(ValuesScreen(self.session, title, values, self._pivot))

    def _pivot(self, how: Pivot, one: Valued) -> None:
        if how is Pivot.ONLY:
            self.hunt(hunting.only_value(one.field, one.value))
        else:
            narrow = hunting.with_value if how is Pivot.INCLUDE else hunting.without_value
            self.hunt(narrow(self.asked, one.field, one.value))

    def action_wider(self) -> None:
        """The query before this one."""
        if self._before:
            self.asked = self._before.pop()
            self.action_refresh()


def blocks(count: int, high: int) -> tuple[str, str]:
    """A bar of two cells, the lower one first; whatever is not nothing shows."""
    eighths = max(1, round(16 * count / high)) if count else 0
    return _BLOCKS[min(8, eighths)], _BLOCKS[max(0, eighths - 8)]
