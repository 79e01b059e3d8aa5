"""How each role looks: themes of our own, a palette for each kind of theme, and none of it when NO_COLOR is set.

Blue and orange carry meaning, never red against green (Okabe and Ito's colours, readable with every common colour blindness), and every
meaning stands as a letter, a shape or a word too. https://no-color.org: measured, Textual 8.2.8 writes greys under NO_COLOR, which are
colours; here the last filter before the terminal takes every colour out and leaves bold, underline and reverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from soc.tui.span import Role

DARK = Theme(
    name="soc-dark",
    primary="#4a9eda",
    secondary="#2b6a9b",
    accent="#ffab40",
    warning="#ffab40",
    error="#ff7f2a",
    success="#4a9eda",
    foreground="#d5dbe3",
    background="#10151c",
    surface="#161d26",
    panel="#1e2833",
    variables={"border": "#33475b", "scrollbar": "#33475b", "scrollbar-background": "#10151c"},
)

LIGHT = Theme(
    name="soc-light",
    primary="#00568f",
    secondary="#2b6a9b",
    accent="#9a4a00",
    warning="#9a4a00",
    error="#9a3a00",
    success="#00568f",
    foreground="#1b232c",
    background="#fbfbf8",
    surface="#f1f2ee",
    panel="#e3e7ea",
    dark=False,
)

_DARK = {
    Role.PLAIN: "",
    Role.DIM: "#8494a6",
    Role.STRONG: "bold #ffffff",
    Role.HEAD: "bold #8fb8d8",
    Role.KEY: "bold #6cb6f2",
    Role.MARK: "bold #1a1205 on #f2c14e",
    Role.CURSOR: "bold #ffffff on #1f5a8a",
    Role.BAR: "#d5dbe3 on #1e2833",
    Role.WARN: "bold #ffab40",
    Role.NEWS: "bold #10151c on #6cb6f2",
    Role.CRITICAL: "bold #1a0d00 on #ff8c3a",
    Role.HIGH: "bold #ffab40",
    Role.MEDIUM: "#6cb6f2",
    Role.LOW: "",
    Role.INFORMATIONAL: "#8494a6",
}

_LIGHT = {
    Role.PLAIN: "",
    Role.DIM: "#5b6875",
    Role.STRONG: "bold #000000",
    Role.HEAD: "bold #1f4f78",
    Role.KEY: "bold #00568f",
    Role.MARK: "bold #1a1205 on #f2c14e",
    Role.CURSOR: "bold #ffffff on #00568f",
    Role.BAR: "#1b232c on #e3e7ea",
    Role.WARN: "bold #9a4a00",
    Role.NEWS: "bold #ffffff on #00568f",
    Role.CRITICAL: "bold #ffffff on #a84300",
    Role.HIGH: "bold #9a4a00",
    Role.MEDIUM: "#00568f",
    Role.LOW: "",
    Role.INFORMATIONAL: "#5b6875",
}

_ANSI = {
    Role.PLAIN: "",
    Role.DIM: "dim",
    Role.STRONG: "bold",
    Role.HEAD: "bold cyan",
    Role.KEY: "bold cyan",
    Role.MARK: "bold black on yellow",
    Role.CURSOR: "bold reverse",
    Role.BAR: "bold",
    Role.WARN: "bold yellow",
    Role.NEWS: "bold black on cyan",
    Role.CRITICAL: "bold black on yellow",
    Role.HIGH: "bold yellow",
    Role.MEDIUM: "cyan",
    Role.LOW: "",
    Role.INFORMATIONAL: "dim",
}

_COLOURLESS = {
    Role.PLAIN: "",
    Role.DIM: "",
    Role.STRONG: "bold",
    Role.HEAD: "bold underline",
    Role.KEY: "bold",
    Role.MARK: "bold underline",
    Role.CURSOR: "reverse",
    Role.BAR: "bold",
    Role.WARN: "bold",
    Role.NEWS: "bold reverse",
    Role.CRITICAL: "bold reverse",
    Role.HIGH: "bold",
    Role.MEDIUM: "",
    Role.LOW: "",
    Role.INFORMATIONAL: "",
}

Styles = Mapping[Role, Style]


@lru_cache(64)
def styles(base: Style, *, dark: bool, ansi: bool, colourless: bool) -> Styles:
    """The style of every role on a widget's own style, for one kind of theme."""
    chosen = _COLOURLESS if colourless else _ANSI if ansi else _DARK if dark else _LIGHT
    return {role: base + Style.parse(chosen[role]) for role in Role}


class Colourless(LineFilter):
    """The last filter: no colour reaches the terminal, whatever a theme or a widget asked for."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments with attributes only."""
        del background
        return [Segment(text, style and _without_colour(style), control) for text, style, control in segments]


@lru_cache(1024)
def _without_colour(style: Style) -> Style:
    return style.without_color
