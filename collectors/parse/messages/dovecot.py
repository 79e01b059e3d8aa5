"""What Dovecot logs in, who logs in to read mail, and who fails to out.

    imap-login: Login: user=<an>, method=PLAIN, rip=192.0.2.7, lip=10.20.0.25, mpid=871, TLS, session=<a1B2c3D4>
    imap-login: Disconnected: Connection closed (auth failed, 3 attempts in 17 secs): user=<an>, method=PLAIN, rip=203.0.113.45, ...

Source of truth: Dovecot 2.3 `src/login-common/client-common.c` (login_log_format_elements), `src/auth/auth-request.c`,
`src/imap/imap-client.c`.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import ip, number, port, put_source
from collectors.parse.format import Gives, Message

_LOGIN = re.compile(
    r"(imap|pop3|submission|managesieve)-login: (.{1,300}?): (user=<[^>]{0,500}+>.{0,500}|(?:method=|rip=).{0,500})",
    re.DOTALL,
)
_ANGLED = re.compile(r"(user|session)=<([^>]{0,500}+)>")
_PLAIN = re.compile(r"\b(method|rip|rport|lip|lport|mpid)=([^\s,]{1,64}+)")
_AUTH = re.compile(
    r"auth(?:-worker)?(?:\(\d{1,10}\))?: (?:\w{1,16}: )?(?:conn .{1,64}?: )?"
    r"([\w-]{1,32}+)\(([^(),]{0,255}+)(?:,([0-9A-Fa-f.:]{2,64}+))?(?:,[^)]{0,64}+)?\): (.{1,500})",
    re.DOTALL,
)
_USER = re.compile(
    r"(imap|pop3|lmtp|submission|managesieve)\(([^()]{1,255}+)\)(?:<\d{1,10}+>)?(?:<([^>]{1,64}+)>)?: (.{1,1000})",
    re.DOTALL,
)
_TRAFFIC = re.compile(r"\bin=(\d{1,19}+) out=(\d{1,19}+)")
_FAILED = (
    "auth failed",
    "Aborted login",
    "Login aborted",
    "no auth attempts",
    "Login failed",
    "user disabled",
    "Inactivity",
    "disallowed",
)


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if login := _LOGIN.match(message):
        _login(login, fields)
    elif auth := _AUTH.match(message):
        fields["event.action"], fields["event.category"], fields["event.outcome"] = (
            "mail-login",
            "authentication",
            "failure",
        )
        fields["dovecot.backend"], fields["event.reason"] = auth[1], auth[4]
        if auth[2]:
            fields["user.name"] = auth[2]
        if auth[3]:
            put_source(fields, auth[3])
    elif user := _USER.match(message):
        fields["network.protocol"], fields["user.name"] = user[1], user[2]
        if user[3]:
            fields["dovecot.session"] = user[3]
        fields["event.category"] = "email" if user[1] == "lmtp" else "session"
        fields["event.action"] = "mail-delivery" if user[1] == "lmtp" else "mail-session"
        fields["event.reason"] = user[4]
        if traffic := _TRAFFIC.search(user[4]):
            for name, value in (("source.bytes", traffic[1]), ("destination.bytes", traffic[2])):
                if (count := number(value)) is not None:
                    fields[name] = count


def _login(match: re.Match[str], fields: dict[str, Value]) -> None:
    fields["event.action"], fields["event.category"], fields["network.protocol"] = (
        "mail-login",
        "authentication",
        match[1],
    )
    said = match[2]
    if said == "Login":
        fields["event.outcome"] = "success"
    else:
        fields["event.reason"] = said
        if any(each in said for each in _FAILED):
            fields["event.outcome"] = "failure"
        if said.endswith("no auth attempts in 0 secs)") or "no auth attempts" in said:
            fields["event.action"], fields["event.category"] = "mail-connection-without-login", "network"
    for name, value in _ANGLED.findall(match[3]):
        if value:
            fields["user.name" if name == "user" else "dovecot.session"] = value
    said_of = dict(_PLAIN.findall(match[3]))
    put_source(fields, said_of.get("rip", ""), said_of.get("rport", ""))
    if (address := ip(said_of.get("lip", ""))) is not None:
        fields["destination.ip"] = address
    if (at := port(said_of.get("lport", ""))) is not None:
        fields["destination.port"] = at
    if "method" in said_of:
        fields["dovecot.method"] = said_of["method"]
    fields["dovecot.tls"] = "true" if ", TLS" in match[3] or "secured" in match[3] else "false"


MESSAGE = Message(
    Gives(
        "dovecot.log",
        "authentication email network session",
        "destination.bytes destination.ip destination.port dovecot.* event.action event.outcome event.reason network.protocol source.bytes "
        "source.ip source.port user.name",
    ),
    read,
    frozenset({"dovecot"}),
)
