"""The columns of one of Zeek's logs in, ECS fields out, for its TSV files and its JSON alike.

Source of truth: Zeek 7 documentation, "Zeek Log Formats and Inspection" and the script reference of each log's `Info` record; names as
in Elastic's Zeek integration. A column without an ECS name stands under `zeek.<log>.`, as text (sets and vectors: a list of text).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.ecs import CONVERT
from collectors.parse.format import Gives, excerpt

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES_KEPT = 1_000
"""Columns of a log remembered; a stream of invented ones must not fill the memory."""
_FOUR = {
    "id.orig_h": "source.ip", "id.orig_p": "source.port", "id.resp_h": "destination.ip", "id.resp_p": "destination.port",
    "uid": "zeek.session_id",
}  # fmt: skip
_MORE = {"conn": "event.duration ", "kerberos": "user.domain ", "other": "event.action message "}
"""What an event has beside its columns."""
_FLAGS = {"true": "success", "false": "failure"}
_STATES = {
    **dict.fromkeys(("SF", "S1", "S2", "S3", "RSTO", "RSTR"), "success"),
    **dict.fromkeys(("S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"), "failure"),
}


def _by_status(status: str) -> str | None:
    return ("success" if status < "400" else "failure") if len(status) == 3 and status.isdigit() else None


def _by_code(code: str) -> str:
    return "success" if code == "NOERROR" else "failure"


@dataclass(frozen=True, slots=True)
class Log:
    """One of Zeek's logs. `outcome`: the column that says whether it went well, and how that is read. `ends`: it is about a connection."""

    category: str
    names: Mapping[str, str] = field(default_factory=dict)
    outcome: tuple[str, Callable[[str], str | None]] | None = None
    kind: str = "event"
    ends: bool = True

    def gives(self, path: str) -> Gives:
        """What its events are."""
        columns = {**(_FOUR if self.ends else {}), **self.names}
        own = " ".join(name for name in columns.values() if not name.startswith("zeek."))
        result = "event.outcome " if self.outcome else ""
        more = _MORE.get(path, "")
        return Gives(f"zeek.{path}", self.category, f"event.kind zeek.* {result}{more}{own}")


LOGS: dict[str, Log] = {
    "conn": Log(
        "network",
        {
            "proto": "network.transport",
            "service": "network.protocol", "orig_bytes": "source.bytes", "resp_bytes": "destination.bytes", "orig_pkts": "source.packets",
            "resp_pkts": "destination.packets",
        },
        ("conn_state", _STATES.get),
    ),
    "dns": Log(
        "network",
        {
            "proto": "network.transport",
            "query": "dns.question.name", "qtype_name": "dns.question.type", "qclass_name": "dns.question.class",
            "rcode_name": "dns.response_code", "answers": "dns.answers.data",
        },
        ("rcode_name", _by_code),
    ),
    "http": Log(
        "web",
        {
            "method": "http.request.method", "host": "url.domain", "uri": "url.original", "referrer": "http.request.referrer",
            "version": "http.version", "user_agent": "user_agent.original", "request_body_len": "http.request.body.bytes",
            "response_body_len": "http.response.body.bytes", "status_code": "http.response.status_code", "username": "user.name",
        },
        ("status_code", _by_status),
    ),
    "ssl": Log(
        "network",
        {"cipher": "tls.cipher", "server_name": "tls.client.server_name", "ja3": "tls.client.ja3"},
        ("established", _FLAGS.get),
    ),
    "x509": Log("network", {"fingerprint": "file.hash.sha256"}, ends=False),
    "files": Log(
        "file",
        {
            "mime_type": "file.mime_type", "filename": "file.name", "total_bytes": "file.size", "md5": "file.hash.md5",
            "sha1": "file.hash.sha1", "sha256": "file.hash.sha256",
        },
    ),
    "smb_files": Log("file", {"size": "file.size", "action": "event.action"}),
    "smb_mapping": Log("file"),
    "dce_rpc": Log("network"),
    "kerberos": Log("authentication", {"client": "user.name", "error_msg": "event.reason"}, ("success", _FLAGS.get)),
    "ntlm": Log(
        "authentication",
        {"username": "user.name", "domainname": "user.domain", "hostname": "source.domain"},
        ("success", _FLAGS.get),
    ),
    "radius": Log("authentication", {"username": "user.name"}, ("result", {"success": "success", "failed": "failure"}.get)),
    "rdp": Log("network", {"cookie": "user.name"}),
    "ssh": Log("authentication", {"client": "user_agent.original"}, ("auth_success", _FLAGS.get)),
    "ftp": Log("network", {"user": "user.name", "command": "event.action"}, ("reply_code", _by_status)),
    "smtp": Log("email", {"subject": "email.subject"}),
    "dhcp": Log(
        "network",
        {"client_addr": "source.ip", "server_addr": "destination.ip", "mac": "source.mac", "host_name": "source.domain"},
        ends=False,
    ),
    "snmp": Log("network"),
    "tunnel": Log("network", {"action": "event.action"}),
    "weird": Log("network", {"name": "rule.name"}),
    "notice": Log(
        "intrusion_detection",
        {"proto": "network.transport", "note": "rule.name", "msg": "message", "src": "source.ip", "dst": "destination.ip"},
        kind="alert",
    ),
    "intel": Log("threat", {"seen.indicator": "threat.indicator.name"}, kind="alert"),
    "software": Log("package", {"host": "source.ip"}, ends=False),
    "pe": Log("file", ends=False),
}  # fmt: skip
OTHER = "other"
"""The log of whatever has no entry: its events are `zeek.other`, and `zeek.log` names it."""
GIVES = (*(log.gives(path) for path, log in LOGS.items()), Log("network").gives(OTHER))


class _Places(dict[str, tuple[str, str, Callable[[object], Value] | None]]):
    """Of one log, a column -> its field, its name under the log, and how its value gets the field's type (None: text)."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._own = {**_FOUR, **(LOGS[path].names if path in LOGS else {})}
        self._prefix = f"zeek.{path}."

    def __missing__(self, column: str) -> tuple[str, str, Callable[[object], Value] | None]:
        if len(self) >= _NAMES_KEPT:
            self.clear()
        own = self._prefix + (".".join(part for part in column.split(".") if part) or "_")
        field = self._own.get(column)
        self[column] = found = (own, own, None) if field is None else (field, own, CONVERT.get(field))
        return found


_PLACES = {path: _Places(path) for path in (*LOGS, OTHER)}


def put(fields: dict[str, Value], path: str, said: Mapping[str, Value]) -> None:
    """Set the field of each column to its text or list of text; what cannot have the field's type stays under the log's name."""
    places = _PLACES[path if path in LOGS else OTHER]
    for column, value in said.items():
        place, own, convert = places[column]
        if convert is None:
            fields[place] = value
        elif (typed := convert(value)) is not None:
            fields[place] = typed
        else:
            fields[own] = value


def finish(fields: dict[str, Value], path: str, said: Mapping[str, Value]) -> None:
    """Set what the columns together say: dataset, category, outcome, duration. `said`: their values by name."""
    log = LOGS.get(path)
    if log is None:
        fields["zeek.log"] = path[:64]
        log, path = Log("network"), OTHER
    fields["event.dataset"] = f"zeek.{path}"
    fields["event.kind"] = log.kind
    fields["event.category"] = log.category
    if log.outcome is not None:
        column, read = log.outcome
        value = said.get(column)
        outcome = read(value) if isinstance(value, str) else None
        if outcome is not None:
            fields["event.outcome"] = outcome
    if path == "kerberos" and isinstance(principal := fields.get("user.name"), str) and "/" in principal:
        fields["user.name"], _, fields["user.domain"] = principal.rpartition("/")
    if path == "dhcp" and isinstance(mac := fields.get("source.mac"), str):
        fields["source.mac"] = mac.replace(":", "-").upper()
    if path == "conn" and isinstance(length := said.get("duration"), str):
        microseconds = microseconds_of(length)
        if microseconds is not None:
            fields["event.duration"] = microseconds * 1_000


def microseconds_of(text: str) -> int | None:
    """Seconds with or without a fraction ("1795316400.123456") as whole microseconds; None where it is no such number."""
    whole, _, part = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 12) or (
        part and not (part.isascii() and part.isdigit())
    ):
        return None
    return int(whole) * 1_000_000 + int(part[:6].ljust(6, "0"))


def moment(text: str) -> datetime:
    """Seconds since 1970. Raises: ParseError."""
    microseconds = microseconds_of(text)
    try:
        if microseconds is not None:
            return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        pass
    raise ParseError(f"not seconds since 1970: {excerpt(text)}")
