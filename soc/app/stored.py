"""A site's event store and a moment in, counts of what came in until then out (soc.evidence.stored): the same whenever they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from soc.app.history import Span
from soc.app.searching import Search, open_search
from soc.app.site import Site

if TYPE_CHECKING:
    from soc.store.elastic_search import ElasticSearch

SETTLED = timedelta(minutes=5)
"""What came in so lately is left to the next count: it may not be in the store yet, and what is counted once is to be counted so again."""

LATE = timedelta(days=1)
"""What says that it happened longer before it came in, or after it, is not counted."""

MOST = 1_000_000
"""Values of a field that are told apart, and moments that are told."""


class StoredEvents:
    """The port on the store of a site."""

    def __init__(self, site: Site, now: datetime) -> None:
        self._site = site
        self._until = (now - SETTLED).replace(microsecond=0)

    @property
    def until(self) -> datetime:
        """See soc.evidence.stored.Stored."""
        return self._until

    def count(self, query: str, days: int = 1) -> int:
        """See soc.evidence.stored.Stored."""
        search = self._search(query, days)
        return sum(sum(counts.values()) for counts in search.histogram(timedelta(days=1), "").values())

    def values(self, query: str, field: str, days: int = 1) -> Mapping[str, int]:
        """See soc.evidence.stored.Stored."""
        return dict(self._search(query, days).top(field, MOST))

    def hours(self, query: str, field: str, days: int = 1) -> Mapping[str, datetime]:
        """See soc.evidence.stored.Stored."""
        found: dict[str, datetime] = {}
        for begin, counts in sorted(self._search(query, days).histogram(timedelta(hours=1), field).items()):
            found |= dict.fromkeys((name for name in counts if name), begin)
        return found

    def moments(self, query: str, days: int = 1) -> Sequence[datetime]:
        """See soc.evidence.stored.Stored."""
        documents = self._search(query, days).events(MOST, ["@timestamp"])
        return [datetime.fromisoformat(str(document["@timestamp"])) for document in documents]

    def _search(self, query: str, days: int) -> Search | ElasticSearch:
        since = self._until - timedelta(days=days)
        came = f'event.ingested >= "{since.isoformat()}" and event.ingested < "{self._until.isoformat()}"'
        return open_search(self._site, f"({query}) and {came}", Span(since - LATE, self._until + LATE))
