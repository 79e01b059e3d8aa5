"""An entry of GitHub's audit log in (streamed, or by the REST API), its own fields and ECS out.

    {"@timestamp":1795316400000,"_document_id":"xJJF","action":"repo.access","actor":"an-nv","actor_ip":"203.0.113.7","org":"tinh","repo":"tinh/dvc"}

Source of truth: GitHub Enterprise documentation, "Audit log events for your organization" and "Streaming the audit log": times are
milliseconds since 1970. Elastic's dataset github.audit.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from collectors.errors import ParseError
from collectors.parse.ecs import number
from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Copies, Document, Shape, originals, put_address

_COPIES = Copies({
    "action": "event.action",
    "actor": "user.name",
    "actor_id": "user.id",
    "user": "user.target.name",
    "org": "organization.name",
    "user_agent": "user_agent.original",
    "actor_location.country_code": "source.geo.country_iso_code",
})  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _read(document: Document) -> Parsed:
    fields = originals(document)
    stamp = fields.pop("@timestamp", fields.get("created_at"))
    _COPIES.put(fields)
    put_address(fields, "source", fields.get("actor_ip"))
    fields["event.dataset"] = "github.audit"
    fields["event.category"] = "configuration"
    fields["event.type"] = "access" if fields.get("operation_type") in ("access", "authentication") else "change"
    milliseconds = number(stamp) if isinstance(stamp, str) else None
    if milliseconds is None:
        raise ParseError("no time in milliseconds since 1970")
    try:
        return Parsed(_EPOCH + timedelta(milliseconds=milliseconds), fields)
    except OverflowError as error:
        raise ParseError(f"time {milliseconds} lies outside the years 1 to 9999") from error


SHAPES = (Shape("_document_id action actor", _read, (Gives("github.audit", "configuration"),)),)
