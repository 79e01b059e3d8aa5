"""Files of indicators: STIX 2.1, MISP, CSV and lists, what is skipped and counted, and what is refused with its place."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrich.intel import reading
from collectors.enrich.intel.indicator import Indicator, Kind
from collectors.enrich.intel.reading import Defaults, read_file
from collectors.enrich.intel.stix import comparisons
from collectors.enrich.intel.told import FAULTS_KEPT, IndicatorError, Told

END = datetime(2027, 2, 21, tzinfo=UTC)
SHA256, MD5 = "5" * 64, "a" * 32
AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"


def read(path: Path, content: object, defaults: Defaults | None = None) -> tuple[list[Indicator], Told]:
    """What a file of this content gives: text as it is, anything else as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, "utf-8", errors="surrogateescape")
    told = Told()
    return list(read_file(path, told, defaults or Defaults())), told


def indicator(pattern: str, **keys: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "pattern": pattern,
        "pattern_type": "stix",
        "valid_from": "2026-11-01T00:00:00Z",
        **keys,
    }


def bundle(*objects: object) -> dict[str, Any]:
    return {"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": list(objects)}


def values(found: list[Indicator]) -> list[tuple[Kind, str]]:
    return [(each.kind, each.value) for each in found]


# --- STIX ----------------------------------------------------------------------------------------------------------------------------


def test_stix_gives_value_validity_confidence_marking_and_reference(tmp_path: Path) -> None:
    said = indicator(
        "[ipv4-addr:value = '203.0.113.7']",
        name="Phishing kit",
        confidence=85,
        valid_until="2027-02-21T00:00:00Z",
        object_marking_refs=[AMBER],
        external_references=[{"source_name": "report", "url": "https://cert.example/7"}],
    )
    [found], told = read(tmp_path / "a.json", bundle(said))
    assert found == Indicator(
        Kind.IPV4,
        "203.0.113.7",
        said["id"],
        "Phishing kit",
        "https://cert.example/7",
        85,
        "AMBER",
        datetime(2026, 11, 1, tzinfo=UTC),
        END,
    )
    assert (told.taken, told.faulty, told.skipped) == (1, 0, {})


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("[ipv4-addr:value = '203.0.113.7' OR ipv4-addr:value='203.0.113.8']", [(Kind.IPV4, "203.0.113.7"), (Kind.IPV4, "203.0.113.8")]),
        ("[url:value = 'http://a.example/'] OR [email-addr:value = 'B@a.example']",
         [(Kind.URL, "http://a.example/"), (Kind.EMAIL, "b@a.example")]),
        ("[domain-name:value IN ('a.example', 'b.example')]", [(Kind.DOMAIN, "a.example"), (Kind.DOMAIN, "b.example")]),
        ("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", [(Kind.IPV4, "203.0.113.0/24")]),
        ("[ipv6-addr:value = '2001:db8::/32']", [(Kind.IPV6, "2001:db8::/32")]),
        (f"[file:hashes.MD5 = '{MD5}' AND file:hashes.'SHA-256' = '{SHA256}']", [(Kind.FILE, SHA256)]),
        (f"[file:hashes.'SHA-256' = '{SHA256}']", [(Kind.FILE, SHA256)]),
        (r"[url:value = 'http://a.example/it\'s']", [(Kind.URL, "http://a.example/it's")]),
    ],
)  # fmt: skip
def test_patterns_of_values_joined_by_or_give_each_value(
    tmp_path: Path, pattern: str, found: list[tuple[Kind, str]]
) -> None:
    indicators, told = read(tmp_path / "a.json", bundle(indicator(pattern)))
    assert values(indicators) == found
    assert not told.skipped
    assert not told.faults


def test_names_below_a_domain_count_only_where_the_pattern_asks(tmp_path: Path) -> None:
    said = bundle(indicator("[domain-name:value LIKE '%.a.example']"), indicator("[domain-name:value = 'b.example']"))
    found, _ = read(tmp_path / "a.json", said)
    assert [(each.value, each.subdomains) for each in found] == [("a.example", True), ("b.example", False)]


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value = '203.0.113.7' AND domain-name:value = 'a.example']",
        "[ipv4-addr:value = '203.0.113.7'] AND [domain-name:value = 'a.example']",
        "[ipv4-addr:value = '203.0.113.7'] FOLLOWEDBY [url:value = 'http://a.example/']",
        "[ipv4-addr:value = '203.0.113.7'] REPEATS 5 TIMES WITHIN 60 SECONDS",
        "[ipv4-addr:value != '203.0.113.7']",
        "[NOT ipv4-addr:value = '203.0.113.7']",
        "([ipv4-addr:value = '203.0.113.7'] OR [url:value = 'http://a.example/']) WITHIN 60 SECONDS",
        "[network-traffic:dst_port = 4444]",
        "[process:command_line MATCHES 'a.*b']",
        "[file:hashes.SSDEEP = 'x']",
        "[file:name = 'a.exe']",
        f"[file:name = 'a.exe' AND file:hashes.MD5 = '{MD5}']",
        "[url:value LIKE 'http://a%']",
    ],
)
def test_patterns_that_say_more_are_skipped_and_counted(tmp_path: Path, pattern: str) -> None:
    found, told = read(tmp_path / "a.json", bundle(indicator(pattern)))
    assert not found
    assert told.skipped.total() == 1
    assert not told.faults


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (
            indicator("[ipv4-addr:value = '203.0.113.700']"),
            r"objects\[1\] \(indicator--.*'203\.0\.113\.700' is no address",
        ),
        (indicator("[ipv4-addr:value = '0.0.0.0/0']"), r"objects\[1\].*wider than /8"),
        (indicator("[ipv4-addr:value = "), r"objects\[1\]: the pattern ends in the middle"),
        (indicator("ipv4-addr:value = 'x'"), r'objects\[1\]: .* where "\[" is expected'),
        (indicator(""), r"objects\[1\]: the pattern is empty"),
        (indicator("[a:b = 'x'] ;"), r"objects\[1\]: the pattern has ';' at character"),
        (
            indicator("[url:value = 'http://a.example/']", confidence=101),
            r"objects\[1\]: confidence 101 is not 0 to 100",
        ),
        (indicator("[url:value = 'http://a.example/']", valid_from="soon"), r"objects\[1\]: 'soon' is no time"),
        (indicator("[url:value = 'http://a.example/']", valid_until="2020-01-01T00:00:00Z"), r"before it begins"),
        (indicator("[url:value = 'http://a.example/']", confidence="high"), r"objects\[1\]: Expected `int"),
        ({"id": "no type"}, r"objects\[1\]: .*`type`"),
        (7, r"objects\[1\]: "),
    ],
)
def test_a_fault_of_stix_is_told_with_its_object_and_the_others_are_read(
    tmp_path: Path, said: object, fault: str
) -> None:
    good = indicator("[ipv4-addr:value = '203.0.113.7']")
    found, told = read(tmp_path / "a.json", bundle(good, said, good))
    assert len(found) == 2
    assert told.faulty == 1
    with pytest.raises(ValueError, match=fault):
        raise ValueError(told.faults[0])


def test_revoked_indicators_and_foreign_patterns_are_skipped_and_markings_of_the_bundle_count(tmp_path: Path) -> None:
    marking = {
        "type": "marking-definition",
        "id": "marking-definition--00000000-0000-4000-8000-000000000001",
        "extensions": {"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {"tlp_2_0": "amber+strict"}},
    }
    said = bundle(
        indicator("[url:value = 'http://a.example/']", revoked=True),
        indicator("alert tcp any any", pattern_type="snort"),
        indicator("[url:value = 'http://b.example/']", object_marking_refs=[marking["id"]]),
        {"type": "malware", "id": "malware--x", "name": "x"},
        marking,
    )
    [found], told = read(tmp_path / "a.json", said)
    assert found.tlp == "AMBER+STRICT"
    assert told.skipped == {"revoked": 1, "pattern of type snort": 1}


@given(st.text(alphabet="[]()'=:.,\\ ORANDINabt0%-\n", max_size=60))
def test_no_pattern_breaks_its_reader(pattern: str) -> None:
    with suppress(ValueError):
        assert isinstance(comparisons(pattern), list)


def test_a_pattern_of_a_million_brackets_is_refused_in_no_time() -> None:
    with pytest.raises(ValueError, match="where the path of an object is expected"):
        comparisons("[" * 1_000_000)


# --- MISP ----------------------------------------------------------------------------------------------------------------------------


def attribute(type_: str, value: str, **keys: Any) -> dict[str, Any]:
    return {"type": type_, "value": value, "uuid": "u-1", "to_ids": True, **keys}


def event(*attributes: object, **keys: Any) -> dict[str, Any]:
    return {"Event": {"info": "Phishing", "uuid": "e-1", "Attribute": list(attributes), **keys}}


def test_misp_gives_attributes_of_events_and_objects_with_their_tags(tmp_path: Path) -> None:
    said = event(
        attribute(
            "ip-dst", "203.0.113.7", comment="C2", Tag=[{"name": "tlp:red"}], first_seen="2026-11-01T00:00:00+07:00"
        ),
        attribute("domain|ip", "a.example|203.0.113.8"),
        attribute("filename|sha256", f"invoice.exe|{SHA256}"),
        attribute("ip-src|port", "203.0.113.9|443"),
        Tag=[{"name": "tlp:amber"}, {"name": 'misp:confidence-level="usually-confident"'}],
        Object=[{"name": "file", "Attribute": [attribute("md5", MD5.upper())]}],
    )
    found, told = read(tmp_path / "a.json", said)
    assert found[0] == Indicator(
        Kind.IPV4, "203.0.113.7", "u-1", "Phishing: C2", "", 75, "RED", datetime(2026, 10, 31, 17, tzinfo=UTC)
    )
    assert values(found[1:]) == [
        (Kind.DOMAIN, "a.example"),
        (Kind.IPV4, "203.0.113.8"),
        (Kind.FILE, SHA256),
        (Kind.IPV4, "203.0.113.9"),
        (Kind.FILE, MD5),
    ]
    assert {each.tlp for each in found[1:]} == {"AMBER"}
    assert told.faulty == 0


def test_misp_is_read_as_an_answer_of_a_search_and_as_a_list(tmp_path: Path) -> None:
    one = event(attribute("ip-dst", "203.0.113.7"))
    for said in ([one, one], {"response": [one, one]}):
        found, told = read(tmp_path / "a.json", said)
        assert len(found) == 2
        assert not told.faults


def test_misp_attributes_that_are_not_meant_for_detection_or_no_value_of_ours_are_skipped(tmp_path: Path) -> None:
    said = event(
        attribute("ip-dst", "203.0.113.7", to_ids=False),
        attribute("ip-dst", "203.0.113.7", deleted=True),
        attribute("mutex", "Global\\x"),
    )
    found, told = read(tmp_path / "a.json", said)
    assert not found
    assert told.skipped == {"not meant for detection (to_ids)": 1, "deleted": 1, "type mutex": 1}


def test_a_fault_of_misp_is_told_with_its_way_into_the_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    said = event(
        attribute("ip-dst", "x"), attribute("domain|ip", "a.example"), Object=[{"Attribute": [attribute("md5", "q")]}]
    )
    _, told = read(path, {"response": [said, {"Event": 7}, 8]})
    assert [fault.removeprefix(f"{path}: ").split(": ")[0] for fault in told.faults] == [
        "response[2]",
        "response[0].Event.Attribute[0]",
        "response[0].Event.Attribute[1]",
        "response[0].Event.Object[0].Attribute[0]",
        "response[1].Event",
    ]


# --- CSV and lists -------------------------------------------------------------------------------------------------------------------


def test_csv_gives_what_its_columns_say(tmp_path: Path) -> None:
    text = (
        "\ufeff# of the national CERT\nvalue,type,confidence,tlp,valid_until,subdomains,description\r\n"
        '203.0.113.7,ip,80,amber,2027-02-21,,"Phishing, again"\r\n\r\na[.]example,,,,,yes,\r\n'
    )
    found, told = read(tmp_path / "a.csv", text)
    assert found == [
        Indicator(Kind.IPV4, "203.0.113.7", name="Phishing, again", confidence=80, tlp="AMBER", valid_until=END),
        Indicator(Kind.DOMAIN, "a.example", subdomains=True),
    ]
    assert not told.faults


def test_a_list_is_one_value_a_line(tmp_path: Path) -> None:
    found, told = read(tmp_path / "a.txt", f"# remark\n203.0.113.7\n\nhxxp://a[.]example/x\n{MD5}\nevil\n")
    assert values(found) == [(Kind.IPV4, "203.0.113.7"), (Kind.URL, "http://a.example/x"), (Kind.FILE, MD5)]
    assert told.faults == [
        f"{tmp_path / 'a.txt'}:6: 'evil' is no address, name, URL, hash or e-mail address: name its type"
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("203.0.113.7,ipv9,", r"a\.csv:2: 'ipv9' is no type of indicator: ipv4-addr"),
        ("203.0.113.7,ip,101", r"a\.csv:2: confidence 101 is not 0 to 100"),
        ("203.0.113.7,ip,-1", r"a\.csv:2: confidence '-1' is not 0 to 100"),
        ("203.0.113.7,ip", r"a\.csv:2: 2 cells, where 3 columns are named"),
        ("\x00,ip,", r"a\.csv:2: "),
        ("\udce0\udce1,ip,", r"a\.csv:2: .* is no"),
        (f"{'9' * 10_000},ip,", r"a\.csv:2: .* is no"),
    ],
)
def test_a_fault_of_csv_is_told_with_its_line_and_the_others_are_read(tmp_path: Path, row: str, fault: str) -> None:
    found, told = read(tmp_path / "a.csv", f"value,type,confidence\n{row}\n203.0.113.8,ip,\n")
    assert values(found) == [(Kind.IPV4, "203.0.113.8")]
    with pytest.raises(ValueError, match=fault):
        raise ValueError(told.faults[0])


def test_a_quote_that_is_never_closed_swallows_no_indicator_in_silence(tmp_path: Path) -> None:
    found, told = read(tmp_path / "a.csv", 'value,type\n203.0.113.7,ip\n"203.0.113.8,ip\n203.0.113.9,ip\n')
    assert values(found) == [(Kind.IPV4, "203.0.113.7")]
    assert told.faulty == 1


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ("valeu,type\n1,2\n", r'a\.x:1: the first line names no column "value"'),
        ("value,tpye\n1,2\n", r'a\.x:1: column "tpye" is unknown; did you mean "type"\?'),
        ("value,value\n1,2\n", r'a\.x:1: column "value" is twice in the line'),
        ("", r"a\.x is empty"),
        ("# nothing\n", r"a\.x holds no line but remarks"),
        ("{", r"a\.x is no JSON that can be read"),
        ("[" * 100_000, r"a\.x is no JSON that can be read"),
        ('{"a": 1}', r"a\.x is neither a STIX 2\.1 bundle nor a MISP event"),
        ('{"type": "bundle", "objects": 7}', r"a\.x is no STIX bundle"),
    ],
)
def test_what_is_no_file_of_indicators_is_refused_by_name(tmp_path: Path, content: str, refused: str) -> None:
    with pytest.raises(IndicatorError, match=refused):
        read(tmp_path / "a.x", content)


def test_a_file_beyond_the_bound_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(IndicatorError, match="larger than"):
        read(tmp_path / "a.txt", "203.0.113.7\n" * 2)


def test_faults_are_counted_and_not_all_kept(tmp_path: Path) -> None:
    _, told = read(tmp_path / "a.txt", "evil\n" * 2_000)
    assert (told.faulty, len(told.faults)) == (2_000, FAULTS_KEPT)


def test_defaults_fill_what_the_file_does_not_say_and_nothing_else(tmp_path: Path) -> None:
    text = "value,confidence,tlp,valid_until\n203.0.113.7,,,\n203.0.113.8,0,red,2026-12-01\n"
    found, _ = read(tmp_path / "a.csv", text, Defaults(50, "GREEN", END, subdomains=True))
    assert [(each.confidence, each.tlp, each.valid_until) for each in found] == [
        (50, "GREEN", END),
        (0, "RED", datetime(2026, 12, 1, tzinfo=UTC)),
    ]
    assert all(each.subdomains for each in found)
