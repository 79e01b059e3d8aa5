"""Tuning from an alert: which fields make the benign case, what it would have hidden of the site's own history, and only then the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from soc.tui import rows
from soc.tui.filter import FilterError, age
from soc.tui.prompts import Write
from soc.tui.reader import Reader
from soc.tui.rows import Column
from soc.tui.screen import DeskScreen
from soc.tui.session import Session
from soc.tui.span import Line, Role, Span, line
from soc.tui.table import PagedTable
from soc.tui.tuner import Preview

COLUMNS = (Column("mark", 1, 1), Column("field", 28, 34), Column("value", 0, 0))
LASTS = "90d"


class TuneScreen(DeskScreen):
    """The fields of the alert's events; those that are marked make the case."""

    VIEW = "tune"
    KEYS = ("mark", "preview", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "preview", id="preview"),
        Binding("escape", "back", id="back"),
    ]

    def __init__(self, session: Session, alert_id: str) -> None:
        super().__init__(session)
        self.alert_id = alert_id
        self.reason, self.lasts = "", LASTS
        self._values: dict[str, tuple[str, str]] = {}
        self.table: PagedTable[tuple[str, str]] = PagedTable(
            self._fetch, self._head, self._row, self.tell, self.action_preview
        )

    def body(self) -> Iterable[Widget]:
        """Table."""
        return (self.table,)

    def on_mount(self) -> None:
        """Load."""
        super().on_mount()
        self.run_worker(self._load(), group="load", exclusive=True)

    def title_spans(self) -> list[Span]:
        """From which alert, and how to go on."""
        return [Span(f"  {self.alert_id}", Role.DIM), Span(f"  {self.session.locale.say('tune.how')}")]

    def place_spans(self) -> list[Span]:
        """How many fields are marked."""
        return [Span(self.session.locale.say("marked", count=len(self.table.marks)), Role.KEY)]

    async def _load(self) -> None:
        found = await self.ask(self.session.tuner.choices, self.alert_id)
        self._values = {field: (field, value) for field, value in found or ()}
        self.table.put(self._values, self._values)
        self.table.take(list(self._values), 0)

    async def _fetch(self, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        return {key: self._values[key] for key in ids}

    def _head(self, cells: int) -> list[Span]:
        return rows.header(COLUMNS, cells, self.session.locale)

    def _row(self, one: tuple[str, str], cells: int, marked: bool) -> list[Span]:
        field, value = one
        shown = {"mark": ("+" if marked else "", Role.KEY), "field": (field, Role.KEY), "value": (value, Role.PLAIN)}
        return rows.lay(COLUMNS, cells, lambda column, _: shown[column.name])

    def action_preview(self) -> None:
        """Ask why and how long, and show what it would have hidden."""
        fields = [field for field in self._values if field in self.table.marks]
        say = self.session.locale.say
        if self.session.read_only:
            self.say("refused.read_only_here", Role.WARN)
        elif not fields:
            self.say("tune.no_fields", Role.WARN)
        else:
            self.app.push_screen(Write(say("ask.reason"), self.reason), lambda reason: self._ask_span(fields, reason))

    def _ask_span(self, fields: Sequence[str], reason: str | None) -> None:
        if not reason or not reason.strip():
            return
        self.reason = reason
        say = self.session.locale.say

        def fault(typed: str) -> str:
            try:
                age(typed)
            except FilterError as error:
                return say(error.key, **error.values)
            return ""

        ask = Write(say("ask.lasts"), self.lasts, fault)
        self.app.push_screen(ask, lambda lasts: self._show(fields, reason, lasts) if lasts else None)

    def _show(self, fields: Sequence[str], reason: str, lasts: str) -> None:
        self.lasts = lasts
        self.say("tune.replaying", Role.DIM)
        self.run_worker(self._bring(fields, reason, age(lasts)), group="load", exclusive=True)

    async def _bring(self, fields: Sequence[str], reason: str, lasts: timedelta) -> None:
        preview = await self.ask(self.session.tuner.preview, self.alert_id, fields, reason, lasts)
        if preview is not None:
            self.hush()
            self.app.push_screen(PreviewScreen(self.session, preview))


class PreviewScreen(DeskScreen):
    """What the tuning says and would have hidden; `w` writes it."""

    VIEW = "preview"
    KEYS = ("write", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write", id="write"),
        Binding("escape", "back", id="back"),
    ]

    def __init__(self, session: Session, preview: Preview) -> None:
        super().__init__(session)
        self.preview = preview
        self.reader = Reader()

    def body(self) -> Iterable[Widget]:
        """Page."""
        return (self.reader,)

    def on_mount(self) -> None:
        """Show it."""
        super().on_mount()
        self.reader.show(self._lines())

    def _lines(self) -> list[Line]:
        say, preview = self.session.locale.say, self.preview
        counts = {"events": f"{preview.events:,}", "removed": f"{preview.removed:,}", "kept": f"{preview.kept:,}"}
        against = [line(Span(f"  ! {why}", Role.WARN), indent=4) for why in preview.objections]
        return [
            line(Span(say("section.would_hide"), Role.HEAD)),
            line(f"  {say('tune.counts', **counts)}", indent=2),
            *against,
            line(),
            line(Span(preview.path, Role.HEAD)),
            *(line(f"  {text}", indent=4) for text in preview.text.split("\n")),
        ]

    def action_write(self) -> None:
        """Write the file."""
        self.run_worker(self._write(), group="write", exclusive=True)

    async def _write(self) -> None:
        untested = await self.ask(self.session.tuner.write, self.preview)
        if untested is not None:
            while isinstance(self.app.screen, PreviewScreen | TuneScreen):
                self.app.pop_screen()
            name = self.preview.path.rpartition("/")[2]
            self.speaker.say("tuned.untested" if untested else "tuned", name=name, why=untested)
