"""The controls of ISO/IEC 27001 as a board: indicator, implementation and conclusion, three axes that are never mixed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from iso27001.language import Language
from iso27001.measures import Indicator
from iso27001.report.messages import Messages
from iso27001.status import ControlState, MeasureState
from soc.app.assurance import current_status
from soc.app.site import Site
from soc.tui import Cell, Item, Section, Tone

PERIOD = timedelta(days=90)

_TONES = {Indicator.NOT_MET: Tone.WARN, Indicator.STALE: Tone.WARN, Indicator.MET: Tone.PLAIN}


class ControlsBoard:
    """In the order of Annex A."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._language = Language(site.config.site.language)
        self._word = Messages(self._language).word

    def items(self) -> Sequence[Item]:
        """One row a control."""
        return [self._item(state) for state in self._states()]

    def sections(self, item_id: str) -> Sequence[Section]:
        """All that is known of one control over the period."""
        state = next((one for one in self._states() if one.control.id == item_id), None)
        if state is None:
            return ()
        control, stated = state.control, state.applicability
        other = control.title_en if self._language is Language.VIETNAMESE else control.title_vi
        measured = [text for measure in state.measures for text in self._measure(measure)]
        evidence = [f"{e.effective_to:%Y-%m-%d}  {self._word(e.kind)}: {e.title}" for e in reversed(state.evidence)]
        return (
            Section(
                "control",
                (
                    ("title", control.title(self._language)),
                    ("title_other", other),
                    ("mode", self._word(control.evidence_mode)),
                    ("indicator", self._word(state.indicator) if state.indicator else None),
                    ("implementation", stated.status.value if stated and stated.status else None),
                    ("reason", stated.reason if stated else None),
                    ("conclusion", self._word(state.conclusion) if state.conclusion else None),
                ),
                [control.summary_en],
            ),
            *([Section("measured", lines=measured)] if measured else []),
            *([Section("evidence", lines=evidence)] if evidence else []),
        )

    def _states(self) -> Sequence[ControlState]:
        now = self._site.clock()
        return current_status(self._site, now - PERIOD, now).controls

    def _item(self, state: ControlState) -> Item:
        stated = state.applicability
        implementation = None
        if stated is not None:
            implementation = stated.status.value if stated.status else None if stated.applicable else "not-applicable"
        cells: dict[str, Cell] = {
            "id": state.control.id,
            "indicator": state.indicator.value if state.indicator else None,
            "title": state.control.title(self._language),
            "measures": len(state.measures) or None,
            "evidence": len(state.evidence) or None,
            "last": state.newest_evidence,
            "implementation": implementation,
        }
        tone = _TONES.get(state.indicator, Tone.DIM) if state.indicator else Tone.DIM
        return Item(state.control.id, cells, tone)

    def _measure(self, state: MeasureState) -> list[str]:
        measure, newest = state.measure, state.newest
        counted = newest.values if newest else {}
        told = [value for value in measure.values if value.name in counted]
        numbers = "  ".join(f"{v.title(self._language)} {v.text(counted[v.name], self._language)}" for v in told)
        when = f"{newest.until.astimezone(self._site.config.site.zone):%Y-%m-%d %H:%M}" if newest else "-"
        return [
            f"{measure.id}  {measure.title(self._language)}: {self._word(state.indicator)}",
            f"   {measure.target(self._language)}  |  {when}  {numbers}",
        ]
