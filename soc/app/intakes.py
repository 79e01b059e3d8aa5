"""Configured sources in, ready intakes out: the format, the context and the enrichment that soc.yaml and the inventory give each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collectors.choosing import ChoosingParser
from collectors.enrich import Table, enrich
from collectors.event import Event
from collectors.intake import Intake, Taken
from collectors.journal import Journal
from collectors.parse import Context
from collectors.sources import SourceConfig, open_source
from soc.app.site import Site


def enricher(site: Site) -> Callable[[Sequence[Event]], list[Event]]:
    """What adds to events all that the site knows: systems, people, places of addresses, indicators. Files that change are read anew.

    Raises: CollectorError for a file of soc.yaml that cannot be read.
    """
    config = site.config.enrich
    tables: list[Table] = [site.inventory.table()]
    renewed: list[Callable[[], None]] = []
    if config.identities:
        from collectors.enrich.identity_files import read_identities

        tables.append(read_identities(config.identities))
    if config.geoip:
        from collectors.enrich.geo import GeoTable

        geo = GeoTable(config.geoip)
        tables.append(geo)
        renewed.append(geo.refresh)
    from soc.app.intel import matcher

    indicators = matcher(site)
    tables.append(indicators)
    renewed.append(indicators.refresh)

    def add(events: Sequence[Event]) -> list[Event]:
        for renew in renewed:
            renew()
        return enrich(events, *tables)

    return add


def context_of(site: Site, source: SourceConfig | None) -> Context:
    """What the records of a source do not say: the site's time zone, and the encoding that soc.yaml gives the source (None: none of it)."""
    return Context(timezone=site.config.site.zone, encoding=getattr(source, "encoding", "utf-8"))


def intakes(site: Site, journal: Journal, count: Callable[[Taken], None]) -> list[Intake]:
    """One intake for each source of soc.yaml, going on where the journal says it was. Raises: SourceError."""
    marks = journal.marks()
    add_assets = enricher(site)
    made = []
    for source in site.config.sources:
        parser = ChoosingParser(source.format, context_of(site, source))
        made.append(Intake(open_source(source, marks, parser.continues()), parser, add_assets, journal, count))
    return made
