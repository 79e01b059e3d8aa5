"""`soc rules check|test|list|explain`: for who writes and tunes detections; the same loader and engine as `soc run`."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text, show
from soc.errors import EXIT_FINDINGS, EXIT_USAGE, FaultsError

paths_argument = click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))


@click.group()
def command() -> None:
    """Check, test, list and explain detection rules."""


@command.command("check")
@paths_argument
@config_option
@json_option
def check(paths: tuple[Path, ...], config_path: Path, as_json: bool) -> int:
    """Load every rule and name every fault: file:line:column, the line with a caret, the nearest valid name.

    PATHS: rules or folders (default: the site's). Exit code 2 where a rule cannot be loaded.
    """
    from soc.app.hunting import site_or_default

    try:
        ruleset = site_or_default(config_path, paths).rules(paths)
    except FaultsError as error:
        for fault in error.faults:
            if as_json:
                print_json({"path": fault.path, "line": fault.line, "column": fault.column, "message": fault.message})
            else:
                print_text(str(fault))
        click.echo(f"{len(error.faults)} faults", err=True)
        return EXIT_USAGE
    for warning in ruleset.warnings:
        if as_json:
            print_json({"warning": warning})
        else:
            print_text(f"warning: {warning}")
    click.echo(f"{len(ruleset)} rules load, {len(ruleset.warnings)} warnings", err=True)
    return 0


@command.command("test")
@paths_argument
@config_option
@json_option
def test(paths: tuple[Path, ...], config_path: Path, as_json: bool) -> int:
    """Run every rule's own lines (NAME.test.yml): those that must fire it and those that nearly do. Exit code 1 where one fails."""
    from soc.app.hunting import site_or_default
    from soc.detect import rule_tests

    site = site_or_default(config_path, paths)
    tests = rule_tests.discover(paths or site.config.rules)
    results = rule_tests.run(tests, site.rules(paths))
    failed = [result for result in results if result.fault is not None]
    for result in results if as_json else failed:
        fault = result.fault
        if as_json:
            print_json(
                {
                    "rule": result.test.rule_id,
                    "path": str(result.test.rule_path),
                    "kind": result.sample.kind.value if result.sample else "missing",
                    "number": result.sample.number if result.sample else None,
                    "passed": result.passed,
                    "fault": fault.message if fault else "",
                }
            )
        else:
            print_text(str(fault))
    click.echo(f"{len(tests)} rules, {len(results) - len(failed)} passed, {len(failed)} failed", err=True)
    return EXIT_FINDINGS if failed else 0


@command.command("convert")
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
def convert(paths: tuple[Path, ...], target: str, config_path: Path, as_json: bool) -> int:
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
            print_text(f"# {query.title} ({query.rule_id})\n{query.query}")
    return EXIT_FINDINGS if any(query.problem for query in queries) else 0


@command.command("list")
@click.option("--text", default="", help="Words that title, id or tags contain.")
@config_option
@json_option
def list_rules(text: str, config_path: Path, as_json: bool) -> None:
    """The rules of the site."""
    import msgspec

    with open_site(config_path) as site:
        words = text.casefold().split()
        rows = []
        for rule in site.rules().rules:
            about = f"{rule.title} {rule.id} {' '.join(rule.tags)} {rule.logsource}".casefold()
            if all(word in about for word in words):
                rows.append(msgspec.to_builtins(rule))
        show(rows, ["id", "level", "logsource", "title"], as_json=as_json, empty="no rule matches")


@command.command("explain")
@click.argument("rule_id")
@click.option("--alert", "alert_id", required=True, help="An alert whose events to explain the rule on.")
@config_option
@json_option
def explain(rule_id: str, alert_id: str, config_path: Path, as_json: bool) -> None:
    """Why a rule fires, or does not, on the events of an alert: every leaf with its verdict and the value."""
    from soc.app.desk import SiteDesk, actor_name
    from soc.app.explaining import explanations

    with open_site(config_path) as site:
        site.catch_up()
        alert = SiteDesk(site, actor_name()).alert(alert_id)
        for original, explanation in explanations(site, rule_id, alert):
            if as_json:
                print_json({"event.original": original, "fires": explanation.fires, "tree": explanation.tree})
                continue
            print_text(f"{original}\n{explanation}")
            click.echo()
