"""`soc deadletters list`: records that could not become events, kept whole with the reason."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._group import Group
from soc.cli._shared import config_option, json_option, open_site, show

SHOWN_BYTES = 200


@click.group(cls=Group, short_help="Records that could not be parsed, with the reason.")
def command() -> None:
    """Records that could not become events: kept whole, counted, never dropped."""


@command.command("list")
@click.option("--source", default="", help="Only of this source.")
@click.option("--limit", default=100, show_default=True, help="At most so many, the newest.")
@config_option
@json_option
def list_dead_letters(source: str, limit: int, config_path: Path, as_json: bool) -> None:
    """Dead letters, newest last: when, whence, why, and the record; --json gives its bytes whole."""
    with open_site(config_path) as site:
        journal = site.journal_reader
        found, offset = [], journal.dead_start()
        while offset < journal.dead_end():
            letters, offset = journal.dead_letters(offset, 1_000)
            found += [letter for letter in letters if not source or letter.record.source == source]
            found = found[-limit:]
        rows = [
            {
                "received": letter.record.received,
                "source": letter.record.source,
                "place": f"{letter.record.position.path}:{letter.record.position.index}",
                "format": letter.format,
                "reason": letter.reason,
                "record": _shown(letter.record.data, whole=as_json),
            }
            for letter in found
        ]
        show(rows, ["received", "source", "place", "reason", "record"], as_json=as_json, empty="no dead letters")


def _shown(data: bytes, *, whole: bool) -> str:
    """The record as text; bytes that are not UTF-8 stand as \\xNN."""
    return (data if whole else data[:SHOWN_BYTES]).decode("utf-8", "backslashreplace")
