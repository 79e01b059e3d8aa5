"""Configured sources in, ready intakes out: the format, the context and the enrichment that soc.yaml and the inventory give each."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from collectors.choosing import ChoosingParser
from collectors.intake import Intake, Taken
from collectors.journal import JournalWriter
from collectors.parse import Context
from collectors.sources import SourceConfig, open_source
from soc.app.enrichment import Enricher
from soc.app.site import Site


def context_of(site: Site, source: SourceConfig | None) -> Context:
    """What the records of a source do not say: the time zone (else the site's) and encoding that soc.yaml gives it (None: none of it)."""
    zone = getattr(source, "timezone", "")
    return Context(
        timezone=ZoneInfo(zone) if zone else site.config.site.zone, encoding=getattr(source, "encoding", "utf-8")
    )


def intakes(site: Site, journal: JournalWriter, enrich: Enricher, count: Callable[[Taken], None]) -> list[Intake]:
    """One intake for each source of soc.yaml, going on where the journal says it was. Raises: SourceError."""
    marks = journal.marks()
    made = []
    for source in site.config.sources:
        parser = ChoosingParser(source.format, context_of(site, source))
        made.append(Intake(open_source(source, marks, parser.continues()), parser, enrich, journal, count))
    return made
