"""Cards in lanes side by side, with a cursor over both: what the board of incidents is painted by. No data of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from soc.tui.paint import Painted, strip
from soc.tui.span import Role, Span, cut, length

CARD = 4
"""Lines of a card, the empty one below it included."""

ROOMY = 30
"""Cells in which a card's title can be read: where lanes of one width have fewer, empty ones give theirs away."""

EMPTY = 10
"""Cells of a lane that gave its room away: the start of its title, and its count."""


@dataclass(frozen=True, slots=True)
class Card:
    """One card: three lines of spans."""

    id: str
    lines: Sequence[Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Lane:
    """A title, and the cards under it from the top."""

    title: str
    cards: Sequence[Card]


class Lanes(Painted, ScrollView, can_focus=True):
    """`moved` is called when the cursor stands on another card, `opened` when its card shall be opened."""

    DEFAULT_CSS = "Lanes { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(0, 1)", id="move.down"),
        Binding("k,up", "move(0, -1)", id="move.up"),
        Binding("l,right,tab", "move(1, 0)", id="move.right"),
        Binding("h,left,shift+tab", "move(-1, 0)", id="move.left"),
        Binding("enter", "open", id="open"),
    ]

    def __init__(self, moved: Callable[[], None], opened: Callable[[], None]) -> None:
        super().__init__()
        self.lanes: Sequence[Lane] = ()
        self.lane = self.row = 0
        self._moved, self._opened = moved, opened

    @property
    def cursor_id(self) -> str | None:
        """The id of the card under the cursor; None in an empty lane."""
        cards = self.lanes[self.lane].cards if self.lanes else ()
        return cards[self.row].id if self.row < len(cards) else None

    def show(self, lanes: Sequence[Lane]) -> None:
        """Show these; the cursor stays on its card, wherever that went, else where it stood; at first on the first card of all."""
        key, first = self.cursor_id, not self.lanes
        self.lanes = lanes
        places = {card.id: (at, row) for at, lane in enumerate(lanes) for row, card in enumerate(lane.cards)}
        if key in places:
            self.lane, self.row = places[key]
        elif first:
            self.lane = next((at for at, lane in enumerate(lanes) if lane.cards), 0)
        self.row = max(0, min(self.row, len(lanes[self.lane].cards) - 1)) if lanes else 0
        most = max((len(lane.cards) for lane in lanes), default=0)
        self.virtual_size = Size(self.size.width, 1 + CARD * most)
        self._reveal()

    def on_resize(self) -> None:
        """Another width."""
        self.virtual_size = Size(self.size.width, self.virtual_size.height)
        self._reveal()

    def render_line(self, y: int) -> Strip:
        """The same line of every lane."""
        spans: list[Span] = []
        for at, (lane, room) in enumerate(zip(self.lanes, self._rooms(), strict=True)):
            shown = cut(self._line(at, lane, y, room - 1), room - 1)
            spans += [*shown, Span(" " * (room - length(shown)))]
        return strip(spans, self.size.width, self.styles_of_roles)

    def _rooms(self) -> list[int]:
        """Cells of each lane."""
        cells, full = self.size.width, sum(1 for lane in self.lanes if lane.cards)
        shrunk = len(self.lanes) - full if full and cells < ROOMY * len(self.lanes) else 0
        rooms = [EMPTY if shrunk and not lane.cards else 0 for lane in self.lanes]
        width, rest = divmod(max(0, cells - EMPTY * shrunk), max(1, len(self.lanes) - shrunk))
        wide = [at for at, room in enumerate(rooms) if not room]
        for at in wide:
            rooms[at] = width + (rest if at == wide[-1] else 0)
        return rooms

    def _line(self, at: int, lane: Lane, y: int, room: int) -> Sequence[Span]:
        if y == 0:
            count = Span(f" {len(lane.cards)}", Role.DIM)
            return (*cut((Span(f" {lane.title}", Role.HEAD),), room - length((count,))), count)
        row, line = divmod(y - 1 + self.scroll_offset.y, CARD)
        if row >= len(lane.cards) or line == CARD - 1:
            return ()
        spans = lane.cards[row].lines[line]
        if (at, row) == (self.lane, self.row):
            return (Span("▌" if line else "▶", Role.KEY), *(Span(span.text, Role.CURSOR) for span in spans))
        return (Span(" "), *spans)

    def action_move(self, lanes: int, rows: int) -> None:
        """Move the cursor."""
        if not self.lanes:
            return
        self.lane = max(0, min(self.lane + lanes, len(self.lanes) - 1))
        self.row = max(0, min(self.row + rows, len(self.lanes[self.lane].cards) - 1))
        self._reveal()

    def action_open(self) -> None:
        """Open the card under the cursor."""
        if self.cursor_id:
            self._opened()

    def _reveal(self) -> None:
        top, rows = self.scroll_offset.y, max(CARD, self.size.height - 1)
        begin = self.row * CARD
        if begin < top or begin + CARD > top + rows:
            self.scroll_to(y=begin if begin < top else begin + CARD - rows, animate=False, force=True)
        if self.has_focus and self.lanes:
            x = sum(self._rooms()[: self.lane])
            self.app.cursor_position = self.content_region.offset + Offset(x, begin - self.scroll_offset.y + 1)
        self.refresh()
        self._moved()
