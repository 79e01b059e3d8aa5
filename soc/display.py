"""Any text in, text that a terminal can only show out: the one boundary between what an event says and the screen.

Measured on Textual 8.2.8 and Rich 15: ESC (0x1b), C1 controls (0x9b is CSI), NUL and U+202E pass their widgets unchanged and act on the
terminal: title, clipboard (OSC 52), cursor. Here every character that does not show itself is replaced by one that names it: control
pictures of Unicode (U+2400) for C0 and DEL, `<U+202E>` for the rest. Widths are those of `rich.cells`, as Textual counts them.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, get_character_cell_size

ELLIPSIS = "…"
_PLAIN = re.compile(
    "[ -~\u00a1-\u00ac\u00ae-\u024f\u1e00-\u1eff\u2013\u2014\u2018-\u201d\u2022\u2026\u2190-\u21ff\u2400-\u2421\u2500-\u25ff\u4e00-\u9ffc]*"
)
"""Latin with every letter of Vietnamese, common punctuation, arrows, shapes, common Han: nothing to look at twice (30 times faster)."""

MAX_MARKS = 3
"""Combining marks kept on one letter: Vietnamese needs two, a Zalgo text uses hundreds to paint over its neighbours."""

_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What `str.isprintable` calls printable and no one can see: fillers, variation selectors, the blank Braille cell."""


def sanitise(text: str) -> str:
    """The text with every control, bidi, zero-width, unassigned or lone surrogate character shown by name. Idempotent.

    Tab and newline become ␉ and ␊: split lines before, where they mean lines.
    """
    if _PLAIN.fullmatch(text):
        return text
    if text.isascii():
        return "".join(c if c.isprintable() else _picture(c) for c in text)
    shown: list[str] = []
    marks = 0
    for c in text:
        marks = marks + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        visible = c.isprintable() and marks <= MAX_MARKS and not _UNSEEN.match(c)
        shown.append(c if visible else _picture(c))
    return "".join(shown)


def _picture(c: str) -> str:
    code = ord(c)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"<U+{code:04X}>"


def counted(count: int, one: str, several: str = "") -> str:
    """A number with its noun: "1 playbook", "1,497 facts"; `several`: where it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def width(text: str) -> int:
    """Cells that a sanitised text takes."""
    return len(text) if text.isascii() else cell_len(text)


def clip(text: str, cells: int) -> tuple[str, int]:
    """The longest start of a sanitised text that takes at most so many cells, and the cells that it takes."""
    if text.isascii():
        return text[:cells], min(len(text), max(cells, 0))
    used = 0
    for at, c in enumerate(text):
        size = get_character_cell_size(c)
        if used + size > cells:
            return text[:at], used
        used += size
    return text, used


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """Sanitised text in exactly so many cells: cut with an ellipsis, padded with spaces (on the left, if `right`)."""
    if cells <= 0:
        return ""
    head = text[: cells * (MAX_MARKS + 1) + 1]  # no more of a 65 kB value than a cell could show
    shown = sanitise(head)
    taken = width(shown)
    if taken > cells or len(head) < len(text):
        shown, taken = clip(shown, cells - 1)
        shown, taken = shown + ELLIPSIS, taken + 1
    pad = " " * (cells - taken)
    return pad + shown if right else shown + pad
