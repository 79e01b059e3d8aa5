"""Fields and values as a table, each a way on: of one event, or the most frequent ones among many; and one value, whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from collectors.event import Value
from soc.tui import rows
from soc.tui.reader import Reader
from soc.tui.rows import Column
from soc.tui.screen import DeskScreen
from soc.tui.session import Session
from soc.tui.span import Line, Role, Span, line
from soc.tui.table import PagedTable

VALUE_COLUMNS = (Column("count", 9, 11, right=True), Column("field", 26, 32, 1), Column("value", 0, 0))


class Pivot(StrEnum):
    """What becomes of the value under the cursor."""

    INCLUDE = "include"
    EXCLUDE = "exclude"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Valued:
    """One row. `shown`: the value in words; `count`: how many have it, where that was counted."""

    field: str
    shown: str
    value: Value
    count: int | None = None


class ValuesScreen(DeskScreen):
    """A table of values; `pivot` is called with what was chosen, after this screen has gone."""

    VIEW = "values"
    KEYS = ("include", "exclude", "only", "open", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "pivot('include')", id="include"),
        Binding("minus", "pivot('exclude')", id="exclude"),
        Binding("o", "pivot('only')", id="only"),
        Binding("escape", "back", id="back"),
    ]

    def __init__(
        self, session: Session, title: str, values: Sequence[Valued], pivot: Callable[[Pivot, Valued], None]
    ) -> None:
        super().__init__(session)
        self._title = title
        self._values = values
        self._pivot = pivot
        self.table: PagedTable[Valued] = PagedTable(
            self._fetch, self._head, self._row, self.tell, self._open, can_mark=False
        )

    def body(self) -> Iterable[Widget]:
        """Table."""
        return (self.table,)

    def on_mount(self) -> None:
        """Show them."""
        super().on_mount()
        say = self.session.locale.say
        self.table.empty = [line(Span(f"  {say('empty.values')}", Role.STRONG))]
        self.table.take([str(number) for number in range(len(self._values))], 0)

    def title_spans(self) -> list[Span]:
        """Of what."""
        return [Span(f"  {self._title}", Role.STRONG)]

    async def _fetch(self, ids: Sequence[str]) -> dict[str, Valued]:
        return {key: self._values[int(key)] for key in ids}

    def _head(self, cells: int) -> list[Span]:
        return rows.header(VALUE_COLUMNS, cells, self.session.locale)

    def _row(self, one: Valued, cells: int, marked: bool) -> list[Span]:
        del marked
        count = "" if one.count is None else f"{one.count:,}"
        shown = {"count": (count, Role.PLAIN), "field": (one.field, Role.KEY), "value": (one.shown, Role.PLAIN)}
        return rows.lay(VALUE_COLUMNS, cells, lambda column, _: shown[column.name])

    def action_pivot(self, how: str) -> None:
        """On with the value under the cursor: only what has it too, only what has it not, or all that has it."""
        one = self.table.item
        if one is not None:
            self.app.pop_screen()
            self._pivot(Pivot(how), one)

    def _open(self) -> None:
        if self.table.item:
            self.app.push_screen(ValueScreen(self.session, self.table.item))


class ValueScreen(DeskScreen):
    """One value, whole."""

    VIEW = "value"
    KEYS = ("back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", id="back")]

    def __init__(self, session: Session, one: Valued) -> None:
        super().__init__(session)
        self._one = one
        self.reader = Reader()

    def body(self) -> Iterable[Widget]:
        """Page."""
        return (self.reader,)

    def on_mount(self) -> None:
        """Show it."""
        super().on_mount()
        self.reader.show([Line((Span(part),)) for part in self._one.shown.split("\n")])

    def title_spans(self) -> list[Span]:
        """Of which field."""
        return [Span(f"  {self._one.field}", Role.KEY)]


def text_of(value: Value) -> str:
    """A value as text; a list with commas."""
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
