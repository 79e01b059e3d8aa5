"""A question on the last lines of the screen, answered by one key or by one line of text; esc leaves everything as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    ANSWERS = "tfbdTFBDy12345"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel"),
        *(Binding(key, f"answer('{key}')") for key in (*ANSWERS, "enter")),
    ]
    """Bindings and no key handler: keys typed ahead have been sent to the screen below, and only bindings are looked up when they
    come back from there. An analyst who types `ct` on a slow line must not lose the `t`."""

    def __init__(self, question: str, answers: Mapping[str, str], also: Mapping[str, str] | None = None) -> None:
        """`answers`: key to its words, shown; `also`: keys taken but not shown, with the key that they mean. Keys: ANSWERS, enter, esc."""
        super().__init__()
        self._question = question
        self._bar = Bar(Role.BAR)
        self._answers = answers
        self._keys = {key: key for key in answers} | dict(also or {})

    def compose(self) -> ComposeResult:
        """Two lines at the bottom."""
        yield self._bar

    def on_mount(self) -> None:
        """Show the question and the keys."""
        keys = [
            part for key, words in self._answers.items() for part in (Span(f" {key} ", Role.KEY), Span(f"{words}  "))
        ]
        self._bar.show(((Span(f" {self._question}", Role.STRONG),), ()), (keys, ()))

    def action_answer(self, key: str) -> None:
        """Take an answer's key; any other is no answer."""
        if key in self._keys:
            self.dismiss(self._keys[key])

    def action_cancel(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


class Pick(ModalScreen[str]):
    """One of a few words, by the arrows or by its number. Dismissed with it; esc with nothing."""

    DEFAULT_CSS = """
    Pick { background: transparent; }
    Pick Bar { dock: bottom; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel"),
        Binding("j,down", "move(1)"),
        Binding("k,up", "move(-1)"),
        Binding("enter", "take"),
        *(Binding(str(number), f"number({number})") for number in range(1, 10)),
    ]

    def __init__(self, question: str, words: Sequence[str]) -> None:
        super().__init__()
        self._question, self._words, self._at = question, words, 0
        self._bar = Bar(Role.BAR)

    def compose(self) -> ComposeResult:
        """The question, and a line for each word."""
        yield self._bar

    def on_mount(self) -> None:
        """Show them."""
        self._bar.styles.height = len(self._words) + 1
        self._show()

    def _show(self) -> None:
        lines = [
            ((Span(f" {at + 1} ", Role.KEY), Span(word, Role.CURSOR if at == self._at else Role.PLAIN)), ())
            for at, word in enumerate(self._words)
        ]
        self._bar.show(((Span(f" {self._question}", Role.STRONG),), ()), *lines)

    def action_move(self, by: int) -> None:
        """To the next word, or the one before."""
        self._at = max(0, min(len(self._words) - 1, self._at + by))
        self._show()

    def action_number(self, number: int) -> None:
        """Take the word of a number."""
        if number <= len(self._words):
            self.dismiss(self._words[number - 1])

    def action_take(self) -> None:
        """Take the word under the cursor."""
        self.dismiss(self._words[self._at])

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
        self._bar = Bar(Role.BAR)
        self._input = Input(start, restrict=TYPEABLE, select_on_focus=False, compact=True)
        self._fault = fault

    def compose(self) -> ComposeResult:
        """The question, and the line under it."""
        yield self._bar
        yield self._input

    def on_mount(self) -> None:
        """Ask."""
        self._tell("")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._tell(self._fault(event.value))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if not self._fault(self._input.value):
            self.dismiss(self._input.value)

    def type_ahead(self, event: events.Key) -> bool:
        """Take a key that was typed before the line was there, and so was sent to the screen below; whether it was for the line."""
        if event.key == "enter":
            self._submitted()
        elif event.character and event.is_printable:
            self._input.insert_text_at_cursor(event.character)
        else:
            return False
        return True

    def action_cancel(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)

    def _tell(self, fault: str) -> None:
        words = Span(f" {fault}", Role.WARN) if fault else Span(f" {self._question}", Role.STRONG)
        self._bar.show(((words,), ()))
