"""The views beside the queue over a site: sources, rules, playbooks, controls; one module each. The terminal UI asks `SiteBoards`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from soc.app.boards.controls import ControlsBoard
from soc.app.boards.playbooks import PlaybooksBoard
from soc.app.boards.rules import RulesBoard
from soc.app.boards.sources import SourcesBoard
from soc.app.site import Site
from soc.errors import SocError
from soc.tui import Item, Section


class _Board(Protocol):
    def items(self) -> Sequence[Item]: ...

    def sections(self, item_id: str) -> Sequence[Section]: ...


class SiteBoards:
    """The Boards of soc.tui.boards."""

    def __init__(self, site: Site, actor: str) -> None:
        self._playbooks = PlaybooksBoard(site, actor)
        self._boards: dict[str, _Board] = {
            "sources": SourcesBoard(site),
            "rules": RulesBoard(site),
            "playbooks": self._playbooks,
            "controls": ControlsBoard(site),
        }

    def items(self, board: str) -> Sequence[Item]:
        """All rows."""
        return self._boards[board].items()

    def sections(self, board: str, item_id: str) -> Sequence[Section]:
        """The page of one row; nothing where it is gone."""
        return self._boards[board].sections(item_id)

    def act(self, board: str, item_id: str, action: str, note: str) -> str:
        """Carry out an action; what became of it. Raises: SocError."""
        if board != "playbooks":
            raise SocError(f"{board} has no action {action}")
        return self._playbooks.act(item_id, action, note)
