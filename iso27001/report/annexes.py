"""A `ReportInput` in, what stands at a report's end out: its limits, the evidence manifest, the signed head, how to check all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from iso27001.catalogue import EvidenceMode
from iso27001.evidence import Evidence
from iso27001.measures import Indicator
from iso27001.register.holdings import Holding
from iso27001.report.document import (
    Block,
    Column,
    Facts,
    Heading,
    Items,
    Note,
    Paragraph,
    Row,
    Span,
    Style,
    Table,
    Text,
    join,
)
from iso27001.report.model import ReportInput
from iso27001.report.sections import numbered
from iso27001.report.wording import Wording, code
from iso27001.status import Status
from iso27001.verifier.custody import EvidenceState

EVENTS_SHOWN = 20
"""Events of one piece of evidence in a report; the JSON form lists all."""


def limits(report: ReportInput, w: Wording) -> list[Block]:
    """What this report does not say."""
    status, said = report.status, report.verdict
    all_measures, all_controls = len(status.measures), len(status.controls)
    missing = sum(state.indicator is Indicator.NO_DATA for state in status.measures)
    stale = sum(state.indicator is Indicator.STALE for state in status.measures)
    by_people = sum(state.control.evidence_mode is EvidenceMode.MANUAL for state in status.controls)
    lines = [w("disclaimer"), w("limit_period"), w("limit_no_data", count=missing, all=all_measures)]
    if stale:
        lines.append(w("limit_stale", count=stale, all=all_measures))
    lines += [w("limit_manual", count=by_people, all=all_controls), w("limit_links"), w("limit_limits")]
    if said is None:
        lines.append(w("not_verified"))
    else:
        if said.size > said.signed:
            lines.append(w("limit_unsigned", count=said.size - said.signed))
        if said.anchored is None:
            lines.append(w("limit_no_anchor"))
        elif said.signed > said.anchored:
            lines.append(w("limit_unanchored", count=said.signed - said.anchored))
    return [Heading(1, w("s_limits"), "limits"), Items((*lines, *report.notes, w("limit_standard")))]


def manifest(evidence: Sequence[Evidence], status: Status, w: Wording) -> list[Block]:
    """Annex A: every piece of evidence with where it stands, who has it in hands and what it rests on, and the events behind it."""
    blocks: list[Block] = [Heading(1, w("s_manifest"), "manifest")]
    if not evidence:
        return [*blocks, Paragraph(w("manifest_none"))]
    numbers = numbered(evidence)
    rows = tuple(_evidence_row(item, numbers[item.id], status, w) for item in evidence)
    columns = (
        Column(w("number"), 1, head=True),
        Column(w("evidence"), 4),
        Column(w("effective"), 3),
        Column(w("related_controls"), 2),
        Column(w("ledger_entry"), 2),
        Column("SHA-256", 3),
    )
    blocks += [Paragraph(w("manifest_intro")), Table(w("evidence"), columns, rows)]
    events = [row for item in evidence for row in _event_rows(item, numbers[item.id], w)]
    if events:
        event_columns = (
            Column(w("number"), 1, head=True),
            Column(w("event"), 3),
            Column(w("source"), 2),
            Column(w("offset"), 2, number=True),
            Column(w("raw_hash"), 5),
        )
        blocks.append(Table(w("event"), event_columns, tuple(events), w("events_behind")))
    return blocks


def _evidence_row(item: Evidence, number: str, status: Status, w: Wording) -> Row:
    expires = f"\n{w('expires')} {w.moment(item.expires)}" if item.expires else ""
    rests = f"\n{w('rests_on')} {', '.join(map(str, item.ledger_seqs))}" if item.ledger_seqs else ""
    collected = f"{w('collected')} {w.moment(item.collected_at)}, {item.collector}" + (
        f"; {item.owner}" if item.owner else ""
    )
    holding = status.register.evidence.get(item.id)
    if holding is not None:
        collected += "".join(f"\n{text}" for text in _standing(holding, status.until, w))
    return Row(
        (
            number,
            (f"{item.title}\n", code(item.id), w.muted(f" {w.word(item.kind)}\n{collected}")),
            (f"{w.moment(item.effective_from)} –\n{w.moment(item.effective_to)}", w.muted(expires)),
            w.controls(link.control_id for link in item.controls),
            (str(item.revision), w.muted(rests)),
            code(item.result_hash),
        ),
        anchor=number,
    )


def _standing(holding: Holding, at: datetime, w: Wording) -> Iterable[str]:
    """Where it stands, if somebody decided or it has a file; who has it; and what is wrong with its chain of custody."""
    state = holding.state(at)
    if state is not EvidenceState.COLLECTED:
        yield w.word(state)
    if holding.evidence.file_name and holding.custody:
        yield w("custody_line", holder=holding.custody[-1].holder, steps=len(holding.custody))
    if holding.custody_fault:
        yield f"{w('custody_broken')}: {holding.custody_fault}"


def _event_rows(item: Evidence, number: str, w: Wording) -> Iterable[Row]:
    for n, event in enumerate(item.events[:EVENTS_SHOWN], 1):
        more = len(item.events) - EVENTS_SHOWN if n == EVENTS_SHOWN else 0
        cells = (number, code(event.event_id), event.source, str(event.offset), code(event.sha256))
        yield Row(cells, note=w("more_events", count=more) if more > 0 else "")


def head(report: ReportInput, w: Wording) -> list[Block]:
    """Annex B: the signed head that the report stands under, and what the verification said."""
    blocks: list[Block] = [Heading(1, w("s_head"), "head")]
    blocks.append(Note(report.head.note) if report.head else Paragraph(w("no_head")))
    said = report.verdict
    if said is None:
        return [*blocks, Paragraph(w("not_verified"))]
    faults = [(Span(fault.kind, Style.STRONG), f": {fault.text}") for fault in said.faults]
    if said.more:
        faults.append((Span(f"+ {said.more}", Style.STRONG), ""))
    of = w("of")
    anchored = w("no_anchor") if said.anchored is None else f"{said.anchored} {of} {said.size}"
    verified = w("verified_line", integrity=w.word(said.integrity), completeness=w.word(said.completeness))
    facts: tuple[tuple[str, Text], ...] = (
        (w("origin"), code(said.origin)),
        (w("key"), code(said.key)),
        (w("size"), str(said.size)),
        (w("root"), code(said.root.hex())),
        (w("verification"), verified),
        (w("signed"), f"{said.signed} {of} {said.size}"),
        (w("anchored"), anchored),
        (w("faults"), join(faults, "\n") or w("no_faults")),
    )
    return [*blocks, Facts(facts)]


def verify(report: ReportInput, w: Wording) -> list[Block]:
    """Annex C: how to check all of this."""
    steps = tuple(w(step) for step in ("v_key", "v_head", "v_anchor", "v_entry", "v_event", "v_measure", "v_pack"))
    blocks: list[Block] = [Heading(1, w("s_verify"), "verify"), Items(steps, numbered=True)]
    if report.commands:
        blocks += [Heading(2, w("commands")), Note("\n".join(report.commands))]
    return blocks
