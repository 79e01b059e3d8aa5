"""OTLP/HTTP log exports in, one record for each log record out, as JSON with its resource and scope.

    {"resource": {"attributes": [...]}, "scope": {"name": "portal"}, "logRecord": {"timeUnixNano": "1795370400000000000", "body": ...}}

Source of truth: OpenTelemetry Protocol specification 1.5 ("OTLP/HTTP", "JSON Protobuf Encoding"), opentelemetry-proto's logs.proto. What
comes in protobuf is written in that JSON, so that a record reads the same whichever way it came; `collectors.parse.parsers.otlp` reads
it. A log record that is longer than `max_line_bytes` becomes a dead letter and is told to the exporter (partial success).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import isfinite, isnan
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from collectors.sources.http import Content
from collectors.sources.http_auth import name_of
from collectors.sources.http_body import BodyError
from collectors.sources.http_exchange import Answer, Head

_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"


class _ScopeLogs(msgspec.Struct, rename="camel"):
    scope: msgspec.Raw = msgspec.Raw(b"{}")
    log_records: list[msgspec.Raw] | None = None


class _ResourceLogs(msgspec.Struct, rename="camel"):
    resource: msgspec.Raw = msgspec.Raw(b"{}")
    scope_logs: list[_ScopeLogs] | None = None


class _Request(msgspec.Struct, rename="camel"):
    resource_logs: list[_ResourceLogs] | None = None


class _Timed(msgspec.Struct, rename="camel"):
    time_unix_nano: int | str = 0


class _Record(msgspec.Struct, rename="camel"):
    log_record: _Timed


_request = msgspec.json.Decoder(_Request).decode
_time = msgspec.json.Decoder(_Record).decode


class Otlp:
    """The dialect of `/v1/logs`."""

    path = "/v1/logs"

    def __init__(self, max_record_bytes: int) -> None:
        self._max = max_record_bytes

    def read(self, head: Head, body: bytes) -> Content:
        """The log records. Raises: BodyError."""
        kind = _kind(head)
        if kind == _PROTOBUF:
            records = _of_protobuf(body)
        elif kind == _JSON:
            records = _of_json(body)
        else:
            raise BodyError(415, "unknown content type", f"{_PROTOBUF}, {_JSON}")
        fitting = [record for record in records if len(record) <= self._max]
        refused = [record for record in records if len(record) > self._max]
        return Content(fitting, refused, name_of(head.headers) or _name(records))

    def taken(self, head: Head, content: Content, *, repeated: bool) -> Answer:  # noqa: ARG002  the protocol does not ask
        """ExportLogsServiceResponse."""
        count = len(content.refused)
        told = f"{count} log records are longer than {self._max} bytes" if count else ""
        if _kind(head) == _JSON:
            partial = {"partialSuccess": {"rejectedLogRecords": str(count), "errorMessage": told}} if count else {}
            return Answer(200, msgspec.json.encode(partial))
        response = ExportLogsServiceResponse()
        if count:
            response.partial_success.CopyFrom(ExportLogsPartialSuccess(rejected_log_records=count, error_message=told))
        return Answer(200, response.SerializeToString(), _PROTOBUF)

    def refused(self, head: Head, answer: Answer) -> Answer:
        """google.rpc.Status with the message alone, in the encoding of the request."""
        message = str(msgspec.json.decode(answer.body)["error"])
        if _kind(head) == _JSON:
            return replace(answer, body=msgspec.json.encode({"message": message}), kind=_JSON)
        text = message.encode()[:127]  # field 2 of the message, whose length fits one byte then
        return replace(answer, body=bytes((0x12, len(text))) + text, kind=_PROTOBUF)


def _kind(head: Head) -> str:
    return head.headers.get("content-type", "").partition(";")[0].strip().lower()


def _name(records: Iterable[bytes]) -> str:
    """Exporters repeat a request byte for byte: where each record has a time, in nanoseconds, two requests that are alike are one."""
    return "otlp" if all(map(_has_time, records)) else ""


def _has_time(record: bytes) -> bool:
    try:
        return _time(record).log_record.time_unix_nano not in (0, "0", "")
    except msgspec.DecodeError:
        return False


def _of_json(body: bytes) -> list[bytes]:
    try:
        request = _request(body or b"{}")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BodyError(400, "not an OTLP export in JSON", str(error)[:100]) from error
    return [
        b'{"resource":%b,"scope":%b,"logRecord":%b}' % (bytes(of.resource), bytes(scoped.scope), bytes(record))
        for of in request.resource_logs or ()
        for scoped in of.scope_logs or ()
        for record in scoped.log_records or ()
    ]


def _of_protobuf(body: bytes) -> list[bytes]:
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise BodyError(400, "not an OTLP export in protobuf", str(error)[:100]) from error
    return list(_written(request))


def _written(request: ExportLogsServiceRequest) -> Iterator[bytes]:
    """Each log record in OTLP's JSON, with its resource and scope."""
    for of in request.resource_logs:
        resource = msgspec.json.encode({"attributes": _attributes(of.resource.attributes)})
        for scoped in of.scope_logs:
            about = {"name": scoped.scope.name, "version": scoped.scope.version}
            about["attributes"] = _attributes(scoped.scope.attributes)
            scope = msgspec.json.encode({name: value for name, value in about.items() if value})
            for record in scoped.log_records:
                yield b'{"resource":%b,"scope":%b,"logRecord":%b}' % (
                    resource,
                    scope,
                    msgspec.json.encode(_log(record)),
                )


def _log(record: Any) -> dict[str, Any]:
    """A LogRecord by OTLP's JSON names: 64-bit integers as text, ids in hexadecimal, absent what has no value."""
    found = {
        "timeUnixNano": str(record.time_unix_nano) if record.time_unix_nano else "",
        "observedTimeUnixNano": str(record.observed_time_unix_nano) if record.observed_time_unix_nano else "",
        "severityNumber": int(record.severity_number),
        "severityText": record.severity_text,
        "eventName": record.event_name,
        "body": _value(record.body) if record.HasField("body") else None,
        "attributes": _attributes(record.attributes),
        "droppedAttributesCount": record.dropped_attributes_count,
        "flags": record.flags,
        "traceId": record.trace_id.hex(),
        "spanId": record.span_id.hex(),
    }
    return {name: value for name, value in found.items() if value}


def _unusual(value: float) -> str:
    """What has no number in JSON, as protobuf's JSON writes it."""
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _attributes(attributes: Any) -> list[dict[str, Any]]:
    return [{"key": each.key, "value": _value(each.value)} for each in attributes]


def _value(value: Any) -> dict[str, Any]:
    """An AnyValue; protobuf itself bounds how deep it is nested (100 levels)."""
    match value.WhichOneof("value"):
        case "string_value":
            return {"stringValue": value.string_value}
        case "bool_value":
            return {"boolValue": value.bool_value}
        case "int_value":
            return {"intValue": str(value.int_value)}
        case "double_value":
            return {"doubleValue": value.double_value if isfinite(value.double_value) else _unusual(value.double_value)}
        case "array_value":
            return {"arrayValue": {"values": [_value(each) for each in value.array_value.values]}}
        case "kvlist_value":
            return {"kvlistValue": {"values": _attributes(value.kvlist_value.values)}}
        case "bytes_value":
            return {"bytesValue": base64.b64encode(value.bytes_value).decode()}
    return {}
