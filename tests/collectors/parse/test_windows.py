"""Windows events: the same fields whichever way they come, and every event of the corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collectors.errors import ParseError
from collectors.parse import formats, parse
from tests.collectors.parse.golden import CONTEXT, joined, pairs, record

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"


def test_an_event_is_the_same_from_evtx_and_from_xml() -> None:
    made = {}
    for name in ("windows-json", "windows-xml"):
        form, path = pairs()[name]
        made[name] = [
            form.parse(record(data), CONTEXT)
            for data in joined(path.read_bytes().removesuffix(b"\n").split(b"\n"), form)
        ]
    assert len(made["windows-json"]) == 18
    for one, other in zip(made["windows-json"], made["windows-xml"], strict=False):
        empty = {name for name, value in other.fields.items() if value == "" and name not in one.fields}
        assert empty <= {f"winlog.event_data.{name}" for name in ("DestinationHostname", "Path", "SourcePortName")}
        # XML does not tell a null from an empty text, which it nearly always is
        assert one.fields == {name: value for name, value in other.fields.items() if name not in empty}
        assert one.time == other.time


def test_a_named_value_without_text_is_empty_text_in_xml() -> None:
    text = """<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="p"/><EventID>8</EventID>
    </System><EventData><Data Name="StartModule"></Data><Data Name="StartFunction"/><Binary></Binary></EventData></Event>"""
    found = formats()["windows-xml"].parse(record(text.encode()), CONTEXT).fields
    data = {name: value for name, value in found.items() if name.startswith("winlog.event_data.")}
    assert data == {"winlog.event_data.StartModule": "", "winlog.event_data.StartFunction": ""}


def test_the_level_that_winlogbeat_translates_is_a_number_again() -> None:
    shipped = {"winlog": {"channel": "System", "event_data": {"a": "b"}}, "log": {"level": "error"}}
    found = formats()["json"].parse(record(json.dumps(shipped).encode()), CONTEXT).fields
    assert (found["winlog.level"], found["log.level"]) == ("2", "error")


def test_an_event_is_the_same_from_evtx_and_from_winlogbeat() -> None:
    form, path = pairs()["windows-json"]
    for data in path.read_bytes().splitlines():
        event = json.loads(data)["Event"]
        system = event["System"]
        own = form.parse(record(data), CONTEXT)
        if "EventData" not in event or "Data" in event["EventData"]:
            continue
        shipped = {
            "@timestamp": system["TimeCreated"]["#attributes"]["SystemTime"],
            "event": {"code": own.fields["event.code"], "dataset": "windows"},
            "winlog": {
                "channel": system["Channel"],
                "provider_name": system["Provider"]["#attributes"]["Name"],
                "computer_name": system["Computer"],
                "record_id": system["EventRecordID"],
                "event_data": event["EventData"],
            },
        }
        found = formats()["json"].parse(record(json.dumps(shipped).encode()), CONTEXT)
        header = {"winlog.keywords", "winlog.level", "winlog.task", "winlog.opcode", "winlog.user.identifier"}
        header |= {"winlog.process.pid", "winlog.process.thread.id"}
        if "event.action" not in own.fields:
            header |= {"event.outcome"}  # known from the keywords, which Winlogbeat translates
        assert found.fields == {name: value for name, value in own.fields.items() if name not in header}
        assert found.time == own.time


def test_time_is_the_logs_and_not_sysmons() -> None:
    line = pairs()["windows-json"][1].read_bytes().splitlines()[0]
    assert b'"UtcTime": "2026-11-22 03:00:00.120"' in line
    assert parse(record(line), "windows-json", CONTEXT).time.isoformat() == "2026-11-22T03:00:00.123456+00:00"


def test_a_name_with_blanks_is_found_as_sigma_writes_it() -> None:
    lines = pairs()["windows-json"][1].read_bytes().splitlines()
    fields = next(parse(record(line), "windows-json", CONTEXT).fields for line in lines if b'"New Value"' in line)
    assert fields["winlog.event_data.NewValue"] == fields["winlog.event_data.New_Value"]


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><Event><System/></Event>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Event><System/></Event>',
        b"<?xml version='1.0' encoding='utf-16'?><!DOCTYPE x><Event><System/></Event>",
        b"<Event><System><EventID>&a;</EventID></System></Event>",
        b"<Event><System/></Event><Event><System/></Event>",
        b"<Events><Event/></Events>",
        b"<Event/>",
        b"",
    ],
)
def test_xml_with_a_document_type_or_of_another_kind_is_refused(hostile: bytes) -> None:
    with pytest.raises(ParseError):
        parse(record(hostile), "windows-xml", CONTEXT)


def test_unnamed_values_that_winlogbeat_numbers_are_the_list_that_rules_ask() -> None:
    shipped = {"winlog": {"channel": "Application", "event_data": {"param1": "sa", "param2": "reason"}}}
    fields = parse(record(json.dumps(shipped).encode()), "json", CONTEXT).fields
    assert fields["winlog.event_data.Data"] == ["sa", "reason"]
    assert fields["winlog.event_data.param1"] == "sa"


@pytest.mark.parametrize("value", ["one", 1, ["one"], {"#text": "one"}, {"#text": ["one"]}])
def test_unnamed_values_are_a_list_however_they_come(value: object) -> None:
    event = {"Event": {"System": {"Provider": None, "EventID": 1}, "EventData": {"Data": value}}}
    fields = parse(record(json.dumps(event).encode()), "windows-json", CONTEXT).fields
    assert fields["winlog.event_data.Data"] == ["1" if value == 1 else "one"]


def evtx_files() -> list[Path]:
    return sorted([*CORPUS.glob("evtx/**/*.evtx"), *CORPUS.glob("sigmahq/regression_data/**/*.evtx")])


@pytest.mark.corpus
@pytest.mark.skipif(not evtx_files(), reason="no EVTX corpus beside the checkout")
def test_every_event_of_the_corpus_becomes_fields_with_all_of_its_values() -> None:
    from evtx import PyEvtxParser

    form, seen = formats()["windows-json"], 0
    for path in evtx_files()[::4]:
        for row in PyEvtxParser(str(path)).records_json():
            data = row["data"].encode()
            fields = form.parse(record(data), CONTEXT).fields
            about = json.loads(data)["Event"].get("EventData") or {}
            values = {
                value if isinstance(value, str) else str(value).lower()
                for value in about.values()
                if isinstance(value, str | int)
            }
            assert values <= {value for value in fields.values() if isinstance(value, str)}, path
            assert fields["event.code"]
            assert fields["winlog.provider_name"]
            assert fields["winlog.computer_name"]
            seen += 1
    assert seen > 1_000


@pytest.mark.corpus
@pytest.mark.skipif(not (CORPUS / "logs").exists(), reason="no log corpus beside the checkout")
@pytest.mark.parametrize(
    ("name", "form", "action"),
    [("OpenSSH", "rfc3164", "ssh-login"), ("Linux", "rfc3164", "pam-authentication"), ("Apache", "apache-error", "")],
)
def test_every_line_of_the_log_corpus_is_read_and_its_format_detected(name: str, form: str, action: str) -> None:
    from collectors.parse import detect_format, parse_batch

    data = (CORPUS / "logs" / "loghub" / f"{name}_2k.log").read_bytes()
    assert detect_format(data[:65536], name) == form
    events, dead = parse_batch([record(line) for line in data.splitlines()], form, CONTEXT)
    assert (len(events), dead) == (2_000, [])
    if action:
        assert sum(event.fields.get("event.action") == action for event in events) > 400
