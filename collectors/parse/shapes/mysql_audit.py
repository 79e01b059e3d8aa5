"""A record of the audit log of MySQL Enterprise or Percona Server as JSON in, flat ECS out.

    {"timestamp":"2026-11-22 03:00:00","id":0,"class":"connection","event":"connect","connection_id":12,
     "account":{"user":"an","host":"%"},"login":{"user":"an","os":"","ip":"10.20.9.41","proxy":""},"connection_data":{"status":1045}}

Source of truth: as of `collectors.parse.mysql`. Where the file holds one array that is written over several lines, its format is
`json-pretty`; as XML the log is of the format `mysql-audit`.
"""

from __future__ import annotations

from collectors.parse.mysql import GIVES, read
from collectors.parse.shape import Shape

SHAPES = (
    Shape(
        "timestamp id class",
        read,
        (GIVES,),
        fits=lambda document: (
            isinstance(document["class"], str)
            and ("event" in document or "server_id" in document)
            and isinstance(document["timestamp"], str)
        ),
    ),
)
