"""Formats are found by name, and a name loads no more than its own module; a site's own stand beside ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import collectors.parse
from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import formats, known_format, parse
from collectors.parse.described import Described, describe
from collectors.parse.registry import DESCRIPTIONS, format_named, messages, read_message, use
from tests.collectors.parse.golden import CONTEXT, record

ROOM = Path(collectors.parse.__file__).parent
DOORS = {
    "title": "card readers of the data hall",
    "about": "our own notes",
    "dataset": "doors.log",
    "patterns": [{"match": r"door (?P<door>\d+) (?P<what>open|shut)"}],
    "fields": {"door": "doors.number", "what": "event.action"},
    "samples": [{"line": "door 4 open", "fields": {"doors.number": "4", "event.action": "open"}}],
}


def described(name: str, **more: object) -> Described:
    found, wrong = describe(name, DOORS | more)
    assert found is not None, wrong
    return found


@pytest.fixture
def site() -> Iterator[None]:
    use(lambda: (described("doors"), described("gates", behind={"programs": ["gated"]})))
    yield
    use(tuple)


@pytest.mark.parametrize("name", sorted(formats()))
def test_a_format_is_found_by_its_name_alone(name: str) -> None:
    assert known_format(name) is formats()[name]


def test_no_two_have_one_name() -> None:
    described = {path.stem.replace("-", "_") for path in DESCRIPTIONS.glob("*.yml")}
    in_python = {path.stem for folder in ("parsers", "messages") for path in (ROOM / folder).glob("[!_]*.py")}
    assert described
    assert not in_python & described


@pytest.mark.parametrize(
    ("name", "own"), [("windows-json", {"windows_json"}), ("json", {"json_lines"}), ("xferlog", set())]
)
def test_a_name_loads_its_own_module_only(name: str, own: set[str]) -> None:
    code = (
        f"import sys; from collectors.parse import known_format; assert known_format({name!r})\n"
        "print(*[m for m in sys.modules if m.startswith(('collectors.parse.parsers.', 'collectors.parse.messages.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {module.rpartition(".")[2] for module in done.stdout.split()} == own


def test_there_is_no_format_of_another_name() -> None:
    assert known_format("jsn") is None
    assert known_format("proftpd") is None, "what stands behind a syslog header is no format of records"
    with pytest.raises(ParseError, match='did you mean "json"'):
        format_named("jsn")


@pytest.mark.usefixtures("site")
def test_the_formats_of_a_site_stand_beside_ours() -> None:
    assert formats()["doors"] is known_format("doors")
    assert parse(record(b"door 4 open"), "doors", CONTEXT).fields["doors.number"] == "4"
    fields: dict[str, Value] = {}
    read_message("gated", "door 7 shut", fields)
    assert fields == {"event.dataset": "doors.log", "doors.number": "7", "event.action": "shut"}


def test_those_of_the_site_before_are_forgotten() -> None:
    use(lambda: (described("doors"),))
    assert "doors" in formats()
    use(tuple)
    assert "doors" not in formats()
    assert known_format("doors") is None
    assert all(each.gives.dataset != "doors.log" for each in messages())
