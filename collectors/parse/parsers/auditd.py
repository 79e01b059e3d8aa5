"""An event of Linux's audit system in, of all its records, flat ECS out: what stands in /var/log/audit/audit.log.

    type=SYSCALL msg=audit(1795316400.123:871): arch=c000003e syscall=59 success=yes exit=0 ... comm="id" exe="/usr/bin/id" key="run"
    type=EXECVE msg=audit(1795316400.123:871): argc=2 a0="id" a1="-u"
    type=CWD msg=audit(1795316400.123:871): cwd="/root"
    type=PROCTITLE msg=audit(1795316400.123:871): proctitle=6964002D75          (one event, also with lines of others in between)

Source of truth: auditd.conf(5) and `ausearch-lol.c` of the audit project: records with one time and number are one event; what programs and
the daemon report stands alone; of what the kernel reports PROCTITLE (since Linux 3.14) or EOE is the last, and an event two seconds older
than another record is over. What the records are is in `collectors.parse.audit`, what they say together in `collectors.parse.audit_event`.
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.audit import read_record
from collectors.parse.audit_event import GIVES, fields_of
from collectors.parse.format import Context, Format, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord, Woven

_APART_S = 2
_LINE = re.compile(
    rb"((?:node=\S{1,255}+ )?)type=([A-Z][A-Z0-9_]{1,40}+|UNKNOWN\[\d{1,5}+\]) msg=(audit\((\d{1,11}+)\.\d{3}:\d{1,18}+\))"
)
_PARTS = frozenset(
    b"SYSCALL PATH CWD EXECVE SOCKADDR SOCKETCALL IPC IPC_SET_PERM MQ_OPEN MQ_SENDRECV MQ_NOTIFY MQ_GETSETATTR FD_PAIR OBJ_PID BPRM_FCAPS "
    b"CAPSET MMAP NETFILTER_CFG CONFIG_CHANGE KERN_MODULE BPF FANOTIFY TIME_INJOFFSET TIME_ADJNTPVAL OPENAT2 URINGOP EVENT_LISTENER AVC "
    b"SELINUX_ERR MAC_POLICY_LOAD MAC_STATUS MAC_CONFIG_CHANGE LOGIN FEATURE_CHANGE ANOM_PROMISCUOUS ANOM_LINK ANOM_CREAT "
    b"INTEGRITY_DATA INTEGRITY_METADATA INTEGRITY_STATUS INTEGRITY_RULE INTEGRITY_PCR LANDLOCK_ACCESS LANDLOCK_DOMAIN".split()
)
"""Kinds of records after which others of the same event may come."""


def parse(record: RawRecord, context: Context) -> Parsed:
    """All records of one event, a line each. Raises: ParseError."""
    text = text_of(record.data, context)
    found = []
    for line in text.split("\n"):
        each = read_record(line)
        if each is None:
            raise ParseError(f"not an audit record: {excerpt(line)}")
        found.append(each)
    fields: dict[str, Value] = {"event.dataset": "auditd.log"}
    fields_of(found, fields)
    return Parsed(found[0].time, fields)


def _strand(line: bytes) -> tuple[bytes, int, bool] | None:
    head = _LINE.match(line)
    return (head[1] + head[3], int(head[4]), head[2] not in _PARTS) if head else None


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample.removeprefix(b"\xef\xbb\xbf"), _LINE.match)


FORMAT = Format("auditd", "Linux audit log (audit.log)", parse, _sniff, Woven(_strand, _APART_S), gives=(GIVES,))
