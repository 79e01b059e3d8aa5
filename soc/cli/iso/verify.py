"""`soc iso verify`: the ledger, the raw events behind every detection and the sealed segments, checked anew."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text
from soc.errors import EXIT_FINDINGS


@click.command()
@click.option("--events/--no-events", default=True, help="Also hash the raw events behind every detection anew.")
@config_option
@json_option
def command(events: bool, config_path: Path, as_json: bool) -> int:
    """Check the ledger's tree, heads, signatures and anchor, the raw events behind every detection, and the sealed segments of the store.

    Exit code 1 where something is wrong.
    """
    from soc.app.assurance import check_ledger, check_raw_events
    from soc.app.sealing import altered

    with open_site(config_path) as site:
        verdict = check_ledger(site)
        checked, wrong = check_raw_events(site) if events else (0, [])
        sealed, changed = altered(site) if events else (0, [])
        if as_json:
            print_json(
                {
                    "sound": verdict.sound,
                    "integrity": verdict.integrity.value,
                    "completeness": verdict.completeness.value,
                    "entries": verdict.size,
                    "root": verdict.root.hex(),
                    "signed": verdict.signed,
                    "anchored": verdict.anchored,
                    "heads": verdict.heads,
                    "key": verdict.key,
                    "faults": [{"kind": f.kind.value, "text": f.text, "seq": f.seq} for f in verdict.faults],
                    "events_checked": checked,
                    "events_wrong": wrong,
                    "segments_checked": sealed,
                    "segments_wrong": changed,
                }
            )
        else:
            for line in verdict.lines():
                print_text(line)
            if events:
                click.echo(f"raw events behind detections: {checked} hashed anew, {len(wrong)} wrong")
                click.echo(f"sealed segments of the event store: {sealed} hashed anew, {len(changed)} files wrong")
            for line in (*wrong[:50], *changed[:50]):
                print_text(f"  {line}")
        return 0 if verdict.sound and not (wrong or changed) else EXIT_FINDINGS
