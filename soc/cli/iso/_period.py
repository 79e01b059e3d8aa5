"""The period that `soc iso` looks at: --since and --until as options, and as two moments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from soc.cli._shared import local
from soc.errors import SocError

if TYPE_CHECKING:
    from soc.app.site import Site

DEFAULT_PERIOD = timedelta(days=90)

since_option = click.option(
    "--since", type=click.DateTime(), help="Start of the period, site time (default: 90 days ago)."
)
until_option = click.option("--until", type=click.DateTime(), help="End of the period, site time (default: now).")


def period(site: Site, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """The moments of the two options. Raises: SocError."""
    zone = site.config.site.zone
    end = until.replace(tzinfo=zone) if until else site.clock()
    start = since.replace(tzinfo=zone) if since else end - DEFAULT_PERIOD
    if start >= end:
        raise SocError(f"the period ends ({local(end, zone)}) before it begins ({local(start, zone)})")
    return start, end
