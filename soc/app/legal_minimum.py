"""A site in, out how long it keeps events; a period that is shorter than the law demands is refused at its place in soc.yaml.

What the law demands of a level, by date, is iso27001.legal's. An event of no known system may be of any: it is kept as long as any level
here demands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from iso27001.legal import VIETNAM, LogRetention, log_retention
from soc.app.keeping import Keeping
from soc.app.site import Site
from soc.errors import Fault, FaultsError
from soc.yaml_file import nearest, read_one

_LEVEL = re.compile(r"level_[1-5]")


def keeping(site: Site) -> Keeping:
    """What is kept how long by the site's soc.yaml. Raises: FaultsError for a shorter period than today's law demands, at its place."""
    found = Keeping(site.config.store, site.inventory)
    faults = list(_faults(site, found, site.clock().astimezone(VIETNAM).date()))
    if faults:
        raise FaultsError(faults)
    return found


def _faults(site: Site, found: Keeping, day: date) -> Iterator[Fault]:
    document = read_one(site.path)
    demanded: dict[str, tuple[LogRetention, list[str]]] = {}
    for asset in found.inventory.assets:
        law = log_retention(asset.level, day)
        if law is None:
            continue
        for key in {found.key(asset.id), ""}:  # an event that names no system may be about this one
            worst, systems = demanded.get(key, (law, []))
            demanded[key] = (max(worst, law, key=lambda each: each.least), [*systems, asset.id])
    for key, (law, systems) in sorted(demanded.items()):
        kept = found.config.retention_of.get(key, found.config.retention)
        if kept < law.least:
            place = ("store", "retention_of", key) if key else ("store", "retention")
            shown = ", ".join(systems[:3]) + (f" and {len(systems) - 3} more" if len(systems) > 3 else "")
            yield document.fault(
                place,
                f"{kept.days}d is less than the {law.least.days}d that {law.regime} demands of level {law.level}: {shown}",
            )
    known = [asset.id for asset in found.inventory.assets]
    for key in found.config.retention_of:
        if key not in known and not _LEVEL.fullmatch(key):
            levels = [f"level_{level}" for level in range(1, 6)]
            message = f'"{key}" is neither a system of the inventory nor a level{nearest(key, [*known, *levels])}'
            yield document.fault(("store", "retention_of", key), message, on_key=True)
