"""The `<PRI>` of a syslog message in, facility and severity out (RFC 5424 §6.2.1, RFC 3164 §4.1.1)."""

from __future__ import annotations

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.format import excerpt

_HIGHEST = 191  # local7 (23), debug (7)
FIELDS: dict[str, dict[str, Value]] = {
    str(code): {"log.syslog.facility.code": code >> 3, "log.syslog.severity.code": code & 7}
    for code in range(_HIGHEST + 1)
}
"""What the text of each number stands for; whoever adds to it takes a copy."""


def priority(text: str) -> tuple[dict[str, Value], int]:
    """The fields that a message begins with (a new dictionary) and where its header goes on; no `<PRI>`, no fields. Raises: ParseError."""
    if text[:1] != "<":
        return {}, 0
    end = text.find(">", 1, 5)
    known = FIELDS.get(text[1:end]) if end > 0 else None
    if known is None:
        raise ParseError(f"no priority <0> to <{_HIGHEST}>: {excerpt(text[:6])}")
    return known.copy(), end + 1
