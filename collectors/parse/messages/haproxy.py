r"""What HAProxy says of a request, a connection or a server in, flat ECS out.

    203.0.113.9:33317 [22/Nov/2026:10:00:00.655] https-in~ motcua/web-01 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"
    203.0.113.9:33313 [22/Nov/2026:10:00:01.443] pg-in pg/db-01 0/0/5007 212 -- 0/0/0/0/3 0/0
    203.0.113.9:56059 [22/Nov/2026:10:00:02.380] https-in/1: SSL handshake failure
    Server motcua/web-01 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 1 active and 0 backup servers left. ...

Source of truth: HAProxy 3.0 configuration manual, 8.2 "Log formats" (`option httplog`, `tcplog`, `httpslog`, error log). Times within a
session (`haproxy.timers`), counts of connections and queues stand as written. A `+` before a number says that the log was written early.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import number, put_source
from collectors.parse.format import Gives, Message

_HEAD = re.compile(
    r"(\S{1,64}):(\d{1,5}) \[(\d\d/[A-Z][a-z]{2}/\d{4}:[\d:.]{8,12})\] ([^\s/]{1,128}+)(?:/([^\s:]{1,64}))?(:?) (.*)",
    re.DOTALL,
)
_MOST_CAPTURED = 8
_SERVER = re.compile(
    r"(?:Backup )?[Ss]erver (\S{1,256})/(\S{1,256}) is (UP|DOWN|going DOWN)\b[^\n]{0,64}?(?:, reason: ([^,\n]{1,200}))?(?:,|\.|$)"
)
_EMPTY = re.compile(r"(?:backend|proxy) (\S{1,256}) has no server available!")


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    head = _HEAD.match(message)
    if head is None:
        _state(message, fields)
        return
    host, at, _, frontend, bind, colon, rest = head.groups()
    put_source(fields, host.strip("[]"), at)
    fields["haproxy.frontend_name"] = frontend.rstrip("~")
    fields["event.category"] = "network"
    if colon:
        fields["event.action"] = "connection-error"
        fields["event.outcome"] = "failure"
        fields["event.reason"] = rest
        if bind:
            fields["haproxy.bind_name"] = bind
        return
    plain = rest.split(" ", 9)
    if len(plain) < 6 or "/" not in plain[0]:
        return
    backend, _, server = plain[0].partition("/")
    fields["haproxy.backend_name"], fields["haproxy.server_name"] = backend, server
    timers = plain[1].split("/")
    fields["haproxy.timers"] = plain[1]
    if (total := number(timers[-1].lstrip("+")[:12])) is not None:
        fields["event.duration"] = total * 1_000_000
    if len(timers) == 3:
        _connection(plain, fields)
    elif len(timers) == 5 and len(plain) >= 10:
        _request(plain, fields)


def _connection(plain: list[str], fields: dict[str, Value]) -> None:
    _bytes(plain[2], "destination.bytes", fields)
    _ended(plain[3], fields)
    fields["event.action"] = "connection"
    fields["haproxy.connections"] = plain[4]
    fields["haproxy.queues"] = plain[5]


def _request(plain: list[str], fields: dict[str, Value]) -> None:
    fields["event.category"] = "web"
    fields["event.action"] = "request"
    _bytes(plain[3], "http.response.bytes", fields)
    _ended(plain[6], fields)
    fields["haproxy.connections"] = plain[7]
    fields["haproxy.queues"] = plain[8]
    if (code := number(plain[2][:3])) is not None:
        fields["http.response.status_code"] = code
        fields["event.outcome"] = "success" if code < 400 else "failure"
    else:
        fields["event.outcome"] = "failure"
    captured: list[str] = []
    tail = plain[9]
    while tail[:1] == "{" and len(captured) < _MOST_CAPTURED:
        braced, _, tail = tail[1:].partition("}")
        tail = tail.lstrip(" ")
        if braced:
            captured.append(braced)
    if captured:
        fields["haproxy.captured_headers"] = captured
    line = tail.partition('"')[2].partition('"')[0]
    if not line:
        return
    method, _, target = line.partition(" ")
    target, http, version = target.rpartition(" HTTP/") if " HTTP/" in target else (target, "", "")
    if line == "<BADREQ>":
        fields["event.reason"] = "bad request"
        return
    fields["http.request.method"] = method
    fields["url.original"] = target
    path, mark, query = target.partition("?")
    fields["url.path"] = path
    if mark:
        fields["url.query"] = query
    if http:
        fields["http.version"] = version


def _bytes(text: str, field: str, fields: dict[str, Value]) -> None:
    if (size := number(text.lstrip("+"))) is not None:
        fields[field] = size


def _ended(state: str, fields: dict[str, Value]) -> None:
    """`--` went well; else who ended it and where: `SC--`, `cD`; `PR--`: the proxy, because a rule denied it."""
    fields["haproxy.termination_state"] = state
    fields["event.outcome"] = "success" if state[:1] == "-" else "failure"
    if state[:1] == "P":
        fields["event.type"] = "denied"


def _state(message: str, fields: dict[str, Value]) -> None:
    if server := _SERVER.match(message):
        fields["haproxy.backend_name"], fields["haproxy.server_name"] = server[1], server[2]
        fields["event.action"] = "server-up" if server[3] == "UP" else "server-down"
        fields["event.category"] = "host"
        if server[4]:
            fields["event.reason"] = server[4]
    elif backend := _EMPTY.match(message):
        fields["haproxy.backend_name"] = backend[1]
        fields["event.action"] = "backend-empty"
        fields["event.category"] = "host"


MESSAGE = Message(
    Gives(
        "haproxy.log",
        "host network web",
        "destination.bytes event.action event.duration event.outcome event.reason event.type haproxy.* http.request.method "
        "http.response.bytes http.response.status_code http.version source.domain source.ip source.port url.original url.path url.query",
    ),
    read,
    frozenset({"haproxy"}),
)
