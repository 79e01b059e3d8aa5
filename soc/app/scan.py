"""Files in, detections out, offline: the hunt. The same parsers and the same engine as `soc run`, without journal, ledger or stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from collectors.choosing import AUTO, ChoosingParser
from collectors.errors import SourceError
from collectors.event import Event
from collectors.parse import Context
from collectors.record import DeadLetter
from collectors.sources import Batch, read_file
from soc.app.reading import BATCH
from soc.detect import Detection, Detector

SOURCE = "scan"

MAX_DEAD_KEPT = 1_000
"""Dead letters that a summary can show; all are counted."""


@dataclass(slots=True)
class Summary:
    """What a scan saw. `refused`: dead letters by reason; `unreadable`: files with why; `dead`: the first of the dead letters."""

    files: int = 0
    events: int = 0
    detections: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)


def files_under(paths: Iterable[Path]) -> list[Path]:
    """The files that paths name: themselves, or all below a folder in the order of their names; hidden ones are left out."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = (p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            found += sorted(below)
        else:
            found.append(path)
    return list(dict.fromkeys(found))


class Scan:
    """One hunt over files. `progress` hears how many bytes were read since it was last told."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        context: Context,
        enrich: Callable[[Sequence[Event]], list[Event]],
        *,
        format_name: str = AUTO,
    ) -> None:
        self._detectors = detectors
        self._context = context
        self._enrich = enrich
        self._format = format_name
        self.summary = Summary()

    def run(self, files: Sequence[Path], now: datetime, progress: Callable[[int], None]) -> Iterator[Detection]:
        """Detections in the order of files and records. A file that cannot be read is noted and the rest goes on."""
        waiting: list[Event] = []
        for path in files:
            for events in self._events(path, now, progress):
                waiting += events
                if len(waiting) >= BATCH:
                    yield from self._detect(waiting)
                    waiting = []
        yield from self._detect(waiting)

    def _events(self, path: Path, now: datetime, progress: Callable[[int], None]) -> Iterator[list[Event]]:
        parser = ChoosingParser(self._format, self._context)
        self.summary.files += 1
        done = 0
        try:
            for batch in _batches(path, parser, now):
                events, dead = parser.parse(batch.records)
                self._note([*batch.dead, *dead])
                self.summary.events += len(events)
                progress(batch.read_bytes - done)
                done = batch.read_bytes
                yield self._enrich(events)
        except SourceError as error:
            self.summary.unreadable.append((str(path), str(error)))
            progress(max(0, _size(path) - done))

    def _note(self, dead: Sequence[DeadLetter]) -> None:
        self.summary.refused.update(letter.reason for letter in dead)
        self.summary.dead += dead[: MAX_DEAD_KEPT - len(self.summary.dead)]

    def _detect(self, events: Sequence[Event]) -> Iterator[Detection]:
        if not events:
            return
        found = [d for detector in self._detectors for d in detector.detect(events)]
        place = {event.id: i for i, event in enumerate(events)}
        found.sort(key=lambda d: (place[d.events[-1].id], d.rule.id))
        self.summary.detections.update(d.rule.level.value for d in found)
        yield from found


def _batches(path: Path, parser: ChoosingParser, now: datetime) -> Iterator[Batch]:
    """The records of a file; read again, joined, where the first ones show a format whose records span lines."""
    batches = read_file(path, str(path), now, parser.continues())
    first = next(batches, None)
    if first is None:
        return
    continues = None if parser.continues() else parser.continues(first.records)
    if continues is not None:
        yield from read_file(path, str(path), now, continues)
    else:
        yield first
        yield from batches


def total_bytes(files: Iterable[Path]) -> int:
    """What there is to read, as far as it can be seen."""
    return sum(_size(path) for path in files)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
