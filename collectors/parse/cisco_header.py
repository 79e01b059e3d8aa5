"""What a Cisco device writes before its `%FACILITY-SEVERITY-MNEMONIC:` in; sequence number, host and moment out.

    585917: rtr01: 000031: *Nov 22 10:00:00.123 ICT: %SYS-5-CONFIG_I: Configured from console by an on vty0 (192.0.2.9)
    : 2026 Nov 22 10:00:00 ICT: %ETHPORT-5-IF_DOWN_LINK_FAILURE: Interface Ethernet1/1 is down (Link failure)      (NX-OS)

Source of truth: Cisco IOS "System Message Logging" (`service timestamps`, `service sequence-numbers`, `logging
origin-id`), NX-OS and IOS-XR system message guides. A time since the start (`1w2d`) says
no moment. All parts may be missing, and a relay puts a date and a host of
its own before them. `*` and `.` say that the clock is not, or no more, set by NTP: its time counts where nothing
better is known and it is within a day of the receipt. UTC, GMT and offsets are known zones; any other is the site's.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import number

_LONGEST = 120
"""Characters before the message that are looked at."""
_MESSAGE = re.compile(r"%{1,2}[A-Z0-9][\w/-]{1,80}?[-/][0-7][-/][A-Z0-9]", re.ASCII)
_ZONE = r"(?:UTC|GMT)(?:[+-]\d{1,2}(?::\d\d)?)?|[A-Z]{1,4}T|[a-z]{2}t|[+-]\d\d:\d\d"
_UPTIME = r"(?:\d{1,3}[ywdhm]){2}|\d\d:\d\d:\d\d"
_HEADER = re.compile(
    rf"(?:: ?)?(?:(\d{{1,18}}): )?(?:(?!(?:{_ZONE}|{_UPTIME}|\d{{1,18}}):)([\w.-]{{1,255}}): )?(?:\d{{1,18}}: )?"
    rf"(?:[A-Z]{{1,4}}/\d[\w/]{{0,40}}:)?"
    rf"(?:([*.]?)(?:(\d{{4}}) )?([A-Z][a-z]{{2}} [ \d]?\d(?: \d{{4}})? \d\d:\d\d:\d\d(?:\.\d{{1,9}})?)|{_UPTIME})?"
    rf"(?: ?({_ZONE}))?(?: ?: (?:[\w.-]{{1,64}}(?:\[\d{{1,9}}\])?: )?)?",
    re.ASCII,
)
_UTC = ZoneInfo("UTC")
_DAY = timedelta(days=1)


def message_at(text: str) -> int:
    """Where a Cisco message begins in the text behind a syslog header; -1 where there is none."""
    if text[:1] == "%":
        return 0 if _MESSAGE.match(text) else -1
    at = text.find(": %", 0, _LONGEST)
    return at + 2 if at >= 0 and _MESSAGE.match(text, at + 2) else -1


def read(
    header: str, time: datetime | None, received: datetime, zone: ZoneInfo, fields: dict[str, Value]
) -> datetime | None:
    """Add what the device's own header says; returns the event's moment, `time` being what a relay or the line's date said."""
    match = _HEADER.fullmatch(header)
    if match is None:
        return time
    sequence, host, doubt, year, stamp, name = match.groups()
    if sequence and (count := number(sequence)) is not None:
        fields["event.sequence"] = count
    if host:
        fields["host.name"] = host
    try:
        if stamp is None:
            return _in_zone(time, name, zone)
        moment = timestamp.yearless(f"{stamp[:6]} {year}{stamp[6:]}" if year else stamp, received, zone)
    except ParseError:
        return time
    if doubt and (time is not None or abs(received - moment) > _DAY):
        return time
    return _in_zone(moment, name, zone)


def _in_zone(moment: datetime | None, name: str | None, zone: ZoneInfo) -> datetime | None:
    """A moment that was read as local time of the site, where its zone turns out to be another. Raises: ParseError."""
    if moment is None or not name or (name[:3] not in ("UTC", "GMT") and name[0] not in "+-"):
        return moment
    offset = name.removeprefix("UTC").removeprefix("GMT")
    local = moment.astimezone(zone).replace(tzinfo=None)
    if offset:
        hours, _, minutes = offset[1:].partition(":")
        offset = f"{offset[0]}{hours:0>2}:{minutes or '00'}"
    return timestamp.iso(f"{local.isoformat()}{offset or 'Z'}", _UTC)
