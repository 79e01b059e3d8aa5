"""`soc sources tap`: live, what a source sends and how it parses."""

from __future__ import annotations

import json
import threading
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import config_option, json_option, local, open_site, print_json
from soc.cli.sources.test import outcome_row

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from collectors.event import Event
    from collectors.record import DeadLetter

_RAW = 300


@click.command()
@click.argument("source")
@click.option("--count", type=click.IntRange(1), default=None, help="Stop after so many records.")
@config_option
@json_option
def command(source: str, count: int | None, config_path: Path, as_json: bool) -> None:
    """Show what SOURCE sends from now on and how it parses, until Ctrl-C: of the journal, or heard here where soc run is not at work.

    What it hears itself is shown and not kept. Sources whose senders are told what is safe (RELP, HTTP) are only followed in the journal.
    """
    from soc.app.tapping import listens_itself, tap

    with open_site(config_path) as site:
        if listens_itself(site):
            click.echo("soc run is not at work: listening here; what comes is shown and not kept", err=True)
        for outcome in islice(tap(site, source, threading.Event()), count):
            if as_json:
                print_json(outcome_row(outcome))
            else:
                click.echo(_line(outcome, site.config.site.zone))


def _line(outcome: Event | DeadLetter, zone: ZoneInfo) -> str:
    """One line: what came is shown by name, never obeyed by the terminal."""
    from collectors.event import Event
    from soc.display import sanitise

    if not isinstance(outcome, Event):
        raw = outcome.record.data[:_RAW].decode("utf-8", "backslashreplace")
        return sanitise(f"{local(outcome.record.received, zone)}  REFUSED  {outcome.reason}: {raw}")
    said = {name: value for name, value in outcome.fields.items() if name not in ("event.dataset", "message")}
    pairs = " ".join(f"{name}={_shown(value)}" for name, value in sorted(said.items()))
    text = str(outcome.fields.get("message", ""))[:_RAW]
    return sanitise(f"{local(outcome.time, zone)}  {outcome.fields.get('event.dataset')}  {pairs}  {text}".rstrip())


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return json.dumps(text, ensure_ascii=False) if " " in text else text
