"""A site and the text of a search in, its events and counts out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from collectors.event import Value
from soc.app.history import Span
from soc.app.site import Site
from soc.store.language import parse

if TYPE_CHECKING:
    from soc.store.elastic_search import ElasticSearch


def open_search(site: Site, query: str, span: Span) -> Search | ElasticSearch:
    """One search where the site's events live. Raises: SocError (QueryError with the place) for what cannot be understood."""
    from soc.store.config import StoreKind

    config = site.config.store
    if config.kind is StoreKind.LOCAL:
        return Search(site, query, span)
    from soc.store.elastic import connect
    from soc.store.elastic_search import ElasticSearch

    client = connect(config)
    site.at_close(client.close)
    return ElasticSearch(client, config.namespace, parse(query), span.since, span.until, site.config.site.zone)


class Search:
    """One search over a span of the embedded store, as it stands now."""

    def __init__(self, site: Site, query: str, span: Span) -> None:
        """Raises: SocError (QueryError with the place) for what cannot be understood."""
        from soc.store.local_events import LocalEventStore
        from soc.store.segments.looking import Look
        from soc.store.segments.view import Asked

        store = site.events
        assert isinstance(store, LocalEventStore)
        self.span = span
        self._asked = Asked(parse(query), span.since, span.until, site.config.site.zone)
        self._look = Look(self._asked.query, self._asked.zone)
        self._view = store.view()

    def events(self, limit: int, fields: Sequence[str] = ()) -> Iterator[dict[str, Value]]:
        """Documents (default: whole, else these fields of them), newest first, at most so many."""
        return self._view.documents(self._asked, fields, limit)

    def histogram(self, every: timedelta, by: str) -> dict[datetime, Counter[str]]:
        """Events of each stretch of time, for each value of the field `by` where one is named (soc.store.segments.counting)."""
        from soc.store.segments.counting import histogram

        return histogram(self._view, self._asked, every, by)

    def top(self, field: str, limit: int) -> list[tuple[str, int]]:
        """The most frequent values of a field and how many events have them."""
        from soc.store.segments.counting import top

        return top(self._view, self._asked, field).most_common(limit)

    def explain(self) -> dict[str, Any]:
        """How the search is understood and what has to be read: of all groups of rows, those that its words and times leave."""
        groups = self._view.candidates(self._look, self._asked)
        return {
            "query": str(self._asked.query),
            "from": self.span.since.isoformat(),
            "to": self.span.until.isoformat(),
            "columns": ", ".join(self._look.columns),
            "files": len(self._view.files),
            "groups": sum(len(file.header.groups) for file in self._view.files),
            "groups_read": len(groups),
            "events_read": sum(rows.about.rows for rows in groups) + len(self._view.tail),
            "events": self._view.count(),
            "events_in_journal_only": len(self._view.tail),
        }
