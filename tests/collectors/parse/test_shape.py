"""Which shape an object has is told by its keys; what has all keys of one and is none is an object like any other."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from collectors.errors import ParseError
from collectors.parse import formats
from collectors.parse.flat import flatten
from collectors.parse.registry import shapes
from collectors.parse.shape import put_account, put_address, put_named, put_whole
from collectors.parse.shaped import _BY_KEYS, _KEYS_KEPT, read_shaped
from tests.collectors.parse.golden import CONTEXT, pairs, read, record

GOLDEN = {name: pair for name, pair in pairs().items() if name.startswith("shapes/")}


def parsed(document: object) -> dict[str, object]:
    return formats()["json"].parse(record(json.dumps(document).encode()), CONTEXT).fields  # type: ignore[return-value]


@pytest.mark.parametrize("name", GOLDEN)
def test_what_a_shape_gives_is_declared(name: str) -> None:
    categories = {given.dataset: set(given.categories.split()) for shape in shapes() for given in shape.gives}
    for each in read(*GOLDEN[name]):
        fields = each["fields"]
        assert isinstance(fields, dict)
        if fields["event.dataset"] != "json":
            category = fields.get("event.category", [])
            said = {category} if isinstance(category, str) else set(category)
            assert said <= categories[fields["event.dataset"]]


def test_no_object_fits_two_shapes_of_the_same_number_of_keys() -> None:
    for name, (_, path) in GOLDEN.items():
        for line in path.read_text().splitlines():
            document = json.loads(line)
            fitting = [shape for shape in _BY_KEYS[tuple(document)] if shape.fits(document)]
            counts = [len(shape.keys.split()) for shape in fitting]
            assert len(counts) == len(set(counts)), (name, line[:80])


def test_keys_in_any_order_and_further_keys_tell_the_same_shape() -> None:
    line = json.loads(GOLDEN["shapes/aws_cloudtrail"][1].read_text().splitlines()[0])
    assert parsed(dict(reversed(line.items()))) == parsed(line)
    assert parsed({**line, "addendum": {"reason": "DELIVERY_DELAY"}})["event.dataset"] == "aws.cloudtrail"


def test_object_with_the_keys_of_a_shape_and_other_values_is_plain_json() -> None:
    keys = dict.fromkeys(("auditID", "level", "stage", "verb", "requestURI", "user"), "x")
    assert parsed(keys)["event.dataset"] == "json"
    assert parsed({**keys, "stage": ["Panic"]})["event.dataset"] == "json"
    assert parsed({"detail-type": "a", "source": "b", "detail": "c"})["event.dataset"] == "json"


def test_envelope_in_an_envelope_is_not_opened() -> None:
    line = json.loads(GOLDEN["shapes/aws_eventbridge"][1].read_text().splitlines()[0])
    assert parsed(line)["event.dataset"] == "aws.cloudtrail"
    assert parsed({**line, "detail": line})["event.dataset"] == "json"


def test_time_that_is_none_is_refused() -> None:
    line = json.loads(GOLDEN["shapes/aws_cloudtrail"][1].read_text().splitlines()[0])
    with pytest.raises(ParseError):
        parsed({**line, "eventTime": "yesterday"})


def test_invented_keys_do_not_fill_the_memory() -> None:
    for number in range(_KEYS_KEPT + 10):
        assert read_shaped({f"k{number}": 1}) is None
    assert len(_BY_KEYS) <= _KEYS_KEPT


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ("203.0.113.7", "source.ip", "203.0.113.7"),
        ("203.0.113.7:443", "source.ip", "203.0.113.7"),
        ("[2001:db8::1]:443", "source.ip", "2001:db8::1"),
        ("[2001:db8::1]", "source.ip", "2001:db8::1"),
        ("2001:db8::1", "source.ip", "2001:db8::1"),
        (["203.0.113.7", "10.0.0.1"], "source.ip", "203.0.113.7"),
        ("AWS Internal", "source.domain", "AWS Internal"),
        ("", "", None),
        (None, "", None),
    ],
)
def test_addresses_with_and_without_port(said: object, field: str, value: object) -> None:
    fields: dict[str, object] = {}
    put_address(fields, "source", said)  # type: ignore[arg-type]
    assert fields == ({field: value} if field else {})


def test_account_written_as_an_address_is_name_and_domain() -> None:
    fields: dict[str, object] = {}
    put_account(fields, "an.nv@tinh.example")  # type: ignore[arg-type]
    assert fields == {"user.name": "an.nv", "user.domain": "tinh.example", "user.email": "an.nv@tinh.example"}
    for odd in ("@tinh", "an@", "an"):
        fields = {}
        put_account(fields, odd)  # type: ignore[arg-type]
        assert list(fields) == ["user.name"]


def test_named_values_keep_odd_names_apart_from_paths() -> None:
    fields: dict[str, object] = {}
    said = [
        {"Name": "A.B", "Value": "x"},
        {"Name": "...", "Value": "x"},
        {"Name": 1, "Value": 2},
        "x",
        {"Name": "C", "Value": True},
    ]
    put_named(fields, "P", said, "Name", "Value")  # type: ignore[arg-type]
    assert fields == {"P.A_B": "x", "P.C": "true"}


def test_whole_text_has_quotes_as_rules_write_them() -> None:
    fields: dict[str, object] = {}
    put_whole(fields, {"a": {"b": {"policy": '{"Action":"s3:GetObject"}'}}, "c": 1}, "a.b", "c", "d.e")  # type: ignore[arg-type]
    assert list(fields) == ["a.b"]
    assert '"s3:GetObject"' in str(fields["a.b"])


@pytest.mark.parametrize(
    ("times", "duration"),
    [
        ({"flow_end_milliseconds": "2026-11-22T07:00:01Z"}, 1_000_000_000),
        ({"flow_end_milliseconds": "6026-11-22T07:00:01Z"}, None),
        ({"flow_duration_milliseconds": 90}, 90_000_000),
        ({"flow_start_milliseconds": "9999-12-31T23:59:59Z", "flow_duration_milliseconds": 90_000}, None),
    ],
)
def test_a_flow_whose_clock_is_out_has_no_duration_that_no_store_holds(
    times: dict[str, object], duration: int | None
) -> None:
    flow = {"exporter": "10.20.0.1", "version": 9, "flow_start_milliseconds": "2026-11-22T07:00:00Z", **times}
    assert parsed({"netflow": flow}).get("event.duration") == duration


def test_long_names_that_are_invented_are_not_remembered() -> None:
    tracemalloc.start()
    for n in range(500):
        flatten({f"{n}" + "x" * 20_000: {"a": {"b": n}}, "list": [{f"{n}" + "y" * 20_000: n}]})
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_000_000
