"""Spans in, strips out: the only place in which text becomes something that Textual writes to the terminal.

Nothing from data reaches a widget that reads markup (Static, Label, notify); every widget here paints through `strip`, and `strip`
sanitises. A test greps that no other module of this room makes a Segment.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from soc.tui import look
from soc.tui.span import Role, Span, cut, length, merge


def strip(spans: Iterable[Span], cells: int, styles: look.Styles, over: Role | None = None) -> Strip:
    """Spans as exactly so many cells, cut or padded; `over`: one role for all of them (the cursor's)."""
    shown = cut(spans, cells)
    rest = " " * (cells - length(shown))
    if over is not None:
        return Strip([Segment("".join([span.text for span in shown]) + rest, styles[over])], cells)
    segments = [Segment(span.text, styles[span.role]) for span in merge((*shown, Span(rest)))]
    return Strip(segments, cells)


class Painted(Widget):
    """A widget that paints its lines from spans. `styles` holds for the lines that are being painted: asked once, not once a line."""

    role = Role.PLAIN
    """What all of it is painted on: a bar has a ground of its own."""

    styles_of_roles: look.Styles

    def render_lines(self, crop: Region) -> list[Strip]:
        """Find the styles, then paint."""
        theme, colourless = self.app.current_theme, self.app.no_color
        base = look.styles(self.rich_style, dark=theme.dark, ansi=theme.ansi, colourless=colourless)[self.role]
        self.styles_of_roles = look.styles(base, dark=theme.dark, ansi=theme.ansi, colourless=colourless)
        return super().render_lines(crop)


class Bar(Painted, can_focus=False):
    """A few lines of spans, each with a left and a right part; repaints only when they change."""

    DEFAULT_CSS = "Bar { height: 1; }"
    ALLOW_SELECT = False

    def __init__(self, role: Role = Role.PLAIN, id: str | None = None) -> None:  # noqa: A002  Textual's name for it
        super().__init__(id=id)
        self.role = role
        self._lines: tuple[tuple[tuple[Span, ...], tuple[Span, ...]], ...] = ()

    def show(self, *lines: tuple[Iterable[Span], Iterable[Span]]) -> None:
        """Replace the lines by these (left, right)."""
        shown = tuple((tuple(left), tuple(right)) for left, right in lines)
        if shown != self._lines:
            self._lines = shown
            self.refresh()

    @property
    def plain(self) -> str:
        """What it shows, as text."""
        return "\n".join("".join(span.text for part in pair for span in part) for pair in self._lines)

    def render_line(self, y: int) -> Strip:
        """One line: the left part is cut before the right one is."""
        left, right = self._lines[y] if y < len(self._lines) else ((), ())
        cells = self.size.width
        tail = cut(right, cells)
        head = cut(left, max(0, cells - length(tail) - 1))
        gap = " " * max(0, cells - length(head) - length(tail))
        return strip((*head, Span(gap), *tail), cells, self.styles_of_roles)
