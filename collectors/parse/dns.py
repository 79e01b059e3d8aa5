"""What name servers say about a question in, ECS fields out.

Names: ECS 8.17 `dns.*`; a name is written without the dot at its end and in lower case, as DNS compares it (RFC 4343).
"""

from __future__ import annotations

from collections.abc import Sequence

from collectors.event import Value

QUESTION = "dns.question.*"
"""The fields that `put_question` sets."""


def put_question(fields: dict[str, Value], name: str, kind: str = "", klass: str = "") -> None:
    """Set what was asked: the name ("." for the root), type ("A") and class ("IN")."""
    fields["dns.question.name"] = name.rstrip(".").lower() or "."
    if kind:
        fields["dns.question.type"] = kind
    if klass:
        fields["dns.question.class"] = klass


def put_answers(fields: dict[str, Value], data: Sequence[str]) -> None:
    """Set what was answered, each datum as text."""
    if data:
        fields["dns.answers.data"] = list(data)
