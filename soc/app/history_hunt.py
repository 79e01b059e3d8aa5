"""A site's stored events and rules in, detections out: the hunt over history, with the engine of `soc run` and its rules of now.

In the embedded store what is sealed is read by columns (soc.store.segments.table), so that no event is made but of what fires; what the
journal alone holds, as Events. Elasticsearch is asked the rules' queries, and the engine decides on what these find. Nothing becomes an
alert.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.parse import Context
from soc.app.history import Span
from soc.app.memory import settle
from soc.app.reading import BATCH
from soc.app.scan import Piece, Scan, Shown, named
from soc.app.site import Site
from soc.detect import Detection, Level
from soc.detect.correlation import Lateness
from soc.detect.ruleset import RuleSet
from soc.detect.table import EventTable, Table
from soc.store.config import StoreConfig, StoreKind

if TYPE_CHECKING:
    from soc.detect.sigma.convert import Query
    from soc.store.local_events import LocalEventStore
    from soc.store.segments.files import Rows


GROUPS_AT_ONCE = 4
"""Groups of a segment that are looked at together where memory allows: what is done once a kind and column is done for more rows."""
GROUP_BYTES = 24 << 20
"""What a group more takes,"""
PROCESS_BYTES = 256 << 20
"""and one of two processes with one group and all SigmaHQ Windows rules (measured, bench/hunt.py: 190 MB where nothing fires, 256 where
every third event does; the one that forked them takes 50 to 110 besides)."""


PACKED = 16
"""So many times as long are the records in a segment as the segment, at least."""


class HistoryScan(Scan[Shown], ABC):
    """A scan of what is stored."""

    process_bytes = PROCESS_BYTES

    @property
    @abstractmethod
    def files(self) -> Sequence[Path]:
        """What `run` is to be given."""

    def pieces(self, path: Path, part_bytes: int) -> Iterator[Piece]:
        """Each is read whole: a segment is as much as is worth a message."""
        del part_bytes
        yield Piece(path)


class LocalScan(HistoryScan[Shown]):
    """Of the embedded store; the last of its files is its folder, for what no file holds yet."""

    def __init__(
        self,
        rules: RuleSet,
        store: LocalEventStore,
        span: Span,
        show: Callable[[Detection], Shown | None],
        memory_bytes: int,
    ) -> None:
        from soc.store.language import All
        from soc.store.segments.view import Asked

        super().__init__(rules, Context(), list, show, memory_bytes=memory_bytes)
        self._view = view = store.view()
        self._folder = store.path
        self._asked = Asked(All(), span.since, span.until)
        self._span = span
        self._at_once = max(1, min(GROUPS_AT_ONCE, (memory_bytes // 2 - PROCESS_BYTES) // GROUP_BYTES + 1))
        self._files = {file.path: file for file in view.files if any(map(self._asked.overlaps, file.header.groups))}

    @property
    def files(self) -> Sequence[Path]:
        """See HistoryScan."""
        return [*self._files, self._folder]

    def _piece(self, piece: Piece, now: datetime, progress: Callable[[int], None]) -> Iterator[Shown]:
        del now
        if piece.path in self._files:
            self.summary.files += 1
            for groups in self._groups(piece.path):
                yield from self._look(piece.path, groups)
                _give_back()
            progress(piece.size_bytes)
            return
        for table in self._tail():
            self.summary.events += len(table)
            yield from self._detect(table)

    def _look(self, path: Path, groups: Sequence[Rows]) -> Iterator[Shown]:
        """What is found in groups, one by one where one of them does not read."""
        from soc.store.segments.files import DamagedFileError

        found = count = 0
        try:
            table = self._sealed(path, groups)
            count = len(table)
            self.summary.events += count
            for shown in self._detect(table) if count else ():
                found += 1
                yield shown
        except (DamagedFileError, FileNotFoundError) as error:
            self.summary.events -= count
            if len(groups) > 1 and not found:
                for one in groups:
                    yield from self._look(path, [one])
                return
            beside = (
                ""
                if len(groups) == 1
                else f"; what of {len(groups)} groups of events beside it holds was not looked at"
            )
            self.summary.unreadable.append((named(path), f"{error}{beside}"))

    def tables(self, path: Path) -> Iterator[Table]:
        """What is looked at of one of the `files`, some thousand rows at a time. Raises: DamagedFileError, FileNotFoundError."""
        if path not in self._files:
            return self._tail()
        return (self._sealed(path, groups) for groups in self._groups(path))

    def _sealed(self, path: Path, groups: Sequence[Rows]) -> Table:
        from soc.store.segments.table import SealedTable

        return SealedTable(groups, self._asked, at_once=path.suffix == ".arrow")

    def _groups(self, path: Path) -> Iterator[Sequence[Rows]]:
        """Groups of a file that are looked at together."""
        groups = [rows for rows in self._files[path].groups() if self._asked.overlaps(rows.about)]
        return (groups[at : at + self._at_once] for at in range(0, len(groups), self._at_once))

    def _tail(self) -> Iterator[Table]:
        """What no file holds yet."""
        found = [event for _, event in self._view.tail if self._span.holds(event.time)]
        return (EventTable(found[at : at + BATCH]) for at in range(0, len(found), BATCH))


def _give_back() -> None:
    """Memory that Arrow keeps for columns to come goes back to the system: it would be a third of what a process takes."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


class ElasticScan(HistoryScan[Shown]):
    """Of Elasticsearch, as one piece. Events come in no order."""

    def __init__(
        self,
        rules: RuleSet,
        config: StoreConfig,
        queries: Sequence[Query],
        span: Span,
        show: Callable[[Detection], Shown | None],
        memory_bytes: int,
    ) -> None:
        """`queries`: of the rules that look at one event."""
        super().__init__(rules, Context(), list, show, memory_bytes=memory_bytes)
        self._config = config
        self._queries = queries
        self._span = span

    @property
    def files(self) -> Sequence[Path]:
        """See HistoryScan."""
        return [Path(self._config.namespace)]

    def _piece(self, piece: Piece, now: datetime, progress: Callable[[int], None]) -> Iterator[Shown]:
        from soc.store.elastic import connect
        from soc.store.elastic_hunt import Refusals, candidates, newest

        del piece, now, progress
        client, span = connect(self._config), self._span
        try:
            refusals = Refusals(self.summary.slow, self.summary.left_out)
            for events in candidates(client, self._config.namespace, self._queries, span.since, span.until, refusals):
                self.summary.events += len(events)
                yield from self._detect(EventTable(events))
            last = newest(client, self._config.namespace, span.since, span.until) if self.rules.correlates else None
        finally:
            client.close()
        if last is not None:
            self.rules.went_on_until(last)


def open_history_hunt(
    site: Site,
    rules: Sequence[Path],
    span: Span,
    show: Callable[[Detection], Shown | None],
    *,
    reasons: bool = True,
    least: Level = Level.INFORMATIONAL,
) -> HistoryScan[Shown]:
    """A scan of the site's history that is ready. `rules`: default: the site's. `reasons`, `least`: as `soc.app.hunting.open_hunt` takes
    them. Raises: SocError, FaultsError."""
    from soc.store.local_events import LocalEventStore

    rule_set = RuleSet(site.content(rules), lateness=Lateness(None), reasons=reasons, least=least)
    memory_bytes = site.config.detect.memory_mb << 20
    scan: HistoryScan[Shown]
    if site.config.store.kind is StoreKind.ELASTICSEARCH:
        from soc.detect.sigma.convert import convert

        queries = [query for query in convert(list(rules or site.config.rules), "lucene") if query.covers]
        scan = ElasticScan(rule_set, site.config.store, queries, span, show, memory_bytes)
    else:
        store = site.events
        assert isinstance(store, LocalEventStore)
        scan = LocalScan(rule_set, store, span, show, memory_bytes)
    settle()
    return scan
