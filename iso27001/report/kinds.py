"""A `ReportInput` and a kind of report in, the `Document` of it out: the one place that says which sections a report has."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from iso27001.catalogue import Catalogue
from iso27001.errors import ReportError
from iso27001.language import Language
from iso27001.register.findings import Finding, Source
from iso27001.register.statements import differences
from iso27001.report import annexes, records, sections
from iso27001.report.document import Block, Document, Heading
from iso27001.report.model import ReportInput
from iso27001.report.wording import Wording


class Kind(StrEnum):
    """What a report is of."""

    PERIOD = "period"
    CONTROL = "control"
    AUDIT = "audit"
    MANAGEMENT = "management"
    STATEMENT = "soa"


def compose(
    report: ReportInput, catalogue: Catalogue, language: Language, kind: Kind = Kind.PERIOD, subject: str = ""
) -> Document:
    """The document of a kind; `subject`: the control's or audit's id, or the version of a statement (default: the one that stands).

    Raises: ReportError for a subject that is not known, CatalogueError for a control.
    """
    w = Wording(language, report.zone, catalogue)
    makers = {
        Kind.PERIOD: _period,
        Kind.CONTROL: _control,
        Kind.AUDIT: _audit,
        Kind.MANAGEMENT: _management,
        Kind.STATEMENT: _statement,
    }
    title, blocks = makers[kind](report, w, subject)
    root = "" if report.head is None else f"{report.head.origin} {report.head.size} {report.head.root.hex()}"
    return Document(
        title=title,
        language=language,
        made=report.generated,
        blocks=tuple(blocks),
        kicker=w("standard"),
        subtitle=w(f"subtitle_{kind.value}"),
        whose=report.organisation.name,
        cover=sections.cover(report, w),
        disclaimer=w("disclaimer"),
        foot=root,
    )


def _period(report: ReportInput, w: Wording, _: str) -> tuple[str, list[Block]]:
    return w("title"), [
        *sections.summary(report, w),
        *sections.incidents(report, w),
        *sections.controls(report, w),
        *sections.measures(report, w),
        *sections.manual(report, w),
        *sections.clauses(report, w),
        *_recorded(report, w),
        *_end(report, w),
    ]


def _recorded(report: ReportInput, w: Wording) -> list[Block]:
    """What was recorded of the period: findings that were open in it, exceptions that held, what was exercised."""
    status = report.status
    register = status.register
    held = [e for e in register.exceptions.values() if e.text.since < status.until and status.since < e.text.expires]
    done = [a for a in register.activities.values() if status.since <= a.text.held < status.until]
    return [
        *records.findings(_open_findings(report), status.until, w),
        *records.exceptions(held, status.until, w),
        *records.activities(done, w),
    ]


def _open_findings(report: ReportInput) -> list[Finding]:
    status = report.status
    return [
        found
        for found in status.register.findings.values()
        if found.opened < status.until and (found.closed is None or found.closed >= status.since)
    ]


def _end(report: ReportInput, w: Wording) -> list[Block]:
    return [
        *annexes.limits(report, w),
        *annexes.manifest(report.status.evidence, report.status, w),
        *annexes.head(report, w),
        *annexes.verify(report, w),
    ]


def _control(report: ReportInput, w: Wording, subject: str) -> tuple[str, list[Block]]:
    control = w.catalogue.control(subject)
    state = next(state for state in report.status.controls if state.control.id == control.id)
    touched = [i for i in report.incidents if any(link.control_id == control.id for link in i.controls)]
    own = [found for found in _open_findings(report) if control.id in found.text.controls]
    register = report.status.register
    held = [each for each in register.exceptions.values() if each.text.control_id == control.id]
    risks = [risk for risk in register.risks.values() if control.id in risk.text.controls]
    return f"{control.id} {control.title(w.language)}", [
        Heading(1, w("s_controls"), "controls"),
        sections.control_table(w("s_controls"), [state], w),
        *sections.control_detail(state, sections.numbered(state.evidence), w),
        *sections.incidents(replace(report, incidents=tuple(touched)), w),
        *records.findings(own, report.status.until, w),
        *records.exceptions(held, report.status.until, w),
        *records.risks(risks, w),
        *annexes.limits(report, w),
        *annexes.manifest(state.evidence, report.status, w),
        *annexes.head(report, w),
        *annexes.verify(report, w),
    ]


def _audit(report: ReportInput, w: Wording, subject: str) -> tuple[str, list[Block]]:
    register = report.status.register
    found = register.audits.get(subject)
    if found is None:
        known = ", ".join(register.audits) or "none"
        raise ReportError(f'no audit "{subject}"; there are: {known}')
    own = [each for each in register.findings.values() if each.text.source is Source.AUDIT and each.text.ref == subject]
    held = [
        e for e in register.exceptions.values() if e.text.since < found.plan.until and found.plan.since < e.text.expires
    ]
    return found.plan.title, [
        *records.audit(found, register, w),
        *records.findings(own, report.status.until, w),
        *sections.summary(report, w),
        *sections.controls(report, w),
        *sections.measures(report, w),
        *sections.incidents(report, w),
        *sections.clauses(report, w),
        *records.statement(register.statement(found.plan.until), w),
        *records.exceptions(held, report.status.until, w),
        *_end(report, w),
    ]


def _management(report: ReportInput, w: Wording, _: str) -> tuple[str, list[Block]]:
    """Inputs of ISO/IEC 27001 clause 9.3.2: actions, changes, nonconformities, monitoring, audits, objectives, risks, improvement."""
    register, status = report.status.register, report.status
    return w("title_management"), [
        *sections.summary(report, w),
        *records.findings(_open_findings(report), status.until, w),
        *sections.measures(report, w),
        *[
            block
            for each in register.audits.values()
            if each.plan.until > status.since
            for block in records.audit(each, register, w)
        ],
        *sections.incidents(report, w),
        *records.risks([risk for risk in register.risks.values() if risk.closed is None], w),
        *records.exceptions(register.exceptions.values(), status.until, w),
        *records.activities(register.activities.values(), w),
        *annexes.limits(report, w),
        *annexes.head(report, w),
    ]


def _statement(report: ReportInput, w: Wording, subject: str) -> tuple[str, list[Block]]:
    known = report.status.register.statements
    found = known.get(subject) if subject else report.status.register.statement(report.status.until)
    if found is None:
        which = f'no statement of applicability "{subject}"' if subject else "no statement of applicability stands then"
        raise ReportError(f"{which}; there are: {', '.join(known) or 'none'}")
    earlier = [each for each in known.values() if each.proposed < found.proposed and each.id != found.id]
    differ = differences(earlier[-1].by_control, found.by_control) if earlier else []
    return w("s_statement"), [
        *records.statement(found, w),
        *records.changes(differ, w),
        *records.risks(report.status.register.risks.values(), w),
        *annexes.head(report, w),
        *annexes.verify(report, w),
    ]
