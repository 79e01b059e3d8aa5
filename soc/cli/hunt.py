"""`soc hunt`: rules over the site's stored events."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from soc.cli._found import OUTPUTS, hunt_options, progress, tell, writer
from soc.cli._shared import config_option, open_site
from soc.cli._span import span_of, span_options
from soc.errors import EXIT_FINDINGS, EXIT_OK, SocError


@click.command(short_help="Hunt with rules in the stored events.")
@hunt_options
@span_options
@config_option
def command(
    rule_folders: tuple[Path, ...],
    output_format: str,
    as_json: bool,
    output: Path | None,
    level: str,
    jobs: int | None,
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    config_path: Path,
) -> int:
    """Hunt in the stored events with any Sigma rules, correlations and filters too; the engine is that of `soc run`, no alert is opened.

    Exit code 1 where something was found, 2 where Elasticsearch refuses to be asked for a rule: such rules are named on standard error.
    """
    from soc.app.history_hunt import PACKED, open_history_hunt
    from soc.app.scan import total_bytes
    from soc.app.scan_jobs import hunt
    from soc.detect import Level

    output_format = "json" if as_json else output_format
    show, write = OUTPUTS[output_format]
    with open_site(config_path) as site:
        span = span_of(site, last, since, until)
        scan = open_history_hunt(site, rule_folders, span, show, reasons=output_format == "json", least=Level(level))
        total = total_bytes(scan.files)
        with progress(total) as read, writer(output) as stream:
            found = hunt(scan, scan.files, site.clock(), read, total * PACKED, jobs)
            count = write(found, stream, site.config.site.zone)
    tell(scan.summary, output)
    if scan.summary.left_out:
        raise SocError(f"rules that were not hunted: {len(scan.summary.left_out)}")
    return EXIT_FINDINGS if count else EXIT_OK
