"""What `soc check` looks at: each room of the site, tried as `soc run` would use it, but without listening or writing events."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from soc.app.intel import matcher
from soc.app.legal_minimum import keeping
from soc.app.site import Site
from soc.app.source_checks import check_sources
from soc.detect.tuning import expired
from soc.display import counted
from soc.errors import SocError


def checks(site: Site) -> Iterator[tuple[str, Callable[[], str]]]:
    """Name and check; a check gives what it found in words, or raises SocError."""
    yield "inventory", lambda: counted(len(site.inventory.assets), "system")
    yield "rules", lambda: _rules(site)
    yield "playbooks", lambda: counted(len(site.playbooks), "playbook")
    yield "enrichment", lambda: _enrichment(site)
    yield "sources", lambda: _sources(site)
    yield "store", lambda: _store(site)
    yield "iso", lambda: _iso(site)


def _rules(site: Site) -> str:
    content = site.content()
    ruleset = site.rule_set(content)
    told = [*expired(content, site.clock()), *ruleset.warnings]
    warnings = "".join(f"\n  warning: {warning}" for warning in told[:20])
    return f"{counted(len(ruleset), 'rule')}, {counted(len(told), 'warning')}{warnings}"


def _enrichment(site: Site) -> str:
    config, found = site.config.enrich, []
    if config.identities:
        from collectors.enrich.identity_files import read_identities

        found.append(counted(len(read_identities(config.identities)), "person", "people"))
    if config.geoip:
        from collectors.enrich.geo import GeoTable

        GeoTable(config.geoip)
        found.append(counted(len(config.geoip), "file of addresses", "files of addresses"))
    return ", ".join([*found, counted(matcher(site).size, "indicator")])


def _sources(site: Site) -> str:
    checked = list(check_sources(site))
    if faults := [f"{each.source.id}: {fault}" for each in checked for fault in each.faults]:
        raise SocError("; ".join(faults))
    warnings = "".join(f"\n  warning: {each.source.id}: {warning}" for each in checked for warning in each.warnings)
    return (
        f"{counted(len(checked), 'source')}{warnings}"
        if checked
        else "no sources yet: soc.yaml says where logs come from"
    )


def _store(site: Site) -> str:
    keeping(site)
    facts = counted(site.projections.applied(), "fact")
    return f"{site.config.store.kind.value}, {counted(site.events.count(), 'event')}, {facts} folded"


def _iso(site: Site) -> str:
    """The law that is read, the site's texts of the standard, and the draft of the statement of applicability."""
    from iso27001.applicability import read_statement
    from iso27001.catalogue import load
    from iso27001.catalogue.texts import read_texts
    from iso27001.errors import CatalogueError
    from iso27001.legal import rules
    from soc.app.tracking.statements import draft

    catalogue, found = load(), [counted(len(rules()), "legal deadline")]
    try:
        if site.config.iso.texts is not None:
            texts = len(read_texts(site.config.iso.texts, catalogue))
            found.append(counted(texts, "text of the standard", "texts of the standard"))
        if draft(site).is_file():
            found.append(f"{len(read_statement(draft(site), catalogue))} of {len(catalogue.controls)} controls stated")
    except CatalogueError as error:
        raise SocError(str(error)) from error
    return ", ".join(found)
