"""The sources of a site driven, a thread each: in this process (`Collecting`), or in one that parses and packs (`CollectingApart`).

Nothing changes for what is promised: a source is acknowledged when its batch is in the journal, which the process that was started writes
alone. The one apart sends it packed transactions and waits for the offset of each, then says what became of the batch.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Protocol

import msgspec

from collectors.errors import CollectorError, JournalError
from collectors.event import Event
from collectors.intake import Intake, Taken
from collectors.journal import Journal, JournalWriter
from collectors.journal.packing import pack
from collectors.record import DeadLetter, Mark
from soc.app.enrichment import Enricher
from soc.app.intakes import intakes
from soc.app.memory import settle
from soc.app.part import COLLECT, Part, Ready, encode
from soc.metrics import Collected

if TYPE_CHECKING:
    from soc.app.site import Site

_log = logging.getLogger(__name__)

Ended = Callable[[str, str, bool], None]
"""Hears that a source ended: its id, why ("" where it is read to its end), and whether that is a fault of ours."""


class Collector(Protocol):
    """What drives the sources of a site."""

    def start(self) -> None:
        """Begin to take batches."""
        ...

    def finished(self) -> bool:
        """Whether every source has ended (files that are read once)."""
        ...

    def stop(self) -> None:
        """Let every source finish its batch, and return when all have; a second time changes nothing."""
        ...

    def collected(self) -> Collected:
        """What the sources and the matching of indicators have counted until now."""
        ...


class Collecting:
    """Every source in a thread of this process."""

    def __init__(self, site: Site, journal: JournalWriter, count: Callable[[Taken], None], ended: Ended) -> None:
        """Opens every source. Raises: SocError, CollectorError."""
        self._ended = ended
        self._stop = threading.Event()
        self._enricher = Enricher(site)
        self._intakes = intakes(site, journal, self._enricher, count)
        self._threads = [
            threading.Thread(name=f"source-{each.source_id}", target=self._collect, args=(each,), daemon=True)
            for each in self._intakes
        ]

    def start(self) -> None:
        """Begin to take batches."""
        for thread in self._threads:
            thread.start()

    def finished(self) -> bool:
        """Whether every source has ended."""
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Let every source finish its batch."""
        self._stop.set()
        self.wait()

    def collected(self) -> Collected:
        """What the sources and the matching of indicators have counted until now."""
        indicators = self._enricher.indicators
        return Collected(
            {intake.source_id: intake.counts for intake in self._intakes},
            {intake.source_id: intake.waiting_s() for intake in self._intakes},
            indicators.matched_by_feed(),
            indicators.size,
            self._enricher.refused(),
        )

    def wait(self) -> None:
        """Return when every source that was started has ended."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _collect(self, intake: Intake) -> None:
        try:
            intake.run(self._stop)
        except CollectorError as error:
            _log.error("a source ended", extra={"source": intake.source_id, "error": str(error)})
            self._ended(intake.source_id, str(error), False)
        except Exception as error:
            _log.exception("a source failed; the program stops", extra={"source": intake.source_id})
            self._ended(intake.source_id, f"{type(error).__name__}: {error}", True)


# --- what the two processes say to each other


class _Append(msgspec.Struct, array_like=True, tag=True):
    """A transaction, whose packed content is the next message; the answer is an `_Appended`."""

    events: int
    dead: int
    marks: dict[str, Mark | None]


class _Counted(msgspec.Struct, array_like=True, tag=True):
    """What became of a batch; no answer."""

    taken: Taken


class _Ended(msgspec.Struct, array_like=True, tag=True):
    """A source ended with an error; no answer."""

    source: str
    error: str
    ours: bool


class _Finished(msgspec.Struct, array_like=True, tag=True):
    """Every source has ended: the last word."""


class _Appended(msgspec.Struct, array_like=True):
    following: int
    error: str = ""


_GO, _STOP, _TALLY = b"go", b"stop", b"tally"
"""Orders; the last one is answered with what was collected."""

_decode_collected = msgspec.msgpack.Decoder(Collected).decode
_decode = msgspec.msgpack.Decoder(_Append | _Counted | _Ended | _Finished).decode


class CollectingApart:
    """Every source in a process of its own; this one writes what it sends into the journal."""

    def __init__(self, site: Site, journal: Journal, count: Callable[[Taken], None], ended: Ended) -> None:
        """Starts the process and waits until it has opened every source. Raises: SocError."""
        self._journal = journal
        self._count = count
        self._ended = ended
        self._asking = threading.Lock()
        self._collected = Collected()
        self._part = Part(COLLECT, site.path)
        self._way = self._part.connection
        self._thread = threading.Thread(name=COLLECT, target=self._serve, daemon=True)
        self._part.tell(encode(journal.marks()))
        self._part.ready()

    def start(self) -> None:
        """Begin to take batches."""
        self._part.tell(_GO)
        self._thread.start()

    def finished(self) -> bool:
        """Whether every source has ended."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Let every source finish its batch."""
        if self._thread.is_alive():
            self._part.tell(_STOP)
            self._thread.join()
        self._part.close()

    def collected(self) -> Collected:
        """What the sources and the matching of indicators have counted until now; the last that is known once the process has ended."""
        with self._asking, suppress(EOFError, OSError):
            self._collected = _decode_collected(self._part.ask(_TALLY))
        return self._collected

    def _serve(self) -> None:
        """Take what the process sends, until its last word."""
        try:
            while not isinstance(message := _decode(self._way.recv_bytes()), _Finished):
                match message:
                    case _Append():
                        self._append(message)
                    case _Counted(taken):
                        self._count(taken)
                    case _Ended(source, error, ours):
                        self._ended(source, error, ours)
        except (EOFError, OSError):
            self._ended(COLLECT, self._part.ended(), True)

    def _append(self, asked: _Append) -> None:
        content = self._way.recv_bytes()
        try:
            answer = _Appended(self._journal.append_packed(content, asked.events, asked.dead, asked.marks))
        except JournalError as error:
            answer = _Appended(0, str(error))
        self._way.send_bytes(encode(answer))


# --- in the process apart


class _Distant:
    """The journal as it looks from the process that collects; for its threads, one at a time."""

    def __init__(self, way: Connection, marks: dict[str, Mark]) -> None:
        self._way = way
        self._marks = marks
        self._lock = threading.Lock()
        self._content = bytearray()

    def marks(self) -> dict[str, Mark]:
        """As they were at the start."""
        return self._marks

    def append(self, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]) -> int:
        """Have one transaction written; returns the next offset once it is durable. Raises: JournalError."""
        with self._lock:
            got, letters = pack(self._content, events, marks, dead)
            try:
                self._way.send_bytes(encode(_Append(len(got), len(letters), dict(marks))))
                self._way.send_bytes(self._content)
                answer = _decode_appended(self._way.recv_bytes())
            except (EOFError, OSError) as error:
                raise JournalError(f"the process that writes the journal does not answer: {error}") from error
        if answer.error:
            raise JournalError(answer.error)
        return answer.following

    def counted(self, taken: Taken) -> None:
        """Pass on what became of a batch."""
        self._say(_Counted(taken))

    def ended(self, source: str, error: str, ours: bool) -> None:
        """Pass on that a source ended."""
        self._say(_Ended(source, error, ours))

    def finished(self) -> None:
        """The last word."""
        self._say(_Finished())

    def _say(self, message: _Counted | _Ended | _Finished) -> None:
        with self._lock:
            self._way.send_bytes(encode(message))


_decode_appended = msgspec.msgpack.Decoder(_Appended).decode


def run_part(site: Site, way: Connection, orders: Connection) -> None:
    """The process apart: build, say so, go when told, until every source has ended. Raises: SocError, CollectorError, EOFError, OSError."""
    marks = msgspec.msgpack.decode(orders.recv_bytes(), type=dict[str, Mark])
    journal = _Distant(way, marks)
    collecting = Collecting(site, journal, journal.counted, journal.ended)
    way.send_bytes(encode(Ready()))
    settle()
    orders.recv_bytes()
    collecting.start()
    threading.Thread(target=_obey, args=(orders, collecting), daemon=True).start()
    collecting.wait()
    journal.finished()


def _obey(orders: Connection, collecting: Collecting) -> None:
    """Do as told; where the one who tells is gone, nothing that is under way can become durable: end at once, and free the ports."""
    try:
        while orders.recv_bytes() == _TALLY:
            orders.send_bytes(encode(collecting.collected()))
    except (EOFError, OSError):
        os._exit(1)
    collecting.stop()
