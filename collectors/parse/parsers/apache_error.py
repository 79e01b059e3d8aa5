"""A line of Apache's error log in, flat ECS out: version 2.4's default and 2.2's.

    [Sun Nov 22 10:00:00.123456 2026] [core:error] [pid 871:tid 140] [client 192.0.2.7:40022] AH00126: Invalid URI
    [Sun Nov 22 10:00:00 2026] [error] [client 192.0.2.7] File does not exist: /srv/www/favicon.ico

Source of truth: Apache 2.4 core, ErrorLogFormat and its defaults. Local time. `apache.error.module` and `event.code`
(AH00126) where they stand.
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import modsecurity, timestamp
from collectors.parse.ecs import put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_LINE = re.compile(
    r"\[([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]{8,18} \d{4})\] \[(?:([\w-]{0,64}):)?([a-z]\w{2,15})\] "
    r"(?:\[pid (\d{1,10})(?::tid (\d{1,18}))?\] )?(?:\[(?:client|remote) ([^\]]{1,255})\] )?(.*)",
    re.DOTALL | re.ASCII,
)
_SNIFFED = re.compile(rb"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]{8,18} \d{4}\] ")
_CODE = re.compile(r"(AH\d{5}): ", re.ASCII)


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _LINE.match(text)
    if match is None:
        raise ParseError(f"not a line of Apache's error log: {excerpt(text)}")
    stamp, module, level, pid, thread, client, message = match.groups()
    time = timestamp.asctime(stamp, context.timezone)
    fields: dict[str, Value] = {
        "event.dataset": "apache.error",
        "event.category": "web",
        "log.level": level,
        "message": message,
    }
    if module:
        fields["apache.error.module"] = module
    if pid:
        fields["process.pid"] = int(pid)
    if thread:
        fields["process.thread.id"] = int(thread)
    if client:
        host, _, at = client.rpartition(":") if pid else (client, "", "")  # 2.4 always adds the port, 2.2 never does
        put_source(fields, host or client, at if host else "")
    modsecurity.put_match(message, fields)
    code = _CODE.match(message)
    if code is not None:
        fields["event.code"] = code[1]
    return Parsed(time, fields)


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "apache-error",
    "Apache error log (2.2 and 2.4)",
    parse,
    _sniff,
    gives=(
        Gives(
            "apache.error",
            "intrusion_detection web",
            f"apache.error.module event.code log.level message process.pid process.thread.id source.ip source.port {modsecurity.FIELDS}",
        ),
    ),
)
