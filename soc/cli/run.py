"""`soc run`: listen and follow until stopped."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from soc.cli._shared import config_option, open_site
from soc.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, SocError

LOOK_S = 0.1
"""Between two looks whether to stop."""


@click.command(short_help="Collect, detect and index until stopped.")
@click.option("--until-read", is_flag=True, help="Stop when every source has ended (files that are read once).")
@config_option
def command(until_read: bool, config_path: Path) -> int:
    """Collect, detect and index until stopped; what was taken over is finished first. Exit code 130 after Ctrl-C, 0 after SIGTERM.

    Rule folders are watched: a set without a fault replaces the one that runs, between two batches. SIGHUP loads them at once.
    """
    from soc.app.logs import to_stderr
    from soc.app.run import Running

    to_stderr()
    with open_site(config_path) as site:
        if not site.config.sources:
            raise SocError(f"{config_path}: there are no sources; name the logs to follow and the ports to listen on")
        running = Running(site)
        told: list[int] = []  # no Event: its lock may be held where the signal comes in, by the wait that it would end
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: told.append(number))
        signal.signal(signal.SIGHUP, lambda _number, _frame: running.reload())
        with running:
            click.echo(
                f"{site.config.site.name}: {len(site.config.sources)} sources, {running.rules} rules and models",
                err=True,
            )
            if running.metrics_port:
                click.echo(f"metrics on port {running.metrics_port}; stop with Ctrl-C", err=True)
            while not told and not running.broken.wait(LOOK_S) and not (until_read and running.finished()):
                pass
        click.echo(running.summary(), err=True)
        for failure in running.failures():
            click.echo(f"soc: {failure}", err=True)
        if signal.SIGINT in told:
            return EXIT_INTERRUPTED
        return EXIT_USAGE if running.failures() else EXIT_OK
