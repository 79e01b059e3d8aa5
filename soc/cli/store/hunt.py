"""`soc store hunt`: rules over the events that Elasticsearch holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, local, open_site, paths_argument, show
from soc.cli._span import span_of, span_options
from soc.errors import EXIT_FINDINGS, EXIT_OK


@click.command()
@paths_argument
@span_options
@config_option
@json_option
def command(
    paths: tuple[Path, ...],
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    config_path: Path,
    as_json: bool,
) -> int:
    """Hunt with rules (default: the site's) in what Elasticsearch holds of the span, by their converted queries; the engine decides on what
    these find. Correlations are left to `soc scan` and `soc run`. Exit code 1 where a rule fires.
    """
    from soc.app.store_care import elastic_store, hunt

    with open_site(config_path) as site:
        _, client = elastic_store(site)
        zone = site.config.site.zone
        rows = (
            {
                "time": local(detection.events[0].time, zone),
                "level": detection.rule.level,
                "rule": detection.rule.title,
                "rule_id": detection.rule.id,
                "event_id": detection.events[0].id,
                "matched": [f"{match.subject}={match.value}" for match in detection.matched],
            }
            for detection in hunt(site, client, paths, span_of(site, last, since, until))
        )
        count = show(rows, ["time", "level", "rule", "event_id"], as_json=as_json, empty="no rule fires")
    return EXIT_FINDINGS if count else EXIT_OK
