"""Lines of any length in, a page to read and scroll out: folded to the width once, painted as far as it is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from soc.tui.paint import Painted, strip
from soc.tui.span import Line, Span, fold


class Reader(Painted, ScrollView, can_focus=True):
    """A page of lines."""

    DEFAULT_CSS = "Reader { height: 1fr; padding: 0 1; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", id="move.down"),
        Binding("k,up", "move(-1)", id="move.up"),
        Binding("ctrl+d", "page(0.5)", id="move.half_down"),
        Binding("ctrl+u", "page(-0.5)", id="move.half_up"),
        Binding("pagedown,ctrl+f,space", "page(1)", id="move.page_down"),
        Binding("pageup,ctrl+b", "page(-1)", id="move.page_up"),
        Binding("g,home", "first", id="move.first"),
        Binding("G,end", "last", id="move.last"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[Line] = ()
        self._folded: list[list[Span]] = []
        self._cells = 0

    def show(self, lines: Sequence[Line], *, keep_place: bool = False) -> None:
        """Replace the page; back to its top unless the place is kept."""
        self._lines = lines
        self._fold()
        if not keep_place:
            self.scroll_to(y=0, animate=False, force=True)

    @property
    def plain(self) -> str:
        """The whole page as text, folded."""
        return "\n".join("".join(span.text for span in spans) for spans in self._folded)

    def on_resize(self) -> None:
        """Fold again when the width changed."""
        if self.size.width != self._cells:
            self._fold()

    def render_line(self, y: int) -> Strip:
        """One folded line."""
        at = y + self.scroll_offset.y
        spans = self._folded[at] if at < len(self._folded) else ()
        return strip(spans, self.size.width, self.styles_of_roles)

    def action_move(self, rows: int) -> None:
        """Scroll by lines."""
        self._scroll(self.scroll_offset.y + rows)

    def action_page(self, pages: float) -> None:
        """Scroll by screens."""
        self._scroll(self.scroll_offset.y + int(pages * max(1, self.size.height - 1)))

    def action_first(self) -> None:
        """To the top."""
        self._scroll(0)

    def action_last(self) -> None:
        """To the end."""
        self._scroll(len(self._folded))

    def _scroll(self, y: int) -> None:
        self.scroll_to(y=max(0, min(y, len(self._folded) - self.size.height)), animate=False, force=True)

    def _fold(self) -> None:
        self._cells = self.size.width
        if self._cells:
            self._folded = [spans for one in self._lines for spans in fold(one, self._cells)]
            self.virtual_size = Size(self._cells, len(self._folded))
            self.refresh()
