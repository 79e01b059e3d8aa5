"""What works with and without a site: its rules, inventory and zone where there is a soc.yaml, defaults where rules are named."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from collectors.enrich import enrich
from collectors.event import Event, Value
from collectors.parse import Context
from soc.app.clock import now
from soc.app.intel import matcher
from soc.app.memory import settle
from soc.app.scan import Scan, Shown
from soc.app.site import Site
from soc.config import Config
from soc.detect import Detection, Level
from soc.detect.correlation import Lateness
from soc.detect.ruleset import RuleSet
from soc.errors import SocError


def site_or_default(config_path: Path, rules: Sequence[Path]) -> Site:
    """The site of a soc.yaml; without one, where rules are named, one of defaults that keeps only its cache.

    Raises: SocError where there is neither, FaultsError.
    """
    if config_path.is_file():
        return Site.load(config_path)
    if not rules:
        raise SocError(
            f"{config_path}: no site here; name rules, or a site with --config FILE (`soc init DIR` makes one)"
        )
    return Site(Config(data=Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soc"), config_path)


def open_hunt(
    config_path: Path,
    rules: Sequence[Path],
    format_name: str,
    show: Callable[[Detection], Shown | None],
    memory_mb: int | None = None,
    *,
    reasons: bool = True,
    least: Level = Level.INFORMATIONAL,
) -> tuple[Scan[Shown], datetime]:
    """A scan that is ready, and the time that it takes for now. `memory_mb`: default: the site's. `reasons`: whether `show` reads why
    rules fired. `least`: `show` gets no lower level. Raises: SocError, FaultsError."""
    site = site_or_default(config_path, rules)
    known = _Known(site) if config_path.is_file() else None
    scan = Scan(
        RuleSet(site.content(rules), lateness=Lateness(None), reasons=reasons, least=least),
        Context(timezone=site.config.site.zone),
        known.enrich if known is not None else list,
        show,
        added=known.added if known is not None else (),
        strikes=known.strikes if known is not None and known.indicators.size else None,
        matched=known.indicators.matched if known is not None else None,
        format_name=format_name,
        memory_bytes=(memory_mb or site.config.detect.memory_mb) << 20,
    )
    settle()
    return scan, now()


class _Known:
    """What a hunt through foreign evidence may know of the site: its systems and machines, and indicators, also those that came after."""

    def __init__(self, site: Site) -> None:
        """Raises: CollectorError."""
        self._assets = site.inventory.table()
        self.indicators = matcher(site, early=True)
        self.added = [*self._assets.criticality, *self._assets.machines.values()]
        """The texts that `enrich` adds to events without indicators."""

    def enrich(self, events: Sequence[Event]) -> list[Event]:
        return enrich(events, self._assets, self.indicators)

    def strikes(self, fields: Mapping[str, Value]) -> bool:
        """Whether there is an indicator in one of these fields, or in what is known of them."""
        added = self._assets.adds(fields, now())
        return bool(self.indicators.hits({**fields, **added} if added else fields))
