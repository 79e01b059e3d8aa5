"""A question on the last lines of the screen, answered by one key or by one line of text; esc leaves everything as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from soc.tui.paint import Bar
from soc.tui.span import Role, Span

TYPEABLE = r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]*"
"""What an input line takes: a pasted control character would reach the terminal as it is."""


class Choose(ModalScreen[str]):
    """One key out of several. Dismissed with the key; esc with nothing."""

    DEFAULT_CSS = """
    Choose { background: transparent; }
    Choose Bar { dock: bottom; height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "cancel")]

    def __init__(self, question: str, answers: Mapping[str, str], also: Mapping[str, str] | None = None) -> None:
        """`answers`: key to its words, shown; `also`: keys taken but not shown, with the key that they mean."""
        super().__init__()
        self._question = question
        self._answers = answers
        self._keys = {key: key for key in answers} | dict(also or {})

    def compose(self) -> ComposeResult:
        """Two lines at the bottom."""
        yield Bar(Role.BAR)

    def on_mount(self) -> None:
        """Show the question and the keys."""
        keys = [
            part for key, words in self._answers.items() for part in (Span(f" {key} ", Role.KEY), Span(f"{words}  "))
        ]
        self.query_one(Bar).show(((Span(f" {self._question}", Role.STRONG),), ()), (keys, ()))

    def on_key(self, event: events.Key) -> None:
        """Take an answer's key."""
        pressed = event.character if event.character and event.character.isprintable() else event.key
        if pressed in self._keys:
            event.stop()
            self.dismiss(self._keys[pressed])

    def action_cancel(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


class Write(ModalScreen[str]):
    """One line of text. Dismissed with it; esc with nothing. `fault` says what is wrong with it, "" when nothing is."""

    DEFAULT_CSS = """
    Write { background: transparent; }
    Write Input, Write Input:focus {
        dock: bottom; height: 1; border: none; padding: 0 1; margin: 0;
        background: $panel; background-tint: transparent;
    }
    Write:nocolor Input { text-style: none; }
    Write Bar { dock: bottom; height: 1; margin: 0 0 1 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel")]

    def __init__(self, question: str, start: str = "", fault: Callable[[str], str] = lambda _: "") -> None:
        super().__init__()
        self._question = question
        self._start = start
        self._fault = fault

    def compose(self) -> ComposeResult:
        """The question, and the line under it."""
        yield Bar(Role.BAR)
        yield Input(self._start, restrict=TYPEABLE, select_on_focus=False, compact=True)

    def on_mount(self) -> None:
        """Ask."""
        self._tell("")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._tell(self._fault(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if not self._fault(event.value):
            self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)

    def _tell(self, fault: str) -> None:
        words = Span(f" {fault}", Role.WARN) if fault else Span(f" {self._question}", Role.STRONG)
        self.query_one(Bar).show(((words,), ()))
