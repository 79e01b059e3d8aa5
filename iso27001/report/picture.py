"""Control states in, an inline SVG out: one cell for each of the 93 controls, by theme, coloured by its indicator and leading to its row.

Colour is never alone: every cell carries its id, not-met cells a bar, no-data cells a dashed edge, and a table says the counts beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from iso27001.catalogue import Theme
from iso27001.measures import Indicator
from iso27001.report.messages import Messages
from iso27001.status import ControlState

CELL, HEIGHT, GAP, LABEL, PER_ROW = 36, 24, 4, 116, 17


def slug(indicator: Indicator | None) -> str:
    """The CSS and message name of an indicator."""
    return indicator.replace(" ", "_") if indicator else "not_measured"


def theme_picture(controls: Sequence[ControlState], t: Messages) -> Markup:
    """The picture of all controls."""
    parts: list[Markup] = []
    top = 0
    for theme in Theme:
        mine = [state for state in controls if state.control.theme is theme]
        label = Markup('<text class="theme" x="0" y="{}">{}</text>').format(top + 16, t(theme))
        parts.append(label)
        for place, state in enumerate(mine):
            row, column = divmod(place, PER_ROW)
            parts.append(_cell(state, LABEL + column * (CELL + GAP), top + row * (HEIGHT + GAP), t))
        top += ((len(mine) - 1) // PER_ROW + 1) * (HEIGHT + GAP) + 10
    width = LABEL + PER_ROW * (CELL + GAP)
    title = escape(t("picture_title"))
    return Markup(
        '<svg class="picture" viewBox="0 0 {} {}" role="img" aria-labelledby="pt"><title id="pt">{}</title>{}</svg>'
    ).format(width, top, title, Markup("").join(parts))


def _cell(state: ControlState, x: int, y: int, t: Messages) -> Markup:
    kind = slug(state.indicator)
    bar = Markup('<rect class="bar" x="{}" y="{}" width="{}" height="3"/>').format(x, y + HEIGHT - 3, CELL)
    return Markup(
        '<a href="#{id}"><g class="cell i-{kind}"><title>{id} {title}: {word}</title>'
        '<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="3"/>'
        '{bar}<text x="{tx}" y="{ty}">{short}</text></g></a>'
    ).format(
        id=state.control.id,
        kind=kind,
        title=state.control.title(t.language),
        word=t(kind),
        x=x,
        y=y,
        w=CELL,
        h=HEIGHT,
        bar=bar if state.indicator is Indicator.NOT_MET else "",
        tx=x + CELL / 2,
        ty=y + 16,
        short=state.control.id.removeprefix("A."),
    )
