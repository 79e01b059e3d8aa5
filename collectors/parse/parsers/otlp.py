"""A log record of OpenTelemetry in, flat ECS out: OTLP's JSON with its resource and scope, as `collectors.sources.otlp` cuts exports.

    {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "portal"}}]}, "scope": {"name": "audit"},
     "logRecord": {"timeUnixNano": "1795316400000000000", "severityText": "WARN", "body": {"stringValue": "Login failed"}}}

Source of truth: OpenTelemetry Protocol 1.5 "JSON Protobuf Encoding", the logs data model, semantic conventions 1.37 (whose names are
mostly ECS's own, as the two were merged; those that differ stand in `_RENAMED`, old HTTP names among them) and ECS 8.17. Attributes of the
record say more than a body that is a map, that more than the scope, that more than the resource. The time is the record's, else when it
was observed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.ecs import ip, plain
from collectors.parse.flat import MAX_DEPTH, flatten
from collectors.parse.format import ANY, Context, Format, Gives, Parsed, share_of_lines
from collectors.record import RawRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SNIFFED = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"resource"\s*:.*"logRecord"\s*:')
_RENAMED = {
    "code.file.path": "log.origin.file.name",
    "code.function.name": "log.origin.function",
    "deployment.environment": "service.environment",
    "deployment.environment.name": "service.environment",
    "enduser.id": "user.id",
    "exception.message": "error.message",
    "exception.stacktrace": "error.stack_trace",
    "exception.type": "error.type",
    "host.arch": "host.architecture",
    "http.client_ip": "client.address",
    "http.method": "http.request.method",
    "http.status_code": "http.response.status_code",
    "http.target": "url.original",
    "http.url": "url.full",
    "http.user_agent": "user_agent.original",
    "k8s.container.name": "kubernetes.container.name",
    "k8s.deployment.name": "kubernetes.deployment.name",
    "k8s.namespace.name": "kubernetes.namespace",
    "k8s.node.name": "kubernetes.node.name",
    "k8s.pod.name": "kubernetes.pod.name",
    "k8s.pod.uid": "kubernetes.pod.uid",
    "os.description": "host.os.full",
    "os.name": "host.os.name",
    "os.type": "host.os.type",
    "os.version": "host.os.version",
    "process.command_args": "process.args",
    "process.executable.name": "process.name",
    "process.executable.path": "process.executable",
    "process.owner": "user.name",
    "process.parent_pid": "process.parent.pid",
    "service.instance.id": "service.node.name",
}
"""OpenTelemetry's name -> ECS's."""
_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
"""Of four severity numbers each, from 1 on."""


class _Value(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: _Values | None = None
    kvlist_value: _Pairs | None = None
    bytes_value: str | None = None


class _Values(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    values: list[_Value] | None = None


class _Pair(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    key: str
    value: _Value | None = None


class _Pairs(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    values: list[_Pair] | None = None


class _Resource(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    attributes: list[_Pair] | None = None


class _Scope(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    name: str = ""
    version: str = ""
    attributes: list[_Pair] | None = None


class _Record(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    time_unix_nano: int | str = 0
    observed_time_unix_nano: int | str = 0
    severity_number: int = 0
    severity_text: str = ""
    event_name: str = ""
    body: _Value | None = None
    attributes: list[_Pair] | None = None
    trace_id: str = ""
    span_id: str = ""


class _Line(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    log_record: _Record
    resource: _Resource | None = None
    scope: _Scope | None = None


_decode = msgspec.json.Decoder(_Line).decode


def parse(record: RawRecord, context: Context) -> Parsed:  # noqa: ARG001  every parser's
    """One log record. Raises: ParseError."""
    try:
        line = _decode(record.data.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ParseError(f"not a log record in OTLP's JSON: {str(error)[:120]}") from error
    log = line.log_record
    time = _moment(log.time_unix_nano) or _moment(log.observed_time_unix_nano)
    return Parsed(time, _fields(log, line.scope or _Scope(), line.resource or _Resource()))


def _fields(log: _Record, scope: _Scope, resource: _Resource) -> dict[str, Value]:
    said: dict[str, object] = {}
    _put(resource.attributes, said)
    _put(scope.attributes, said)
    if log.body is not None:
        body = _plain(log.body, 0)
        if type(body) is dict:
            said.update(body)
        elif body is not None:
            said["message"] = body if type(body) is str else msgspec.json.encode(body).decode()
    _put(log.attributes, said)
    fields = flatten(said)
    if "@timestamp" in fields:  # the record's own time is the event's
        fields["producer.@timestamp"] = plain(fields.pop("@timestamp"))
    level = log.severity_text.lower() or (
        _LEVELS[(log.severity_number - 1) // 4] if 0 < log.severity_number <= 24 else ""
    )
    own = (
        ("log.level", level),
        ("event.action", log.event_name),
        ("log.logger", scope.name),
        ("otel.scope.version", scope.version),
    )
    for name, value in (*own, ("trace.id", log.trace_id), ("span.id", log.span_id)):
        if value:
            fields.setdefault(name, value)
    if 0 < log.severity_number <= 24:
        fields.setdefault("event.severity", log.severity_number)
    fields.setdefault("event.dataset", "otel")
    client = fields.get("client.address")
    if type(client) is str and (address := ip(client)):
        fields.setdefault("client.ip", address)
        fields.setdefault("source.ip", address)
    return fields


def _put(pairs: list[_Pair] | None, said: dict[str, object]) -> None:
    for pair in pairs or ():
        if pair.value is not None:
            said[_RENAMED.get(pair.key, pair.key)] = _plain(pair.value, 0)


def _plain(value: _Value, depth: int) -> Any:
    """What JSON has for an AnyValue; None where it is empty. Raises: ParseError."""
    if depth > MAX_DEPTH:
        raise ParseError(f"nested deeper than {MAX_DEPTH} levels")
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return _integer(value.int_value)
    if value.bool_value is not None:
        return value.bool_value
    if value.double_value is not None:
        return value.double_value
    if value.array_value is not None:
        return [_plain(each, depth + 1) for each in value.array_value.values or ()]
    if value.kvlist_value is not None:
        pairs = value.kvlist_value.values or ()
        return {pair.key: None if pair.value is None else _plain(pair.value, depth + 1) for pair in pairs}
    return value.bytes_value


def _integer(value: int | str) -> int | str:
    """A number that is written as text, because JavaScript's numbers end at 53 bits; text that is none stays."""
    if type(value) is int:
        return value
    assert type(value) is str
    digits = value.removeprefix("-")
    return int(value) if len(digits) <= 19 and digits.isascii() and digits.isdigit() else value


def _moment(nanoseconds: int | str) -> datetime | None:
    """A time since 1970; None for 0, which says that there is none. Raises: ParseError."""
    whole = _integer(nanoseconds)
    if whole in (0, ""):
        return None
    if type(whole) is not int:
        raise ParseError("a time that is no number of nanoseconds")
    try:
        return _EPOCH + timedelta(microseconds=whole // 1_000)
    except OverflowError as error:
        raise ParseError(f"time {str(whole)[:40]} lies outside the years 1 to 9999") from error


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format("otlp", "OpenTelemetry log records in OTLP's JSON", parse, _sniff, gives=(Gives(ANY, ANY, ANY),))
