"""What Proxmox VE says in, who logged in and which task on which machine was run out.

    <root@pam> starting task UPID:pve01:0003A1B2:01C2D3E4:6740A0F0:qmstop:101:binh@pve:
    authentication failure; rhost=::ffff:203.0.113.45 user=root@pam msg=Authentication failure

Source of truth: Proxmox VE 8 `PVE/RESTEnvironment.pm` (log_task, UPID node:pid:pstart:starttime:type:id:user:),
`PVE/API2/AccessControl.pm`, vzdump's and pve-firewall's messages.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import put_source
from collectors.parse.format import Gives, Message

_TASK = re.compile(
    r"<([^>]{1,255}+)> (starting|end) task (UPID:([^\s:]{1,64}+):[0-9A-F]{8,9}:[0-9A-F]{8,16}:[0-9A-F]{8,9}:"
    r"(\w{1,64}+):([^\s:]{0,128}+):([^\s:]{1,255}+):)"
    r"(?: (.{1,500}))?",
    re.DOTALL,
)
_DENIED = re.compile(r"authentication failure; rhost=(\S{0,64}+) user=(\S{0,255}+)(?: msg=(.{1,300}))?", re.DOTALL)
_ALLOWED = re.compile(r"(?:<[^>]{1,255}+> )?successful auth for user '([^']{1,255}+)'")
_BACKUP = re.compile(
    r"(INFO|ERROR): (Starting Backup|Finished Backup|Backup) of VM (\d{1,9}+)(?: \((\w{1,16}+)\))?(.{0,300})", re.DOTALL
)
_CATEGORIES = {"qm": "host", "vz": "host", "ac": "iam", "us": "iam", "up": "package", "ap": "package"}
_PEOPLE = frozenset({"vncproxy", "vncshell", "termproxy", "spiceproxy", "spiceshell"})


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if task := _TASK.fullmatch(message):
        _task(task, fields)
    elif denied := _DENIED.match(message):
        fields["event.action"], fields["event.category"], fields["event.outcome"] = "login", "authentication", "failure"
        put_source(fields, denied[1])
        _account(denied[2], fields)
        if denied[3]:
            fields["event.reason"] = denied[3]
    elif allowed := _ALLOWED.match(message):
        fields["event.action"], fields["event.category"], fields["event.outcome"] = "login", "authentication", "success"
        _account(allowed[1], fields)
    elif backup := _BACKUP.match(message):
        starts, failed = backup[2] == "Starting Backup", backup[1] == "ERROR"
        fields["event.action"] = "backup-started" if starts else "backup-finished"
        fields["event.category"] = "host"
        fields["proxmox.machine"] = backup[3]
        if not starts:
            fields["event.outcome"] = "failure" if failed else "success"
        if failed:
            fields["event.reason"] = backup[5].removeprefix(" failed - ")


def _account(text: str, fields: dict[str, Value]) -> None:
    """`an@pve`: the name, and the realm that knows it; `an@pve!kho` is a token of an."""
    name, _, realm = text.rpartition("@")
    realm, _, token = realm.partition("!")
    if name or realm:
        fields["user.name"] = name or realm
    if name and realm:
        fields["user.domain"] = realm
    if token:
        fields["proxmox.token"] = token


def _task(match: re.Match[str], fields: dict[str, Value]) -> None:
    who, verb, upid, node, kind, machine, _, result = match.groups()
    fields["event.action"] = kind
    fields["event.category"] = "session" if kind in _PEOPLE else _CATEGORIES.get(kind[:2], "configuration")
    fields["event.type"] = "start" if verb == "starting" else "end"
    fields["proxmox.task"], fields["proxmox.node"] = upid, node
    if machine:
        fields["proxmox.machine"] = machine
    _account(who, fields)
    if verb == "end" and result:
        fields["event.outcome"] = "success" if result == "OK" or result.startswith("WARNINGS") else "failure"
        if result != "OK":
            fields["event.reason"] = result


MESSAGE = Message(
    Gives(
        "proxmox.log",
        "authentication configuration host iam package session",
        "event.action event.outcome event.reason event.type proxmox.* source.ip user.domain user.name",
    ),
    read,
    frozenset(
        {
            "pvedaemon",
            "pveproxy",
            "pvescheduler",
            "pvestatd",
            "vzdump",
            "proxmox-backup-proxy",
            "proxmox-backup-api",
            "pve-ha-lrm",
        }
    ),
)
