"""`soc iso pack`: an evidence pack of a period, for somebody who has the public key and `soc-verify`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json, print_text
from soc.cli.iso._period import period, since_option, until_option
from soc.errors import EXIT_FINDINGS


@click.command()
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The ZIP to write.")
@click.option("--control", "controls", multiple=True, help="Of this control alone; may be given several times.")
@click.option(
    "--whole/--rests-on", default=True, help="Disclose all entries of the ledger, or those that the report rests on."
)
@since_option
@until_option
@actor_option
@config_option
@json_option
def command(
    output: Path,
    controls: tuple[str, ...],
    whole: bool,
    since: datetime | None,
    until: datetime | None,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> int:
    """Write an evidence pack: ledger, raw events and documents behind the evidence, time stamps, reports, under a signed manifest.

    What is not disclosed is there as a hash, so that the whole tree is checked all the same. That it was made is a fact of the ledger. Exit
    code 1 where a raw event or document that belongs in it is not there any more.
    """
    from soc.app.desk import actor_name
    from soc.app.packing import pack

    with open_site(config_path) as site:
        start, end = period(site, since, until)
        packed = pack(site, output, start, end, controls, actor_name(actor), everything=whole)
        made = packed.made
        if as_json:
            print_json(
                {
                    "pack": str(output),
                    "manifest": made.manifest,
                    "disclosed": made.disclosed,
                    "entries": made.size,
                    "files": made.files,
                    "root": made.head.root.hex(),
                    "missing": list(packed.missing),
                }
            )
        else:
            print_text(
                f"{output}: {made.disclosed} of {made.size} entries, {made.files} files, manifest {made.manifest}"
            )
            for line in packed.missing:
                print_text(f"missing: {line}")
            print_text(
                f"check it with: soc-verify {output} --key {site.public_key_path.name} --anchor your-copy-of-heads.txt"
            )
        return EXIT_FINDINGS if packed.missing else 0
