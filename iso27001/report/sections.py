"""A `ReportInput` in, the sections that reports are put together from out: summary, incidents, controls, measures, clauses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iso27001.catalogue import EvidenceMode, Theme
from iso27001.evidence import Evidence
from iso27001.measures import Indicator
from iso27001.report.document import (
    Block,
    Column,
    Facts,
    Figures,
    Heading,
    Items,
    Paragraph,
    Row,
    Span,
    Style,
    Table,
    Text,
    Tiles,
    join,
)
from iso27001.report.model import IncidentLine, ReportInput
from iso27001.report.wording import Wording, code, indicator_key
from iso27001.status import ControlState, MeasureState

EVIDENCE_SHOWN = 20
"""Evidence shown at one control, the newest; annex A lists all."""
LEVELS = ("critical", "high", "medium", "low", "informational")
_INDICATORS = (*Indicator, None)


def cover(report: ReportInput, w: Wording) -> tuple[tuple[str, Text], ...]:
    """The facts of the first page."""
    about, status = report.organisation, report.status
    missing = w.muted(w("not_stated"))
    zone = w.muted(f" {w.offset(report.generated)}")
    head: Text = w.muted(w("no_head"))
    if report.head is not None:
        line = w("head_line", size=report.head.size, time=w.moment(report.head.time))
        head = (f"{line}\n", code(report.head.root.hex()))
    return (
        (w("unit"), about.unit or missing),
        (w("scope"), about.scope or missing),
        (w("classification"), about.classification or missing),
        (w("period"), (f"{w.moment(status.since)} {w('until')} {w.moment(status.until)}", zone)),
        (w("generated"), (w.moment(report.generated), zone)),
        (w("prepared_by"), about.prepared_by or missing),
        (w("tree_head"), head),
    )


def summary(report: ReportInput, w: Wording) -> list[Block]:
    """The whole at a glance."""
    controls = report.status.controls
    measured = [state for state in controls if state.measures]
    attention = [state for state in controls if state.indicator in {Indicator.NOT_MET, Indicator.STALE}]
    with_evidence = [state for state in controls if state.evidence]
    levels = [(level, sum(i.level == level for i in report.incidents)) for level in LEVELS]
    told = ", ".join(f"{count} {w.word(level)}" for level, count in levels if count)
    met = sum(state.indicator is Indicator.MET for state in measured)
    return [
        Heading(1, w("s_summary"), "summary"),
        Figures(
            (
                (str(met), str(len(measured)), w("figure_met")),
                (str(len(attention)), "", w("figure_attention")),
                (str(len(with_evidence)), str(len(controls)), w("figure_evidence")),
                (str(len(report.incidents)), "", w("figure_incidents") + (f": {told}" if told else "")),
            )
        ),
        Tiles(
            tuple((w(theme), tuple(w.tile(s) for s in controls if s.control.theme is theme)) for theme in Theme),
            (*join([w.indicator(value) for value in _INDICATORS], "   "), "\n", w.muted(w("indicator_note"))),
        ),
        _counts(controls, w),
        Heading(2, w("attention")),
        Items(tuple(_attention(state, w) for state in attention)) if attention else Paragraph(w("attention_none")),
        Heading(2, w("verification")),
        Paragraph(_verified(report, w)),
    ]


def _verified(report: ReportInput, w: Wording) -> Text:
    if report.verdict is None:
        return w("not_verified")
    said = report.verdict
    line = w("verified_line", integrity=w.word(said.integrity), completeness=w.word(said.completeness))
    return (line, " (", Span(w("s_head"), to="head"), ")")


def _counts(controls: Sequence[ControlState], w: Wording) -> Table:
    def row(title: str, of: Sequence[ControlState]) -> tuple[Text, ...]:
        counts = [str(sum(state.indicator is value for state in of)) for value in _INDICATORS]
        return (title, *counts, str(len(of)), str(sum(bool(state.evidence) for state in of)))

    themes = [Row(row(w(theme), [s for s in controls if s.control.theme is theme])) for theme in Theme]
    columns = (
        Column(w("theme"), 3, head=True),
        *(Column(w(indicator_key(value)), number=True) for value in _INDICATORS),
        Column(w("total"), number=True),
        Column(w("with_evidence"), number=True),
    )
    return Table(w("picture_title"), columns, (*themes, Row(row(w("total"), controls), strong=True)))


def _attention(state: ControlState, w: Wording) -> Text:
    causes = [
        f"{of.measure.id} {of.measure.title(w.language)}" for of in state.measures if of.indicator is state.indicator
    ]
    stopped = f" ({w('stopped')}: {', '.join(state.stopped)})" if state.stopped else ""
    return (w.indicator(state.indicator), " ", *_titled(state, w), w.muted(f" {'; '.join(causes)}{stopped}"))


def _titled(state: ControlState, w: Wording) -> tuple[str | Span, ...]:
    return (Span(state.control.id, to=state.control.id), f" {state.control.title(w.language)}")


def incidents(report: ReportInput, w: Wording) -> list[Block]:
    """The incidents of the period, each with its alerts, story and controls."""
    blocks: list[Block] = [Heading(1, w("s_incidents"), "incidents")]
    if not report.incidents:
        return [*blocks, Paragraph(w("no_incidents"))]
    for incident in report.incidents:
        blocks += _incident(incident, w)
    return [*blocks, *_by_control(report.incidents, w)]


def _by_control(found: Sequence[IncidentLine], w: Wording) -> Iterable[Block]:
    """Which incidents touched which control."""
    touched: dict[str, list[str]] = {}
    for incident in found:
        for link in incident.controls:
            touched.setdefault(link.control_id, []).append(incident.id)
    known = [control_id for control_id in (*w.catalogue.controls, *w.catalogue.clauses) if control_id in touched]
    others = sorted(touched.keys() - set(known))
    rows = tuple(
        Row((w.control(control_id), str(len(touched[control_id])), ", ".join(touched[control_id])))
        for control_id in (*known, *others)
    )
    columns = (Column(w("control"), 5, head=True), Column(w("count"), number=True), Column(w("s_incidents"), 6))
    if rows:
        yield Heading(2, w("by_control"))
        yield Table(w("by_control"), columns, rows)


def _incident(incident: IncidentLine, w: Wording) -> Iterable[Block]:
    grave = (
        Style.BAD
        if incident.level in {"critical", "high"}
        else Style.WARN
        if incident.level == "medium"
        else Style.PLAIN
    )
    facts: list[tuple[str, Text]] = [
        (w("id"), code(incident.id)),
        (w("level"), Span(w.word(incident.level), grave)),
        (w("phase"), w.word(incident.phase)),
        (w("opened"), w.moment(incident.opened)),
        (w("closed"), w.moment(incident.closed) if incident.closed else w.muted(w("still_open"))),
        (w("systems"), w.or_none([code(system) for system in incident.systems])),
    ]
    if incident.severity:
        facts.append((w("severity"), f"{incident.severity} {incident.group}".rstrip()))
    if incident.reviewed:
        facts.append((w("reviewed"), w.moment(incident.reviewed)))
    if incident.why:
        facts.append((w("linked_by"), "\n".join(incident.why)))
    yield Heading(2, incident.title)
    yield Facts(tuple(facts))
    yield from _notices(incident, w)
    if incident.alerts:
        rows = tuple(
            Row((w.moment(a.first_seen), (f"{a.title}\n", code(a.id)), w.word(a.level), str(a.count)))
            for a in incident.alerts
        )
        columns = (Column(w("opened")), Column(w("what"), 6), Column(w("level")), Column(w("events"), number=True))
        yield Table(f"{w('alerts')} {incident.id}", columns, rows, w("alerts"))
    if incident.timeline:
        yield Heading(3, w("timeline"))
        yield Items(
            tuple(
                (w.muted(f"{w.moment(line.time)} {w.word(line.kind)} "), w.word(line.text))
                for line in incident.timeline
            )
        )
    if incident.controls:
        yield Heading(3, w("related_controls"))
        yield Items(
            tuple(
                (*_parts(w.control(link.control_id)), w.muted(f" {w.reason(link.why)}")) for link in incident.controls
            )
        )


def _notices(incident: IncidentLine, w: Wording) -> Iterable[Block]:
    """What the law demands to be told of an incident, and whether it was, in time."""
    if incident.notices:
        columns = (
            Column(w("duty"), 4),
            Column(w("told_to"), 4),
            Column(w("due")),
            Column(w("sent")),
            Column(w("state")),
        )
        rows = tuple(
            Row(
                (
                    notice.ref,
                    notice.to,
                    w.moment(notice.due),
                    w.moment(notice.sent) if notice.sent else w.muted(w("not_sent")),
                    Span(w.word(notice.state), Style.BAD if notice.state in {"overdue", "sent-late"} else Style.PLAIN),
                )
            )
            for notice in incident.notices
        )
        yield Table(f"{w('notices')} {incident.id}", columns, rows, w("notices"))
    for gap in incident.gaps:
        yield Paragraph(Span(f"{w('law_gap')}: {gap}", Style.WARN))


def _parts(text: Text) -> tuple[str | Span, ...]:
    return text if isinstance(text, tuple) else (text,)


def controls(report: ReportInput, w: Wording) -> list[Block]:
    """All controls by theme, three statements side by side, and those with data in detail."""
    blocks: list[Block] = [Heading(1, w("s_controls"), "controls"), Paragraph(w("controls_intro"))]
    for theme in Theme:
        of = [state for state in report.status.controls if state.control.theme is theme]
        blocks += [Heading(2, w(theme)), control_table(f"{w('s_controls')} {w(theme)}", of, w)]
    blocks.append(Heading(2, f"{w('s_controls')}, {w('detail')}"))
    numbers = numbered(report.status.evidence)
    for state in report.status.controls:
        if state.evidence or any(of.newest for of in state.measures):
            blocks += control_detail(state, numbers, w)
    return blocks


def control_table(name: str, states: Sequence[ControlState], w: Wording) -> Table:
    """A row for each control: what machines counted, what shows it, what is stated, what was concluded."""
    rows = tuple(
        Row(
            (
                _titled(state, w),
                w.indicator(state.indicator),
                _evidence_count(state, w),
                w.implementation(state),
                w.conclusion(state),
            ),
            anchor=state.control.id,
        )
        for state in states
    )
    columns = (
        Column(w("control"), 6, head=True),
        Column(w("indicator"), 2),
        Column(w("evidence"), 3),
        Column(w("implementation"), 2),
        Column(w("conclusion"), 3),
    )
    return Table(name, columns, rows)


def _evidence_count(state: ControlState, w: Wording) -> Text:
    if not state.evidence:
        return w.muted(w.word(state.control.evidence_mode))
    newest = f"\n{w('newest')} {w.moment(state.newest_evidence)}"
    return (f"{len(state.evidence)} {w('items')}", w.muted(newest))


def control_detail(state: ControlState, numbers: dict[str, str], w: Wording) -> list[Block]:
    """One control: what is said of it, its measures, its evidence."""
    reason = f" ({state.applicability.reason})" if state.applicability and state.applicability.reason else ""
    said: Text = (
        w.muted(f"{w('mode')}: {w.word(state.control.evidence_mode)} · {w('implementation')}: "),
        *_parts(w.implementation(state)),
        w.muted(f"{reason} · {w('conclusion')}: "),
        *_parts(w.conclusion(state)),
    )
    blocks: list[Block] = [
        Heading(3, (*_titled(state, w), "  ", w.indicator(state.indicator)), f"d-{state.control.id}"),
        Paragraph(said),
    ]
    if state.stopped:
        blocks.append(Paragraph(Span(f"{w('stopped')}: {', '.join(state.stopped)}", Style.WARN)))
    if state.measures:
        blocks.append(Items(tuple(_measure_line(of, w) for of in state.measures)))
    if not state.evidence:
        return [*blocks, Paragraph(w.muted(w("no_evidence")))]
    lines = [_evidence_line(item, state.control.id, numbers, w) for item in state.evidence[-EVIDENCE_SHOWN:]]
    if len(state.evidence) > EVIDENCE_SHOWN:
        lines.append(w.muted(w("more_evidence", count=len(state.evidence) - EVIDENCE_SHOWN)))
    return [*blocks, Items(tuple(lines))]


def numbered(evidence: Iterable[Evidence]) -> dict[str, str]:
    """The number of each piece of evidence in this report: `E-1`."""
    return {item.id: f"E-{n}" for n, item in enumerate(evidence, 1)}


def _measure_line(of: MeasureState, w: Wording) -> Text:
    line: tuple[str | Span, ...] = (
        w.indicator(of.indicator),
        " ",
        Span(of.measure.id, to=of.measure.id),
        f" {of.measure.title(w.language)} ",
    )
    if of.newest is None:
        return line
    values = "; ".join(
        f"{value.title(w.language)} {value.text(of.newest.values[value.name], w.language)}"
        for value in of.measure.values
        if value.name in of.newest.values
    )
    return (*line, w.muted(f"{values}, {w('as_of')} {w.moment(of.newest.until)}"))


def _evidence_line(item: Evidence, control_id: str, numbers: dict[str, str], w: Wording) -> Text:
    """What shows a control, and why; what it rests on stands once, in the row of the manifest that its number leads to."""
    why = "; ".join(w.reason(link.why) for link in item.controls if link.control_id == control_id)
    because = f"\n{why}" if why else ""
    return (
        Span(numbers[item.id], to=numbers[item.id]),
        " ",
        Span(item.title, Style.STRONG),
        w.muted(f" {w.word(item.kind)}, {w.moment(item.effective_from)} – {w.moment(item.effective_to)}{because}"),
    )


def measures(report: ReportInput, w: Wording) -> list[Block]:
    """Every measure: what it says, its values and pass lines, how it went, how it was counted."""
    with_data = [state for state in report.status.measures if state.newest]
    without = [state for state in report.status.measures if state.indicator is Indicator.NO_DATA]
    rows = tuple(row for state in with_data if (row := _measure_row(state, w)))
    columns = (
        Column(w("measure"), 4, head=True),
        Column(w("indicator")),
        Column(w("value"), 5),
        Column(w("as_of"), 3),
        Column(w("over_period"), 3),
    )
    blocks: list[Block] = [
        Heading(1, w("s_measures"), "measures"),
        Table(w("s_measures"), columns, rows),
        Heading(2, w("measures_without_data")),
    ]
    if not without:
        return [*blocks, Paragraph(w("every_measure_has_data"))]
    lines = tuple(
        (
            w.indicator(state.indicator),
            f" {state.measure.id} {state.measure.title(w.language)} ",
            w.muted(", ".join(state.measure.controls)),
            w.muted(f"; {state.newest.reason}" if state.newest and state.newest.reason else ""),
        )
        for state in without
    )
    return [*blocks, Paragraph(w.muted(w("measures_without_data_note"))), Items(lines)]


def _measure_row(state: MeasureState, w: Wording) -> Row | None:
    newest = state.newest
    if newest is None:
        return None
    fresh = w.duration(state.measure.stale_after) if state.measure.stale_after else w("until_change")
    return Row(
        (
            (f"{state.measure.id} {state.measure.title(w.language)}\n", w.muted(", ".join(state.measure.controls))),
            w.indicator(state.indicator),
            w.values(state, newest),
            (w.moment(newest.until), "\n", w.muted(f"{w('fresh_for')} {fresh}")),
            (*_parts(w.over(state)), "\n", w.muted(f"{w('population')} {newest.population}")),
        ),
        anchor=state.measure.id,
        note=(
            f"{w('ledger_entry')} {newest.seq} · {w('query')} ",
            code(newest.query),
            f" · {w('result_hash')} SHA-256 ",
            code(newest.result_hash),
        ),
    )


def manual(report: ReportInput, w: Wording) -> list[Block]:
    """The controls that no machine can evidence."""
    states = [s for s in report.status.controls if s.control.evidence_mode is EvidenceMode.MANUAL]
    rows = tuple(
        Row(
            (
                _titled(state, w),
                f"{len(state.evidence)} {w('items')}" if state.evidence else w.muted(w("none_yet")),
                w.implementation(state),
                w.conclusion(state),
            )
        )
        for state in states
    )
    columns = (
        Column(w("control"), 6, head=True),
        Column(w("evidence")),
        Column(w("implementation"), 3),
        Column(w("conclusion"), 3),
    )
    intro = Paragraph(w("manual_intro", count=len(states)))
    return [Heading(1, w("s_manual"), "manual"), intro, Table(w("mode") + " " + w("manual"), columns, rows)]


def clauses(report: ReportInput, w: Wording) -> list[Block]:
    """Clauses 4 to 10, what measures say of them and what was concluded."""
    rows = []
    for clause in w.catalogue.clauses.values():
        states = report.status.clause_measures(clause.id) if clause.auditable else ()
        measured = join([(w.indicator(s.indicator), " ", Span(s.measure.id, to=s.measure.id)) for s in states], "\n")
        said = report.status.concluded.get(clause.id)
        concluded: Text = (w.word(said.conclusion) if said else w.muted(w("not_recorded"))) if clause.auditable else ""
        title = f"{clause.id} {clause.title(w.language)}"
        rows.append(Row((title, measured, concluded), anchor=clause.id, strong=not clause.auditable))
    columns = (Column(w("clause"), 6), Column(w("s_measures"), 3), Column(w("conclusion"), 3))
    return [
        Heading(1, w("s_clauses"), "clauses"),
        Paragraph(w("clauses_intro")),
        Table(w("s_clauses"), columns, tuple(rows)),
    ]
