"""Events in, events out with what the site knows: systems, people, places of addresses, indicators, as its files say it by then."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from collectors.enrich import Table, enrich
from collectors.enrich.renewed import Renewed
from collectors.event import Event
from soc.app.intel import matcher
from soc.app.site import Site


class _RenewedTable(Table, Protocol):
    """A table that reads its files anew when it is told to look."""

    @property
    def files(self) -> Sequence[Renewed[Any]]: ...

    def refresh(self) -> None: ...


class Enricher:
    """Adds to events all that the site knows. Files of soc.yaml's `enrich` that change, and the set of indicators, are read anew, also
    while events come in; for any number of threads."""

    def __init__(self, site: Site) -> None:
        """Raises: FaultsError, CollectorError for a file of soc.yaml that cannot be read."""
        config = site.config.enrich
        # of the inventory and the machines, only the machines are read anew: what else the SOC knows of systems stands until a restart
        self._files: list[Renewed[Table]] = [Renewed("machines", config.machines, lambda: site.inventory_now().table())]
        if config.identities:
            from collectors.enrich.identity_files import read_identities

            self._files.append(Renewed("people", config.identities, partial(read_identities, config.identities)))
        self.indicators = matcher(site)
        self._tables: list[_RenewedTable] = [self.indicators]
        if config.geoip:
            from collectors.enrich.geo import GeoTable

            self._tables.insert(0, GeoTable(config.geoip))

    def __call__(self, events: Sequence[Event]) -> list[Event]:
        """The events in their order, enriched."""
        for file in self._files:
            file.refresh()
        for table in self._tables:
            table.refresh()
        return enrich(events, *[file.value for file in self._files], *self._tables)

    def refused(self) -> dict[str, str]:
        """What changed and cannot be read, and why: what was read before goes on."""
        files = [*self._files, *(file for table in self._tables for file in table.files)]
        return {file.what: file.refused for file in files if file.refused}
