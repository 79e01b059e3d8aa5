"""What every source that listens has in common: its id, where it listens, what it counted, the places of its records, its end."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from collectors.record import Position, new_run
from collectors.sources.source import Counts


class Listens(Protocol):
    """A bound socket and what belongs to it."""

    @property
    def address(self) -> tuple[str, int]: ...

    def close(self) -> None: ...


Listener = TypeVar("Listener", bound=Listens)


class ListeningSource(Generic[Listener]):
    """The part of `Source` that does not depend on the protocol. `_listener`: made by the source before anybody asks for it."""

    _listener: Listener

    def __init__(self, source_id: str) -> None:
        self.counts = Counts()
        self._id = source_id
        self._stream = new_run()
        self._ordinal = 0
        """Of the next record of this run."""

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._id

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the socket is bound to (port 0 in the configuration: any free one)."""
        return self._listener.address

    def close(self) -> None:
        """Stop listening and leave the connections."""
        self._listener.close()

    def _place(self) -> Position:
        """Where the next record stands."""
        ordinal = self._ordinal
        self._ordinal = ordinal + 1
        return Position("", self._stream, ordinal, ordinal + 1)
