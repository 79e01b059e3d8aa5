"""A board as a table, and one of its rows as a page: the same keys for sources, rules, playbooks and controls."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from time import perf_counter
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from soc.detect import Level
from soc.tui import rows
from soc.tui.boards import BOARDS, Action, Board, Cell, Item, Section, Tone
from soc.tui.messages import CATALOGUE
from soc.tui.prompts import Choose, Write
from soc.tui.reader import Reader
from soc.tui.rows import Column, Locale
from soc.tui.screen import LiveScreen
from soc.tui.session import Session
from soc.tui.span import Line, Role, Span, line
from soc.tui.table import PagedTable

REST = 10
"""After a look, so many times its length passes before the next one that nobody asked for: a slow board is asked less often."""

_TONES = {Tone.PLAIN: Role.PLAIN, Tone.DIM: Role.DIM, Tone.WARN: Role.WARN}
_ACTIONS = [
    Binding(action.key, f"act('{action.name}')", id=f"act.{action.name}")
    for board in BOARDS.values()
    for action in board.actions
]
_ACTION_IDS = tuple(one.id or "" for one in _ACTIONS)


class _OfBoard(LiveScreen):
    """What table and page share: when to load, and what can be done with a row."""

    def __init__(self, session: Session, board: Board) -> None:
        super().__init__(session)
        self.board = board
        self.VIEW = board.name
        self._rest_until = 0.0

    @abstractmethod
    def target(self) -> str | None:
        """Which row an action is about."""

    def desk_changed(self, version: int) -> None:
        """Something was decided or counted: look again, unless that was just done."""
        if perf_counter() >= self._rest_until:
            super().desk_changed(version)

    async def _load(self) -> None:
        began = perf_counter()
        await super()._load()
        self._rest_until = perf_counter() + REST * (perf_counter() - began)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only the actions of this board have keys here."""
        return action != "act" or any(one.name == parameters[0] for one in self.board.actions)

    def action_act(self, name: str) -> None:
        """Ask for a note or a yes, and do it."""
        target, say = self.target(), self.session.locale.say
        action = next(one for one in self.board.actions if one.name == name)
        if target is None:
            return
        if self.session.read_only:
            self.say("refused.read_only_here", Role.WARN)
            return
        question = say(f"ask.{name}", id=target)
        if action.note:
            self.app.push_screen(Write(question), lambda note: self._do(action, target, note))
        else:
            ask = Choose(question, {"enter": say("yes"), "esc": say("no")}, {"y": "enter"})
            self.app.push_screen(ask, lambda key: self._do(action, target, "" if key else None))

    def _do(self, action: Action, target: str, note: str | None) -> None:
        if note is not None:
            self.run_worker(self._carry_out(action, target, note), group="act")

    async def _carry_out(self, action: Action, target: str, note: str) -> None:
        done = await self.ask(self.session.boards.act, self.board.name, target, action.name, note)
        if done is not None:
            self.say(f"did.{action.name}", id=target, said=done.partition("\n")[0])
            self.action_refresh()


class BoardScreen(_OfBoard):
    """All rows of a board, narrowed by words."""

    KEYS = (*_ACTION_IDS, "open", "filter", "refresh", "command", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", id="filter"),
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("escape", "back", id="back"),
        *_ACTIONS,
    ]

    def __init__(self, session: Session, name: str) -> None:
        super().__init__(session, BOARDS[name])
        self.table: PagedTable[Item] = PagedTable(
            self._fetch, self._head, self._row, self.tell, self._open, can_mark=False
        )
        self.words = ""
        self._items: dict[str, Item] = {}

    def body(self) -> Iterable[Widget]:
        """Table."""
        return (self.table,)

    def target(self) -> str | None:
        """The row under the cursor."""
        return self.table.cursor_id

    def title_spans(self) -> list[Span]:
        """The words that narrow it."""
        return [Span(f"  “{self.words}”")] if self.words else []

    def place_spans(self) -> list[Span]:
        """How many rows want to be looked at, and where the cursor stands."""
        warned = sum(item.tone is Tone.WARN for item in self._items.values())
        news = [Span(f" ! {warned} ", Role.NEWS), Span("  ")] if warned else []
        total = len(self.table.ids)
        return [*news, Span(f"{self.table.cursor + 1:,}/{total:,}" if total else "0")]

    async def load(self) -> None:
        """All rows anew; the cursor stays on its row."""
        items = await self.ask(self.session.boards.items, self.board.name)
        if items is not None:
            self._items = {item.id: item for item in items}
            self._show()

    def _show(self) -> None:
        table, words = self.table, self.words.casefold().split()
        ids = [item.id for item in self._items.values() if item.holds(words)]
        found = table.find(ids, table.cursor_id) if table.cursor_id else None
        say = self.session.locale.say
        empty = ("empty.words", "empty.words_why") if self._items else (f"empty.{self.VIEW}", f"empty.{self.VIEW}_why")
        table.empty = [line(Span(f"  {say(empty[0])}", Role.STRONG)), line(f"  {say(empty[1])}")]
        table.put(ids, {key: self._items[key] for key in ids})
        table.take(ids, table.cursor if found is None else found)

    async def _fetch(self, ids: Sequence[str]) -> dict[str, Item]:
        return {key: self._items[key] for key in ids if key in self._items}

    def _head(self, cells: int) -> list[Span]:
        return rows.header(self.board.columns, cells, self.session.locale)

    def _row(self, item: Item, cells: int, marked: bool) -> list[Span]:
        del marked
        return item_row(item, self.board, cells, self.session.locale)

    def action_filter(self) -> None:
        """Ask for words."""
        self.app.push_screen(Write(self.session.locale.say("ask.words"), self.words), self._narrow)

    def _narrow(self, words: str | None) -> None:
        if words is not None:
            self.words = " ".join(words.split())
            self._show()

    def _open(self) -> None:
        if self.table.cursor_id:
            self.app.push_screen(ItemScreen(self.session, self.board, self.table.cursor_id))

    def action_back(self) -> None:
        """The words first, then the screen."""
        if self.words:
            self._narrow("")
        else:
            super().action_back()


class ItemScreen(_OfBoard):
    """One row of a board: all that is known of it."""

    KEYS = (*_ACTION_IDS, "refresh", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r,ctrl+r", "refresh", id="refresh"),
        Binding("escape", "back", id="back"),
        *_ACTIONS,
    ]

    def __init__(self, session: Session, board: Board, item_id: str) -> None:
        super().__init__(session, board)
        self.item_id = item_id
        self.reader = Reader()
        self._shown = False

    def body(self) -> Iterable[Widget]:
        """Page."""
        return (self.reader,)

    def on_mount(self) -> None:
        """Say that it loads, and load."""
        self.reader.show([line(Span(self.session.locale.say("loading"), Role.DIM))])
        super().on_mount()

    def target(self) -> str:
        """The row of this page."""
        return self.item_id

    def title_spans(self) -> list[Span]:
        """Which one."""
        return [Span(f"  {self.item_id}", Role.DIM)]

    async def load(self) -> None:
        """The page anew, where one reads."""
        sections = await self.ask(self.session.boards.sections, self.board.name, self.item_id)
        if sections:
            self.reader.show(list(page(sections, self.session.locale)), keep_place=self._shown)
            self._shown = True
        elif sections is not None:
            self.say("gone", Role.WARN)


def item_row(item: Item, board: Board, cells: int, locale: Locale) -> list[Span]:
    """One row as one line."""
    tone = _TONES[item.tone]
    plain = Role.DIM if tone is Role.DIM else Role.PLAIN

    def cell(column: Column, size: int) -> tuple[str, Role]:
        value = item.cells.get(column.name)
        if column.name == "severity":
            level = Level(str(value))
            return rows.SHAPES[level], plain if plain is Role.DIM else rows.LEVEL_ROLES[level]
        if column.name in board.words and value:
            return locale.say(f"word.{value}"), tone if column.name == board.tells else plain
        return shown(value, locale, rows.time_form(size)), plain

    return rows.lay(board.columns, cells, cell)


def shown(value: Cell, locale: Locale, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A value as people read it; nothing for what is not known."""
    match value:
        case None:
            return ""
        case datetime():
            return locale.clock(value, form)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}"
    return value


def page(sections: Sequence[Section], locale: Locale) -> Iterator[Line]:
    """The lines of an item's page; a section that says nothing is left out."""
    told = [
        section for section in sections if section.lines or any(value not in (None, "") for _, value in section.facts)
    ]
    for number, section in enumerate(told):
        if number:
            yield line()
        yield line(Span(locale.say(f"section.{section.name}"), Role.HEAD))
        for name, value in section.facts:
            if value not in (None, ""):
                known = locale.say(f"fact.{name}") if f"fact.{name}" in CATALOGUE else name
                yield line(Span(f"  {known:<18} ", Role.DIM), shown(value, locale), indent=21)
        for text in section.lines:
            yield line("  ", text.expandtabs(4), indent=4)
