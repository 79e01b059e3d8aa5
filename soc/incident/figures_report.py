"""Figures and what is open at the end of a period in, the report of a shift or a month in English or Vietnamese out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from iso27001.language import Language
from iso27001.report.document import Block, Column, Document, Facts, Heading, Paragraph, Row, Table
from soc.alert import Alert
from soc.incident import Incident, Phase
from soc.incident.clocks import Clocks, ClockState
from soc.incident.figures import Figures, Spread
from soc.incident.merging import title_in
from soc.incident.notice_words import words

_WORDS: dict[str, tuple[str, str]] = {
    "report of shift": ("Report of the shift", "Báo cáo ca trực"),
    "report of month": ("Report of the month", "Báo cáo tháng"),
    "shift": ("Shift", "Ca trực"),
    "period": ("Period", "Kỳ báo cáo"),
    "made": ("Made at", "Thời điểm lập"),
    "figures": ("Figures", "Chỉ số vận hành"),
    "opened": ("Alerts opened", "Cảnh báo mới"),
    "suppressed": ("of these suppressed", "trong đó bị tạm ẩn"),
    "closed": ("Alerts decided", "Cảnh báo đã kết luận"),
    "backlog": ("Alerts open at the end", "Cảnh báo còn tồn"),
    "oldest": ("The oldest of them opened", "Cảnh báo tồn lâu nhất mở lúc"),
    "late": ("First looks not in time", "Tiếp nhận quá hạn"),
    "mttd": ("MTTD, from event to alert", "MTTD, từ sự kiện đến cảnh báo"),
    "mtta": ("MTTA, to the first look", "MTTA, đến khi tiếp nhận"),
    "mttr": ("MTTR, to the decision", "MTTR, đến khi kết luận"),
    "incidents": ("Incidents opened, closed, open at the end", "Sự cố mới, đã đóng, còn mở"),
    "mttr_incidents": ("MTTR of incidents", "MTTR của sự cố"),
    "nothing": ("nothing to measure", "không có số liệu"),
    "median": ("median", "trung vị"),
    "mean": ("mean", "trung bình"),
    "of": ("of", "trên"),
    "rules": ("Rules", "Luật phát hiện"),
    "rule": ("Rule", "Luật"),
    "true": ("Confirmed", "Đúng"),
    "false": ("False", "Sai"),
    "benign": ("Benign", "Vô hại"),
    "rate": ("False-positive rate", "Tỷ lệ báo động sai"),
    "analysts": ("Analysts", "Người trực"),
    "analyst": ("Analyst", "Người trực"),
    "looked": ("Looked at", "Tiếp nhận"),
    "decided": ("Decided", "Kết luận"),
    "reopened": ("Put back", "Mở lại"),
    "open_incidents": ("Open incidents", "Sự cố đang xử lý"),
    "incident": ("Incident", "Sự cố"),
    "phase": ("Phase", "Giai đoạn"),
    "leads": ("Led by", "Phụ trách"),
    "notices": ("Notices due", "Báo cáo pháp lý"),
    "open_alerts": ("Open alerts, the gravest first", "Cảnh báo đang mở, nghiêm trọng nhất trước"),
    "alert": ("Alert", "Cảnh báo"),
    "risk": ("Risk", "Rủi ro"),
    "whose": ("Whose", "Người nhận"),
    "by": ("by", "hạn"),
    "none": ("None.", "Không có."),
    "about": ("About", "Nội dung"),
    "level": ("Level", "Mức"),
    "due": ("Look by", "Hạn tiếp nhận"),
    "critical": ("critical", "nghiêm trọng"),
    "high": ("high", "cao"),
    "medium": ("medium", "trung bình"),
    "low": ("low", "thấp"),
    "informational": ("informational", "thông tin"),
    "true-positive": ("confirmed", "đúng"),
    "false-positive": ("false", "sai"),
    "duplicate": ("duplicate", "trùng lặp"),
    "running": ("running", "còn hạn"),
    "warning": ("nearly due", "sắp đến hạn"),
    "overdue": ("overdue", "quá hạn"),
}

RULES_SHOWN = 30
"""Rules of the report; the JSON form has all."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the next shift takes over: the gravest open alerts, and open incidents with their legal clocks."""

    alerts: Sequence[Alert]
    incidents: Sequence[tuple[Incident, Clocks]]


def report(
    kind: str, site: str, found: Figures, left: Handover, made: datetime, language: Language, zone: ZoneInfo
) -> Document:
    """The report of a period; `kind`: "shift" or "month"."""
    own = {key: both[1 if language is Language.VIETNAMESE else 0] for key, both in _WORDS.items()}
    say = {**{phase.value: words(language)[phase.value] for phase in Phase}, **own}

    def when(moment: datetime) -> str:
        return moment.astimezone(zone).strftime("%d/%m/%Y %H:%M")

    blocks: list[Block] = [
        Heading(1, say["figures"]),
        Facts(
            (
                (say["opened"], f"{_counts(found.opened, say)}; {say['suppressed']}: {found.suppressed}"),
                (say["closed"], _counts(found.closed, say)),
                (say["backlog"], _counts(found.backlog, say)),
                *([(say["oldest"], when(found.oldest_open))] if found.oldest_open else []),
                (say["late"], str(found.late_looks)),
                (say["mttd"], _spread(found.time_to_detect, say)),
                (say["mtta"], _spread(found.time_to_acknowledge, say)),
                (say["mttr"], _spread(found.time_to_resolve, say)),
                (say["incidents"], f"{found.incidents_opened}, {found.incidents_closed}, {found.incidents_open}"),
                (say["mttr_incidents"], _spread(found.incident_time_to_resolve, say)),
            )
        ),
        Heading(1, say["open_incidents"]),
        _incidents(left, say, when, language),
        Heading(1, say["open_alerts"]),
        _alerts(left, say, when),
        Heading(1, say["analysts"]),
        _analysts(found, say),
        Heading(1, say["rules"]),
        _rules(found, say),
    ]
    period = f"{when(found.since)} - {when(found.until)}"
    return Document(
        title=say[f"report of {kind}"],
        language=language,
        made=made,
        blocks=tuple(blocks),
        subtitle=period,
        whose=site,
        cover=((say["period"], period), (say["made"], when(made))),
        contents=False,
    )


def _counts(counts: dict[str, int], say: dict[str, str]) -> str:
    named = ", ".join(f"{say[name].lower()} {count}" for name, count in counts.items() if count)
    return f"{sum(counts.values())}{f' ({named})' if named else ''}"


def _spread(spread: Spread, say: dict[str, str]) -> str:
    if spread.mean_s is None or spread.median_s is None:
        return say["nothing"]
    return (
        f"{say['mean']} {_span(spread.mean_s)}, {say['median']} {_span(spread.median_s)} ({say['of']} {spread.count})"
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"


def _incidents(left: Handover, say: dict[str, str], when: Callable[[datetime], str], language: Language) -> Block:
    if not left.incidents:
        return Paragraph(say["none"])
    running = (ClockState.RUNNING, ClockState.WARNING, ClockState.OVERDUE)
    rows = []
    for incident, clocks in left.incidents:
        due = [
            f"{c.rule.id} {say['by']} {when(c.due)} ({say[c.state.value]})"
            for c in clocks.notices
            if c.state in running
        ]
        rows.append(
            Row(
                (
                    incident.id,
                    title_in(incident, language),
                    say[incident.phase.value],
                    incident.assignee or "-",
                    "\n".join(due) or "-",
                )
            )
        )
    columns = (
        *(
            Column(say["incident"], 2, head=True),
            Column(say["about"], 5),
            Column(say["phase"], 2),
            Column(say["leads"], 1),
        ),
        Column(say["notices"], 3),
    )
    return Table("incidents", columns, tuple(rows))


def _alerts(left: Handover, say: dict[str, str], when: Callable[[datetime], str]) -> Block:
    if not left.alerts:
        return Paragraph(say["none"])
    rows = [
        Row((a.id, f"{a.title}: {a.entity}", say[a.level.value], str(a.risk), a.assignee or "-", when(a.due)))
        for a in left.alerts
    ]
    columns = (
        *(
            Column(say["alert"], 3, head=True),
            Column(say["about"], 9),
            Column(say["level"], 3),
            Column(say["risk"], 2, number=True),
        ),
        *(Column(say["whose"], 2), Column(say["due"], 4)),
    )
    return Table("alerts", columns, tuple(rows))


def _analysts(found: Figures, say: dict[str, str]) -> Block:
    if not found.analysts:
        return Paragraph(say["none"])
    rows = [
        Row((each.shift, each.analyst, str(each.acknowledged), str(each.closed), str(each.reopened)))
        for each in found.analysts
    ]
    numbers = (Column(say[name], 1, number=True) for name in ("looked", "decided", "reopened"))
    return Table("analysts", (Column(say["shift"], 2), Column(say["analyst"], 2, head=True), *numbers), tuple(rows))


def _rules(found: Figures, say: dict[str, str]) -> Block:
    if not found.rules:
        return Paragraph(say["none"])
    rows = []
    for each in found.rules[:RULES_SHOWN]:
        rate = "-" if each.false_positive_rate is None else f"{each.false_positive_rate:.0%}"
        counts = (each.opened, each.true_positives, each.false_positives, each.benign)
        rows.append(Row((each.title, *map(str, counts), rate)))
    numbers = (Column(say[name], 1, number=True) for name in ("opened", "true", "false", "benign", "rate"))
    return Table("rules", (Column(say["rule"], 5, head=True), *numbers), tuple(rows))
