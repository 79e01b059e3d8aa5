r"""A line of an nginx or Apache access log in, flat ECS out: common and combined, and what sites commonly put around them.

    192.0.2.7 - an [22/Nov/2026:10:00:00 +0700] "GET /ho-so?id=7 HTTP/1.1" 200 5120 "https://dvc.example/" "Mozilla/5.0"
    dvc.example:443 192.0.2.7 - - [22/Nov/2026:10:00:00 +0700] "GET / HTTP/2.0" 200 11 "-" "curl/8" "203.0.113.9" 0.005

Source of truth: Apache 2.4 mod_log_config ("common", "combined", "vhost_combined"), nginx 1.22 ngx_http_log_module
("combined"). After the user agent there may stand a quoted X-Forwarded-For (its first address is `client.ip`), and a
time: with a point it is nginx's $request_time in seconds, without one Apache's %D in microseconds. What a request
line that is not HTTP said stays in `url.original`. Who wrote a line is not in it: it is Tomcat or Apache where the file's
path or the source's id says so, else nginx.
"""

from __future__ import annotations

import re
from functools import lru_cache

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import ip, number, put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_QUOTED = r'"((?:[^"\\]++|\\.)*+)"'
_HEAD = r"(?:([^ \[\"]{1,255}) )?([^ \[\"]{1,255}) (\S{1,255}) ((?:[^\[\"]|\[(?!\d\d/)){1,512}) \[([^\]]{20,32})\] "
_LINE = re.compile(rf"{_HEAD}{_QUOTED} (\d{{3}}|-) (\d{{1,18}}|-)(?: {_QUOTED} {_QUOTED})?(.*)", re.DOTALL | re.ASCII)
_SNIFFED = re.compile(
    rb'[^\[]{3,600}\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[^\n]*" (?:\d{3}|-) (?:\d+|-)'
)
_TAIL = re.compile(r'"((?:[^"\\]++|\\.)*+)"|([^ "]+)')
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROL = {b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_METHOD = re.compile(r"[A-Z][A-Z-]{1,31}")
_FIELDS = (
    "client.ip event.duration event.outcome http.request.method http.request.referrer http.response.bytes http.response.status_code "
    "http.version server.port source.domain source.ip url.* user.name user_agent.original"
)
_TAIL_LIMIT = 16
"""Words after the user agent that are looked at."""


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _LINE.match(text)
    if match is None:
        raise ParseError(f"not a line of a web access log: {excerpt(text)}")
    vhost, client, _, user, stamp, request, status, size, referrer, agent, tail = match.groups()
    time = timestamp.common_log(stamp)
    fields: dict[str, Value] = {"event.dataset": _dataset(record.position.path, record.source), "event.category": "web"}
    put_source(fields, client)
    if vhost:
        host, colon, at = vhost.rpartition(":")
        fields["url.domain"] = host if colon else vhost
        if colon and at.isdigit() and len(at) < 6:
            fields["server.port"] = int(at)
    if user != "-":
        fields["user.name"] = user
    _request(request, fields)
    if status != "-":
        code = int(status)
        fields["http.response.status_code"] = code
        fields["event.outcome"] = "success" if code < 400 else "failure"
    if size != "-":
        fields["http.response.bytes"] = int(size)
    if referrer and referrer != "-":
        fields["http.request.referrer"] = _plain(referrer)
    if agent and agent != "-":
        fields["user_agent.original"] = _plain(agent)
    if tail:
        _tail(tail, fields)
    return Parsed(time, fields)


@lru_cache(256)
def _dataset(path: str, source: str) -> str:
    where = f"{path} {source}".lower()
    if "tomcat" in where or "localhost_access_log" in where:
        return "tomcat.access"
    return "apache.access" if "apache" in where or "httpd" in where or "access_log" in where else "nginx.access"


def _plain(text: str) -> str:
    """What the client sent: both servers write quotes, backslashes, control characters and all beyond ASCII as escapes."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_unescaped, text.encode()).decode("utf-8", "backslashreplace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),)) if match[1] else _CONTROL.get(match[2], match[2])


def _request(request: str, fields: dict[str, Value]) -> None:
    """`GET /ho-so?id=7 HTTP/1.1`: a target with blanks in it (Apache lets them pass) ends at the last one before HTTP/."""
    request = _plain(request)
    method, found, rest = request.partition(" ")
    if not found or not _METHOD.fullmatch(method):
        if request not in ("", "-"):
            fields["url.original"] = request
        return
    target, found, version = rest.rpartition(" HTTP/")
    fields["http.request.method"] = method
    if found:
        fields["http.version"] = version
    else:
        target = rest
    fields["url.original"] = target
    path, mark, query = target.partition("?")
    fields["url.path"] = path
    if mark:
        fields["url.query"] = query


def _tail(tail: str, fields: dict[str, Value]) -> None:
    for n, match in enumerate(_TAIL.finditer(tail)):
        if n == _TAIL_LIMIT:
            return
        word = match[1] if match[1] is not None else match[2]
        word = word.rpartition("=")[2]
        if "event.duration" not in fields and match[1] is None and (duration := _nanoseconds(word)) is not None:
            fields["event.duration"] = duration
        elif "client.ip" not in fields and (forwarded := ip(word.partition(",")[0].strip(" "))) is not None:
            fields["client.ip"] = forwarded


def _nanoseconds(text: str) -> int | None:
    whole, point, part = text.partition(".")
    if not point:
        microseconds = number(whole[:16]) if len(whole) < 16 else None
        return microseconds * 1000 if microseconds is not None else None
    if len(whole) > 9 or len(part) > 9:
        return None
    seconds, fraction = number(whole), number(part)
    return (
        seconds * 1_000_000_000 + fraction * 10 ** (9 - len(part))
        if seconds is not None and fraction is not None
        else None
    )


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "web-access",
    "nginx, Apache and Tomcat access log (common, combined, with virtual host, forwarded address, time)",
    parse,
    _sniff,
    gives=tuple(Gives(f"{server}.access", "web", _FIELDS) for server in ("nginx", "apache", "tomcat")),
)
