"""The documents speak of what is there: paths, tests, commands, settings and metrics that they name exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from bench.parse import NAMES, records_of
from collectors.parse import Context, known_format, parse_batch
from soc.cli import soc
from soc.metrics import Metrics

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def below(command: click.Command | None) -> dict[str, click.Command]:
    """The commands of a group, those that are found by folder too."""
    if not isinstance(command, click.Group):
        return {}
    context = click.Context(command)
    found = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return {name: each for name, each in found.items() if each is not None}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    linked = [target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    missing = [target for target in linked if target and not (document.parent / target).exists()]
    named = re.findall(r"`((?:tests|docs|bench|soc|collectors|iso27001|rules)/[\w/.-]+)(?:::(\w+))?`", text)
    missing += [path for path, _ in named if not (ROOT / path).exists()]
    missing += [
        f"{path}::{test}" for path, test in named if test and f"def {test}" not in (ROOT / path).read_text("utf-8")
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_documents_show_are_there(document: Path) -> None:
    shown = re.findall(r"^(?:\.venv/bin/)?soc ([a-z]+)(?: +([a-z-]+))?", document.read_text("utf-8"), re.MULTILINE)
    context = click.Context(soc)
    for name, sub in shown:
        command = soc.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group) and sub:
            assert sub in below(command), f"{name} {sub}"


def test_every_command_is_in_the_reference() -> None:
    reference = (ROOT / "docs" / "reference.md").read_text("utf-8")
    context = click.Context(soc)
    for name in soc.list_commands(context):
        command = soc.get_command(context, name)
        assert f"`soc {name}" in reference, name
        for sub, leaf in below(command).items():
            assert re.search(rf"\b{sub}\b", row_of(reference, name)), f"{name} {sub}"
            for third in below(leaf):
                assert re.search(rf"\b{third}\b", row_of(reference, f"{name} {sub}")), f"{name} {sub} {third}"


def row_of(reference: str, name: str) -> str:
    """The row of the table of commands that is of a group."""
    return next(line for line in reference.splitlines() if line.startswith(f"| `soc {name} "))


def test_every_parser_is_in_the_table_of_formats_with_what_it_costs() -> None:
    rows = re.findall(
        r"^\| (\S+) \| (.+) \| `(\S+)` \| \d+ \| [\d,]+ \|$",
        (ROOT / "docs" / "formats.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert {name for name, *_ in rows} == set(NAMES)
    assert [form for _, _, form in rows if known_format(form) is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_measured_of_a_parser_is_read_by_it(name: str) -> None:
    records, form = records_of(name, 60)
    events, dead = parse_batch(records, form, Context())
    assert [letter.reason for letter in dead] == []
    assert len(events) == 60


def leaves(name: str, command: click.Command | None) -> dict[str, click.Command]:
    """The commands under one, by their whole names; itself where it is no group."""
    if not isinstance(command, click.Group):
        return {} if command is None else {name: command}
    return {
        title: leaf for sub, each in below(command).items() for title, leaf in leaves(f"{name} {sub}", each).items()
    }


def test_every_command_that_prints_data_takes_json() -> None:
    """Those that only confirm, write a file or own the terminal are named here."""
    no_data = {
        *(
            "run",
            "tui",
            "init",
            "iso measures run",
            "iso measures record",
            "iso report",
            "playbook approve",
            "playbook confirm",
        ),
    }
    context = click.Context(soc)
    without = set()
    for name in soc.list_commands(context):
        command = soc.get_command(context, name)
        without |= {
            title
            for title, leaf in leaves(name, command).items()
            if "--json" not in [o for p in leaf.params for o in p.opts]
        }
    assert without == no_data


def served() -> set[str]:
    """The names of metrics that /metrics shows."""
    families = list(Metrics().registry.collect())
    names = {sample.name for family in families for sample in family.samples}
    names |= {
        family.name for family in families if family.type == "gauge"
    }  # of one by source: also before there is any
    return names | {f"{family.name}_total" for family in families if family.type == "counter"}


def test_every_metric_is_in_the_reference() -> None:
    reference = (ROOT / "docs" / "reference.md").read_text("utf-8")
    names = served()
    assert {name for name in names if not name.endswith("_created") and name not in reference} == set()


def test_alerts_of_prometheus_ask_for_metrics_that_are_served() -> None:
    groups = yaml.safe_load((ROOT / "docs" / "operations" / "soc.rules.yml").read_text("utf-8"))["groups"]
    asked = {name for group in groups for rule in group["rules"] for name in re.findall(r"soc_\w+", rule["expr"])}
    assert asked
    assert asked - served() == set()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    unit = tmp_path / "soc.service"
    text = (ROOT / "docs" / "operations" / "soc.service").read_text("utf-8")
    unit.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", text))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], check=False, capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if "soc.service" in line] == []
