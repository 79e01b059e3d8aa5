"""A line of a W3C extended log in, flat ECS out: IIS as a rule, also the Windows Firewall's and others that name their columns.

    #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status time-taken
    2026-11-22 03:00:00 10.20.1.5 GET /ho-so id=7 443 HOTICH\\an 192.0.2.7 Mozilla/5.0+(X11) 200 15

Source of truth: W3C Extended Log File Format (WD-logfile-960323); Microsoft's "W3C Logging" of IIS 10 (columns, `+` for a blank in the
user agent, UTC) and "Interpreting the Windows Firewall log" (local time). Names as in ECS's IIS integration; a column without a name
there goes under `iis.access.` or `w3c.log.`. What columns a line has stands in the header of its record; without one (a listener), a
line of fifteen columns is read as IIS writes them unless told otherwise, and any other is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import ip, number, put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.keyvalue import Names
from collectors.parse.network import put_protocol
from collectors.record import RawRecord

_DEFAULT = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus "
    "sc-win32-status time-taken"
)
_OWN = (
    "date time c-ip c-port cs-username cs-uri-stem cs-uri-query cs(User-Agent) cs-version sc-status time-taken X-Forwarded-For protocol "
    "action src-ip src-port dst-ip dst-port"
)
_KNOWN = {
    "s-ip": "destination.ip", "s-port": "destination.port", "cs-method": "http.request.method", "cs(Referer)": "http.request.referrer",
    "cs(Cookie)": "http.request.cookie", "cs-host": "url.domain", "cs(Host)": "url.domain", "s-computername": "host.name",
    "sc-substatus": "iis.access.sub_status", "sc-win32-status": "iis.access.win32_status", "s-sitename": "iis.access.site_name",
    "sc-bytes": "http.response.bytes", "cs-bytes": "http.request.bytes", "cs(Content-Type)": "http.request.mime_type",
    **dict.fromkeys(_OWN.split(), ""),
}  # fmt: skip
_IIS, _LOG = Names("iis.access.", _KNOWN, ("-", "")), Names("w3c.log.", _KNOWN, ("-", ""))
_UTC = ZoneInfo("UTC")
_FIREWALL = {"ALLOW": "success", "DROP": "failure"}


class _Plan(NamedTuple):
    """How the lines after one header are read. `columns` are their names, `dataset` what they are."""

    columns: tuple[str, ...]
    dataset: str
    names: Names
    local: bool
    date: str


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    plan = _plan(record.header)
    if text[:1] == "#":
        return _directive(text, plan, context)
    values = text.split("\t") if "\t" in text else text.split(" ")
    if len(values) != len(plan.columns):
        raise ParseError(f"{len(values)} columns instead of {len(plan.columns)}: {excerpt(text)}")
    fields: dict[str, Value] = {"event.dataset": plan.dataset}
    own = plan.names.put(zip(plan.columns, values, strict=True), fields)
    time = _time(own, plan, context)
    for each in _READERS:
        each(own, fields)
    return Parsed(time, fields)


@lru_cache(256)
def _plan(header: bytes) -> _Plan:
    said = {name: value for name, _, value in (line.partition(": ") for line in header.decode("latin-1").split("\n"))}
    columns = tuple(said.get("#Fields", _DEFAULT).split())
    is_iis = "cs-method" in columns
    dataset, names = ("iis.access", _IIS) if is_iis else ("w3c.log", _LOG)
    return _Plan(columns, dataset, names, said.get("#Time Format") == "Local", said.get("#Date", "")[:10])


def _directive(text: str, plan: _Plan, context: Context) -> Parsed:
    name, colon, value = text[1:].partition(": ")
    if not colon or not name or name.strip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ- "):
        raise ParseError(f"neither a line nor a directive of a W3C log: {excerpt(text)}")
    time = None
    if name == "Date":
        time = timestamp.iso(value, context.timezone if plan.local else _UTC)
    return Parsed(time, {"event.dataset": "w3c.log", "event.action": "log-header", "message": text})


def _time(own: dict[str, str], plan: _Plan, context: Context) -> datetime:
    return _moment(own.get("date") or plan.date, own.get("time", ""), context.timezone if plan.local else _UTC)


@lru_cache(4096)
def _moment(date: str, clock: str, zone: ZoneInfo) -> datetime:
    return timestamp.iso(f"{date}T{clock}", zone)


def _ends(own: dict[str, str], fields: dict[str, Value]) -> None:
    """Who asked; behind a proxy the first address that it forwards is the client."""
    put_source(fields, own.get("c-ip") or own.get("src-ip", ""), own.get("c-port") or own.get("src-port", ""))
    if (forwarded := own.get("X-Forwarded-For")) and (client := ip(forwarded.replace("+", "").partition(",")[0])):
        fields["client.ip"] = client
    if name := own.get("cs-username"):
        domain, backslash, user = name.rpartition("\\")
        fields["user.name"] = user
        if backslash:
            fields["user.domain"] = domain


def _request(own: dict[str, str], fields: dict[str, Value]) -> None:
    path, query = own.get("cs-uri-stem"), own.get("cs-uri-query")
    if path:
        fields["url.path"] = path
        fields["url.original"] = f"{path}?{query}" if query else path
    if query:
        fields["url.query"] = query
    if agent := own.get("cs(User-Agent)"):
        fields["user_agent.original"] = agent.replace("+", " ")
    if version := own.get("cs-version"):
        fields["http.version"] = version.removeprefix("HTTP/")


def _answer(own: dict[str, str], fields: dict[str, Value]) -> None:
    if "http.request.method" in fields:
        fields["event.category"] = "web"
    if (code := number(own.get("sc-status", ""))) is not None:
        fields["http.response.status_code"] = code
        fields["event.outcome"] = "success" if code < 400 else "failure"
    if (milliseconds := number(own.get("time-taken", "")[:12])) is not None:
        fields["event.duration"] = milliseconds * 1_000_000


def _packet(own: dict[str, str], fields: dict[str, Value]) -> None:
    """pfirewall.log: `ALLOW TCP 10.20.1.5 192.0.2.7 51000 443`."""
    if "action" not in own or "http.request.method" in fields:
        return
    put_protocol(fields, own.get("protocol", ""))
    fields["event.category"] = "network"
    fields["event.action"] = own["action"].lower()
    if own["action"] in _FIREWALL:
        fields["event.outcome"] = _FIREWALL[own["action"]]
    if (address := ip(own.get("dst-ip", ""))) is not None:
        fields["destination.ip"] = address
    if (at := number(own.get("dst-port", "")[:5])) is not None and at < 65536:
        fields["destination.port"] = at


_READERS: tuple[Callable[[dict[str, str], dict[str, Value]], None], ...] = (_ends, _request, _answer, _packet)


def _sniff(sample: bytes) -> float:
    first = sample.removeprefix(b"\xef\xbb\xbf")
    if first.startswith((b"#Software: ", b"#Version: ", b"#Fields: ", b"#Date: ")):
        return 1.0
    return 0.9 * share_of_lines(sample, _is_default)


def _is_default(line: bytes) -> bool:
    return line.count(b" ") == 14 and line[4:5] == b"-" and line[13:14] == b":" and line.split(b" ", 4)[3].isupper()


FORMAT = Format(
    "w3c",
    "W3C extended log: IIS, Windows Firewall, others that name their columns",
    parse,
    _sniff,
    gives=(
        Gives(
            "iis.access",
            "web",
            "client.ip destination.ip destination.port event.duration event.outcome host.name http.* iis.access.* source.ip "
            "url.* user.domain user.name user_agent.original",
        ),
        Gives(
            "w3c.log",
            "network",
            "destination.ip destination.port event.action event.outcome http.response.status_code message "
            "network.iana_number network.transport source.ip source.port w3c.log.*",
        ),
    ),
)
