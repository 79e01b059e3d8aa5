"""A language and a time zone in, the words and the looks of a report's data out: moments, spans of time, indicators, statements, hashes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

from iso27001.catalogue import Catalogue
from iso27001.catalogue.techniques import in_words
from iso27001.language import Language
from iso27001.measures import Indicator, Sample
from iso27001.report.document import Span, Style, Text, join
from iso27001.report.messages import Messages
from iso27001.status import ControlState, MeasureState

_SYMBOLS = {Indicator.MET: "●", Indicator.NOT_MET: "▲", Indicator.STALE: "◐", Indicator.NO_DATA: "○", None: "–"}
_STYLES = {
    Indicator.MET: Style.GOOD,
    Indicator.NOT_MET: Style.BAD,
    Indicator.STALE: Style.WARN,
    Indicator.NO_DATA: Style.NONE,
    None: Style.MUTED,
}
_PATTERNS = {Language.ENGLISH: "%Y-%m-%d %H:%M", Language.VIETNAMESE: "%d/%m/%Y %H:%M"}


class Wording:
    """How one report speaks. Call it as `Messages`: `w("period")`."""

    def __init__(self, language: Language, zone: tzinfo, catalogue: Catalogue) -> None:
        self.language, self.zone, self.catalogue = language, zone, catalogue
        self._t = Messages(language)

    def __call__(self, key: str, **facts: object) -> str:
        """The text of a key, with its braces filled."""
        return self._t(key, **facts)

    def word(self, text: str) -> str:
        """A word of the field in this language; as it is where it is not known."""
        return self._t.word(text)

    def muted(self, text: str) -> Span:
        """A text that steps back."""
        return Span(text, Style.MUTED)

    def moment(self, value: datetime | None) -> str:
        """A moment as people of this place read it; "" for none."""
        return "" if value is None else value.astimezone(self.zone).strftime(_PATTERNS[self.language])

    def offset(self, value: datetime) -> str:
        """The zone of the times: `UTC+07:00`."""
        text = value.astimezone(self.zone).strftime("%z")
        return f"UTC{text[:3]}:{text[3:]}"

    def duration(self, span: timedelta) -> str:
        """A span of time: `2 d 3 h`."""
        names = ("d", "h", "min") if self.language is Language.ENGLISH else ("ngày", "giờ", "phút")
        minutes = int(span / timedelta(minutes=1))
        days, hours = divmod(minutes // 60, 24)
        counts = (days, hours, minutes % 60 if days == 0 else 0)
        parts = [f"{count} {name}" for count, name in zip(counts, names, strict=True) if count]
        return " ".join(parts) or f"0 {names[2]}"

    def indicator(self, value: Indicator | None) -> Span:
        """An indicator: symbol and word, so that colour is never alone."""
        return Span(f"{_SYMBOLS[value]} {self._t(indicator_key(value))}", _STYLES[value])

    def tile(self, state: ControlState) -> Span:
        """A control as a tile of the picture of all."""
        return Span(state.control.id.removeprefix("A."), _STYLES[state.indicator], state.control.id)

    def implementation(self, state: ControlState) -> Text:
        """What the organisation states of a control."""
        stated = state.applicability
        if stated is None or stated.status is None:
            return self.muted(self._t("not_recorded"))
        return self.word(stated.status)

    def conclusion(self, state: ControlState) -> Text:
        """What an auditor concluded of a control."""
        return self.word(state.conclusion) if state.conclusion else self.muted(self._t("not_recorded"))

    def control(self, control_id: str) -> Text:
        """A control or clause with its title, leading to its row."""
        known = self.catalogue.controls.get(control_id) or self.catalogue.clauses.get(control_id)
        title = f" {known.title(self.language)}" if known else ""
        return (Span(control_id, to=control_id), title)

    def controls(self, ids: Iterable[str]) -> Text:
        """Control ids, each leading to its row."""
        return join([Span(control_id, to=control_id) for control_id in ids]) or self.muted(self._t("none_yet"))

    def reason(self, why: str) -> str:
        """Why evidence speaks of a control."""
        return in_words(why, self.language)

    def or_none(self, texts: Iterable[Text]) -> Text:
        """Texts in a row, or the word for none."""
        return join(list(texts)) or self.muted(self._t("none_yet"))

    def values(self, state: MeasureState, sample: Sample) -> Text:
        """The values of a sample with their pass lines, one a line."""
        lines: list[Text] = []
        for value in state.measure.values:
            if value.name in sample.values:
                shown = Span(value.text(sample.values[value.name], self.language), Style.STRONG)
                lines.append((shown, " ", self.muted(value.line(self.language))))
            elif value.op:
                key = "nothing_to_count" if value.is_empty(sample.numbers) else "no_data"
                lines.append((Span(self._t(key), Style.NONE), " ", self.muted(value.line(self.language))))
        return join(lines, "\n")

    def over(self, state: MeasureState) -> Text:
        """How a measure went over the period."""
        shown = self._t("samples_line", met=state.met, all=state.met + state.not_met + state.unknown)
        if not state.gaps:
            return shown
        longest = self.duration(max(end - start for start, end in state.gaps))
        return (shown, "\n", self.muted(self._t("gaps_line", gaps=len(state.gaps), longest=longest)))


def code(text: str) -> Span:
    """A hash or an identifier."""
    return Span(text, Style.CODE)


def indicator_key(value: Indicator | None) -> str:
    """The key of an indicator's word."""
    return value.replace(" ", "_") if value else "not_measured"
