"""What `soc scan` needs: the site's rules, inventory and time zone where there is a soc.yaml, and defaults where only rules are named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from collectors.event import Event
from collectors.parse import Context
from soc.app.clock import now
from soc.app.intakes import enricher
from soc.app.scan import Scan
from soc.app.site import Site
from soc.config import Config, load
from soc.errors import SocError


def open_hunt(config_path: Path, rule_folders: Sequence[Path], format_name: str) -> tuple[Scan, datetime]:
    """A scan that is ready, and the time that it takes for now. Raises: SocError, FaultsError."""
    if config_path.is_file():
        site = Site(load(config_path), config_path)
        enrich = enricher(site)
    elif rule_folders:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soc"
        site = Site(Config(data=cache), config_path)
        enrich = _unchanged
    else:
        raise SocError(
            f"{config_path}: no site here; name rules with --rules DIR, or a site with --config FILE (`soc init DIR` makes one)"
        )
    return Scan(
        [site.rules(rule_folders)], Context(timezone=site.config.site.zone), enrich, format_name=format_name
    ), now()


def _unchanged(events: Sequence[Event]) -> list[Event]:
    return list(events)
