"""A line of squid's access log in, flat ECS out: its native form, and the combined one with squid's own words at the end.

    1795316400.123    109 10.20.9.41 TCP_MISS/200 5120 GET http://example.org/ an HIER_DIRECT/203.0.113.9 text/html
    10.20.9.41 - an [22/Nov/2026:10:00:00 +0700] "CONNECT example.org:443 HTTP/1.1" 200 5120 "-" "curl/8" TCP_TUNNEL:HIER_DIRECT

Source of truth: squid 6 `logformat` ("squid", "combined"), wiki "Squid Log Files". Names as in ECS; squid's own words are
`squid.result`, `squid.hierarchy`. What a request line that is no URL said stays in `url.original`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import ip, number, port, put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_NATIVE = re.compile(
    r"(\d{9,11})\.(\d{3}) {1,16}(-?\d{1,12}) (\S{1,255}) ([A-Z_]{2,64})/(\d{3}) (\d{1,18}) (\S{1,64}) (.*) (\S{1,255}) "
    r"([A-Z_]{2,64})/(\S{1,255}) (\S{1,255})(?: .*)?",
    re.ASCII | re.DOTALL,
)
_COMBINED = re.compile(
    r'(\S{1,255}) \S{1,255} (\S{1,255}) \[([^\]]{20,32})\] "([^ "]{1,64}) ([^"]*+)" (\d{3}) (\d{1,18}) "([^"]*+)" "([^"]*+)" '
    r"([A-Z_]{2,64}):([A-Z_]{2,64})",
    re.ASCII | re.DOTALL,
)
_SNIFFED = re.compile(
    rb"\d{9,11}\.\d{3} {1,16}-?\d{1,12} \S{1,255} [A-Z_]{2,64}/\d{3} \d|"
    rb"[^\[\n]{5,600}\[[^\]\n]{20,32}\] \"[^\n]*\" [A-Z_]{2,64}:[A-Z_]{2,64}\r?$"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    fields: dict[str, Value] = {"event.dataset": "squid.log", "event.category": "web"}
    if match := _NATIVE.fullmatch(text):
        seconds, thousandths, took, client, result, status, size, method, target, user, hierarchy, server, kind = (
            match.groups()
        )
        time = _EPOCH + timedelta(seconds=int(seconds), milliseconds=int(thousandths))
        if (milliseconds := number(took)) is not None:
            fields["event.duration"] = milliseconds * 1_000_000
        if kind != "-":
            fields["http.response.mime_type"] = kind
        if (address := ip(server)) is not None:
            fields["destination.ip"] = address
    elif match := _COMBINED.fullmatch(text):
        client, user, stamp, method, target, status, size, referrer, agent, result, hierarchy = match.groups()
        time = timestamp.common_log(stamp)
        target, http, version = target.rpartition(" HTTP/")
        if http:
            fields["http.version"] = version
        else:
            target = version
        said = {"http.request.referrer": referrer, "user_agent.original": agent}
        fields |= {name: value for name, value in said.items() if value not in ("", "-")}
    else:
        raise ParseError(f"not a line of squid's access log: {excerpt(text)}")
    put_source(fields, client)
    if user != "-":
        fields["user.name"] = user
    fields["squid.result"], fields["squid.hierarchy"] = result, hierarchy
    _answer(result, status, size, fields)
    _target(method, target, fields)
    return Parsed(time, fields)


def _answer(result: str, status: str, size: str, fields: dict[str, Value]) -> None:
    """A request that an access list refused says so (TCP_DENIED); status 000 says that there was no answer."""
    code = int(status)
    if code:
        fields["http.response.status_code"] = code
    fields["http.response.bytes"] = int(size)
    denied = result.startswith("TCP_DENIED")
    fields["event.type"] = "denied" if denied else "allowed"
    fields["event.outcome"] = "failure" if denied or code >= 400 or not code else "success"


def _target(method: str, target: str, fields: dict[str, Value]) -> None:
    if method != "-":
        fields["http.request.method"] = method
    if target in ("", "-"):
        return
    fields["url.original"] = target
    scheme, found, rest = target.partition("://")
    if method == "CONNECT" or found:
        host, slash, path = rest.partition("/") if found else (target, "", "")
        name, colon, at = host.rpartition("@")[2].rpartition(":")
        if not colon or (number_of := port(at)) is None:
            name = name + colon + at
        else:
            fields["url.port"] = number_of
        fields["url.domain"] = name.strip("[]") or host
        if found:
            fields["url.scheme"] = scheme
            path, mark, query = f"{slash}{path}".partition("?")
            fields["url.path"] = path or "/"
            if mark:
                fields["url.query"] = query
            last = path.rpartition("/")[2].rpartition(".")
            if last[1] and 0 < len(last[2]) <= 10:
                fields["url.extension"] = last[2]


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "squid",
    "squid access log (native, combined)",
    parse,
    _sniff,
    gives=(
        Gives(
            "squid.log",
            "web",
            "destination.ip event.duration event.outcome event.type http.request.method http.request.referrer http.response.* http.version "
            "source.domain source.ip squid.* url.* user.name user_agent.original",
        ),
    ),
)
