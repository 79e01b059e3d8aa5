"""A `ReportInput` in, one HTML file out: offline, without scripts, for the screen and for paper; English or Vietnamese.

The same data gives the same bytes. Whatever the data says comes out as text: Jinja escapes everything, deceiving characters are written out
(iso27001/report/visible.py), and a content security policy allows nothing but this file's own style.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Any

from iso27001.catalogue import Catalogue, EvidenceMode, Theme
from iso27001.catalogue.techniques import in_words
from iso27001.language import Language
from iso27001.ledger import rfc3339
from iso27001.measures import Indicator
from iso27001.report.messages import Messages
from iso27001.report.model import ReportInput
from iso27001.report.visible import visible
from iso27001.status import ControlState, MeasureState

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.runtime import Context

EVENTS_SHOWN = 20
"""Events of one piece of evidence in the HTML; the JSON form lists all."""
EVIDENCE_SHOWN = 20
"""Evidence shown at one control, the newest; annex A lists all."""
SYMBOLS = {Indicator.MET: "●", Indicator.NOT_MET: "▲", Indicator.STALE: "◐", Indicator.NO_DATA: "○", None: "–"}
LEVELS = ("critical", "high", "medium", "low", "informational")


def render_html(report: ReportInput, catalogue: Catalogue, language: Language = Language.ENGLISH) -> bytes:
    """The report as the bytes of one HTML file."""
    from iso27001.report.picture import slug, theme_picture

    t = Messages(language)
    style = _file("report.css")
    policy = f"default-src 'none'; style-src 'sha256-{_digest(style)}'; base-uri 'none'; form-action 'none'"
    page = _environment().get_template("report.html.jinja")
    text = page.render(
        t=t,
        word=t.word,
        lang=language,
        reason=lambda why: in_words(why, language),
        zone=_zone(report),
        report=report,
        status=report.status,
        catalogue=catalogue,
        style=style,
        policy=policy,
        picture=theme_picture(report.status.controls, t),
        slug=slug,
        symbols=SYMBOLS,
        themes=list(Theme),
        indicators=[*Indicator, None],
        by_theme={
            theme: [state for state in report.status.controls if state.control.theme is theme] for theme in Theme
        },
        counts=_counts(report.status.controls),
        numbers={evidence.id: f"E-{n}" for n, evidence in enumerate(report.status.evidence, 1)},
        attention=[s for s in report.status.controls if s.indicator in {Indicator.NOT_MET, Indicator.STALE}],
        detailed={s.control.id: s for s in report.status.controls if s.evidence or any(of.newest for of in s.measures)},
        manual=[s for s in report.status.controls if s.control.evidence_mode is EvidenceMode.MANUAL],
        without_data=[s for s in report.status.measures if s.indicator is Indicator.NO_DATA],
        stale=[s for s in report.status.measures if s.indicator is Indicator.STALE],
        levels=[(level, n) for level in LEVELS if (n := sum(i.level == level for i in report.incidents))],
        events_shown=EVENTS_SHOWN,
        evidence_shown=EVIDENCE_SHOWN,
    )
    return text.encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """The templates, compiled once a process: what differs between reports comes in with the render."""
    from jinja2 import DictLoader, Environment, StrictUndefined, pass_context
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    @pass_context
    def moment(context: Context, value: datetime) -> Markup:
        text = value.astimezone(context["report"].zone).strftime(_PATTERNS[context["lang"]])
        return Markup('<time datetime="{}">{}</time>').format(rfc3339(value), text)

    @pass_context
    def duration(context: Context, span: timedelta) -> str:
        return _duration(span, context["lang"])

    environment = Environment(
        loader=DictLoader({name: _file(name) for name in ("report.html.jinja", "parts.html.jinja")}),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(moment=moment, duration=duration, hex=bytes.hex, longest=_longest)
    return environment


def _zone(report: ReportInput) -> str:
    offset = report.generated.astimezone(report.zone).strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:]}"


_PATTERNS = {Language.ENGLISH: "%Y-%m-%d %H:%M", Language.VIETNAMESE: "%d/%m/%Y %H:%M"}


def _duration(span: timedelta, language: Language) -> str:
    day, hour, minute = ("d", "h", "min") if language is Language.ENGLISH else ("ngày", "giờ", "phút")
    minutes = int(span / timedelta(minutes=1))
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, day), (hours, hour), (minutes % 60 if days == 0 else 0, minute)]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or f"0 {minute}"


def _longest(state: MeasureState) -> timedelta:
    return max((end - start for start, end in state.gaps), default=timedelta(0))


def _counts(controls: Sequence[ControlState]) -> dict[Theme | None, dict[Indicator | None, int]]:
    """How many controls of a theme (None: of all) have each indicator."""
    return {
        theme: {
            indicator: sum(state.indicator is indicator and theme in {None, state.control.theme} for state in controls)
            for indicator in (*Indicator, None)
        }
        for theme in (*Theme, None)
    }


def _file(name: str) -> str:
    return resources.files("iso27001").joinpath("report", name).read_text(encoding="utf-8")


def _digest(style: str) -> str:
    return base64.b64encode(sha256(style.encode()).digest()).decode()
