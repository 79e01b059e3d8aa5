"""Events in, events out with what the site knows: systems, people, places of addresses, indicators, as its files say it by then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from collectors.enrich import Table, enrich
from collectors.enrich.renewed import Renewed
from collectors.event import Event
from soc.app.intel import matcher
from soc.app.site import Site


class Enricher:
    """Adds to events all that the site knows. Files of soc.yaml's `enrich` that change, and the set of indicators, are read anew, also
    while events come in; for any number of threads."""

    def __init__(self, site: Site) -> None:
        """Raises: FaultsError, CollectorError for a file of soc.yaml that cannot be read."""
        config = site.config.enrich
        self._files: list[Renewed[Table]] = [
            Renewed(
                "machines", config.machines, lambda: site.inventory_now().table()
            )  # the inventory's systems are not read anew
        ]
        if config.identities:
            from collectors.enrich.identity_files import read_identities

            self._files.append(Renewed("people", config.identities, partial(read_identities, config.identities)))
        self._tables: list[Table] = []
        self._refresh: list[Callable[[], object]] = [file.refresh for file in self._files]
        if config.geoip:
            from collectors.enrich.geo import GeoTable

            geo = GeoTable(config.geoip)
            self._tables.append(geo)
            self._refresh.append(geo.refresh)
        self.indicators = matcher(site)
        self._tables.append(self.indicators)
        self._refresh.append(self.indicators.refresh)

    def __call__(self, events: Sequence[Event]) -> list[Event]:
        """The events in their order, enriched; none given is changed."""
        for refresh in self._refresh:
            refresh()
        return enrich(events, *[file.value for file in self._files], *self._tables)
