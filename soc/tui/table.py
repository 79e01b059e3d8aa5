"""A table of any length that costs what is on the screen: ids in, painted rows out; items fetched in batches off the painting thread.

Textual's DataTable renders every cell through Rich (measured: 40 s of CPU for 100,000 rows); here a row is one to four segments, made when
it is painted. The list of ids is the caller's and never changes under the cursor: the cursor stands on an id, and `take` moves the view so
that the id stays on its line. What is not fetched yet shows as dots.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from soc.tui.paint import Painted, strip
from soc.tui.span import Line, Role, Span

BATCH = 128
"""Rows fetched at once: two to three screens, a few milliseconds of a local store."""

KEPT = 256
"""Items kept; the least recently seen go first (an alert is 2 to 4 kB: 1 MB)."""

NEAR = 2048
"""How far from its old place an id is looked for before the whole list is searched."""

ItemT = TypeVar("ItemT")


class PagedTable(Painted, ScrollView, Generic[ItemT], can_focus=True):
    """Rows of `ids`. `fetch` gives the items of ids by id, None where it could not; `row` and `head` lay one out in so many cells.

    `moved` is called when the cursor stands on another id or its item has come, `opened` when its row shall be opened: called and not
    posted, so that all that changes is one repaint, and a key typed ahead meets the screen that it was meant for.
    `marks`: ids marked with space. `empty`: what stands in a table without rows.
    """

    DEFAULT_CSS = "PagedTable { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", id="move.down"),
        Binding("k,up", "move(-1)", id="move.up"),
        Binding("ctrl+d", "page(0.5)", id="move.half_down"),
        Binding("ctrl+u", "page(-0.5)", id="move.half_up"),
        Binding("pagedown,ctrl+f", "page(1)", id="move.page_down"),
        Binding("pageup,ctrl+b", "page(-1)", id="move.page_up"),
        Binding("g,home", "first", id="move.first"),
        Binding("G,end", "last", id="move.last"),
        Binding("space", "mark", id="mark"),
        Binding("enter", "open", id="open"),
    ]

    def __init__(
        self,
        fetch: Callable[[Sequence[str]], Awaitable[dict[str, ItemT] | None]],
        head: Callable[[int], list[Span]],
        row: Callable[[ItemT, int, bool], list[Span]],
        moved: Callable[[], None],
        opened: Callable[[], None],
        *,
        can_mark: bool = True,
    ) -> None:
        super().__init__()
        self.ids: Sequence[str] = ()
        self.marks: set[str] = set()
        self.cursor = 0
        self.empty: Sequence[Line] = ()
        self._fetch, self._head, self._row, self._moved, self._opened = fetch, head, row, moved, opened
        self._can_mark = can_mark
        self._items: OrderedDict[str, ItemT] = OrderedDict()
        self._stale: set[str] = set()
        self._absent: set[str] = set()
        self._fetching: dict[int, asyncio.Task[None]] = {}
        self._forward = True

    @property
    def cursor_id(self) -> str | None:
        """The id that the cursor stands on; None in an empty table."""
        return self.ids[self.cursor] if self.cursor < len(self.ids) else None

    @property
    def item(self) -> ItemT | None:
        """The item under the cursor, where it has been fetched."""
        return self._items.get(self.cursor_id or "")

    def known(self, ids: Iterable[str]) -> list[ItemT]:
        """The items of these that are here: those that are shown are, and those that were lately."""
        return [self._items[key] for key in ids if key in self._items]

    def targets(self) -> list[str]:
        """What an action is about: the marked ids, or the one under the cursor."""
        return sorted(self.marks) if self.marks else [self.cursor_id] if self.cursor_id else []

    def take(self, ids: Sequence[str], at: int, *, keep_top: bool = False) -> None:
        """Show another list, the cursor on row `at`; that row comes to the cursor's line of the screen, unless the top shall stay."""
        top, line = self.scroll_offset.y, self.cursor - self.scroll_offset.y
        self.ids = ids
        self.cursor = max(0, min(at, len(ids) - 1))
        self.virtual_size = Size(self.size.width, len(ids) + 1)
        self.scroll_to(y=top if keep_top else max(0, self.cursor - max(0, line)), animate=False, force=True)
        self._reveal()
        self.refresh()
        self._moved()

    def patch(self, items: dict[str, ItemT]) -> None:
        """Show these items until the next fetch: what an action just made of them."""
        for key, item in items.items():
            if key in self._items:
                self._items[key] = item
        self.refresh()
        self._moved()

    def patch_with(self, ids: Iterable[str], becomes: Callable[[ItemT], ItemT]) -> None:
        """Show what these items are about to become."""
        self.patch({key: becomes(self._items[key]) for key in ids if key in self._items})

    def forget(self) -> None:
        """Everything may have changed: keep showing it, and fetch again what is on the screen."""
        self._stale = set(self._items)
        self._absent.clear()
        first = self.scroll_offset.y
        for at in range(first, min(first + self.size.height, len(self.ids))):
            self._want(at)

    def on_unmount(self) -> None:
        """Stop fetching."""
        for task in self._fetching.values():
            task.cancel()

    def on_resize(self) -> None:
        """Fit the rows to the width and keep the cursor in sight."""
        self.virtual_size = Size(self.size.width, len(self.ids) + 1)
        self._reveal()

    def render_line(self, y: int) -> Strip:
        """The names of the columns, then rows."""
        cells = self.size.width
        styles = self.styles_of_roles
        if y == 0:
            return strip(self._head(cells), cells, styles)
        at = y - 1 + self.scroll_offset.y
        if at >= len(self.ids):
            words = self.empty[y - 2].spans if not self.ids and 0 <= y - 2 < len(self.empty) else ()
            return strip(words, cells, styles)
        key = self.ids[at]
        item = self._items.get(key)
        if item is None or key in self._stale:
            self._want(at)
        over = Role.CURSOR if at == self.cursor else None
        if item is None:
            return strip([Span(" · · ·", Role.DIM)], cells, styles, over)
        self._items.move_to_end(key)
        return strip(self._row(item, cells, key in self.marks), cells, styles, over)

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self._go(self.cursor + rows)

    def action_page(self, pages: float) -> None:
        """Move the cursor and the view by screens."""
        rows = max(1, int(abs(pages) * (self.size.height - 1)))
        self._go(self.cursor + (rows if pages > 0 else -rows), page=True)

    def action_first(self) -> None:
        """To the first row."""
        self._go(0)

    def action_last(self) -> None:
        """To the last row."""
        self._go(len(self.ids) - 1)

    def action_mark(self) -> None:
        """Mark the row, or take its mark away, and go on."""
        if self._can_mark and self.cursor_id:
            self.marks ^= {self.cursor_id}
            self._repaint(self.cursor)
            self.action_move(1)
            self._moved()

    def clear_marks(self) -> None:
        """Take all marks away."""
        self.marks.clear()
        self.refresh()
        self._moved()

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.cursor_id:
            self._opened()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one opens."""
        at = event.y - 1 + self.scroll_offset.y
        if event.y > 0 and at < len(self.ids):
            self._go(at)
            if event.chain == 2:
                self.action_open()

    def find(self, ids: Sequence[str], key: str) -> int | None:
        """Where an id stands in a list, looked for near its old place first. Long lists: call it off the painting thread."""
        low = max(0, self.cursor - NEAR)
        near = ids[low : self.cursor + NEAR]
        try:
            return low + near.index(key)
        except ValueError:
            pass
        try:
            return ids.index(key)
        except ValueError:
            return None

    def _go(self, to: int, *, page: bool = False) -> None:
        to = max(0, min(to, len(self.ids) - 1))
        was, self.cursor = self.cursor, to
        if to == was:
            return
        self._forward = to > was
        if page:
            top = self.scroll_offset.y + to - was
            self.scroll_to(y=max(0, min(top, len(self.ids) + 1 - self.size.height)), animate=False, force=True)
        if not self._reveal():
            self._repaint(was)
            self._repaint(to)
        self._want(to + (BATCH if self._forward else -BATCH))
        self._moved()

    def _reveal(self) -> bool:
        """Scroll as little as needed for the cursor to be on the screen; whether that moved the view."""
        top, rows = self.scroll_offset.y, max(1, self.size.height - 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + rows:
            self.scroll_to(y=self.cursor - rows + 1, animate=False, force=True)
        self._place_terminal_cursor()
        return self.scroll_offset.y != top

    def _place_terminal_cursor(self) -> None:
        """Braille lines and screen readers follow the terminal's own cursor."""
        if self.has_focus:
            line = self.cursor - self.scroll_offset.y + 1
            self.app.cursor_position = self.content_region.offset + Offset(0, line)

    def _repaint(self, at: int) -> None:
        y = at - self.scroll_offset.y + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _want(self, at: int) -> None:
        """Have the batch of this row fetched, unless it is here or on its way."""
        batch = at // BATCH
        if 0 <= at < len(self.ids) and batch not in self._fetching and self._lacks(batch):
            self._fetching[batch] = asyncio.create_task(self._bring(batch))

    def _lacks(self, batch: int) -> bool:
        return any((k not in self._items and k not in self._absent) or k in self._stale for k in self._keys(batch))

    def _keys(self, batch: int) -> Sequence[str]:
        return self.ids[batch * BATCH : (batch + 1) * BATCH]

    async def _bring(self, batch: int) -> None:
        keys = self._keys(batch)
        try:
            items = await self._fetch(keys)
        finally:
            self._fetching.pop(batch, None)
        if items is None:
            return
        self.put(keys, items)
        first = self.scroll_offset.y
        if first - BATCH <= batch * BATCH < first + self.size.height:
            self.refresh()
        if self.cursor_id in items:
            self._moved()

    def put(self, keys: Iterable[str], items: dict[str, ItemT]) -> None:
        """Keep fetched items. Ids without one are gone: what was known of them is shown on, and they are not asked for again."""
        self._stale.difference_update(keys)
        self._absent.update(set(keys) - set(items))
        for key, item in items.items():
            self._items[key] = item
            self._items.move_to_end(key)
        while len(self._items) > KEPT:
            self._stale.discard(self._items.popitem(last=False)[0])
