"""ECS names and the one type that each has, so that no two parsers disagree: values in, the same values in their field's
type out.

Elastic Common Schema 8.17, plus the namespaces that our parsers add to. Fields that stand in no table are text where
a parser of this room writes them and keep the producer's JSON type otherwise.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import lru_cache

from collectors.event import Value

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
"""What a store's `long` holds; a number beyond stays as text where its field is text and is refused where its field is a number."""

INTEGERS = frozenset({
    "dhcp.lease_s", "email.size", "postfix.recipients", "vsphere.failed_logins",
    "auditd.log.sequence", "client.port", "destination.bytes", "destination.nat.port", "destination.packets",
    "destination.port", "egov.amount", "egov.amount_expected", "egov.message.age_minutes",
    "egov.query.personal_datasets", "egov.query.sequential", "egov.record.backdated_days", "egov.record.previous_change_days",
    "egov.records.count", "egov.user.age_days", "event.duration", "event.sequence",
    "event.severity", "file.size", "http.request.body.bytes", "http.request.bytes", "http.response.body.bytes",
    "http.response.bytes", "http.response.status_code", "log.syslog.facility.code", "log.syslog.priority",
    "log.syslog.severity.code", "nginx.error.connection_id", "postgresql.log.internal_query_pos", "postgresql.log.query_pos",
    "postgresql.log.session_line_number", "process.exit_code", "process.parent.pid", "process.pid", "process.thread.id",
    "network.bytes", "network.packets", "server.port", "source.bytes", "source.nat.port",
    "source.packets", "source.port", "syslog.repeated", "system.auth.failures", "url.port", "winlog.process.pid",
    "winlog.process.thread.id",
    "snmp.uptime", "ups.battery.charge_percent", "ups.battery.low_minutes", "ups.battery.minutes_remaining", "ups.battery.seconds_on",
    "iis.access.sub_status", "iis.access.win32_status", "mysql.slowlog.bytes_sent", "mysql.slowlog.rows_affected",
    "mysql.slowlog.rows_examined", "mysql.slowlog.rows_sent",
})  # fmt: skip
FLAGS = frozenset({
    "egov.maintenance", "egov.off_hours", "egov.peer.first_seen", "egov.peer.known", "egov.record.anonymous", "egov.record.sealed",
    "egov.source.first_seen",
})  # fmt: skip
LISTS = frozenset(
    {
        "dns.answers.data",
        "samba.flags",
        "egov.field.changed",
        "log.flags",
        "tags",
        "user.roles",
        "winlog.event_data.Data",
    }
)
"""Lists of text even where there is one value."""
ADDRESSES = frozenset({
    "client.ip", "destination.ip", "destination.nat.ip", "egov.session.opened_from", "server.ip", "source.ip", "source.nat.ip",
})  # fmt: skip
TEXTS = frozenset({
    "client.address", "destination.address", "destination.domain", "egov.case.number", "egov.created_by", "egov.reason",
    "egov.record.id", "egov.record.type", "egov.system", "egov.workflow.from", "egov.workflow.to", "event.action", "event.category",
    "event.code", "event.dataset", "event.kind", "event.module", "event.outcome", "event.provider", "event.reason", "event.type",
    "group.id", "group.name", "host.name", "http.request.method", "http.request.referrer", "http.version", "log.level",
    "log.logger", "message", "organization.name", "process.args", "process.command_line", "process.executable", "process.name",
    "process.parent.command_line", "process.parent.executable", "process.parent.name", "process.working_directory", "service.name",
    "source.address", "source.domain", "url.domain", "url.full", "url.original", "url.path", "url.query", "user.domain",
    "user.effective.name", "user.email", "user.id", "user.name", "user.target.name", "user_agent.original", "winlog.channel",
    "winlog.computer_name", "winlog.provider_name", "winlog.record_id",
})  # fmt: skip


def integer(value: object) -> Value:
    """A whole number within 64 bit, also from text or a float without fraction; None where it is none."""
    if type(value) is str:
        sign = -1 if value[:1] == "-" else 1
        whole = number(value[1:] if sign < 0 else value)
        return None if whole is None else sign * whole
    if type(value) is float and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if type(value) is int and INT64_MIN <= value <= INT64_MAX else None


def flag(value: object) -> Value:
    """True or False, also from "true" and "false"; None where it is neither."""
    return value if type(value) is bool else {"true": True, "false": False}.get(value) if type(value) is str else None


def words(value: object) -> Value:
    """Text; a list of one is its element, a longer one stays a list, as ECS lets `event.category` have several values."""
    if type(value) is list:
        found = [plain(each) for each in value]
        return found[0] if len(found) == 1 else found
    return plain(value)


def word_list(value: object) -> Value:
    """A list of text, also of one."""
    return [plain(each) for each in value] if type(value) is list else [plain(value)]


def address(value: object) -> Value:
    """One address in its usual spelling (the first of a list), or None where it is none."""
    first = value[0] if type(value) is list and value else value
    return ip(first) if type(first) is str else None


def plain(value: object) -> str:
    """A scalar as JSON writes it. Raises: ValueError for an integer of more than 4,300 digits."""
    return value if type(value) is str else "true" if value is True else "false" if value is False else str(value)


CONVERT: dict[str, Callable[[object], Value]] = {
    **dict.fromkeys(TEXTS, words),
    **dict.fromkeys(INTEGERS, integer),
    **dict.fromkeys(FLAGS, flag),
    **dict.fromkeys(LISTS, word_list),
    **dict.fromkeys(ADDRESSES, address),
}
"""Field -> how a value that came from a producer gets the field's type; None says that it cannot."""


@lru_cache(65536)
def ip(text: str) -> str | None:
    """An IPv4 or IPv6 address in its usual spelling (`::ffff:192.0.2.7` is 192.0.2.7, a zone `%eth0` goes), or None."""
    try:
        if ":" not in text:
            socket.inet_pton(socket.AF_INET, text)  # takes one spelling only: no leading zeros, four numbers
            return text
        packed = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):  # ValueError: a NUL or a surrogate in it
        return None
    if packed[:12] == b"\0" * 10 + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def port(text: str) -> int | None:
    """A port number 0 to 65535, or None."""
    if len(text) > 5 or not (text.isdigit() and text.isascii()):
        return None
    value = int(text)
    return value if value < 65536 else None


def number(text: str) -> int | None:
    """A decimal number without sign that fits 64 bit, or None; linear, whatever its length."""
    if len(text) > 19 or not (text.isascii() and text.isdigit()):
        return None
    value = int(text)
    return value if value <= INT64_MAX else None


def put_source(fields: dict[str, Value], host: str, port_text: str = "") -> None:
    """Set who connected: `source.ip` where it is an address, else `source.domain`; and `source.port`. Nothing for "", "-", UNKNOWN."""
    if host in ("", "-", "UNKNOWN"):
        return
    address = ip(host)
    if address is not None:
        fields["source.ip"] = address
    else:
        fields["source.domain"] = host
    if port_text:
        at = port(port_text)
        if at is not None:
            fields["source.port"] = at
