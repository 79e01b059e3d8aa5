"""The keys of the view below, as they are bound now, with what the signs in the lists mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from soc.detect import Level
from soc.tui import rows
from soc.tui.reader import Reader
from soc.tui.screen import DeskScreen, bound_keys
from soc.tui.span import Line, Role, Span, line

_FILTER = ("text", "status", "level", "since", "facet", "hidden")


class HelpScreen(DeskScreen):
    """Keys, filter and signs of one view."""

    VIEW = "help"
    KEYS = ("back",)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark", "back", id="back")]

    def __init__(self, of: DeskScreen) -> None:
        super().__init__(of.session)
        self._of = of
        self._keys = bound_keys(of.app, of)
        self.reader = Reader()

    def body(self) -> Iterable[Widget]:
        """Page."""
        return (self.reader,)

    def title_spans(self) -> list[Span]:
        """Of which view."""
        return [Span(f"  {self.session.locale.say(f'view.{self._of.VIEW}')}")]

    def on_mount(self) -> None:
        """Show the page."""
        super().on_mount()
        self.reader.show(self._lines())

    def _lines(self) -> list[Line]:
        locale = self.session.locale
        lines = [line(Span(locale.say("help.keys"), Role.HEAD))]
        first = [name for name in self._of.KEYS if name in self._keys]
        for name in [*first, *(name for name in self._keys if name not in first)]:
            keys = " ".join(self._keys[name])
            lines.append(line(Span(f"  {keys:<16} ", Role.KEY), locale.say(f"help.{name}"), indent=19))
        if self._of.VIEW == "alerts":
            lines += [line(), line(Span(locale.say("help.filter.title"), Role.HEAD))]
            lines += [line(f"  {locale.say(f'help.filter.{n}')}", indent=2) for n in _FILTER]
        lines += [line(), line(Span(locale.say("help.signs"), Role.HEAD))]
        for level in reversed(Level):
            lines.append(
                line("  ", Span(rows.SHAPES[level], rows.LEVEL_ROLES[level]), f"  {rows.level_name(level, locale)}")
            )
        lines.append(line("  ", Span("!3h", Role.WARN), f"  {locale.say('help.overdue')}"))
        lines.append(line("  ", Span("+  ", Role.KEY), f"  {locale.say('help.marked')}"))
        return lines
