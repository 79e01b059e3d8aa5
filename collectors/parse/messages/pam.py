"""What PAM modules say in any program in, authentication and sessions out.

    pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root
    pam_unix(sudo:session): session opened for user root(uid=0) by an(uid=1000)

Source of truth: Linux-PAM 1.5's pam_unix (support.c, pam_unix_sess.c, pam_unix_passwd.c) and pam_faillock.
`system.auth.pam.module`, `.service` and `.type` say who speaks; `user.name` is the account, `user.effective.name` the
one that a session runs as where another opened it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from collectors.event import Value
from collectors.parse.ecs import put_source
from collectors.parse.format import Gives, Message

_OPENING = re.compile(r"(pam_\w{1,32})\(([^():]{0,64}):?(\w{0,16})", re.ASCII)
_OPENED = re.compile(
    r"session opened for user ([^ (]{1,256})(?:\(uid=(\d{1,10})\))? by ([^ (]{0,256})(?:\(uid=(\d{1,10})\))?"
)
_LOCKED = re.compile(r"Consecutive login failures for user (\S{1,256}) account temporarily locked")

_PAIRS = {"ruser": "system.auth.pam.remote_user", "tty": "system.auth.pam.tty", "uid": "system.auth.pam.uid"}
_LONGEST_KEPT = 120
_KEPT = 1_000
"""Openings, and pairs before an address, that are remembered: programs and accounts are few, and who invents more takes 200 kB."""


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds only which module spoke."""
    opening, found, text = message.partition("): ")
    speaker = _speaker(opening) if found and len(opening) < _LONGEST_KEPT else None
    if speaker is None:
        return
    fields.update(speaker)
    if text.startswith("authentication failure; "):
        _failure(text[24:], fields)
    elif text.startswith("session opened for user "):
        _opened(text, fields)
    elif text.startswith("session closed for user "):
        _event("session-closed", "session", "", fields)
        fields["user.name"] = text[24:]
    elif text.startswith("check pass; user"):
        _event("pam-unknown-user", "authentication", "failure", fields)
        fields["event.reason"] = "user unknown"
    elif text.startswith("password changed for "):
        _event("password-changed", "iam", "success", fields)
        fields["user.name"] = text[21:]
    elif text.startswith(("auth could not identify password for [", "account ", "bad username [")):
        _refused(text, fields)
    elif locked := _LOCKED.match(text):
        _event("account-locked", "iam", "success", fields)
        fields["user.name"] = locked[1]
    else:
        number, more, rest = text.partition(" more authentication failure")
        if more and number.isascii() and number.isdigit() and len(number) < 10:
            _failure(rest.partition("; ")[2], fields)
            fields["system.auth.failures"] = int(number)


@lru_cache(_KEPT)
def _speaker(opening: str) -> Mapping[str, Value] | None:
    """Who speaks in `pam_unix(sshd:auth`; None where that is no opening of PAM's."""
    match = _OPENING.fullmatch(opening)
    if match is None:
        return None
    module, service, kind = match.groups()
    fields = {"system.auth.pam.module": module, "system.auth.pam.service": service, "system.auth.pam.type": kind}
    return {name: value for name, value in fields.items() if value}


def _event(action: str, category: str, outcome: str, fields: dict[str, Value]) -> None:
    fields["event.action"] = action
    fields["event.category"] = category
    if outcome:
        fields["event.outcome"] = outcome


def _failure(pairs: str, fields: dict[str, Value]) -> None:
    """`logname=an uid=1000 euid=0 tty=/dev/pts/0 ruser=an rhost=192.0.2.7  user=root`; the user may hold blanks and stands last."""
    _event("pam-authentication", "authentication", "failure", fields)
    pairs, _, user = pairs.partition(" user=")
    if user:
        fields["user.name"] = user
    before, found, rest = pairs.partition(" rhost=")
    fields.update(_of_pairs(before) if len(before) < _LONGEST_KEPT else _of_pairs.__wrapped__(before))
    if found:
        host, _, more = rest.partition(" ")
        put_source(fields, host)
        if more:
            fields.update(_of_pairs.__wrapped__(more))


@lru_cache(_KEPT)
def _of_pairs(pairs: str) -> Mapping[str, Value]:
    """What is said of who asks, mostly the same but for the address."""
    fields: dict[str, Value] = {}
    for pair in pairs.split(" "):
        name, equals, value = pair.partition("=")
        if not (equals and value):
            continue
        if name == "rhost":
            put_source(fields, value)
        elif name in _PAIRS:
            fields[_PAIRS[name]] = value
    return fields


def _opened(text: str, fields: dict[str, Value]) -> None:
    """`session opened for user root(uid=0) by an(uid=1000)`; Debian 11 and older write no uid for the first."""
    opened = _OPENED.match(text)
    if opened is None:
        return
    _event("session-opened", "session", "success", fields)
    user, uid, by, by_uid = opened.groups()
    fields["user.name"] = user
    if uid:
        fields["user.id"] = uid
    if by:
        fields["system.auth.pam.opened_by"] = by
    if by_uid:
        fields["system.auth.pam.opened_by_uid"] = by_uid


def _refused(text: str, fields: dict[str, Value]) -> None:
    """`auth could not identify password for [an]`, `account an has expired (account expired)`."""
    name, bracket, _ = text.partition("[")[2].partition("]")
    if bracket:
        _event("pam-authentication", "authentication", "failure", fields)
        fields["user.name"] = name
    else:
        name, found, reason = text.removeprefix("account ").partition(" has ")
        if not found:
            return
        _event("pam-account", "authentication", "failure", fields)
        fields["user.name"] = name
        fields["event.reason"] = f"has {reason}"


MESSAGE = Message(
    Gives(
        "pam",
        "authentication iam session",
        "event.action event.outcome event.reason source.domain source.ip system.auth.failures "
        "system.auth.pam.* user.id user.name",
    ),
    read,
    openings=("pam_",),
)
