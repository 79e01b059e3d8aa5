"""The views beside the queue over a site: sources, rules, playbooks, controls; one module each. The terminal UI asks `SiteBoards`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from soc.app.site import Site
from soc.errors import SocError
from soc.tui import Item, Section


class _Board(Protocol):
    def items(self) -> Sequence[Item]: ...

    def sections(self, item_id: str) -> Sequence[Section]: ...


class SiteBoards:
    """The Boards of soc.tui.boards. What a view needs is loaded when it is looked at: most sessions stay in the queue."""

    def __init__(self, site: Site, actor: str) -> None:
        self._site = site
        self._actor = actor
        self._boards: dict[str, _Board] = {}

    def items(self, board: str) -> Sequence[Item]:
        """All rows."""
        return self._board(board).items()

    def sections(self, board: str, item_id: str) -> Sequence[Section]:
        """The page of one row; nothing where it is gone."""
        return self._board(board).sections(item_id)

    def act(self, board: str, item_id: str, action: str, note: str) -> str:
        """Carry out an action; what became of it. Raises: SocError."""
        from soc.app.boards.playbooks import PlaybooksBoard

        of = self._board(board)
        if not isinstance(of, PlaybooksBoard):
            raise SocError(f"{board} has no action {action}")
        return of.act(item_id, action, note)

    def _board(self, name: str) -> _Board:
        if name not in self._boards:
            self._boards[name] = self._made(name)
        return self._boards[name]

    def _made(self, name: str) -> _Board:
        match name:
            case "sources":
                from soc.app.boards.sources import SourcesBoard

                return SourcesBoard(self._site)
            case "rules":
                from soc.app.boards.rules import RulesBoard

                return RulesBoard(self._site)
            case "playbooks":
                from soc.app.boards.playbooks import PlaybooksBoard

                return PlaybooksBoard(self._site, self._actor)
            case "controls":
                from soc.app.boards.controls import ControlsBoard

                return ControlsBoard(self._site)
        raise SocError(f"there is no board {name}")
