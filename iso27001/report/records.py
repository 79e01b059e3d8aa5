"""What people recorded in, the sections of a report on it out: statement, audits, findings, exceptions, risks, activities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from iso27001.applicability import Applicability
from iso27001.register.activities import Activity
from iso27001.register.audits import Audit
from iso27001.register.exceptions import ControlException
from iso27001.register.findings import Action, Finding
from iso27001.register.reading import Register
from iso27001.register.risks import Risk
from iso27001.register.statements import Change, Statement
from iso27001.report.document import Block, Column, Facts, Heading, Paragraph, Row, Span, Style, Table, Text
from iso27001.report.wording import Wording, code


def statement(found: Statement | None, w: Wording) -> list[Block]:
    """A statement of applicability: each control, whether it applies, why, what asks for it, how far it is."""
    blocks: list[Block] = [Heading(1, w("s_statement"), "statement")]
    if found is None:
        return [*blocks, Paragraph(w("no_statement"))]
    lines = found.by_control
    columns = (
        Column(w("control"), 5, head=True),
        Column(w("applies"), 1),
        Column(w("implementation"), 2),
        Column(w("reason"), 5),
        Column(w("need"), 3),
        Column(w("owner"), 2),
    )
    rows = tuple(_stated(control_id, lines.get(control_id), w) for control_id in w.catalogue.controls)
    return [*blocks, Facts(_about(found, w)), Table(w("s_statement"), columns, rows)]


def _about(found: Statement, w: Wording) -> tuple[tuple[str, Text], ...]:
    facts: list[tuple[str, Text]] = [
        (w("version"), found.id),
        (w("state"), w.word(found.state)),
        (w("proposed"), f"{w.moment(found.proposed)}, {found.proposed_by}"),
    ]
    if found.decided:
        facts.append(
            (w("decided"), f"{w.moment(found.decided)}, {found.decided_by}{f': {found.note}' if found.note else ''}")
        )
    return (*facts, (w("reason"), found.why), ("SHA-256", code(found.digest)))


def _stated(control_id: str, line: Applicability | None, w: Wording) -> Row:
    title = f"{control_id} {w.catalogue.controls[control_id].title(w.language)}"
    if line is None:
        return Row((title, *(w.muted(w("not_recorded")) for _ in range(2)), "", "", ""), anchor=control_id)
    needs = "\n".join(f"{w.word(need.kind)}: {need.ref}" for need in line.needs)
    status = w.word(line.status) if line.status else w.muted(w("not_recorded"))
    return Row(
        (title, w("yes" if line.applicable else "no"), status, line.reason, needs, line.owner), anchor=control_id
    )


def changes(found: Iterable[Change], w: Wording) -> list[Block]:
    """What differs from the version before."""
    rows = tuple(Row((each.control_id, w.word(each.field), each.before, each.after)) for each in found)
    columns = (Column(w("control"), 1, head=True), Column(w("what"), 2), Column(w("before"), 5), Column(w("after"), 5))
    heading = Heading(1, w("s_changes"), "changes")
    return [heading, Table(w("s_changes"), columns, rows) if rows else Paragraph(w("none_yet"))]


def audit(found: Audit, register: Register, w: Wording) -> list[Block]:
    """One audit: its plan, populations and samples, conclusions, follow-up, and how it was locked."""
    plan = found.plan
    facts: list[tuple[str, Text]] = [
        (w("id"), code(found.id)),
        (w("kind"), w.word(plan.kind)),
        (w("scope"), plan.scope),
        (w("period"), f"{w.moment(plan.since)} {w('until')} {w.moment(plan.until)}"),
        (w("auditors"), ", ".join(plan.auditors)),
        (w("method"), plan.method or w.muted(w("not_stated"))),
        (w("criteria"), str(len(plan.criteria))),
        (w("planned"), f"{w.moment(found.planned)}, {found.planned_by}"),
    ]
    if found.lock:
        lock = found.lock
        facts += [
            (w("locked"), f"{w.moment(lock.time)}, {lock.actor}"),
            (w("tree_head"), (f"{lock.size}: ", code(lock.root))),
            (w("summary_of_auditor"), lock.summary),
        ]
    else:
        facts.append((w("locked"), w.muted(w("still_open"))))
    return [
        Heading(1, w("s_audit"), "audit"),
        Facts(tuple(facts)),
        *_conclusions(found, w),
        *_populations(found, w),
        *_followed(found, register.findings, w),
    ]


def _conclusions(found: Audit, w: Wording) -> list[Block]:
    rows = tuple(
        Row(
            (
                _titled(criterion, w),
                w.word(said.conclusion),
                said.reason,
                ", ".join(said.evidence),
                f"{w.moment(said.time)}, {said.actor}",
            )
        )
        for criterion, said in found.conclusions.items()
    )
    columns = (
        Column(w("control"), 4, head=True),
        Column(w("conclusion"), 2),
        Column(w("reason"), 5),
        Column(w("evidence"), 2),
        Column(w("concluded"), 3),
    )
    blocks: list[Block] = [
        Heading(2, w("conclusions")),
        Table(w("conclusions"), columns, rows) if rows else Paragraph(w("none_yet")),
    ]
    if found.open_criteria:
        blocks.append(Paragraph((f"{w('not_concluded')}: ", ", ".join(found.open_criteria))))
    return blocks


def _populations(found: Audit, w: Wording) -> list[Block]:
    counted = tuple(
        Row(
            (
                name,
                ", ".join(of.kinds),
                f"{w.moment(of.since)} {w('until')} {w.moment(of.until)}",
                str(of.count),
                code(of.root),
            )
        )
        for name, of in found.populations.items()
    )
    drawn = tuple(
        Row((each.population, each.seed, ", ".join(map(str, each.seqs)), f"{w.moment(each.time)}, {each.actor}"))
        for each in found.samples
    )
    columns = (
        Column(w("population"), 2, head=True),
        Column(w("kind"), 3),
        Column(w("period"), 3),
        Column(w("count"), number=True),
        Column(w("root"), 4),
    )
    samples = (
        Column(w("population"), 2, head=True),
        Column(w("seed"), 2),
        Column(w("ledger_entries"), 5),
        Column(w("drawn"), 3),
    )
    table = Table(w("populations"), columns, counted) if counted else Paragraph(w("none_yet"))
    blocks: list[Block] = [Heading(2, w("populations")), table]
    if drawn:
        blocks += [Heading(2, w("samples")), Table(w("samples"), samples, drawn)]
    return blocks


def _followed(found: Audit, known: Mapping[str, Finding], w: Wording) -> list[Block]:
    rows: list[Row] = [
        Row(
            (
                each.finding_id,
                known[each.finding_id].text.title if each.finding_id in known else "",
                each.note,
                f"{w.moment(each.time)}, {each.actor}",
            )
        )
        for each in found.followed.values()
    ]
    rows += [
        Row((each, known[each].text.title, Span(w("not_followed"), Style.WARN), "")) for each in found.to_follow(known)
    ]
    columns = (
        Column(w("finding"), 2, head=True),
        Column(w("what"), 4),
        Column(w("note"), 5),
        Column(w("concluded"), 3),
    )
    return [
        Heading(2, w("follow_up")),
        Table(w("follow_up"), columns, tuple(rows)) if rows else Paragraph(w("none_yet")),
    ]


def findings(found: Iterable[Finding], at: datetime, w: Wording) -> list[Block]:
    """Findings with cause, corrective actions and the check of their effect: the plan of action."""
    rows = tuple(_finding(each, at, w) for each in found)
    columns = (
        Column(w("finding"), 4, head=True),
        Column(w("conclusion"), 2),
        Column(w("related_controls"), 2),
        Column(w("cause"), 3),
        Column(w("actions"), 5),
        Column(w("state"), 3),
    )
    return [
        Heading(1, w("s_findings"), "findings"),
        Table(w("s_findings"), columns, rows) if rows else Paragraph(w("none_yet")),
    ]


def _finding(found: Finding, at: datetime, w: Wording) -> Row:
    actions = [
        f"{action.number}. {action.text} ({action.owner}, {w('due')} {w.moment(action.due)}{_done(action, w)})"
        for action in found.actions
    ]
    checks = [
        f"{w('effective_yes' if each.effective else 'effective_no')}: {each.note} ({each.actor})"
        for each in found.checks
    ]
    late: tuple[Span, ...] = (Span(f"\n{w('overdue')}", Style.BAD),) if found.overdue(at) else ()
    return Row(
        (
            (f"{found.text.title}\n", code(found.id), w.muted(f"\n{found.text.text}")),
            w.word(found.text.conclusion),
            ", ".join(found.text.controls),
            found.cause or w.muted(w("not_recorded")),
            "\n".join([*actions, *checks]) or w.muted(w("none_yet")),
            (f"{w.word(found.state)}, {w('due')} {w.moment(found.text.due)}, {found.text.owner}", *late),
        ),
        anchor=f"finding-{found.id}",
    )


def _done(action: Action, w: Wording) -> str:
    return f", {w('done')} {w.moment(action.done)}" if action.done else ""


def exceptions(found: Iterable[ControlException], at: datetime, w: Wording) -> list[Block]:
    """Exceptions with approver and expiry."""

    def row(each: ControlException) -> Row:
        decided = f", {each.decided_by}" if each.decided_by else ""
        period = f"{w.moment(each.text.since)} {w('until')} {w.moment(each.text.expires)}"
        return Row(
            (
                each.id,
                each.text.control_id,
                each.text.subject,
                each.text.reason,
                period,
                f"{w.word(each.state(at))}{decided}",
            )
        )

    columns = (
        Column(w("id"), 2, head=True),
        Column(w("control")),
        Column(w("subject"), 3),
        Column(w("reason"), 4),
        Column(w("period"), 3),
        Column(w("state"), 2),
    )
    return _records("s_exceptions", "exceptions", columns, map(row, found), w)


def risks(found: Iterable[Risk], w: Wording) -> list[Block]:
    """The risk register: what threatens what, what is done, what remains and who accepted it."""

    def row(each: Risk) -> Row:
        text = each.text
        accepted = f"{each.accepted_by}, {w.moment(each.accepted)}" if each.accepted_by else w.muted(w("not_recorded"))
        before, after = (f"{r.likelihood} × {r.impact} = {r.level}" for r in (text.rating, text.residual))
        return Row(
            (
                f"{each.id} {text.title}",
                f"{text.asset}\n{text.threat}",
                before,
                w.word(text.treatment),
                ", ".join(text.controls),
                after,
                accepted,
            )
        )

    columns = (
        Column(w("risk"), 4, head=True),
        Column(w("asset_threat"), 4),
        Column(w("rating")),
        Column(w("treatment")),
        Column(w("related_controls"), 3),
        Column(w("residual")),
        Column(w("accepted"), 3),
    )
    return _records("s_risks", "risks", columns, map(row, found), w)


def activities(found: Iterable[Activity], w: Wording) -> list[Block]:
    """Exercises, training, reviews: who was reached, and what came of them."""

    def row(each: Activity) -> Row:
        text = each.text
        return Row(
            (
                f"{each.id} {text.title}",
                w.word(text.kind),
                w.moment(text.held),
                f"{text.reached} {w('of')} {text.expected}",
                text.outcome,
                w.moment(text.next_due),
            )
        )

    columns = (
        Column(w("activity"), 4, head=True),
        Column(w("kind"), 2),
        Column(w("held"), 2),
        Column(w("reached")),
        Column(w("outcome"), 5),
        Column(w("next_due"), 2),
    )
    return _records("s_activities", "activities", columns, map(row, found), w)


def _records(key: str, anchor: str, columns: tuple[Column, ...], rows: Iterable[Row], w: Wording) -> list[Block]:
    shown = tuple(rows)
    return [Heading(1, w(key), anchor), Table(w(key), columns, shown) if shown else Paragraph(w("none_yet"))]


def _titled(criterion: str, w: Wording) -> Text:
    known = w.catalogue.controls.get(criterion) or w.catalogue.clauses.get(criterion)
    return f"{criterion} {known.title(w.language)}" if known else criterion
