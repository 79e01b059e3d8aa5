"""One record of Linux's audit system behind a syslog header in, its fields out.

    audisp-syslog[612]: type=SYSCALL msg=audit(1795316400.123:871): arch=c000003e syscall=59 success=yes ... key="run"
    kernel: audit: type=1326 audit(1795316400.123:45): auid=1000 uid=1000 ... sig=31       (where no auditd runs)

Source of truth: audisp-syslog(8) (audispd before audit 3.0), Linux `kernel/audit.c`. A line is an event here, and several have one
`auditd.log.sequence`: what came by the network is acknowledged line by line, so nothing waits for the rest. Where a
file can be read, the format `auditd` puts them together.
"""

from __future__ import annotations

from datetime import datetime

from collectors.event import Value
from collectors.parse.audit import read_record
from collectors.parse.audit_event import GIVES, fields_of
from collectors.parse.format import Message

_KERNELS = {
    "1006": "LOGIN", "1300": "SYSCALL", "1302": "PATH", "1305": "CONFIG_CHANGE", "1306": "SOCKADDR", "1307": "CWD", "1309": "EXECVE",
    "1319": "TTY", "1325": "NETFILTER_CFG", "1326": "SECCOMP", "1327": "PROCTITLE", "1330": "KERN_MODULE", "1334": "BPF", "1400": "AVC",
    "1401": "SELINUX_ERR", "1403": "MAC_POLICY_LOAD", "1404": "MAC_STATUS", "1700": "ANOM_PROMISCUOUS", "1701": "ANOM_ABEND",
    "1702": "ANOM_LINK",
}  # fmt: skip


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one record; returns when it was."""
    kind = ""
    _, found, rest = message.partition("audit: type=")
    if found:
        number, _, message = rest.partition(" ")
        kind = _KERNELS.get(number, f"UNKNOWN[{number[:5]}]")
    record = read_record(message, kind)
    if record is None:
        return None
    program = fields.pop("process.name", None), fields.pop("process.pid", None)
    fields_of([record], fields)
    for name, value in zip(("process.name", "process.pid"), program, strict=True):
        if value is not None:
            fields.setdefault(name, value)
    return record.time


MESSAGE = Message(
    GIVES,
    read,
    programs=frozenset({"audispd", "audisp-syslog", "auditd", "audit", "kernel"}),
    openings=("type=", "node="),
    mark="audit(",
)
