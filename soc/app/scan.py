"""Files in, detections out, offline: the hunt. The same parsers and the same engine as `soc run`, without journal, ledger or stores.

Windows events in JSON (event files are read as such too) go to the engine as a table, of which only the fields that rules read are made;
everything else as Events. What a detection shows is the ordinary parser's in both cases.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Generic, TypeVar

from collectors.choosing import AUTO, ChoosingParser
from collectors.errors import SourceError
from collectors.event import Event, Value
from collectors.parse import Context
from collectors.parse.bundle import is_list
from collectors.parse.windows_table import FORMAT as WINDOWS
from collectors.parse.windows_table import WindowsTables
from collectors.record import DeadLetter, RawRecord, data_of
from collectors.sources import Batch, Part, is_event_file, parts_of, read_file
from soc.app.reading import BATCH
from soc.detect import Detection
from soc.detect.ruleset import Base, RuleSet, Stats
from soc.detect.table import EventTable, Table

Shown = TypeVar("Shown")

SOURCE = "scan"

MEMORY_BYTES = 512 << 20
"""What a scan may take by default: soc.yaml's `detect.memory_mb`."""
MIN_CHUNK_BYTES, MAX_CHUNK_BYTES = 256 << 10, 2 << 20
CHUNKS_IN_MEMORY = 128
"""A chunk of text takes about eight times its size as rows; two are alive at once; rules and what they remember are the rest."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LIST_BYTES = 32 << 20
"""A list of records in one line, as clouds deliver them."""
MAX_DEAD_KEPT = 1_000
"""Dead letters that a summary can show; all are counted."""


ENOUGH_ROWS = 1_000
"""Records that are looked at by themselves; fewer wait for those of the next files."""
MAX_REASONS = 2_000
OTHER_REASONS = "other reasons"
"""What further reasons are counted as: a reason may quote the record."""


@dataclass(slots=True)
class Summary:
    """What a scan saw. `refused`: dead letters by reason; `unreadable`: files with why; `dead`: the first of the dead letters.

    `detections`: by level, also of levels that are not shown. `matched`: events that hold an indicator of threat intelligence, by the one
    that they show and its feed. `hidden`: hits that filters hid. `late`: hits that correlations had no room
    to keep until all was read, and took apart from the others. `forgotten`: events that were let go before the end, which detections of
    correlations then lack. Of a store that is asked queries, by rule: `slow`, why it refuses the query, so that all that the rule could
    read was read; `left_out`, why not even that.
    """

    files: int = 0
    events: int = 0
    detections: Counter[str] = field(default_factory=Counter)
    matched: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    hidden: int = 0
    late: int = 0
    forgotten: int = 0
    slow: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Piece:
    """What is read at a time: a file, or a part of one."""

    path: Path
    part: Part | None = None

    @property
    def size_bytes(self) -> int:
        """As far as it can be seen."""
        return _size(self.path) if self.part is None else self.part.end - self.part.start

    @property
    def is_first(self) -> bool:
        """Whether its file begins with it."""
        return self.part is None or self.part.start == 0

    @property
    def is_event_file(self) -> bool:
        """Whether it is a Windows event file, which is read whole."""
        return self.part is None and is_event_file(self.path)


class Scan(Generic[Shown]):
    """One hunt over files. `show`: what is wanted of a detection, at once, as its event does not stay; None where nothing is."""

    process_bytes = 192 << 20
    """What one of its processes takes with all SigmaHQ rules in it (measured, bench/lines.py)."""

    def __init__(
        self,
        rules: RuleSet,
        context: Context,
        enrich: Callable[[Sequence[Event]], list[Event]],
        show: Callable[[Detection], Shown | None],
        *,
        added: Iterable[str] = (),
        strikes: Callable[[Mapping[str, Value]], object] | None = None,
        matched: Mapping[tuple[str, str], int] | None = None,
        format_name: str = AUTO,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        """`added`: the texts that `enrich` may add to an event, but to those that `strikes` (WindowsTables). `matched`: where it counts the
        events that hold an indicator. `format_name`: of what is no event file. `memory_bytes`: what all processes of a scan may take
        together."""
        self.rules = rules
        self.memory_bytes = memory_bytes
        self.summary = Summary()
        self.hand_on: Callable[[Base], None] | None = None
        """Where it is set it is given what is for correlations, numbered from the first event of `summary`, and they are left alone."""
        self._context = context
        self._enrich = enrich
        self._show = show
        self._format = format_name
        self._tables = WindowsTables(context, enrich, added, strikes, rules.reads)
        self._chunk_bytes = max(MIN_CHUNK_BYTES, min(MAX_CHUNK_BYTES, memory_bytes // CHUNKS_IN_MEMORY))
        self._records: list[RawRecord] = []
        self._events: list[Event] = []
        self._waiting_bytes = 0
        self._hidden_before = 0
        self._below_before: Counter[str] = Counter()
        self._matched = matched if matched is not None else {}
        self._matched_before: Counter[tuple[str, str]] = Counter()

    @property
    def zone(self) -> tzinfo:
        """Of lines that name none, and of what people are shown."""
        return self._context.timezone

    def run(self, pieces: Iterable[Piece], now: datetime, progress: Callable[[int], None]) -> Iterator[Shown]:
        """What detections show, in the order of files and records. A file that cannot be read is noted and the rest goes on.

        `progress` hears how many bytes were read since it was last told.
        """
        for piece in pieces:
            yield from self._piece(piece, now, progress)
        yield from self._flush()
        self._count(self.rules.stats())

    def finish(self) -> Iterator[Shown]:
        """What correlations find once all is read."""
        yield from self._shown(self.rules.finish())
        stats = self.rules.stats()
        self._count(stats)
        self.summary.late, self.summary.forgotten = sum(stats.late.values()), stats.forgotten

    def _count(self, stats: Stats) -> None:
        """What was found since the last time and nobody is shown."""
        hidden, below, matched = sum(stats.hidden.values()), Counter(stats.below), Counter(self._matched)
        self.summary.hidden += hidden - self._hidden_before
        self.summary.detections += below - self._below_before
        self.summary.matched += matched - self._matched_before
        self._hidden_before, self._below_before, self._matched_before = hidden, below, matched

    def pieces(self, path: Path, part_bytes: int) -> Iterator[Piece]:
        """A file in pieces that can be read on their own: a large file of lines in parts of about so many bytes, any other whole."""
        if _size(path) >= 2 * part_bytes and not is_event_file(path):
            parser = ChoosingParser(self._format, self._context)
            if parser.continues() is None and parser.continues(_first_records(path)) is None:
                parts = [Piece(path, part) for part in parts_of(path, part_bytes)]
                if parts:
                    yield from parts
                    return
        yield Piece(path)

    def _piece(self, piece: Piece, now: datetime, progress: Callable[[int], None]) -> Iterator[Shown]:
        parser = ChoosingParser(WINDOWS if piece.is_event_file else self._format, self._context)
        self.summary.files += piece.is_first
        done = 0
        try:
            for batch in self._batches(piece, parser, now):
                dead = list(batch.dead)
                for format_name, run in parser.runs(batch.records, dead):
                    yield from self._take(parser, format_name, run)
                self._note(dead)
                progress(batch.read_bytes - done)
                done = batch.read_bytes
        except SourceError as error:
            self.summary.unreadable.append((named(piece.path), str(error)))
            progress(max(0, piece.size_bytes - done))

    def _batches(self, piece: Piece, parser: ChoosingParser, now: datetime) -> Iterator[Batch]:
        """The records of a piece; read again, joined, where the first ones show a format whose records span lines, and with longer lines
        where the first is a list of records that was cut."""
        path, source, size = piece.path, named(piece.path), self._chunk_bytes
        if not piece.is_first:
            parser.continues(_first_records(path))  # which format the file has is decided by its first lines
        batches = read_file(path, source, now, parser.continues(), part=piece.part, chunk_bytes=size)
        first = next(batches, None)
        if first is None:
            return
        continues = None if parser.continues() or not piece.is_first else parser.continues(first.records)
        if continues is not None:
            yield from read_file(path, source, now, continues, chunk_bytes=size)
        elif first.records and first.records[0].truncated and is_list(first.records[0].data) and piece.part is None:
            yield from read_file(path, source, now, chunk_bytes=size, max_line_bytes=MAX_LIST_BYTES)
        else:
            yield first
            yield from batches

    def _take(self, parser: ChoosingParser, format_name: str, run: Sequence[RawRecord]) -> Iterator[Shown]:
        """Records of one format: looked at where they are enough, kept until they are otherwise."""
        if format_name == WINDOWS:
            enough = len(run) >= ENOUGH_ROWS or sum(map(len, data_of(run))) >= self._chunk_bytes // 2
            if self._events or (self._records and enough):
                yield from self._flush()
            if enough:
                yield from self._table(run)
                return
            self._records += run
            self._waiting_bytes += sum(len(record.data) for record in run)
        else:
            if self._records:
                yield from self._flush()
            events, dead = parser.parse_run(format_name, run)
            self._note(dead)
            self._events += self._enrich(events)
            self._waiting_bytes += sum(len(record.data) for record in run)
        if len(self._events) + len(self._records) >= BATCH or self._waiting_bytes >= self._chunk_bytes:
            yield from self._flush()

    def _flush(self) -> Iterator[Shown]:
        records, events = self._records, self._events
        self._records, self._events, self._waiting_bytes = [], [], 0
        if records:
            yield from self._table(records)
        if events:
            self.summary.events += len(events)
            yield from self._detect(EventTable(events))

    def _table(self, records: Sequence[RawRecord]) -> Iterator[Shown]:
        table, dead = self._tables.read(records)
        self._note(dead)
        self.summary.events += len(table)
        yield from self._detect(table)

    def _note(self, dead: Sequence[DeadLetter]) -> None:
        refused = self.summary.refused
        for letter in dead:
            refused[letter.reason if len(refused) < MAX_REASONS or letter.reason in refused else OTHER_REASONS] += 1
        self.summary.dead += dead[: MAX_DEAD_KEPT - len(self.summary.dead)]

    def take(self, base: Base) -> Iterator[Shown]:
        """What a hit that was found elsewhere lets correlations show; in order of sequence numbers."""
        yield from self._shown(self.rules.take(base))

    def _detect(self, table: Table) -> Iterator[Shown]:
        if self.hand_on is None:
            yield from self._shown(self.rules.detect(table))
            return
        for found in self.rules.single(table, self.summary.events - len(table)):
            if isinstance(found, Detection):
                yield from self._shown((found,))
            else:
                self.hand_on(found)

    def _shown(self, found: Iterable[Detection]) -> Iterator[Shown]:
        for detection in found:
            self.summary.detections[detection.rule.level.value] += 1
            shown = self._show(detection)
            if shown is not None:
                yield shown


def named(path: Path) -> str:
    """A path as text that can be written anywhere: bytes that are no UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _first_records(path: Path) -> Sequence[RawRecord]:
    """The first lines of a text file, by which its format is known."""
    return next(read_file(path, "", EPOCH), Batch()).records


def total_bytes(files: Iterable[Path]) -> int:
    """What there is to read, as far as it can be seen."""
    return sum(_size(path) for path in files)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
