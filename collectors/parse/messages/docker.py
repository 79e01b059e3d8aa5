"""What Docker's daemon and containerd log in, with its level, its container and what went wrong out.

    time="2026-11-22T10:00:00.123456789+07:00" level=error msg="Handler for POST /v1.43/containers/x/exec returned error: ..." container=9f

Source of truth: Moby 24 `cmd/dockerd` with logrus' TextFormatter: pairs, the time first. Events of containers: the shape `docker`.
"""

from __future__ import annotations

from datetime import datetime

from collectors.event import Value
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names

_NAMES = Names(
    "docker.daemon.",
    {
        "time": "", "level": "log.level", "msg": "", "error": "event.reason", "container": "container.id", "image": "container.image.name",
        "namespace": "docker.daemon.namespace", "module": "log.logger", "remote": "",
    },
)  # fmt: skip


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one message; returns when it was."""
    if not message.startswith("time="):
        return None
    said = _NAMES.read(message, fields)
    if "msg" in said:
        fields["message"] = said["msg"]
    if fields.get("log.level") in ("error", "fatal", "panic"):
        fields["event.outcome"] = "failure"
    try:
        return datetime.fromisoformat(said.get("time", ""))
    except ValueError:
        return None


MESSAGE = Message(
    Gives(
        "docker.daemon",
        "",
        "container.id container.image.name docker.daemon.* event.outcome event.reason log.level log.logger",
    ),
    read,
    frozenset({"dockerd", "docker", "containerd"}),
)
