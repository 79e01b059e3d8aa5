"""A site's stored events and rules in, detections out: the hunt over history, with the engine of `soc run` and its rules of now.

In the embedded store what is sealed is read by columns (soc.store.segments.table), so that no event is made but of what fires; what the
journal alone holds, as Events. Elasticsearch is asked the rules' queries, and the engine decides on what these find. Nothing becomes an
alert.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
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


class HistoryScan(Scan[Shown], ABC):
    """A scan of what is stored."""

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
        self._files = {file.path: file for file in view.files if any(map(self._asked.overlaps, file.header.groups))}

    @property
    def files(self) -> Sequence[Path]:
        """See HistoryScan."""
        return [*self._files, self._folder]

    def _piece(self, piece: Piece, now: datetime, progress: Callable[[int], None]) -> Iterator[Shown]:
        from soc.store.segments.files import DamagedFileError

        del now
        self.summary.files += piece.path in self._files
        for make in self._tables_of(piece.path):
            try:
                table = make()
                if len(table):
                    self.summary.events += len(table)
                    yield from self._detect(table)
            except (DamagedFileError, FileNotFoundError) as error:
                self.summary.unreadable.append((named(piece.path), str(error)))
        progress(piece.size_bytes if piece.path in self._files else 0)

    def tables(self, path: Path) -> Iterator[Table]:
        """What is looked at of one of the `files`, some thousand rows at a time. Raises: DamagedFileError, FileNotFoundError."""
        return (make() for make in self._tables_of(path))

    def _tables_of(self, path: Path) -> Iterator[Callable[[], Table]]:
        from soc.store.segments.table import SealedTable

        if path not in self._files:
            found = [event for _, event in self._view.tail if self._span.holds(event.time)]
            for at in range(0, len(found), BATCH):
                yield partial(EventTable, found[at : at + BATCH])
            return
        for rows in self._files[path].groups():
            if self._asked.overlaps(rows.about):
                yield partial(SealedTable, rows, self._asked, together=path.suffix == ".arrow")


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
        from soc.store.elastic_hunt import candidates, newest

        del piece, now, progress
        client, span = connect(self._config), self._span
        try:
            for events in candidates(client, self._config.namespace, self._queries, span.since, span.until):
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
