"""`soc scan PATH...`: hunt offline in event files and logs."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._found import OUTPUTS, hunt_options, progress, tell, writer
from soc.cli._shared import config_option
from soc.errors import EXIT_FINDINGS, EXIT_OK, SocError


@click.command(short_help="Hunt offline in event files and logs.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, readable=False))
@hunt_options
@click.option(
    "--log-format", default="auto", show_default=True, help="Format of the text logs (`soc check` lists them)."
)
@click.option(
    "--memory",
    "memory_mb",
    type=click.IntRange(min=128),
    metavar="MB",
    help="Memory that all processes may take together (default: soc.yaml's detect.memory_mb, 512).",
)
@config_option
def command(
    paths: tuple[Path, ...],
    rule_folders: tuple[Path, ...],
    output_format: str,
    as_json: bool,
    output: Path | None,
    log_format: str,
    level: str,
    jobs: int | None,
    memory_mb: int | None,
    config_path: Path,
) -> int:
    """Hunt in EVTX files, JSON lines and text logs, with the same engine as `soc run`, and the site's indicators (`soc intel`).

    Events that hold an indicator are counted on standard error, also where no rule shows them (those of rules/intel do); the start of its
    validity does not count. Exit code 1 where something was found, 2 where not one event could be read. Files that cannot be read and
    records that cannot be parsed are counted and named on standard error; the rest goes on.
    """
    from soc.app.hunting import open_hunt
    from soc.app.scan import files_under, total_bytes
    from soc.app.scan_jobs import hunt
    from soc.detect import Level

    output_format = "json" if as_json else output_format
    show, write = OUTPUTS[output_format]
    reasons = output_format == "json"
    least = Level(level)
    scan, now = open_hunt(config_path, rule_folders, log_format, show, memory_mb, reasons=reasons, least=least)
    files = files_under(paths)
    total = total_bytes(files)
    with progress(total) as read, writer(output) as stream:
        count = write(hunt(scan, files, now, read, total, jobs), stream, scan.zone)
    tell(scan.summary, output)
    if scan.summary.files and not scan.summary.events:
        raise SocError("no event could be read, so nothing was looked at")
    return EXIT_FINDINGS if count or scan.summary.matched else EXIT_OK
