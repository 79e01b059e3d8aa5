"""The terminal UI's hunt over a site: what `soc search` finds, counted in as many stretches of time as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from soc.app.site import Site
from soc.tui import Found

if TYPE_CHECKING:
    from soc.app.searching import Search
    from soc.store.elastic_search import ElasticSearch

STRETCHES = tuple(
    timedelta(seconds=s) for s in (1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)
)
"""Lengths that a bar may stand for."""


class SiteHunting:
    """The Hunting of soc.tui.hunting."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def find(self, query: str, since: datetime, until: datetime, *, events: int, bars: int) -> Found:
        """Raises: SocError."""
        search = self._search(query, since, until)
        every = fitting(until - since, bars)
        counts = {begin: sum(values.values()) for begin, values in search.histogram(every, "").items()}
        return Found(list(search.events(events)), filled(counts, every))

    def top(self, query: str, since: datetime, until: datetime, field: str, limit: int) -> Sequence[tuple[str, int]]:
        """Raises: SocError."""
        return self._search(query, since, until).top(field, limit)

    def _search(self, query: str, since: datetime, until: datetime) -> Search | ElasticSearch:
        from soc.app.history import Span  # with the engine behind it: most sessions never hunt
        from soc.app.searching import open_search

        return open_search(self._site, query, Span(since, until))


def fitting(length: timedelta, bars: int) -> timedelta:
    """The shortest usual stretch of which so many cover the length."""
    return next((one for one in STRETCHES if length <= bars * one), length / bars)


def filled(counts: dict[datetime, int], every: timedelta) -> list[tuple[datetime, int]]:
    """Every stretch from the first to the last that has events, those without any too."""
    if not counts:
        return []
    first, last = min(counts), max(counts)
    return [(at, counts.get(at, 0)) for at in (first + n * every for n in range(round((last - first) / every) + 1))]
