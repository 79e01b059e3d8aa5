"""Any text in, text that shows all that is in it out: what would turn, hide or break a line is written out as its code point.

Reports carry what attackers wrote. Markup is the template engine's business (everything is escaped); this is about the characters that
are no markup and still deceive the eye: direction overrides, zero-width characters, control characters.
"""

from __future__ import annotations

import re
import unicodedata

_DECEIVING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text in NFC with each deceiving character as `[U+202E]`."""
    if text.isascii() and text.isprintable():
        return text
    return _DECEIVING.sub(lambda match: f"[U+{ord(match[0]):04X}]", unicodedata.normalize("NFC", text))
