"""What holds for everything that the registry finds: a new parser passes these by being there."""

from __future__ import annotations

import ast
import importlib
import json
from collections import defaultdict
from pathlib import Path

import pytest

import collectors.parse
from collectors.errors import ParseError
from collectors.event import ENVELOPE
from collectors.parse import Format, detect_format, formats, parse, parse_batch
from collectors.parse.ecs import ADDRESSES, FLAGS, INTEGERS, LISTS, TEXTS
from tests.collectors.parse.golden import CONTEXT, pairs, read, record, records

PAIRS = pairs()
ROOM = Path(collectors.parse.__file__).parent


@pytest.mark.parametrize("name", PAIRS)
def test_golden_lines_become_what_is_written_beside_them(name: str) -> None:
    form, path = PAIRS[name]
    expected = [json.loads(line) for line in path.with_suffix(".json").read_text().splitlines()]
    found = json.loads(json.dumps(read(form, path)))
    assert len(found) == len(expected)
    for line, (one, other) in enumerate(zip(found, expected, strict=True), 1):
        assert one == other, f"{path.name}: record {line}"


@pytest.mark.parametrize("name", formats())
def test_sniff_accepts_its_golden_lines_and_detection_names_the_format(name: str) -> None:
    form, path = PAIRS[name]
    sample = path.read_bytes()
    assert form.sniff(sample) >= 0.5
    assert detect_format(sample, str(path)) == name
    assert detect_format(sample[: len(sample) * 2 // 3], str(path)) == name, "also where the sample ends amid a line"
    assert detect_format(b"\xef\xbb\xbf" + sample, str(path)) == name, "also behind a byte order mark"


@pytest.mark.parametrize("stem", [path.stem for path in sorted((ROOM / "parsers").glob("[!_]*.py"))])
def test_a_module_holds_the_format_that_it_is_called_after_and_says_where_that_is_written_down(stem: str) -> None:
    module = importlib.import_module(f"collectors.parse.parsers.{stem}")
    form = module.FORMAT
    assert formats()[form.name] is form
    assert f"{stem}_".startswith(form.name.replace("-", "_") + "_"), "what is asked for by name is found by it"
    assert form.title
    assert "Source of truth" in (module.__doc__ or "") or form.name == "syslog"


def typed(value: object) -> str:
    """The type that a store gives a field: lists count as what they hold."""
    return f"{type(value[0]).__name__}" if isinstance(value, list) else type(value).__name__


def test_one_field_has_one_type_in_all_parsers() -> None:
    types: dict[str, dict[str, str]] = defaultdict(dict)
    for name, (form, path) in PAIRS.items():
        for each in read(form, path):
            fields = each["fields"]
            assert isinstance(fields, dict)
            for field, value in fields.items():
                types[field].setdefault(typed(value), name)
    assert {field: seen for field, seen in types.items() if len(seen) > 1} == {}
    for field, seen in types.items():
        (kind,) = seen
        if kind == "int":
            assert field in INTEGERS or field in {"disk.free", "checks.id", "_._"}, (
                f"{field} is a number that ecs.INTEGERS lacks"
            )
        elif kind == "bool":
            assert field in FLAGS or field == "checks.ok", f"{field} is a flag that ecs.FLAGS lacks"


def test_ecs_tables_do_not_overlap() -> None:
    tables = [INTEGERS, FLAGS, LISTS, ADDRESSES, TEXTS]
    assert sum(map(len, tables)) == len(frozenset().union(*tables))


@pytest.mark.parametrize("name", PAIRS)
def test_no_field_is_null_nested_empty_or_the_envelopes(name: str) -> None:
    form, path = PAIRS[name]
    for each in read(form, path):
        fields = each["fields"]
        assert isinstance(fields, dict)
        assert fields["event.dataset"]
        assert not ENVELOPE & fields.keys()
        for field, value in fields.items():
            assert all(field.split(".")), field
            assert isinstance(value, str | int | float | bool | list), field
            assert not isinstance(value, list) or all(isinstance(item, str | int) for item in value)


@pytest.mark.parametrize("name", formats())
def test_a_batch_is_events_and_dead_letters_in_order_and_nothing_is_lost(name: str) -> None:
    form, path = PAIRS[name]
    good = records(form, path)
    bad = [record(data, index=1000 + n) for n, data in enumerate((b"", b"\xff\xfe\x00", b"\0" * 9, b"?" * 70_000))]
    events, dead = parse_batch([bad[0], *good, *bad[1:]], name, CONTEXT)
    assert [event.position.index for event in events] == [each.position.index for each in good]
    assert [letter.record for letter in dead] == bad
    assert all(letter.format == name and 0 < len(letter.reason) < 400 for letter in dead)
    assert [event.raw for event in events] == [each.data for each in good]
    assert events == [parse(each, name, CONTEXT) for each in good]


def test_an_unknown_format_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ParseError, match='did you mean "rfc5424"'):
        parse(record(b"x"), "rfc5244", CONTEXT)


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\0\0", "NUL bytes"),
        (b"some prose\nof two lines\n", "fits none"),
        (b"\xff\xfe<\0E\0", "NUL"),
    ],
)
def test_a_file_of_no_format_is_refused_with_the_reason(sample: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=reason) as caught:
        detect_format(sample, "/var/log/strange")
    assert "/var/log/strange" in str(caught.value)


def test_an_evtx_file_is_detected_by_its_magic() -> None:
    assert detect_format(b"ElfFile\0" + bytes(120), "Security.evtx") == "windows-json"


def test_a_fault_in_a_parser_costs_its_record_and_says_so() -> None:
    def broken(*_: object) -> object:
        raise KeyError("month")

    form = Format("broken", "a parser with a fault", broken, lambda _: 0.0)  # type: ignore[arg-type]
    events, dead = parse_batch([record(b"x")], form, CONTEXT)
    assert not events
    assert dead[0].reason == "fault in parser broken: KeyError: 'month'"


@pytest.mark.parametrize("folder", ["parsers", "messages"])
def test_parsers_do_not_know_each_other(folder: str) -> None:
    for path in sorted(ROOM.joinpath(folder).glob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        known = {
            node.module
            for node in nodes
            if node.module and node.module.startswith(("collectors.parse.parsers", "collectors.parse.messages"))
        }
        assert known == ({"collectors.parse.parsers"} if path.stem in {"syslog", "json_pretty"} else set()), path


def test_golden_files_have_no_strangers() -> None:
    root = Path(PAIRS["json"][1]).parent
    assert set(root.rglob("*.log")) == {path for _, path in PAIRS.values()}
