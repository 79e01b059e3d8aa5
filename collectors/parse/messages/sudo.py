"""What sudo says in, who ran what as whom out.

    an : TTY=pts/0 ; PWD=/home/an ; USER=root ; COMMAND=/usr/bin/id -u
    binh : user NOT in sudoers ; TTY=pts/1 ; PWD=/srv ; USER=root ; COMMAND=/bin/bash

Source of truth: sudo 1.9.13's `new_logline` (lib/eventlog): what went wrong comes first where something did, then
TTY, CHROOT, PWD, USER, GROUP, TSID, ENV, and COMMAND last, which is any text. sudo escapes blanks and control
characters in the values before COMMAND (`#040`). A command longer than a syslog line goes on in `(command continued)`
messages, which stand alone here.
"""

from __future__ import annotations

from collectors.event import Value
from collectors.parse.format import Gives, Message

_NAMES = {
    "PWD": "process.working_directory",
    "USER": "user.effective.name",
    "GROUP": "group.name",
    "TTY": "system.auth.sudo.tty",
    "CHROOT": "system.auth.sudo.chroot",
    "TSID": "system.auth.sudo.tsid",
    "ENV": "system.auth.sudo.env",
    "HOST": "system.auth.sudo.host",
}


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    name, found, rest = message.partition(" : ")
    if not found or " " in name or not name:
        return
    if rest.startswith("(command continued) "):
        fields["event.action"] = "sudo-command-continued"
        fields["user.name"] = name
        fields["process.command_line"] = rest[20:]
        return
    head, has_command, command = rest.partition("COMMAND=")
    before: dict[str, Value] = {}
    reason = ""
    for part in head.split(" ; "):
        key, equals, value = part.partition("=")
        if equals and key in _NAMES:
            before[_NAMES[key]] = value
        elif part and not reason and not before:
            reason = part
    if not has_command and not before:
        return
    fields["user.name"] = name
    fields.update(before)
    if command:
        fields["process.command_line"] = command
        if command[0] == "/":
            fields["process.executable"] = command.partition(" ")[0]
    fields["event.category"] = "process"
    if reason:
        fields["event.action"] = "sudo-denied"
        fields["event.outcome"] = "failure"
        fields["event.reason"] = reason
    else:
        fields["event.action"] = "sudo-command"
        fields["event.outcome"] = "success"


MESSAGE = Message(
    Gives(
        "sudo",
        "process",
        "event.action event.outcome event.reason group.name process.command_line process.executable "
        "process.working_directory system.auth.sudo.* user.effective.name user.name",
    ),
    read,
    frozenset({"sudo", "sudoedit"}),
)
