"""Why something is as it is, or what happened, as a code and its values, in; the same in words of a language out.

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

    EVERY_INCIDENT = "every-incident"
    CLASS_ASSESSED = "class-assessed"
    CLASS_PROPOSED = "class-proposed"
    CLASS_OF_SYSTEMS = "class-of-systems"
    PERSONAL_GROUP = "personal-group"
    PERSONAL_LEFT = "personal-left"
    SAID_SO = "said-so"

    ALERT = "alert"
    ALERT_REPEATED = "alert-repeated"
    PHASE = "phase"
    PHASE_CLOSED = "phase-closed"
    PHASE_REOPENED = "phase-reopened"
    LEADS = "leads"
    NOBODY_LEADS = "nobody-leads"
    ASSESSED = "assessed"
    FALSE_ALARM = "false-alarm"
    MAKES_DUE = "makes-due"
    TASK_SET = "task-set"
    TASK_SET_FOR_ALL = "task-set-for-all"
    TASK_ENDED = "task-ended"
    COLLECTED = "collected"
    HANDLED = "handled"
    HANDLED_INTACT = "handled-intact"
    HANDLED_CHANGED = "handled-changed"
    NOTICE_SENT = "notice-sent"
    REVIEWED = "reviewed"
    MERGED_IN = "merged-in"
    MERGED_INTO = "merged-into"
    SPLIT = "split"
    CLOCK_WARNS = "clock-warns"
    CLOCK_OVER = "clock-over"
    SHARED_WITH = "shared-with"
    PLANNED = "planned"
    APPROVED = "approved"
    STEP_CONFIRMED = "step-confirmed"
    STEP_RAN = "step-ran"


@dataclass(frozen=True, slots=True)
class Reason:
    """`values`: ids, names and numbers, as they are called nowhere else; numbers as exact as they are to be read; or further reasons."""

    because: Because
    values: tuple[str | Number | Reason, ...] = ()

    def __str__(self) -> str:
        """In English, for commands and logs."""
        return words(self)


def words(reason: Reason | str, language: str = "en") -> str:
    """A reason as people read it; an unknown language reads English."""
    if isinstance(reason, str):
        return reason
    form = _WORDS[reason.because][language == "vi"]
    return form.format(*(_shown(value, language) for value in reason.values)).strip()


def name_of(value: str, language: str) -> str:
    """What the language calls a level, a phase, a state or a deed; as it is where it is none of them."""
    return NAMES[value][language == "vi"] if value in NAMES else value


def read(plain: Sequence[Any]) -> tuple[Reason | str, ...]:
    """Reasons as facts hold them. Raises: msgspec.ValidationError."""
    return msgspec.convert(plain, tuple[Reason | str, ...])


class _Text(str):
    """A value in a message: `{0:name}` is what the language calls it."""

    __slots__ = ("language",)
    language: str

    def __format__(self, spec: str) -> str:
        return name_of(str(self), self.language) if spec == "name" else str(self)


def _shown(value: str | Number | Reason, language: str) -> str:
    if isinstance(value, Reason):
        return words(value, language)
    if isinstance(value, str):
        text = _Text(value)
        text.language = language
        return text
    return f"{value:g}".replace(".", ",") if language == "vi" else f"{value:g}"


LEVELS: Mapping[str, tuple[str, str]] = {
    "informational": ("informational", "thông tin"),
    "low": ("low", "thấp"),
    "medium": ("medium", "trung bình"),
    "high": ("high", "cao"),
    "critical": ("critical", "nghiêm trọng"),
}
"""Levels of rules (soc.detect.Level) to English and Vietnamese."""

NAMES: Mapping[str, tuple[str, str]] = {
    **LEVELS,
    "detect-and-report": ("detect and report", "phát hiện và báo cáo"),
    "assess-and-decide": ("assess and decide", "đánh giá và quyết định"),
    "respond": ("respond", "ứng phó"),
    "learn-lessons": ("learn lessons", "rút kinh nghiệm"),
    "open": ("open", "đang mở"),
    "done": ("done", "đã xong"),
    "dropped": ("dropped", "đã bỏ"),
    "pending": ("not begun", "chưa bắt đầu"),
    "awaiting-approval": ("awaits approval", "chờ duyệt"),
    "awaiting-person": ("awaits a person", "chờ người làm"),
    "failed": ("failed", "lỗi"),
    "unknown": ("end unknown", "không rõ kết cục"),
    "collected": ("collected", "đã thu thập"),
    "examined": ("examined", "đã giám định"),
    "copied": ("copied", "đã sao chép"),
    "transferred": ("transferred", "đã chuyển giao"),
    "stored": ("stored", "đã cất giữ"),
    "returned": ("returned", "đã trả lại"),
    "disposed": ("disposed", "đã tiêu hủy"),
}
"""The same of phases of incidents, states of tasks and of playbooks' steps, and what is done with an item of evidence."""

_WORDS: Mapping[Because, tuple[str, str]] = {
    Because.LEVEL: ("level {0:name}: {1}", "mức {0:name}: {1}"),
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
    Because.EVERY_INCIDENT: ("every incident", "mọi sự cố"),
    Because.CLASS_ASSESSED: ("class {0}, assessed", "mức {0}, đã đánh giá"),
    Because.CLASS_PROPOSED: (
        "class {0}, proposed by the matrix, not assessed yet",
        "mức {0}, theo ma trận, chưa đánh giá",
    ),
    Because.CLASS_OF_SYSTEMS: ("{0}, of {1} of level {2} or higher", "{0}, của {1} cấp độ {2} trở lên"),
    Because.PERSONAL_GROUP: ("group {0}, and {1} has personal data", "nhóm {0}, và {1} có dữ liệu cá nhân"),
    Because.PERSONAL_LEFT: (
        "data left, and {0} has personal data; not assessed yet",
        "dữ liệu đã ra ngoài, và {0} có dữ liệu cá nhân; chưa đánh giá",
    ),
    Because.SAID_SO: ("a person said so", "do người phụ trách nêu"),
    Because.ALERT: ("{0}: {1}", "{0}: {1}"),
    Because.ALERT_REPEATED: ("{0}: {1} ({2} times)", "{0}: {1} ({2} lần)"),
    Because.PHASE: ("{0}: {1:name}. {2}", "{0}: {1:name}. {2}"),
    Because.PHASE_CLOSED: ("{0}: {1:name}. The incident is closed. {2}", "{0}: {1:name}. Sự cố đã kết thúc. {2}"),
    Because.PHASE_REOPENED: ("{0}: {1:name}. It is open again. {2}", "{0}: {1:name}. Mở lại sự cố. {2}"),
    Because.LEADS: ("{0}: {1} leads it", "{0}: {1} phụ trách"),
    Because.NOBODY_LEADS: ("{0}: nobody leads it", "{0}: không ai phụ trách"),
    Because.ASSESSED: ("{0}: class {1}, group {2}{3}. {4}", "{0}: mức {1}, nhóm {2}{3}. {4}"),
    Because.FALSE_ALARM: (
        "{0}: a false alarm, class {1}, group {2}{3}. {4}",
        "{0}: báo động giả, mức {1}, nhóm {2}{3}. {4}",
    ),
    Because.MAKES_DUE: (", makes notices due: {0}", ", phải báo cáo vì: {0}"),
    Because.TASK_SET: ("{0}: task for {1}: {2} {3}", "{0}: việc cho {1}: {2} {3}"),
    Because.TASK_SET_FOR_ALL: ("{0}: task for anybody: {1} {2}", "{0}: việc cho bất kỳ ai: {1} {2}"),
    Because.TASK_ENDED: ("{0}: task {1:name}: {2} {3}", "{0}: việc {1:name}: {2} {3}"),
    Because.COLLECTED: ("{0}: {1} collected ({2}); SHA-256 {3}", "{0}: đã thu thập {1} ({2}); SHA-256 {3}"),
    Because.HANDLED: ("{0}: {1} {2:name}, {3} ({4})", "{0}: {1} {2:name}, {3} ({4})"),
    Because.HANDLED_INTACT: (
        "{0}: {1} {2:name}, {3} ({4}), hash as it was",
        "{0}: {1} {2:name}, {3} ({4}), mã băm không đổi",
    ),
    Because.HANDLED_CHANGED: (
        "{0}: {1} {2:name}, {3} ({4}), HASH CHANGED",
        "{0}: {1} {2:name}, {3} ({4}), MÃ BĂM ĐÃ ĐỔI",
    ),
    Because.NOTICE_SENT: ("{0}: notice {1} sent to {2} at {3} UTC", "{0}: đã gửi báo cáo {1} tới {2} lúc {3} UTC"),
    Because.REVIEWED: (
        "{0}: cause: {1} Lessons: {2} Improvements: {3}",
        "{0}: nguyên nhân: {1} Bài học: {2} Cải tiến: {3}",
    ),
    Because.MERGED_IN: ("{0}: {1} is a part of it: {2}", "{0}: {1} là một phần của sự cố này: {2}"),
    Because.MERGED_INTO: ("{0}: it is a part of {1}: {2}", "{0}: sự cố này là một phần của {1}: {2}"),
    Because.SPLIT: ("{0}: {1} are an incident of their own, {2}: {3}", "{0}: {1} thành sự cố riêng {2}: {3}"),
    Because.CLOCK_WARNS: (
        "the time for the notice {0} runs out at {1}",
        "thời hạn báo cáo {0} sắp hết, lúc {1}",
    ),
    Because.CLOCK_OVER: ("the time for the notice {0} has run out at {1}", "thời hạn báo cáo {0} đã hết lúc {1}"),
    Because.SHARED_WITH: (
        "{0}: shared with {1} as {2}, TLP:{3}; SHA-256 {4}",
        "{0}: đã chia sẻ với {1} dạng {2}, TLP:{3}; SHA-256 {4}",
    ),
    Because.PLANNED: ("{0} {1} planned {2}", "{0} {1} lập kế hoạch {2}"),
    Because.APPROVED: ("{0} {1} approved {2}", "{0} {1} duyệt {2}"),
    Because.STEP_CONFIRMED: ("{0} {1} did {2} {3}", "{0} {1} đã làm {2} {3}"),
    Because.STEP_RAN: ("{0} {1}: {2:name} {3}", "{0} {1}: {2:name} {3}"),
}
