"""OTLP/HTTP logs of OpenTelemetry's own exporter, and of requests made by hand."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from collectors.choosing import ChoosingParser
from collectors.event import Event
from collectors.parse import Context
from collectors.sources import OtlpConfig, open_source
from collectors.sources.http import HttpSource

from .follower import Follower

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


@pytest.fixture
def taking() -> Iterator[Follower]:
    with Follower(open_source(OtlpConfig("otlp", "127.0.0.1:0", max_line_bytes=2_000), {})) as follower:
        yield follower


def made(taking: Follower) -> HttpSource:
    assert isinstance(taking.source, HttpSource)
    return taking.source


def post(taking: Follower, body: bytes, kind: str, **headers: str) -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection(*made(taking).address, timeout=10)
    connection.request("POST", "/v1/logs", body, {"Content-Type": kind, **headers})
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.getheader("Content-Type", "")
    connection.close()
    return found


def events(taking: Follower) -> list[Event]:
    found, dead = ChoosingParser("otlp", Context(ZoneInfo("UTC"))).parse(taking.records)
    assert dead == []
    return found


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_real_exporter_is_understood(taking: Follower, compression: Compression) -> None:
    host, port = made(taking).address
    resource = Resource.create(
        {"service.name": "mot-cua", "host.name": "app-07", "deployment.environment.name": "production"}
    )
    provider = LoggerProvider(resource)
    exporter = OTLPLogExporter(f"http://{host}:{port}/v1/logs", compression=compression)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=100))
    logger = provider.get_logger("vn.egov.audit", "1.4")
    for n in range(1_000):
        attributes: dict[str, Any] = {"client.address": "192.0.2.7", "user.name": "an", "egov.amount": n, "ratio": 0.5}
        attributes |= {"tags": ["a", "b"], "egov.off_hours": True}
        logger.emit(
            timestamp=1_795_316_400_000_000_000 + n * 1_000,
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            body=f"Đăng nhập thất bại {n}",
            attributes=attributes,
            event_name="login_failed",
        )
    logger.emit(
        body={"event.dataset": "egov.audit", "event": {"action": "approve"}}, severity_number=SeverityNumber.INFO
    )
    assert provider.force_flush()
    provider.shutdown()
    found = events(taking)
    assert len(found) == 1_001
    first = found[0]
    assert first.time.isoformat() == "2026-11-22T03:00:00+00:00"
    wanted = {
        "event.dataset": "otel", "event.action": "login_failed", "message": "Đăng nhập thất bại 0", "log.level": "warn",
        "event.severity": 13, "log.logger": "vn.egov.audit", "otel.scope.version": "1.4", "service.name": "mot-cua",
        "service.environment": "production", "host.name": "app-07", "client.ip": "192.0.2.7", "source.ip": "192.0.2.7",
        "user.name": "an", "egov.amount": 0, "egov.off_hours": True, "ratio": 0.5, "tags": ["a", "b"],
    }  # fmt: skip
    assert {name: first.fields.get(name) for name in wanted} == wanted
    assert [event.fields.get("egov.amount") for event in found] == [*range(1_000), None]
    assert (found[-1].fields["event.dataset"], found[-1].fields["event.action"]) == ("egov.audit", "approve")


def test_protobuf_and_json_of_one_export_become_the_same_record(taking: Follower) -> None:
    attributes = [
        ("text", {"stringValue": "a"}),
        ("no text", {"stringValue": ""}),
        ("flag", {"boolValue": False}),
        ("number", {"intValue": "-9223372036854775808"}),
        ("share", {"doubleValue": 0.25}),
        ("endless", {"doubleValue": "-Infinity"}),
        ("list", {"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "2"}]}}),
        ("map", {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}}),
        ("bytes", {"bytesValue": "AAEC"}),
    ]
    record = {
        "timeUnixNano": "1795316400123456789",
        "observedTimeUnixNano": "1795316400200000000",
        "severityNumber": 17,
        "severityText": "ERROR",
        "eventName": "e",
        "body": {"stringValue": "b"},
        "attributes": [{"key": key, "value": value} for key, value in attributes],
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
    }
    scope = {"name": "s", "version": "1"}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "r"}}]}
    export = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [record]}]}]}
    assert post(taking, json.dumps(export).encode(), JSON) == (200, b"{}", JSON)
    request = ExportLogsServiceRequest()
    of = request.resource_logs.add()
    of.resource.attributes.add(key="service.name").value.string_value = "r"
    scoped = of.scope_logs.add()
    scoped.scope.name, scoped.scope.version = "s", "1"
    log = scoped.log_records.add(
        time_unix_nano=1795316400123456789,
        observed_time_unix_nano=1795316400200000000,
        severity_number=17,
        severity_text="ERROR",
        event_name="e",
        trace_id=bytes.fromhex("5b8efff798038103d269b633813fc60c"),
        span_id=bytes.fromhex("eee19b7ec3c1b174"),
    )
    log.body.string_value = "b"
    log.attributes.add(key="text").value.string_value = "a"
    log.attributes.add(key="no text").value.string_value = ""
    log.attributes.add(key="flag").value.bool_value = False
    log.attributes.add(key="number").value.int_value = -(2**63)
    log.attributes.add(key="share").value.double_value = 0.25
    log.attributes.add(key="endless").value.double_value = float("-inf")
    values = log.attributes.add(key="list").value.array_value.values
    values.add().string_value = "x"
    values.add().int_value = 2
    log.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.bool_value = True
    log.attributes.add(key="bytes").value.bytes_value = b"\0\1\2"
    status, body, kind = post(taking, request.SerializeToString(), PROTOBUF)
    assert (status, body, kind) == (200, b"", PROTOBUF)
    by_json, by_protobuf = taking.lines
    assert json.loads(by_json) == json.loads(by_protobuf)
    assert next(event.fields for event in events(taking)) == [event.fields for event in events(taking)][1]


def small(text: str, time: int = 1) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=time)
    record.body.string_value = text
    return request


def test_a_record_that_is_too_long_is_told_and_becomes_a_dead_letter(taking: Follower) -> None:
    request = small("x" * 5_000)
    request.resource_logs.add().CopyFrom(small("fits").resource_logs[0])
    status, body, _ = post(taking, request.SerializeToString(), PROTOBUF)
    partial = ExportLogsServiceResponse.FromString(body).partial_success
    assert (status, partial.rejected_log_records, partial.error_message) == (
        200,
        1,
        "1 log records are longer than 2000 bytes",
    )
    export = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "y" * 5_000}}]}]}]}
    status, body, _ = post(taking, json.dumps(export).encode(), JSON)
    assert json.loads(body)["partialSuccess"]["rejectedLogRecords"] == "1"
    assert len(taking.lines) == 1
    assert [(len(d.record.data), d.record.truncated > 3_000, d.reason) for d in taking.dead] == [
        (2_000, True, "longer than 2000 bytes")
    ] * 2
    assert taking.source.counts.dead == 2


def test_an_export_that_is_repeated_after_a_lost_answer_is_taken_once(taking: Follower) -> None:
    body = small("once").SerializeToString()
    for data, encoding in ((body, "identity"), (body, "identity"), (gzip.compress(body), "gzip")):
        assert post(taking, data, PROTOBUF, **{"Content-Encoding": encoding})[0] == 200
    assert len(taking.lines) == 1
    without_time = small("twice", time=0).SerializeToString()
    for _ in range(2):
        assert post(taking, without_time, PROTOBUF)[0] == 200
    assert len(taking.lines) == 3, "two events that say no time may be alike"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400),
        (small("cut").SerializeToString()[:-2], PROTOBUF, 400),
        (b"{", JSON, 400),
        (b'{"resourceLogs": 7}', JSON, 400),
        (b'{"resourceLogs": ' + b"[" * 50_000, JSON, 400),
        (b"", "text/plain", 415),
    ],
)
def test_what_is_no_export_is_refused_with_a_status_message(
    taking: Follower, body: bytes, kind: str, status: int
) -> None:
    found, told, answered = post(taking, body, kind)
    assert found == status
    if kind == JSON:
        assert answered == JSON
        assert json.loads(told)["message"]
    else:
        assert answered == PROTOBUF
        assert told[0] == 0x12
        assert told[1] == len(told) - 2
        assert told[2:].decode()
    assert taking.lines == []


def test_null_is_absence_as_protobufs_json_has_it(taking: Follower) -> None:
    for body in (
        b'{"resourceLogs":null}',
        b'{"resourceLogs":[{"scopeLogs":null}]}',
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":null}]}]}',
    ):
        assert post(taking, body, JSON)[0] == 200
    record = b'{"timeUnixNano":"1","attributes":null,"body":{"kvlistValue":{"values":null}}}'
    body = b'{"resourceLogs":[{"resource":null,"scopeLogs":[{"scope":null,"logRecords":[%b]}]}]}' % record
    assert post(taking, body, JSON)[0] == 200
    assert [event.fields for event in events(taking)] == [{"event.dataset": "otel"}]


def test_an_empty_export_is_fine(taking: Follower) -> None:
    assert post(taking, b"", PROTOBUF)[0] == 200
    assert post(taking, b"{}", JSON)[0] == 200


def test_values_nested_deeper_than_protobuf_allows_are_refused(taking: Follower) -> None:
    request = ExportLogsServiceRequest()
    value = request.resource_logs.add().scope_logs.add().log_records.add().body
    for _ in range(95):
        value = value.array_value.values.add()
    value.string_value = "deep"
    assert post(taking, request.SerializeToString(), PROTOBUF)[0] in (200, 400)
    deep = b'{"arrayValue":{"values":[' * 500 + b"]}}" * 500
    export = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":%b}]}]}]}' % deep
    assert post(taking, export, JSON)[0] in (200, 400)
    assert post(taking, small("after").SerializeToString(), PROTOBUF)[0] == 200


def test_the_real_exporter_tries_again_when_it_is_told_to(caplog: pytest.LogCaptureFixture) -> None:
    source = open_source(OtlpConfig("otlp", "127.0.0.1:0", max_peer_rate=10), {})
    with Follower(source) as taking, caplog.at_level(logging.WARNING):
        host, port = made(taking).address
        provider = LoggerProvider()
        exporter = OTLPLogExporter(f"http://{host}:{port}/v1/logs")
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=20))
        logger = provider.get_logger("again")
        for n in range(40):
            logger.emit(timestamp=n + 1, body=f"{n}")
        provider.force_flush()
        provider.shutdown()
        assert source.counts.refused >= 1
        assert sorted(int(event.fields["message"]) for event in events(taking)) == list(range(40))  # type: ignore[arg-type]
