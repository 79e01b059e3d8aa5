"""What Linux's kernel says about its machine in, what broke, was plugged in or listens out.

    [ 1234.567890] php-fpm8.2[5120]: segfault at 0 ip 00007f3c sp 00007ffd error 4 in libc.so.6[7f3c+155000]
    Out of memory: Killed process 4410 (java) total-vm:8123456kB, anon-rss:4012345kB, file-rss:0kB, shmem-rss:0kB, UID:110

Source of truth: Linux 6.1 `arch/x86/mm/fault.c`, `mm/oom_kill.c`, `drivers/usb/core/hub.c`, `net/core/dev.c`, `kernel/module/main.c`,
`kernel/hung_task.c`, `net/ipv4/tcp_input.c`, `fs/ext4/super.c`, `block/blk-core.c`. Packets of its firewall are `.iptables`' matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collectors.event import Value
from collectors.parse.ecs import number, port
from collectors.parse.format import Gives, Message

Fields = dict[str, Value]
_STAMP = re.compile(r"\[ {0,8}\d{1,12}+\.\d{6}\] ")
_CRASH = re.compile(
    r"(?:traps: )?([^\[\]:]{1,64}+)\[(\d{1,10}+)\]:? (segfault|general protection fault|trap [\w ]{1,32}+)"
    r"(?: at [0-9a-f]{1,16}+)? ?(.{0,300})",
    re.DOTALL,
)
_KILLED = re.compile(
    r"(?:Out of memory|Memory cgroup out of memory): Kill(?:ed)? process (\d{1,10}+) \(([^)]{0,64}+)\)(.{0,300})",
    re.DOTALL,
)
_USB_NEW = re.compile(r"usb ([\d.-]{1,32}+): New USB device found, idVendor=([0-9a-f]{4}), idProduct=([0-9a-f]{4})")
_USB_TEXT = re.compile(r"usb ([\d.-]{1,32}+): (Product|Manufacturer|SerialNumber): (.{1,200})", re.DOTALL)
_USB_GONE = re.compile(r"usb ([\d.-]{1,32}+): USB disconnect, device number \d{1,5}")
_USB_DISK = re.compile(r"usb-storage ([\d.:-]{1,32}): USB Mass Storage device detected")
_PROMISCUOUS = re.compile(r"(?:device )?([^\s:]{1,32}+):? (entered|left) promiscuous mode")
_LINK = re.compile(
    r"(?:[\w-]{1,32}+ [0-9a-f:.]{1,16}+ )?([^\s:]{1,32}+): (?:NIC )?[Ll]ink (?:is )?([Uu]p|[Dd]own)(.{0,200})",
    re.DOTALL,
)
_DISK = re.compile(r".{0,40}?I/O error, dev (\w{1,32}+), sector \d{1,20}+")
_EXT4 = re.compile(r".{0,40}?EXT4-fs error \(device ([\w-]{1,32}+)\)")
_XFS = re.compile(r".{0,40}?XFS \(([\w-]{1,32}+)\): .{0,60}?[Cc]orruption")
_RAID = re.compile(r"md/raid[\w:]{1,32}+ ?Disk failure on (\w{1,32}+)")
_MODULE = re.compile(r"([\w-]{1,64}+): (module verification failed|loading out-of-tree module taints kernel)")
_FLOOD = re.compile(
    r"(?:TCP: )?(?:request_sock_(?:TCP|SUBFLOW): )?[Pp]ossible SYN flooding on port (?:\S{1,64}:)?(\d{1,5})\."
)
_HUNG = re.compile(r"INFO: task ([^:]{1,64}+):(\d{1,10}+) blocked for more than (\d{1,6}+) seconds")
_SAYINGS = (
    ("Kernel panic - not syncing", "kernel-panic", "host", "failure"),
    ("nf_conntrack: table full, dropping packet", "connection-table-full", "network", "failure"),
    ("nf_conntrack: nf_conntrack: table full, dropping packet", "connection-table-full", "network", "failure"),
    ("Lockdown: ", "lockdown-refused", "host", "failure"),
    ("Linux version ", "kernel-started", "host", ""),
    ("mce: [Hardware Error]", "hardware-error", "host", "failure"),
)
_OPENINGS = tuple(opening for opening, *_ in _SAYINGS)


def read(message: str, fields: Fields) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    stamp = _STAMP.match(message) if message[:1] == "[" else None
    rest = message[stamp.end() :] if stamp else message
    if rest.startswith(_OPENINGS):
        _saying(rest, fields)
        return
    if rest.startswith(_BEGINNINGS):
        for opening, pattern, reader in _BEGINNING:
            if rest.startswith(opening) and (found := pattern.match(rest)):
                reader(found, fields)
                return
    for word, pattern, reader in _READERS:
        if word in rest and (found := pattern.match(rest)):
            reader(found, fields)
            return


def _saying(rest: str, fields: Fields) -> None:
    for opening, action, category, outcome in _SAYINGS:
        if rest.startswith(opening):
            _say(fields, action, category, outcome)
            fields["event.reason"] = rest
            return


def _say(fields: Fields, action: str, category: str, outcome: str = "") -> None:
    fields["event.action"], fields["event.category"] = action, category
    if outcome:
        fields["event.outcome"] = outcome


def _process(fields: Fields, name: str, pid: str) -> None:
    """The process that it is about, instead of the kernel."""
    fields["process.name"] = name
    if (count := number(pid)) is not None:
        fields["process.pid"] = count


def _crashed(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "process-crashed", "process", "failure")
    _process(fields, match[1], match[2])
    fields["event.reason"] = f"{match[3]} {match[4]}".strip()


def _killed(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "process-killed-out-of-memory", "process", "failure")
    _process(fields, match[2], match[1])
    fields["event.reason"] = match[3].strip(" ,")


def _usb_new(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "usb-device-connected", "host")
    fields["kernel.usb.port"], fields["device.vendor.id"], fields["device.product.id"] = match[1], match[2], match[3]


def _usb_text(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "usb-device-described", "host")
    fields["kernel.usb.port"] = match[1]
    names = {
        "Product": "device.model.name",
        "Manufacturer": "device.manufacturer",
        "SerialNumber": "device.serial_number",
    }
    fields[names[match[2]]] = match[3]


def _usb(action: str) -> Callable[[re.Match[str], Fields], None]:
    def reader(match: re.Match[str], fields: Fields) -> None:
        _say(fields, action, "host")
        fields["kernel.usb.port"] = match[1]

    return reader


def _promiscuous(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"promiscuous-mode-{match[2]}", "network")
    fields["observer.ingress.interface.name"] = match[1]


def _link(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"link-{match[2].lower()}", "network", "success" if match[2].lower() == "up" else "failure")
    fields["observer.ingress.interface.name"] = match[1]


def _disk(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "disk-error", "host", "failure")
    fields["kernel.device"] = match[1]


def _module(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "unsigned-module-loaded" if match[2][0] == "m" else "foreign-module-loaded", "driver")
    fields["kernel.module"] = match[1]


def _flood(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "syn-flood", "network", "failure")
    if (at := port(match[1])) is not None:
        fields["destination.port"] = at


def _hung(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "process-blocked", "process", "failure")
    _process(fields, match[1], match[2])


_READERS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str], Fields], None]], ...] = (
    ("]", _CRASH, _crashed),
    (" promiscuous mode", _PROMISCUOUS, _promiscuous),
    ("ink ", _LINK, _link),
    ("module ", _MODULE, _module),
    (" SYN flooding on ", _FLOOD, _flood),
    ("I/O error, dev ", _DISK, _disk),
    ("EXT4-fs error ", _EXT4, _disk),
    ("XFS (", _XFS, _disk),
)
"""What is looked for first, as all that the expression fits hold it; the expression; what it says."""
_BEGINNING: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str], Fields], None]], ...] = (
    ("Out of memory", _KILLED, _killed),
    ("Memory cgroup out of memory", _KILLED, _killed),
    ("usb-storage ", _USB_DISK, _usb("usb-storage-connected")),
    ("usb ", _USB_NEW, _usb_new),
    ("usb ", _USB_TEXT, _usb_text),
    ("usb ", _USB_GONE, _usb("usb-device-removed")),
    ("md/raid", _RAID, _disk),
    ("INFO: task ", _HUNG, _hung),
)
"""The same, of what a message begins with."""
_BEGINNINGS = tuple({opening for opening, *_ in _BEGINNING})

MESSAGE = Message(
    Gives(
        "syslog",
        "driver host network process",
        "destination.port device.* event.action event.outcome event.reason kernel.* observer.ingress.interface.name",
    ),
    read,
    frozenset({"kernel"}),
)
