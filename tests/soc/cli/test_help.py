"""What people are told before they know the commands: help that is whole, all that is missing at once, numbers with their nouns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from soc.__main__ import run
from soc.cli import soc
from soc.display import counted
from tests.soc.app.lived import lived, login
from tests.soc.app.sites import new_site


def groups(name: str, command: click.Command | None) -> Iterator[tuple[str, click.Group, click.Context]]:
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name, terminal_width=80, max_content_width=80)
        yield name, command, context
        for each in command.list_commands(context):
            yield from groups(f"{name} {each}", command.get_command(context, each))


def test_no_line_of_a_list_of_commands_is_cut() -> None:
    found = {name: command.get_help(context) for name, command, context in groups("soc", soc)}
    assert len(found) > 15
    cut = [f"{name}: {line}" for name, text in found.items() for line in text.splitlines()[1:] if line.endswith("...")]
    assert cut == []
    assert "Figures of the SOC and the hand-over of a shift, or of a month." in " ".join(found["soc"].split())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((), "missing: INCIDENT_ID, --audience (clear|green|amber|amber+strict|red), --to, --output"),
        (("I-1", "--to", "CERT"), "missing: --audience (clear|green|amber|amber+strict|red), --output"),
        (("I-1", "--to", "CERT", "--audience", "clear"), "Missing option '--output'"),
    ],
)
def test_all_that_is_missing_is_told_at_once(
    given: tuple[str, ...], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["incidents", "share", *given]) == 2
    assert told in capfd.readouterr().err


def test_one_of_a_kind_is_told_as_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert (counted(1, "window"), counted(0, "window"), counted(1_497, "fact")) == (
        "1 window",
        "0 windows",
        "1,497 facts",
    )
    assert counted(2, "person", "people") == "2 people"
    assert run(["check", "--config", str(new_site(tmp_path))]) == 0
    assert "playbooks: 1 playbook\n" in capfd.readouterr().out


def test_an_audit_looks_at_when_records_came_and_says_nothing_of_when_things_happened(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = str(lived(tmp_path, [login(1)]))  # of 2026-10-14, read now
    assert run(["search", "--last", "1h", "--config", config]) == 0
    assert "the newest event of a source happened on" in capfd.readouterr().err
    assert run(["sources", "audit", "--last", "1h", "--config", config]) == 0
    said = capfd.readouterr()
    assert "all adds up" in said.err
    assert "newest event" not in said.err
