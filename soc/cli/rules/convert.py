"""`soc rules convert`: the rules as Elasticsearch queries."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, paths_argument, print_json, print_text
from soc.errors import EXIT_FINDINGS


@click.command()
@paths_argument
@click.option(
    "--target",
    type=click.Choice(["lucene", "eql", "esql"]),
    default="lucene",
    show_default=True,
    help="Query language.",
)
@config_option
@json_option
def command(paths: tuple[Path, ...], target: str, config_path: Path, as_json: bool) -> int:
    """The rules as Elasticsearch queries (by sigma-cli), over the field names that our events have. Exit code 1 where a rule has none."""
    import msgspec

    from soc.app.hunting import site_or_default
    from soc.detect.sigma.convert import convert as converted

    site = site_or_default(config_path, paths)
    queries = list(converted(list(paths or site.config.rules), target))
    for query in queries:
        if as_json:
            print_json(msgspec.to_builtins(query))
        elif query.problem:
            click.echo(f"{query.title}: {query.problem}", err=True)
        else:
            inexact = "".join(f"\n# inexact: {reason}" for reason in query.inexact)
            print_text(f"# {query.title} ({query.rule_id}){inexact}\n{query.query}")
    return EXIT_FINDINGS if any(query.problem for query in queries) else 0
