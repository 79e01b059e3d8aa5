"""What shadow's tools say in, which account or group changed out.

    new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/bash, from=/dev/pts/0
    add 'eve' to group 'sudo'

Source of truth: shadow 4.13 (useradd, usermod, userdel, groupadd, groupmod, gpasswd, chage, chpasswd) as Debian 12
ships it.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.format import Gives, Message

_NEW = re.compile(r"new (user|group): name=([^,]{1,256})(?:, [UG]ID=(\d{1,10}))?")
_MEMBER = re.compile(r"(add|delete) '([^']{1,256})' (?:to|from) (?:shadow )?group '([^']{1,256})'")
_GPASSWD = re.compile(r"user (\S{1,256}) (added|removed) by (\S{1,256}) (?:to|from) group (\S{1,256})")
_DELETED = re.compile(r"(?:delete user|removed group) '([^']{1,256})'")
_EXPIRY = re.compile(r"changed password expiry for (\S{1,256})")
_CHANGED = re.compile(r"change user '([^']{1,256})' (\S.{0,200})", re.DOTALL)


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if match := _NEW.match(message):
        kind = match[1]
        fields["event.action"] = f"{kind}-created"
        fields["user.target.name" if kind == "user" else "group.name"] = match[2]
        if match[3]:
            fields["user.target.id" if kind == "user" else "group.id"] = match[3]
    elif match := _MEMBER.match(message):
        _member(match[1] == "add", match[2], match[3], fields)
    elif match := _GPASSWD.match(message):
        _member(match[2] == "added", match[1], match[4], fields)
        fields["user.name"] = match[3]
    elif match := _DELETED.match(message):
        user = message.startswith("delete user")
        fields["event.action"] = "user-deleted" if user else "group-deleted"
        fields["user.target.name" if user else "group.name"] = match[1]
    elif match := _CHANGED.match(message):
        fields["event.action"] = "user-changed"
        fields["user.target.name"] = match[1]
        fields["event.reason"] = match[2]
    elif match := _EXPIRY.match(message):
        fields["event.action"] = "password-expiry-changed"
        fields["user.target.name"] = match[1]
    else:
        return
    fields["event.category"] = "iam"
    fields["event.outcome"] = "success"


def _member(added: bool, user: str, group: str, fields: dict[str, Value]) -> None:
    fields["event.action"] = "group-member-added" if added else "group-member-removed"
    fields["user.target.name"] = user
    fields["group.name"] = group


MESSAGE = Message(
    Gives(
        "syslog",
        "iam",
        "event.action event.outcome event.reason group.id group.name user.name user.target.id user.target.name",
    ),
    read,
    frozenset(
        {"useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel", "gpasswd", "chage", "chpasswd", "adduser"}
    ),
)
