"""A line of nginx's error log in, flat ECS out.

    2026/11/22 10:00:00 [error] 871#871: *5 open() "/srv/www/.env" failed (2: No such file or directory), client: 192.0.2.7, server: _

Source of truth: nginx 1.22 `ngx_log_error_core` and `ngx_http_log_error` (client, server, request, upstream, host,
referrer at the end). Local time.
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import modsecurity, timestamp
from collectors.parse.ecs import number, put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_LINE = re.compile(
    r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d) \[([a-z]{3,8})\] (\d{1,10})#(\d{1,10}): (?:\*(\d{1,18}) )?(.*)",
    re.DOTALL | re.ASCII,
)
_SNIFFED = re.compile(rb"(?:\xef\xbb\xbf)?\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]{3,8}\] \d+#\d+: ")
_REQUEST = re.compile(r'request: "([A-Z]{1,32}) (.*?)(?: HTTP/(\d(?:\.\d)?))?"', re.DOTALL | re.ASCII)


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _LINE.match(text)
    if match is None:
        raise ParseError(f"not a line of nginx's error log: {excerpt(text)}")
    year, month, day, clock, level, pid, thread, connection, message = match.groups()
    time = timestamp.iso(f"{year}-{month}-{day}T{clock}", context.timezone)
    fields: dict[str, Value] = {
        "event.dataset": "nginx.error",
        "event.category": "web",
        "process.name": "nginx",
        "process.pid": int(pid),
        "process.thread.id": int(thread),
        "log.level": level,
        "message": message,
    }
    if connection and (value := number(connection)) is not None:
        fields["nginx.error.connection_id"] = value
    said, found, about = message.rpartition(", client: ")
    if found:
        modsecurity.put_match(said, fields)
        _about(about, fields)
    return Parsed(time, fields)


def _about(about: str, fields: dict[str, Value]) -> None:
    """`192.0.2.7, server: dvc.example, request: "GET /.env HTTP/1.1", host: "dvc.example"`."""
    client, _, rest = about.partition(", ")
    put_source(fields, client)
    request = _REQUEST.search(rest)
    if request is not None:
        fields["http.request.method"] = request[1]
        fields["url.original"] = request[2]
        path, mark, query = request[2].partition("?")
        fields["url.path"] = path
        if mark:
            fields["url.query"] = query
        if request[3]:
            fields["http.version"] = request[3]
    _, found, host = rest.rpartition('host: "')
    if found:
        fields["url.domain"] = host.partition('"')[0]


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "nginx-error",
    "nginx error log",
    parse,
    _sniff,
    gives=(
        Gives(
            "nginx.error",
            "intrusion_detection web",
            "http.request.method http.version log.level message nginx.error.connection_id process.name "
            f"process.pid process.thread.id source.ip url.* {modsecurity.FIELDS}",
        ),
    ),
)
