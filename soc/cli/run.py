"""`soc run`: listen and follow until stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, open_site
from soc.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, SocError

if TYPE_CHECKING:
    from soc.app.run import Running
    from soc.app.site import Site
    from soc.app.stages.role import Role

ROLES = ("collect", "detect", "index")

LOOK_S = 0.1
"""Between two looks whether to stop."""


@contextmanager
def _handled(told: list[int], reload: Callable[[], object]) -> Iterator[None]:
    """Signals are noted meanwhile; afterwards they mean what they meant before."""
    handlers: dict[int, Any] = dict.fromkeys(
        (signal.SIGINT, signal.SIGTERM), lambda number, _frame: told.append(number)
    )
    handlers[signal.SIGHUP] = lambda _number, _frame: reload()
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command(short_help="Collect, detect and index until stopped.")
@click.option("--until-read", is_flag=True, help="Stop when every source has ended (files that are read once).")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    help="Do one part of it; for a journal on Kafka, with other processes for the rest.",
)
@config_option
def command(until_read: bool, role: str | None, config_path: Path) -> int:
    """Collect, detect and index until stopped; what was taken over is finished first. Exit code 130 after Ctrl-C, 0 after SIGTERM.

    Rule folders are watched: a set without a fault replaces the one that runs, between two batches. SIGHUP loads them at once.

    With --role on any number of machines: one process collects, one indexes and decides, any number detect and share the work.
    """
    from soc.app.logs import to_stderr

    to_stderr()
    with open_site(config_path) as site:
        if not site.config.sources and role in (None, "collect"):
            raise SocError(f"{config_path}: there are no sources; name the logs to follow and the ports to listen on")
        if until_read and role in ("detect", "index"):
            raise click.UsageError("--until-read is for what collects")
        running = _running(site, role)
        told: list[int] = []  # no Event: its lock may be held where the signal comes in, by the wait that it would end
        with _handled(told, running.reload), running:
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


def _running(site: Site, role: str | None) -> Running | Role:
    """What runs, built. Raises: SocError, FaultsError, CollectorError."""
    if role is None:
        from soc.app.run import Running

        return Running(site)
    if site.config.journal.kind != "kafka":
        raise SocError("--role needs a journal that several machines can read: journal: {kind: kafka, ...}")
    from soc.app.stages.messages import topics_of

    topics = topics_of(site.config.journal)
    if role == "collect":
        from soc.app.stages.collect import Collect

        return Collect(site, topics)
    if role == "detect":
        from soc.app.stages.detect import Detect

        return Detect(site, topics)
    from soc.app.stages.index import Index

    return Index(site, topics)
