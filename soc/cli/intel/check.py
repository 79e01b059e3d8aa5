"""`soc intel check`: whether values are indicators, and would match an event of now."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, show
from soc.errors import EXIT_FINDINGS, EXIT_OK


@click.command()
@click.argument("values", nargs=-1, required=True)
@config_option
@json_option
def command(values: tuple[str, ...], config_path: Path, as_json: bool) -> int:
    """Ask for addresses, names, URLs, hashes or e-mail addresses, defanged or not. Exit code 1 where one would match an event now."""
    import msgspec

    from collectors.enrich.intel.indicator import kind_of, spelled
    from soc.app.intel import matcher

    rows, matching = [], False
    with open_site(config_path) as site:
        indicators, now = matcher(site), site.clock()
        for text in values:
            try:
                kind, value = spelled(kind_of(text), text)
            except ValueError as error:
                raise click.UsageError(str(error)) from error
            found = indicators.of_value(kind, value)
            for known in found:
                warned = indicators.warning(known.indicator.kind, known.indicator.value)
                valid = known.indicator.valid(now)
                matching = matching or (valid and not warned)
                verdict = f"no: on warning list {warned}" if warned else "yes" if valid else "no: not valid now"
                rows.append(
                    {
                        "asked": value,
                        "matches": verdict,
                        "indicator": known.indicator.value,
                        **msgspec.to_builtins(known.indicator),
                        "feed": known.feed,
                        "imported": known.imported,
                    }
                )
            if not found:
                rows.append({"asked": value, "matches": "no: not known", "kind": kind.value})
    show(rows, ["asked", "matches", "kind", "indicator", "feed", "confidence", "tlp", "name"], as_json=as_json)
    return EXIT_FINDINGS if matching else EXIT_OK
