"""`soc iso anchor`: the signed head to where nobody of this machine can take it back."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """Sign the ledger, bring all heads to every anchor file, and have the time stamping authority stamp the last (for a timer, daily)."""
    from iso27001.ledger.anchor import write_anchor
    from soc.app.accounting import sign
    from soc.app.anchoring import anchor_files, stamp

    with open_site(config_path) as site:
        sign(site)
        heads = site.ledger.heads()
        written = {str(path): write_anchor(heads, path) for path in anchor_files(site)}
        stamped = str(stamp(site, heads[-1])) if site.config.iso.authority and heads else None
        if as_json:
            print_json({"heads": len(heads), "written": written, "stamped": stamped})
            return
        for path, count in written.items():
            print_text(f"{path}: {count} new of {len(heads)} heads")
        if stamped:
            print_text(f"stamped: {stamped}")
