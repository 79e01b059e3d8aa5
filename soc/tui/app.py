"""The terminal application: screens over a session, one loop that watches the desk, themes, and the palette of commands (ctrl-p)."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from soc.errors import EXIT_INTERRUPTED, EXIT_OK, SocError
from soc.tui import commands, look
from soc.tui import filter as filters
from soc.tui.acting import ActionsScreen, FormScreen
from soc.tui.alert_screen import AlertScreen
from soc.tui.alerts_list import AlertsList
from soc.tui.alerts_screen import AlertsScreen
from soc.tui.board_screen import BoardScreen, ItemScreen
from soc.tui.boards import BOARDS
from soc.tui.filter import FilterError
from soc.tui.help_screen import HelpScreen
from soc.tui.hunt_screen import HuntScreen
from soc.tui.incident_screens import IncidentScreen, IncidentsScreen
from soc.tui.lanes import Lanes
from soc.tui.phase_board import PhaseBoard
from soc.tui.prompts import Write
from soc.tui.reader import Reader
from soc.tui.screen import DeskScreen
from soc.tui.session import Session, Shows
from soc.tui.table import PagedTable
from soc.tui.tune_screen import PreviewScreen, TuneScreen
from soc.tui.values_screen import ValueScreen, ValuesScreen
from soc.yaml_file import nearest

LOOK_EVERY_S = 0.25
"""How often the desk is asked for its version: what others do shows well within a second."""


class SocApp(App[int]):
    """`soc tui`."""

    CSS = """
    #peek { height: 2; }
    .-short #peek { height: 1; }
    #pages { margin: 0 0 1 0; }
    #bars { height: 3; }
    .-short #pages { margin: 0; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012  Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "keys", id="help"),
        Binding("colon", "command", id="command"),
        Binding("q", "leave(0)", id="quit"),
        Binding("ctrl+c", f"leave({EXIT_INTERRUPTED})", id="interrupt", priority=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(ansi_color=True if _no_colour() else None)
        self.session = session
        session.screens = {
            Shows.ALERT: AlertScreen,
            Shows.ALERTS: AlertsScreen,
            Shows.BOARD: PhaseBoard,
            Shows.INCIDENT: IncidentScreen,
            Shows.INCIDENTS: IncidentsScreen,
        }
        for theme in (look.DARK, look.LIGHT):
            self.register_theme(theme)
        own = session.own
        if own.theme and own.theme not in self.available_themes:
            raise SocError(f'theme: there is no theme "{own.theme}"{nearest(own.theme, self.available_themes)}')
        self.theme = "ansi-dark" if self.no_color else own.theme or look.DARK.name
        self._colourless = look.Colourless()
        _refuse_unknown(own.keys)
        self.set_keymap(own.keys)
        for name, typed in own.views.items():
            try:
                commands.meant(typed)
            except FilterError as error:
                raise SocError(f"views: {name}: {session.locale.say(error.key, **error.values)}") from error

    def get_default_screen(self) -> Screen[object]:
        """The queue of alerts."""
        return AlertsScreen(self.session)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters, and under NO_COLOR one that takes every colour out after them."""
        filters = super().get_line_filters()
        return [*filters, self._colourless] if self.no_color else filters

    def on_mount(self) -> None:
        """Begin to watch the desk."""
        self.run_worker(self._watch(), group="watch")

    def on_key(self, event: events.Key) -> None:
        """A key that no one took; on a question it was typed ahead."""
        if isinstance(self.screen, Write) and self.screen.type_ahead(event):
            event.prevent_default()

    async def _watch(self) -> None:
        """Tell the screen in front when the desk has another version, and keep its clock right."""
        while stack := self.screen_stack:
            screen = stack[-1]
            if isinstance(screen, DeskScreen):
                version = await screen.ask(self.session.desk.version)
                if version is not None and screen.is_current and version != screen.seen:
                    screen.desk_changed(version)
                screen.tell()
            await asyncio.sleep(LOOK_EVERY_S)

    def action_keys(self) -> None:
        """The keys of the view in front."""
        if isinstance(self.screen, DeskScreen) and not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_command(self) -> None:
        """Ask for a view by its name."""
        if not isinstance(self.screen, DeskScreen):
            return
        say = self.session.locale.say

        own = self.session.own.views

        def fault(typed: str) -> str:
            try:
                name, rest = commands.meant(typed, own)
                if name == "alerts":
                    filters.parse(rest)
            except FilterError as error:
                return say(error.key, **error.values) if typed else ""
            return ""

        ask = Write(say("ask.command", views=" ".join((*own, *commands.VIEWS))), fault=fault)
        self.push_screen(ask, lambda typed: self.show_view(*commands.meant(typed, own)) if typed else None)

    def show_view(self, name: str, text: str = "") -> None:
        """A view, over the queue, which always lies below."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        queue = self.screen
        assert isinstance(queue, AlertsScreen)
        if name == "incidents":
            self.push_screen(IncidentsScreen(self.session))
        elif name == "hunt":
            self.push_screen(HuntScreen(self.session, text))
        elif name in BOARDS:
            self.push_screen(BoardScreen(self.session, name))
        elif text:
            queue.filter_by(filters.parse(text))

    def action_leave(self, code: int) -> None:
        """End with this exit code."""
        self.exit(code)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What ctrl-p offers: the actions of the view in front, and the themes."""
        say = self.session.locale.say
        offered = set()
        for active in screen.active_bindings.values():
            name = active.binding.id
            if name and name not in offered and not name.startswith("move."):
                offered.add(name)
                run = partial(self.run_action, active.binding.action, active.node)
                yield SystemCommand(say(f"key.{name}"), say(f"help.{name}"), run)
        for name in commands.VIEWS:
            yield SystemCommand(f":{name}", say(f"view.{name}"), partial(self.show_view, name))
        for name, typed in self.session.own.views.items():
            yield SystemCommand(f":{name}", typed, partial(self.show_view, *commands.meant(typed)))
        yield SystemCommand(say("palette.theme"), say("palette.theme_help"), self.action_change_theme)


_PLACES = (
    SocApp,
    PagedTable,
    Reader,
    AlertsList,
    AlertsScreen,
    AlertScreen,
    IncidentsScreen,
    IncidentScreen,
    Lanes,
    PhaseBoard,
    BoardScreen,
    ItemScreen,
    HuntScreen,
    ValuesScreen,
    ValueScreen,
    ActionsScreen,
    FormScreen,
    TuneScreen,
    PreviewScreen,
    HelpScreen,
)


def bindings() -> dict[str, Binding]:
    """Every binding that a keymap may rebind, by id."""
    every = [one for place in _PLACES for one in place.BINDINGS if isinstance(one, Binding)]
    return {one.id: one for one in every if one.id}


def _refuse_unknown(keymap: Mapping[str, str]) -> None:
    known = bindings()
    for name in keymap:
        if name not in known:
            raise SocError(f'keys: no key is called "{name}"{nearest(name, known)}')


def _no_colour() -> bool:
    return "NO_COLOR" in os.environ


def start(session: Session) -> int:
    """Run until the analyst leaves; the exit code. Decisions that were asked for are carried out before it returns."""
    app = SocApp(session)
    gc.freeze()  # what imports made is no garbage: a full collection while one scrolls took 38 ms
    try:
        code = app.run()
    finally:
        late = session.end()
    for error in late:
        sys.stderr.write(f"{session.locale.say('error', error=error)}\n")
    if late:
        return late[0].exit_code
    return code if code is not None else app.return_code or EXIT_OK
