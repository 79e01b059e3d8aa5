"""A line of the Windows DHCP server's audit log in, flat ECS out: DhcpSrvLog-Mon.log and DhcpV6SrvLog-Mon.log.

    10,11/22/26,10:00:00,Assign,10.20.3.7,pc-vanthu.hotich.example,525400123456,,1846,0,,,,0x4D53465420352E30,MSFT 5.0,,,,0

Source of truth: Microsoft "Analyze DHCP server log files" and the text at the head of each file: ID,Date,Time,Description,IP Address,Host
Name,MAC Address,User Name,TransactionID,QResult,Probationtime,CorrelationID,Dhcid,...,DnsRegError (since Windows Server 2008; 2003 ends at
MAC Address; of IPv6 Error Code, Duid Length, Duid Bytes and User Name follow the host's name). The lines of the head say nothing
("head"). Local time; names as in Elastic's microsoft_dhcp integration.
"""

from __future__ import annotations

import csv
import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import ip
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\d{2,5},\d\d/\d\d/\d\d,\d\d:\d\d:\d\d,")
_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?(?:\t|Event ID|ID,Date,Time|\d{2,5}\+?\t|QResult|Probation)")
_NOTHING = frozenset({"", "0"})
_TITLE = b"Microsoft DHCP"
_MAC = re.compile(r"[0-9A-Fa-f]{12}")
_EVENTS: dict[str, tuple[str, str]] = {
    "00": ("log-started", ""), "01": ("log-stopped", ""), "02": ("log-paused", "failure"), "10": ("dhcp-new", "success"),
    "11": ("dhcp-renew", "success"), "12": ("dhcp-release", "success"), "13": ("dhcp-address-in-use", "failure"),
    "14": ("dhcp-address-exhausted", "failure"), "15": ("dhcp-denied", "failure"), "16": ("dhcp-lease-deleted", "success"),
    "17": ("dhcp-lease-expired", ""), "18": ("dhcp-lease-expired", ""), "20": ("bootp-new", "success"),
    "21": ("bootp-dynamic", "success"), "22": ("bootp-exhausted", "failure"), "23": ("bootp-deleted", "success"),
    "24": ("dhcp-cleanup-begin", ""), "25": ("dhcp-cleanup-end", ""), "30": ("dns-update-request", ""),
    "31": ("dns-update", "failure"), "32": ("dns-update", "success"), "33": ("dhcp-packet-dropped", "failure"),
    "34": ("dns-update-queue-full", "failure"), "35": ("dns-update", "failure"), "36": ("dhcp-packet-dropped", "failure"),
    "50": ("domain-unreachable", "failure"), "51": ("server-authorized", "success"), "53": ("server-authorized-from-cache", "success"),
    "54": ("server-authorization", "failure"), "55": ("server-authorized", "success"), "56": ("server-authorization", "failure"),
    "58": ("domain-unreachable", "failure"), "59": ("network-failed", "failure"), "60": ("domain-unreachable", "failure"),
    "61": ("rogue-server-found", "failure"), "62": ("rogue-server-found", "failure"), "63": ("rogue-detection-restarted", ""),
    "64": ("no-interface", "failure"),
}  # fmt: skip
_V6 = {"11000": "dhcpv6-solicit", "11001": "dhcpv6-advertise", "11002": "dhcpv6-request", "11003": "dhcpv6-confirm",
       "11004": "dhcpv6-renew", "11005": "dhcpv6-rebind", "11006": "dhcpv6-decline", "11007": "dhcpv6-release"}  # fmt: skip
_V6_NAMES = ((6, "microsoft.dhcp.error_code"), (8, "microsoft.dhcp.duid"), (9, "user.name"))
_NAMES = (
    (7, "user.name"), (8, "microsoft.dhcp.transaction_id"), (9, "microsoft.dhcp.result"), (11, "microsoft.dhcp.correlation_id"),
    (14, "microsoft.dhcp.vendor"),
    (18, "microsoft.dhcp.dns_error_code"),
)  # fmt: skip


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    if not _LINE.match(record.data):
        if _HEAD.match(record.data):
            return Parsed(None, {"event.dataset": "microsoft_dhcp.log", "event.action": "head", "message": text})
        raise ParseError(f"not a line of the Windows DHCP server: {excerpt(text)}")
    try:
        row = next(csv.reader([text]))
    except csv.Error as error:
        raise ParseError(f"not CSV ({error}): {excerpt(text)}") from error
    if len(row) < 7:
        raise ParseError(f"{len(row)} columns, at least 7 are written: {excerpt(text)}")
    month, day, year = row[1].split("/")
    time = timestamp.iso(f"20{year}-{month}-{day}T{row[2]}", context.timezone)
    action, outcome = _EVENTS.get(row[0], (_V6.get(row[0], "dhcp"), ""))
    fields: dict[str, Value] = {
        "event.dataset": "microsoft_dhcp.log",
        "event.category": "network",
        "event.code": row[0],
        "event.action": action,
    }
    if outcome:
        fields["event.outcome"] = outcome
    if row[3]:
        fields["message"] = row[3]
    if (address := ip(row[4])) is not None:
        fields["client.ip"] = address
    if row[5]:
        fields["host.hostname"] = row[5]
    is_v6 = len(row[0]) == 5
    if not is_v6 and _MAC.fullmatch(row[6]):
        fields["client.mac"] = "-".join(row[6][at : at + 2] for at in range(0, 12, 2)).upper()
    fields.update(
        (name, row[at]) for at, name in (_V6_NAMES if is_v6 else _NAMES) if at < len(row) and row[at] not in _NOTHING
    )
    return Parsed(time, fields)


def _sniff(sample: bytes) -> float:
    return 1.0 if _TITLE in sample[:64] else share_of_lines(sample, _LINE.match)


FORMAT = Format(
    "windows-dhcp",
    "Windows DHCP server's audit log",
    parse,
    _sniff,
    gives=(
        Gives(
            "microsoft_dhcp.log",
            "network",
            "client.ip client.mac event.action event.code event.outcome host.hostname message microsoft.dhcp.* user.name",
        ),
    ),
)
