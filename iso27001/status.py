"""Samples and evidence in, the state of every measure and control in a period out. Three axes that are never mixed:

the indicator (what machines counted), the implementation status (what the organisation states), the conclusion (what an auditor
decides). A control's indicator is met only when every one of its measures is; a gap in data is never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from iso27001.applicability import Applicability
from iso27001.catalogue import Catalogue, Control
from iso27001.evidence import Evidence
from iso27001.ledger.store import Ledger
from iso27001.measures import SAMPLE, Indicator, Measure, Sample, indicator, measures, read_sample
from iso27001.register.audits import Concluded
from iso27001.register.conclusion import Conclusion
from iso27001.register.reading import Register, read_register

_WORST_FIRST = (Indicator.NOT_MET, Indicator.STALE, Indicator.NO_DATA, Indicator.MET)


@dataclass(frozen=True, slots=True)
class MeasureState:
    """One measure over a period, as it stood at its end. `newest`: its last sample in the period.

    `met`, `not_met`, `unknown`: samples of the period by their verdict; `gaps`: stretches of the period for which no sample was fresh.
    """

    measure: Measure
    indicator: Indicator
    newest: Sample | None
    met: int
    not_met: int
    unknown: int
    gaps: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class ControlState:
    """One control over a period. `indicator` None: no machine measures it. `applicability` None: no statement stood at its end.

    `conclusion` None: no audit of the period concluded of it.
    """

    control: Control
    indicator: Indicator | None
    measures: tuple[MeasureState, ...]
    evidence: tuple[Evidence, ...]
    applicability: Applicability | None
    conclusion: Conclusion | None = None

    @property
    def stopped(self) -> tuple[str, ...]:
        """Sources that its measures rest on and that had stopped when they were last counted."""
        return tuple(dict.fromkeys(name for of in self.measures if of.newest for name in of.newest.stopped))

    @property
    def newest_evidence(self) -> datetime | None:
        """The latest moment that its evidence speaks for."""
        return max((evidence.effective_to for evidence in self.evidence), default=None)


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the ledger tells of a period: all measures, all controls, all evidence that is effective in it.

    `register`: every record; `concluded`: the last conclusion of each control and clause by audits of the period.
    """

    since: datetime
    until: datetime
    measures: tuple[MeasureState, ...]
    controls: tuple[ControlState, ...]
    evidence: tuple[Evidence, ...]
    register: Register = field(default_factory=Register)
    concluded: Mapping[str, Concluded] = field(default_factory=dict)

    def clause_measures(self, clause_id: str) -> tuple[MeasureState, ...]:
        """The measures of a clause, those of its subclauses' parents included (`9.2` speaks for `9.2.1`)."""
        return tuple(
            state
            for state in self.measures
            if any(clause_id == own or clause_id.startswith(f"{own}.") for own in state.measure.controls)
        )


def status(
    ledger: Ledger,
    catalogue: Catalogue,
    *,
    since: datetime,
    until: datetime,
) -> Status:
    """The state of measures and controls from `since` to `until`, as the ledger tells it.

    Samples count by the end of their own period, evidence by its effective period, the statement of applicability that was approved last
    before the end, conclusions by the audited period. Raises: LedgerError, RecordError.
    """
    samples: dict[str, list[Sample]] = {}
    for entry in ledger.entries(kinds=[SAMPLE], since=since):  # counted when its period was over, never before
        sample = read_sample(entry)
        if since < sample.until <= until:
            samples.setdefault(sample.measure_id, []).append(sample)
    states = {of.id: measure_state(of, samples.get(of.id, ()), since, until) for of in measures().values()}
    register = read_register(ledger)
    evidence = [held.evidence for held in register.evidence.values() if held.evidence.within(since, until)]
    evidence.sort(key=lambda found: (found.effective_from, found.id))
    statement, concluded = register.statement(until), register.concluded(since, until)
    return Status(
        since,
        until,
        tuple(states.values()),
        _controls(catalogue, states.values(), evidence, statement.by_control if statement else {}, concluded),
        tuple(evidence),
        register,
        concluded,
    )


def measure_state(of: Measure, samples: Iterable[Sample], since: datetime, until: datetime) -> MeasureState:
    """The state of one measure over a period, from its samples in it. Of two samples with one end, the later in the ledger counts."""
    newest_of = {sample.until: sample for sample in sorted(samples, key=lambda sample: sample.seq)}
    ordered = [newest_of[moment] for moment in sorted(newest_of)]
    newest = ordered[-1] if ordered else None
    verdicts = [sample.met for sample in ordered]
    return MeasureState(
        measure=of,
        indicator=indicator(of, newest, until),
        newest=newest,
        met=sum(met is True for met in verdicts),
        not_met=sum(met is False for met in verdicts),
        unknown=sum(met is None for met in verdicts),
        gaps=_gaps(of, ordered, since, until),
    )


def combined(states: Sequence[MeasureState]) -> Indicator | None:
    """The indicator of a control with these measures: the worst of them; None without any."""
    found = {state.indicator for state in states}
    return next((worst for worst in _WORST_FIRST if worst in found), None)


def _controls(
    catalogue: Catalogue,
    states: Iterable[MeasureState],
    evidence: Sequence[Evidence],
    statement: Mapping[str, Applicability],
    concluded: Mapping[str, Concluded],
) -> tuple[ControlState, ...]:
    by_control: dict[str, list[MeasureState]] = {}
    for state in states:
        for control_id in state.measure.controls:
            by_control.setdefault(control_id, []).append(state)
    shown: dict[str, list[Evidence]] = {}
    for found in evidence:
        for link in found.controls:
            shown.setdefault(link.control_id, []).append(found)
    return tuple(
        ControlState(
            control=control,
            indicator=combined(by_control.get(control.id, ())),
            measures=tuple(by_control.get(control.id, ())),
            evidence=tuple(shown.get(control.id, ())),
            applicability=statement.get(control.id),
            conclusion=concluded[control.id].conclusion if control.id in concluded else None,
        )
        for control in catalogue.controls.values()
    )


def _gaps(
    of: Measure, ordered: Sequence[Sample], since: datetime, until: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """Stretches for which no sample speaks: a sample speaks for its own period and, beyond it, for as long as it is fresh."""
    if of.stale_after is None:
        return () if ordered else ((since, until),)
    gaps, covered = [], since
    for sample in ordered:
        if sample.met is None:
            continue
        if sample.since > covered:
            gaps.append((covered, sample.since))
        covered = max(covered, sample.until + of.stale_after)
    if covered < until:
        gaps.append((covered, until))
    return tuple(gaps)
