"""`soc iso recompute`: a line of a report, computed again from what it rests on."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text
from soc.errors import EXIT_FINDINGS


@click.command()
@click.argument("line")
@config_option
@json_option
def command(line: str, config_path: Path, as_json: bool) -> int:
    """Compute LINE again: the number of a ledger entry as a report prints it, a measure, or the id of evidence or of a detection.

    The chain is shown step by step, back to the raw bytes and forward to the controls. Exit code 1 where another answer came out.
    """
    from soc.app.recomputing import recompute

    with open_site(config_path) as site:
        found = recompute(site, line)
        told = {True: "the same", False: "not the same", None: "cannot be computed again in whole"}[found.same]
        if as_json:
            entry, same = found.entry, found.same
            print_json(
                {
                    "entry": entry.seq,
                    "kind": entry.fact.kind,
                    "same": same,
                    "controls": list(found.controls),
                    "chain": found.lines,
                }
            )
        else:
            for step in found.lines:
                print_text(step)
            print_text(f"controls: {', '.join(found.controls) or 'none'}")
            print_text(f"computed again: {told}")
        return EXIT_FINDINGS if found.same is False else 0
