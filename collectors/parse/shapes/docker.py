"""What Docker says of containers in, which one it is about out: lines of its json-file driver and its events.

    {"log":"10.20.3.7 dang nhap\\n","stream":"stdout","time":"2026-11-22T03:00:00.123456789Z"}
    {"Type":"container","Action":"exec_create: /bin/sh","Actor":{"ID":"9f8e","Attributes":{"name":"web"}},"timeNano":1795316400123456}

Source of truth: Moby 24 `daemon/logger/jsonfilelog`, `api/types/events` (`docker events --format json`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from collectors.event import Value
from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Document, Shape, moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_NS = 253_402_300_799 * 10**9
"""The end of the year 9999."""


def _line(document: Document) -> Parsed:
    fields: dict[str, Value] = {"event.dataset": "docker.container_logs"}
    for name, field in (("log", "message"), ("stream", "docker.stream"), ("time", "time")):
        value = document[name]
        if isinstance(value, str) and value:
            fields[field] = value.rstrip("\r\n") if name == "log" else value
    attributes = document.get("attrs")
    if isinstance(attributes, dict):
        fields.update(
            (f"container.labels.{name}", value) for name, value in attributes.items() if name and isinstance(value, str)
        )
    time = moment(fields, "time")
    fields.pop("time", None)
    return Parsed(time, fields)


def _event(document: Document) -> Parsed:
    fields: dict[str, Value] = {"event.dataset": "docker.event"}
    kind, action, actor = document["Type"], document["Action"], document["Actor"]
    if isinstance(action, str) and action:
        name, _, line = action.partition(": ")
        fields["event.action"] = name
        if line:
            fields["process.command_line"] = line
    if isinstance(kind, str) and kind:
        fields["docker.type"] = kind
    fields["event.category"] = "process" if "process.command_line" in fields else "host"
    if isinstance(actor, dict):
        _actor(actor, "container" if kind == "container" else "docker.actor", fields)
    count = document["timeNano"]
    known = type(count) is int and 0 <= count <= _LATEST_NS
    return Parsed(_EPOCH + timedelta(microseconds=count // 1000) if known else None, fields)  # type: ignore[operator]


def _actor(actor: Document, prefix: str, fields: dict[str, Value]) -> None:
    identity, attributes = actor.get("ID"), actor.get("Attributes")
    if isinstance(identity, str) and identity:
        fields[f"{prefix}.id"] = identity
    if not isinstance(attributes, dict):
        return
    for name, value in attributes.items():
        if isinstance(value, str) and value and name:
            field = {"name": f"{prefix}.name", "image": "container.image.name"}.get(
                name, f"docker.attributes.{name.replace('.', '_')}"
            )
            fields[field] = value
    if attributes.get("exitCode", "0") != "0":
        fields["event.outcome"] = "failure"


SHAPES = (
    Shape("log stream time", _line, (Gives("docker.container_logs", "", "container.labels.* docker.stream message"),)),
    Shape(
        "Type Action Actor timeNano",
        _event,
        (
            Gives(
                "docker.event",
                "host process",
                "container.* docker.* event.action event.outcome process.command_line",
            ),
        ),
    ),
)
