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
    assert len(made["windows-json"]) == 21
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


LEVELS = {0: "information", 1: "critical", 2: "error", 3: "warning", 4: "information", 5: "verbose"}
OPCODES = {0: "Info", 1: "Start", 2: "Stop"}
AUDIT = {"0x8020000000000000": "success", "0x8010000000000000": "failure"}


def leaves(node: object, name: str) -> dict[str, str]:
    """Names and texts of an element's children, as Winlogbeat takes them: the empty ones not, and those without a name numbered."""
    if isinstance(node, list):
        return {f"param{n}": str(each) for n, each in enumerate(node, 1) if each not in ("", None)}
    if not isinstance(node, dict):
        return {name: node if isinstance(node, str) else json.dumps(node)} if node not in ("", None) else {}
    found: dict[str, str] = {}
    for key, value in node.items():
        if key == "Data":
            text = value.get("#text") if isinstance(value, dict) else value
            found |= leaves(text if isinstance(text, list) else [text], "")
        elif not key.startswith("#"):
            found |= leaves(value, key)
    return found


def shipped(data: bytes) -> bytes:
    """The event of an EVTX record as Winlogbeat ships it, by what it documents."""
    event = json.loads(data)["Event"]
    system = event["System"]
    code = system["EventID"]["#text"] if isinstance(system["EventID"], dict) else system["EventID"]
    provider, task = system["Provider"]["#attributes"]["Name"], f"Task {system.get('Task')}"
    winlog: dict[str, object] = {
        "api": "wineventlog", "channel": system["Channel"], "computer_name": system["Computer"], "event_id": str(code),
        "provider_name": provider, "record_id": system["EventRecordID"], "task": task, "version": 5,
    }  # fmt: skip
    document: dict[str, object] = {
        "@timestamp": system["TimeCreated"]["#attributes"]["SystemTime"], "@metadata": {"beat": "winlogbeat", "type": "_doc"},
        "agent": {"name": "wec01", "type": "winlogbeat"}, "ecs": {"version": "8.0.0"}, "host": {"name": "wec01"},
        "log": {"level": LEVELS[int(system.get("Level") or 0)]}, "message": "what it says", "winlog": winlog,
    }  # fmt: skip
    about: dict[str, object] = {"code": str(code), "kind": "event", "provider": provider, "action": task}
    document["event"] = about
    if outcome := AUDIT.get(str(system.get("Keywords"))):
        about["outcome"] = outcome
        if provider == "Microsoft-Windows-Security-Auditing":
            winlog["keywords"] = [f"Audit {outcome.capitalize()}"]
    if (opcode := int(system.get("Opcode") or 0)) in OPCODES:
        winlog["opcode"] = OPCODES[opcode]
    process = (system.get("Execution") or {}).get("#attributes")
    if process:
        winlog["process"] = {"pid": process["ProcessID"], "thread": {"id": process["ThreadID"]}}
    if sid := ((system.get("Security") or {}).get("#attributes") or {}).get("UserID"):
        winlog["user"] = {"identifier": sid, "name": "SYSTEM", "type": "User"}
    if found := leaves(event.get("EventData"), ""):
        winlog["event_data"] = found
    if isinstance(event.get("UserData"), dict):
        (name, inner), *_ = event["UserData"].items()
        winlog["user_data"] = {**leaves(inner, name), "xml_name": name}
    return json.dumps(document).encode()


def check_shipped(data: bytes) -> None:
    """What Winlogbeat ships of an event becomes every field that the event itself becomes."""
    own, found = parse(record(data), "windows-json", CONTEXT), parse(record(shipped(data)), "json", CONTEXT)
    assert found.time == own.time
    lost = {"winlog.task"}  # a word that only the provider's own tables translate
    if own.fields.get("winlog.provider_name") != "Microsoft-Windows-Security-Auditing":
        lost.add("winlog.keywords")
    if own.fields.get("winlog.level") == "0":
        lost.add("winlog.level")  # rendered as that of 4
    if own.fields.get("winlog.opcode") not in ("0", "1", "2"):
        lost.add("winlog.opcode")
    wanted = {name: value for name, value in own.fields.items() if name not in lost and value != ""}
    if values := wanted.pop("winlog.event_data.Data", None):
        assert isinstance(values, list)
        if any(values):
            wanted["winlog.event_data.Data"] = [value for value in values if value]
    assert {name: found.fields.get(name) for name in wanted} == wanted
    assert "event.action" not in found.fields.keys() - own.fields.keys(), "the task is no action of ours"
    assert "event.category" not in found.fields.keys() - own.fields.keys()


def test_an_event_is_the_same_from_evtx_and_from_winlogbeat() -> None:
    for data in pairs()["windows-json"][1].read_bytes().splitlines():
        if b"xmlns" not in data:
            check_shipped(data)


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
@pytest.mark.skipif(not evtx_files(), reason="no EVTX corpus beside the checkout")
def test_every_event_of_the_corpus_is_the_same_from_winlogbeat() -> None:
    from evtx import PyEvtxParser

    seen = 0
    for path in evtx_files()[1::8]:
        for row in PyEvtxParser(str(path)).records_json():
            check_shipped(row["data"].encode())
            seen += 1
    assert seen > 500


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
