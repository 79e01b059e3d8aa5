"""Why something is as it is, as a code and its values, in; the same in words of a language out.

The ledger holds codes and numbers; what they are called is decided where somebody reads them, in that reader's language. A text stands for
itself: what a person said, and what ledgers of before wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

Number = int | float


class Because(StrEnum):
    """What a reason says; the values of each stand in `_WORDS`, by their places."""

    LEVEL = "level"
    CRITICALITY = "criticality"
    CONFIDENCE = "confidence"
    RARITY = "rarity"
    REPETITION = "repetition"
    ANOMALY = "anomaly"
    RISK = "risk"
    RULES = "rules"
    SHARED = "shared"
    CAME_FROM = "came-from"
    SAME_HOST = "same-host"
    ESCALATED = "escalated"
    TAKEN_OUT = "taken-out"


@dataclass(frozen=True, slots=True)
class Reason:
    """`values`: ids, names and numbers, as they are called nowhere else; numbers as exact as they are to be read."""

    because: Because
    values: tuple[str | Number, ...]

    def __str__(self) -> str:
        """In English, for commands and logs."""
        return words(self)


def words(reason: Reason | str, language: str = "en") -> str:
    """A reason as people read it; an unknown language reads English."""
    if isinstance(reason, str):
        return reason
    vietnamese = language == "vi"
    return _WORDS[reason.because][vietnamese].format(*(_shown(value, vietnamese=vietnamese) for value in reason.values))


def read(plain: Sequence[Any]) -> tuple[Reason | str, ...]:
    """Reasons as facts hold them. Raises: msgspec.ValidationError."""
    return msgspec.convert(plain, tuple[Reason | str, ...])


def _shown(value: str | Number, *, vietnamese: bool) -> str:
    if isinstance(value, str):
        return LEVELS[value][vietnamese] if value in LEVELS else value
    return f"{value:g}".replace(".", ",") if vietnamese else f"{value:g}"


LEVELS: Mapping[str, tuple[str, str]] = {
    "informational": ("informational", "thông tin"),
    "low": ("low", "thấp"),
    "medium": ("medium", "trung bình"),
    "high": ("high", "cao"),
    "critical": ("critical", "nghiêm trọng"),
}
"""Levels of rules (soc.detect.Level) to English and Vietnamese."""

_WORDS: Mapping[Because, tuple[str, str]] = {
    Because.LEVEL: ("level {0}: {1}", "mức {0}: {1}"),
    Because.CRITICALITY: (
        "system {0} has criticality {1} of 5: times {2}",
        "hệ thống {0} quan trọng mức {1} trên 5: nhân {2}",
    ),
    Because.CONFIDENCE: (
        "{0} of {1} decided alerts of the rule were confirmed: times {2}",
        "{0} trên {1} cảnh báo đã quyết định của luật là tấn công thật: nhân {2}",
    ),
    Because.RARITY: (
        "{0} other alerts of the rule in {1} days: times {2}",
        "{0} cảnh báo khác của luật trong {1} ngày: nhân {2}",
    ),
    Because.REPETITION: ("seen {0} times: +{1}", "gặp {0} lần: +{1}"),
    Because.ANOMALY: ("anomaly score {0}", "điểm bất thường {0}"),
    Because.RISK: ("{0} has risk {1}", "{0} có rủi ro {1}"),
    Because.RULES: ("{0} different rules lead to one another", "{0} luật khác nhau nối tiếp nhau"),
    Because.SHARED: ("{0} and {1} share {2}", "{0} và {1} có chung {2}"),
    Because.CAME_FROM: ("{0} came from {1}, where {2} had happened", "{0} đến từ {1}, nơi {2} đã xảy ra"),
    Because.SAME_HOST: ("{0} and {1} happened on {2}", "{0} và {1} xảy ra trên {2}"),
    Because.ESCALATED: ("{0} escalated: {1}", "{0} chuyển thành sự cố: {1}"),
    Because.TAKEN_OUT: ("{0} took it out of {1}: {2}", "{0} tách ra khỏi {1}: {2}"),
}
