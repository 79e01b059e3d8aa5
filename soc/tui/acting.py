"""All that can be done to alerts and incidents, from the tables that the commands read: a list of actions, and a form of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from soc.action import Action, Argument, Kind
from soc.incident.actions import ON_ALERTS, ON_INCIDENTS
from soc.tui import messages_actions, rows
from soc.tui.desk import Outcome
from soc.tui.prompts import Pick, Write
from soc.tui.rows import Column, Locale
from soc.tui.screen import DeskScreen
from soc.tui.session import Session
from soc.tui.span import Role, Span
from soc.tui.table import PagedTable

ACTION_COLUMNS = (Column("action", 12, 12), Column("about", 0, 0), Column("role", 8, 8, 1))
VALUE_COLUMNS = (Column("value", 0, 0), Column("argument", 14, 14), Column("about", 44, 60, 1))

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """What is acted on. `noun`: "alert" or "incident". `after` is called with what came of it."""

    noun: str
    ids: tuple[str, ...]
    after: Callable[[Outcome], None]

    @property
    def actions(self) -> Mapping[str, Action[Any]]:
        """What can be done."""
        return ON_ALERTS if self.noun == "alert" else ON_INCIDENTS


async def carry_out(screen: DeskScreen, target: Target, name: str, given: Given) -> None:
    """Do it, leave the forms, and say what came of it; a refusal is said where it was asked for."""
    desk = screen.session.desk
    outcome = await screen.ask(desk.on_alerts if target.noun == "alert" else desk.on_incidents, name, target.ids, given)
    if outcome is None:
        return
    app = screen.app
    while isinstance(app.screen, FormScreen | ActionsScreen):
        app.pop_screen()
    told = screen.speaker
    for which, why in outcome.refused.items():
        words = {"action": name, "count": len(outcome.done), "not": len(outcome.refused), "id": which, "why": why}
        told.say("acted.partly", Role.WARN, **words)
        break
    else:
        told.say("acted", action=name, count=len(outcome.done))
    if outcome.done:
        target.after(outcome)


class ActionsScreen(DeskScreen):
    """What can be done to the chosen ones."""

    VIEW = "actions"
    KEYS = ("open", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,m", "back", id="back")]

    def __init__(self, session: Session, target: Target) -> None:
        super().__init__(session)
        self.target = target
        self.table: PagedTable[Action[Any]] = PagedTable(
            self._fetch, self._head, self._row, self.tell, self._open, can_mark=False
        )

    def body(self) -> Iterable[Widget]:
        """Table."""
        return (self.table,)

    def on_mount(self) -> None:
        """Show them."""
        super().on_mount()
        self.table.put(self.target.actions, dict(self.target.actions))
        self.table.take(list(self.target.actions), 0)

    def title_spans(self) -> list[Span]:
        """To which."""
        return [Span(f"  {_which(self.target)}", Role.STRONG)]

    async def _fetch(self, ids: Sequence[str]) -> dict[str, Action[Any]]:
        return {key: self.target.actions[key] for key in ids}

    def _head(self, cells: int) -> list[Span]:
        return rows.header(ACTION_COLUMNS, cells, self.session.locale)

    def _row(self, action: Action[Any], cells: int, marked: bool) -> list[Span]:
        del marked
        about = spoken(action.about, self.session.locale)
        shown = {"action": (action.name, Role.KEY), "about": (about, Role.PLAIN), "role": (action.role.value, Role.DIM)}
        return rows.lay(ACTION_COLUMNS, cells, lambda column, _: shown[column.name])

    def _open(self) -> None:
        action = self.table.item
        if action is None:
            return
        if action.one and len(self.target.ids) != 1:
            self.say("refused.one_at_a_time", Role.WARN, action=action.name)
        elif self.session.read_only:
            self.say("refused.read_only_here", Role.WARN)
        else:
            self.app.push_screen(FormScreen(self.session, self.target, action))


class FormScreen(DeskScreen):
    """The values of one action; nothing is done before `d`."""

    VIEW = "form"
    KEYS = ("do", "open", "clear", "back", "help", "quit")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "do", id="do"),
        Binding("backspace,delete", "clear", id="clear"),
        Binding("escape", "back", id="back"),
    ]

    def __init__(self, session: Session, target: Target, action: Action[Any]) -> None:
        super().__init__(session)
        self.target, self.action = target, action
        self.given: dict[str, Any] = {}
        self._arguments = {argument.name: argument for argument in action.arguments}
        self.table: PagedTable[Argument] = PagedTable(
            self._fetch, self._head, self._row, self.tell, self._open, can_mark=False
        )

    def body(self) -> Iterable[Widget]:
        """Table."""
        return (self.table,)

    def on_mount(self) -> None:
        """Show what is asked; a value that must be given is asked for at once."""
        super().on_mount()
        names = list(self._arguments)
        missing = self._missing()
        self.table.put(names, self._arguments)
        self.table.take(names, names.index(missing[0]) if missing else 0)
        if missing:
            self._open()

    def title_spans(self) -> list[Span]:
        """What is done to which."""
        return [Span(f"  {self.action.name}", Role.KEY), Span(f"  {_which(self.target)}", Role.STRONG)]

    async def _fetch(self, ids: Sequence[str]) -> dict[str, Argument]:
        return {key: self._arguments[key] for key in ids}

    def _head(self, cells: int) -> list[Span]:
        return rows.header(VALUE_COLUMNS, cells, self.session.locale)

    def _row(self, argument: Argument, cells: int, marked: bool) -> list[Span]:
        del marked
        say, value = self.session.locale.say, self.given.get(argument.name)
        about = spoken(argument.about, self.session.locale)

        def cell(column: Column, _: int) -> tuple[str, Role]:
            match column.name:
                case "argument":
                    return argument.name, Role.KEY
                case "about":
                    return about, Role.DIM
            if value is None:
                return (say("form.needed"), Role.WARN) if argument.required else (say("form.open"), Role.DIM)
            return say("yes") if value is True else _text(value), Role.STRONG

        return rows.lay(VALUE_COLUMNS, cells, cell)

    def _missing(self) -> list[str]:
        return [name for name, argument in self._arguments.items() if argument.required and name not in self.given]

    def _open(self) -> None:
        """Ask for the value under the cursor."""
        argument = self._arguments[self.table.cursor_id] if self.table.cursor_id else None
        if argument is None:
            return
        question = f"{argument.name}: {spoken(argument.about, self.session.locale)}"
        if argument.kind is Kind.FLAG:
            self._take(argument, "" if self.given.get(argument.name) else "yes")
        elif argument.choices:
            self.app.push_screen(Pick(question, argument.choices), lambda value: self._take(argument, value))
        else:
            more = f" ({self.session.locale.say('form.many')})" if argument.many else ""
            start = _text(self.given.get(argument.name))
            self.app.push_screen(Write(question + more, start), lambda value: self._take(argument, value))

    def _take(self, argument: Argument, value: str | None) -> None:
        if value is None:
            return
        if argument.many and argument.choices:
            self.given[argument.name] = tuple(dict.fromkeys((*self.given.get(argument.name, ()), value)))
        elif argument.many:
            self.given[argument.name] = tuple(value.split())
        else:
            self.given[argument.name] = True if argument.kind is Kind.FLAG and value else value
        if not self.given[argument.name]:
            del self.given[argument.name]
        self.table.refresh()
        self.hush()
        missing = self._missing()
        if missing:
            self.table.take(self.table.ids, list(self._arguments).index(missing[0]))
            self._open()

    def action_clear(self) -> None:
        """Take the value under the cursor away."""
        self.given.pop(self.table.cursor_id or "", None)
        self.table.refresh()

    def action_do(self) -> None:
        """Do it, where nothing is missing."""
        missing = self._missing()
        if missing:
            self.say("form.missing", Role.WARN, names=", ".join(missing))
        else:
            self.app.run_worker(carry_out(self, self.target, self.action.name, self.given), group="do")


def spoken(about: str, locale: Locale) -> str:
    """What an action or a value says of itself, in the language."""
    return messages_actions.VIETNAMESE.get(about, about) if locale.language == "vi" else about


def _which(target: Target) -> str:
    return target.ids[0] if len(target.ids) == 1 else f"× {len(target.ids):,}"


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else "" if value is None or value is True else str(value)
