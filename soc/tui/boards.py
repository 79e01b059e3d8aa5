"""The port behind the views beside the queue: sources, rules, playbooks, controls; of each its columns, and what one can do there.

A board is a table of at most some thousand rows that is asked for whole. The application gives rows of plain values (`Boards`); how they
look is decided here, alike for all: a view more is an entry of BOARDS, its words in the catalogue, and a function in the application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from soc.tui.rows import Column

Cell = str | int | float | datetime | None


class Tone(StrEnum):
    """How much a row wants to be looked at; never told by colour alone: a column says it in words."""

    PLAIN = "plain"
    DIM = "dim"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Item:
    """One row: its values by the names of the board's columns."""

    id: str
    cells: Mapping[str, Cell]
    tone: Tone = Tone.PLAIN

    def holds(self, words: Sequence[str]) -> bool:
        """Whether each of these folded words stands somewhere in its values."""
        text = " ".join(str(cell) for cell in (self.id, *self.cells.values()) if cell is not None).casefold()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an item's page. `name`: `section.NAME` of the catalogue. `facts`: a name, as `fact.NAME` or as it is, and its value."""

    name: str
    facts: Sequence[tuple[str, Cell]] = ()
    lines: Sequence[str] = ()


class Boards(Protocol):
    """What the application implements; called as the desk is. Any method may raise SocError, which is said; nothing is changed then."""

    def items(self, board: str) -> Sequence[Item]:
        """All rows of a board of BOARDS, in the order in which they shall stand."""
        ...

    def sections(self, board: str, item_id: str) -> Sequence[Section]:
        """The page of one of them; nothing where it is gone."""
        ...

    def act(self, board: str, item_id: str, action: str, note: str) -> str:
        """Carry out an action of the board on one of them; durable when it returns. What became of it, for the words of `did.ACTION`."""
        ...


@dataclass(frozen=True, slots=True)
class Action:
    """`key`, `name`: its binding. `asks`: the catalogue's question for a note, else for a yes. `note`: whether a note is asked for."""

    key: str
    name: str
    note: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """`tells`: the column that says in a word why a row stands out. `words`: columns of names of the catalogue (`word.VALUE`)."""

    name: str
    tells: str
    columns: tuple[Column, ...]
    words: frozenset[str] = frozenset()
    actions: tuple[Action, ...] = ()


BOARDS = {
    board.name: board
    for board in (
        Board(
            "sources",
            "state",
            (
                Column("state", 11, 11),
                Column("id", 16, 24),
                Column("format", 12, 16, 4),
                Column("received", 11, 13, 2, right=True),
                Column("dead", 7, 9, 5, right=True),
                Column("dropped", 7, 9, 6, right=True),
                Column("last", 11, 14, 1),
                Column("place", 0, 0),
            ),
            frozenset({"state"}),
        ),
        Board(
            "rules",
            "state",
            (
                Column("state", 11, 11),
                Column("severity", 3, 3),
                Column("title", 0, 0),
                Column("fired", 7, 9, 2, right=True),
                Column("false", 6, 6, 3, right=True),
                Column("hidden", 7, 9, 4, right=True),
                Column("logsource", 20, 30, 6),
            ),
            frozenset({"state"}),
        ),
        Board(
            "playbooks",
            "state",
            (
                Column("state", 18, 18),
                Column("id", 14, 16),
                Column("title", 0, 0),
                Column("incident", 14, 16, 2),
                Column("planner", 10, 14, 3),
                Column("approvals", 10, 16, 4),
                Column("time", 11, 14, 5),
            ),
            frozenset({"state"}),
            (Action("a", "approve"), Action("d", "confirm", note=True), Action("R", "execute")),
        ),
        Board(
            "controls",
            "indicator",
            (
                Column("id", 8, 8),
                Column("indicator", 11, 12),
                Column("title", 0, 0),
                Column("measures", 5, 9, 3, right=True),
                Column("evidence", 6, 9, 2, right=True),
                Column("last", 11, 14, 4),
                Column("implementation", 14, 20, 5),
            ),
            frozenset({"indicator", "implementation"}),
        ),
    )
}
"""The views beside alerts, incidents and the hunt, by name."""
