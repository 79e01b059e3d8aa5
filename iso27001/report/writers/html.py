"""A `Document` in, one HTML file out: offline, without scripts, for the screen and paper.

Whatever the document says comes out as text: everything is escaped, deceiving characters are written out (iso27001/report/visible.py),
and a content security policy allows nothing but this file's own style.
"""

from __future__ import annotations

import base64
from collections.abc import Container
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from html import escape
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING

from iso27001.report.document import Block, Document, Heading, Style, Text, anchors, spans
from iso27001.report.messages import Messages
from iso27001.report.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment


def write(document: Document) -> bytes:
    """The document as the bytes of one HTML file."""
    from markupsafe import Markup

    style, known = _file("report.css"), {anchor for anchor, *_ in anchors(document.blocks)}
    page = _environment().get_template("report.html.jinja")
    text = page.render(
        t=Messages(document.language),
        document=document,
        sections=_sections(document.blocks),
        show_text=lambda text: Markup(_markup(text, known)),  # noqa: S704  every part is escaped there
        show_tile=lambda tile: Markup(_markup(replace(tile, style=Style.PLAIN), known)),  # noqa: S704  as above
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{_digest(style)}'; base-uri 'none'; form-action 'none'",
    )
    return text.encode()


def _sections(blocks: tuple[Block, ...]) -> list[tuple[Heading | None, list[Block]]]:
    """The blocks by the heading of level 1 that they stand under."""
    section: Heading | None = None

    def under(block: Block) -> Heading | None:
        nonlocal section
        if isinstance(block, Heading) and block.level == 1:
            section = block
        return section

    return [(heading, [b for b in group if b is not heading]) for heading, group in groupby(blocks, under)]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """The template, compiled once a process."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader({"report.html.jinja": _file("report.html.jinja")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment


def _markup(text: Text, known: Container[str]) -> str:
    """A text as HTML in which everything that it says is escaped. `known`: the anchors that it may lead to."""
    if isinstance(text, str):
        return _escaped(text)
    parts = []
    for span in spans(text):
        part = _escaped(span.text)
        if span.style is Style.CODE:
            part = f"<code>{part}</code>"
        elif span.style is Style.STRONG:
            part = f"<b>{part}</b>"
        elif span.style is not Style.PLAIN:
            part = f'<span class="{span.style.value}">{part}</span>'
        if span.to and span.to in known:
            part = f'<a href="#{_escaped(span.to)}">{part}</a>'
        parts.append(part)
    return "".join(parts)


def _escaped(text: str) -> str:
    return escape(visible(text)).replace("\n", "<br>")


def _file(name: str) -> str:
    return resources.files("iso27001").joinpath("report", "writers", name).read_text(encoding="utf-8")


def _digest(style: str) -> str:
    return base64.b64encode(sha256(style.encode()).digest()).decode()
