"""Files of threat intelligence in, the site's set of indicators out, with a ledger fact for every change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from collectors.enrich.intel.indicator import Indicator
from collectors.enrich.intel.matching import IndicatorMatcher
from collectors.enrich.intel.reading import Defaults, read_file
from collectors.enrich.intel.store import IndicatorStore, Merged
from collectors.enrich.intel.told import IndicatorError, Told
from collectors.enrich.intel.warning import WarningLists, read_lists
from iso27001.ledger import Fact
from soc.app.site import Site

IMPORTED = "intel.imported"
REMOVED = "intel.removed"

_NOT_INDICATORS = ("manifest.json", "hashes.csv")
"""Files of a MISP feed that only list the others."""
_SUFFIXES = (".json", ".csv", ".txt", ".stix")


def indicator_store(site: Site) -> IndicatorStore:
    """The site's set."""
    return IndicatorStore(site.config.data / "intel" / "indicators.db")


def warning_lists(site: Site) -> WarningLists:
    """The site's lists of what is harmless. Raises: IndicatorError with every fault in them."""
    return read_lists(site.config.enrich.warning_lists)


def matcher(site: Site, *, early: bool = False) -> IndicatorMatcher:
    """What finds the site's indicators in events; `early` as IndicatorMatcher takes it. Raises: IndicatorError."""
    return IndicatorMatcher(indicator_store(site), site.config.enrich.warning_lists, early=early)


@dataclass(frozen=True, slots=True)
class Import:
    """What an import did. `written`: whether the set is now another. `warned`: of its indicators, those that a warning list keeps from
    matching."""

    feed: str
    files: Sequence[Path]
    merged: Merged
    told: Told
    warned: int
    written: bool


def import_feed(
    site: Site,
    paths: Sequence[Path],
    feed: str,
    defaults: Defaults,
    actor: str,
    *,
    replace: bool = False,
    without_faulty: bool = False,
    dry_run: bool = False,
) -> Import:
    """Merge files (of a folder: all of them) into the set as what this feed says now; nothing is written where there is a fault, unless
    `without_faulty`. Raises: IndicatorError.
    """
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise IndicatorError(f"no file of indicators ({', '.join(_SUFFIXES)}) in {', '.join(map(str, paths))}")
    told, lists, warned = Told(), warning_lists(site), 0

    def indicators() -> Iterator[Indicator]:
        nonlocal warned
        for file in files:
            for indicator in read_file(file, told, defaults):
                warned += len(lists) > 0 and bool(lists.names(indicator.kind, indicator.value))
                yield indicator

    now, store = site.clock(), indicator_store(site)

    def wanted() -> bool:
        return not dry_run and (without_faulty or not told.faulty)

    merged = store.merge(indicators(), feed, now, replace=replace, wanted=wanted)
    written = wanted()
    if written:
        body = {
            "feed": feed,
            "files": [{"name": file.name, "sha256": _sha256(file)} for file in files],
            "replace": replace,
            **msgspec.to_builtins(merged),
            "faulty": told.faulty,
            "skipped": dict(told.skipped),
        }
        site.ledger.append([Fact(f"{IMPORTED}:{feed}:{now.isoformat()}", IMPORTED, now, actor, body)])
    return Import(feed, files, merged, told, warned, written)


def remove(site: Site, actor: str, *, feed: str = "", whole: bool = False, dry_run: bool = False) -> Merged:
    """Take out what no longer counts at this time (of one feed, or of all); a `whole` feed whatever its time. Raises: IndicatorError."""
    now = site.clock()
    merged = indicator_store(site).remove(feed=feed, ended_by=None if whole else now, dry_run=dry_run)
    if merged.removed and not dry_run:
        body = {"feed": feed, "whole": whole, "removed": merged.removed, "total": merged.total}
        site.ledger.append([Fact(f"{REMOVED}:{feed}:{now.isoformat()}", REMOVED, now, actor, body)])
    return merged


def feeds_read(site: Site) -> dict[str, datetime]:
    """When each feed that the site has was last read, by the ledger."""
    found: dict[str, datetime] = {}
    for entry in site.ledger.entries(kinds=[IMPORTED, REMOVED]):
        fact = entry.fact
        if fact.kind == IMPORTED:
            found[fact.body["feed"]] = fact.time
        elif fact.body["whole"]:
            found.pop(fact.body["feed"], None)
    return found


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = (each for each in sorted(path.iterdir()) if each.is_file() and each.suffix in _SUFFIXES)
        yield from (each for each in found if each.name not in _NOT_INDICATORS)
    else:
        yield path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
