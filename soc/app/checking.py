"""What `soc check` looks at: each room of the site, tried as `soc run` would use it, but without listening or writing events."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from pathlib import Path

from collectors.parse import formats
from collectors.sources import EvtxConfig, FileConfig, SourceConfig
from soc.app.intel import matcher
from soc.app.site import Site
from soc.config import Config
from soc.detect.tuning import expired
from soc.errors import SocError
from soc.yaml_file import nearest


def checks(site: Site) -> Iterator[tuple[str, Callable[[], str]]]:
    """Name and check; a check gives what it found in words, or raises SocError."""
    yield "inventory", lambda: f"{len(site.inventory.assets)} systems"
    yield "rules", lambda: _rules(site)
    yield "playbooks", lambda: f"{len(site.playbooks)} playbooks"
    yield "enrichment", lambda: _enrichment(site)
    yield "sources", lambda: _sources(site.config)
    yield "store", lambda: _store(site)


def _rules(site: Site) -> str:
    content = site.content()
    ruleset = site.rule_set(content)
    told = [*expired(content, site.clock()), *ruleset.warnings]
    warnings = "".join(f"\n  warning: {warning}" for warning in told[:20])
    return f"{len(ruleset)} rules, {len(told)} warnings{warnings}"


def _enrichment(site: Site) -> str:
    config, found = site.config.enrich, []
    if config.identities:
        from collectors.enrich.identity_files import read_identities

        found.append(f"{len(read_identities(config.identities)):,} people")
    if config.geoip:
        from collectors.enrich.geo import GeoTable

        GeoTable(config.geoip)
        found.append(f"{len(config.geoip)} files of addresses")
    return ", ".join([*found, f"{matcher(site).size:,} indicators"])


def _sources(config: Config) -> str:
    faults = [fault for source in config.sources for fault in _source(source)]
    if faults:
        raise SocError("; ".join(faults))
    return f"{len(config.sources)} sources" if config.sources else "no sources yet: soc.yaml says where logs come from"


def _source(source: SourceConfig) -> Iterator[str]:
    known = {"auto", *formats()}
    if source.format not in known:
        yield f'{source.id}: unknown format "{source.format}"{nearest(source.format, known)}'
    if isinstance(source, FileConfig | EvtxConfig):
        found = [Path(p) for p in glob.glob(source.path, recursive=True)]  # noqa: PTH207  a pattern as the source reads it
        if not found and isinstance(source, EvtxConfig):
            yield f"{source.id}: {source.path}: no such file"
        for path in found:
            try:
                path.open("rb").close()
            except OSError as error:
                yield f"{source.id}: {path}: {error.strerror}"


def _store(site: Site) -> str:
    return (
        f"{site.config.store.kind.value}, {site.events.count():,} events, {site.projections.applied():,} facts folded"
    )
