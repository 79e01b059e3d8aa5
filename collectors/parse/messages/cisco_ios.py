"""What a Cisco switch or router (IOS, IOS XE, IOS XR, NX-OS) logs in, what happened on it and what it let through out.

    %SEC-6-IPACCESSLOGP: list 177 denied udp 192.0.2.66(55250) -> 198.51.100.4(161), 1 packet
    %SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: admin] [Source: 192.0.2.66] [localport: 22] [Reason: Login Authentication Failed] at ...

Source of truth: Cisco "System Message Guide" of IOS XE 17 and NX-OS 10; dataset as in Elastic's cisco_ios integration.
Every message gives its facility, severity and mnemonic (`event.code`); log-ons, configuration, commands, access lists,
port security and links are read further. What stands before the message is `collectors.parse.cisco_header`'s.
"""

from __future__ import annotations

import re
from string import ascii_uppercase

from collectors.event import Value
from collectors.parse.ecs import ip, number
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end, put_protocol, verdict

_HEAD = re.compile(r"%([A-Z0-9][\w/-]{0,80}?)-([0-7])-([A-Z0-9_]{1,64}) ?: *", re.ASCII)
_ACCESS = re.compile(
    r".{0,80}?(?:access-)?list (?P<acl>\S{1,256}) (?P<verb>denied|permitted|deny|permit) (?P<proto>\S{1,20}) (?:[\dA-Fa-f-]{17} )?"
    r"(?P<s>[^\s(]{1,64})(?:\((?P<s_port>\d{1,5})\))?(?: ?(?P<s_if>[A-Z][\w./-]{1,64}))? ?-> "
    r"(?P<d>[^\s(,]{1,64})(?:\((?P<d_port>\d{1,5})\))?"
    r"(?: \([^)]{1,20}\))?(?:, (?P<packets>\d{1,18}) packet)?",
    re.ASCII,
)
_LOGIN = re.compile(
    r".{0,40}?\[user: ?(?P<user>[^\]]{0,256})\] \[Source: ?(?P<s>[^\]]{1,64})\] \[localport: ?\d{1,5}\]"
    r"(?: \[Reason: ?(?P<reason>[^\]]{1,256})\])?",
    re.ASCII,
)
_SSH = re.compile(
    r"User '(?P<user>[^']{0,256})' authentication for SSH2? Session from (?P<s>\S{1,64}) .{0,200}?(?P<verb>Succeeded|Failed)",
    re.ASCII,
)
_SESSION = re.compile(r"SSH2? Session request from (?P<s>\S{1,64}) .{0,200}?(?P<verb>Succeeded|Failed)", re.ASCII)
_CHANGE = re.compile(
    r"Configured (?:from|programmatically) .{0,80}?by (?P<user>\S{1,256})(?: on \S{1,64}(?: \((?P<s>[^)]{1,64})\))?)?",
    re.ASCII,
)
_COMMAND = re.compile(r"User:(?P<user>\S{0,256}) +(?:logged )?command:(?P<command>.{1,4096})", re.DOTALL)
_LOGOUT = re.compile(r"User (?P<user>\S{1,256}) has exited tty session \d{1,9}\((?P<s>[^)]{0,64})\)", re.ASCII)
_RAISED = re.compile(
    r"Privilege level set to (?P<level>\d{1,2}) by (?P<user>\S{1,256}) on \S{1,20}(?: \((?P<s>[^)]{1,64})\))?", re.ASCII
)
_DIGEST = re.compile(
    r"(?P<reason>(?:Invalid|No) MD5 digest) (?:received )?from (?P<s>[^\s(:]{1,64})[(:](?P<s_port>\d{1,5})\)? "
    r"to (?P<d>[^\s(:]{1,64})[(:](?P<d_port>\d{1,5})",
    re.ASCII,
)
_INTERFACE = re.compile(
    r"(?:Line protocol on )?Interface (?P<if>[^\s,]{1,64})(?:, changed state to (?P<state>[\w ]{1,40})| is (?P<is>\w{1,20}))?",
    re.ASCII,
)
_PORT = re.compile(
    r".{0,80}?(?:caused by MAC address|client \(|host) ?(?P<mac>[0-9A-Fa-f.]{14})\)? on (?:port|[Ii]nterface) (?P<if>\w[\w./-]{0,62}\w)",
    re.ASCII,
)

_Reading = tuple[re.Pattern[str], str, str, str]
_READINGS: dict[str, _Reading] = {
    "CONFIG_I": (_CHANGE, "configuration-changed", "configuration", "success"),
    "VSHD_SYSLOG_CONFIG_I": (_CHANGE, "configuration-changed", "configuration", "success"),
    "CONFIG_P": (_CHANGE, "configuration-changed", "configuration", "success"),
    "CFGLOG_LOGGEDCMD": (_COMMAND, "command", "configuration", "success"),
    "LOGIN_SUCCESS": (_LOGIN, "login", "authentication", "success"),
    "WEBLOGIN_SUCCESS": (_LOGIN, "login", "authentication", "success"),
    "LOGIN_FAILED": (_LOGIN, "login", "authentication", "failure"),
    "WEBLOGIN_FAILED": (_LOGIN, "login", "authentication", "failure"),
    "SSH2_USERAUTH": (_SSH, "login", "authentication", ""),
    "SSH_USERAUTH": (_SSH, "login", "authentication", ""),
    "SSH2_SESSION": (_SESSION, "ssh-connect", "network", ""),
    "LOGOUT": (_LOGOUT, "logout", "session", ""),
    "PRIV_AUTH_PASS": (_RAISED, "privilege-raised", "authentication", "success"),
    "BADAUTH": (_DIGEST, "peer-authentication", "network", "failure"),
    "UPDOWN": (_INTERFACE, "interface-state", "network", ""),
    "IF_DOWN_LINK_FAILURE": (_INTERFACE, "interface-state", "network", ""),
    "PSECURE_VIOLATION": (_PORT, "port-security", "network", "failure"),
    "FAIL": (_PORT, "port-authentication", "authentication", "failure"),
    "SUCCESS": (_PORT, "port-authentication", "authentication", "success"),
}
"""Mnemonic -> the pattern of its text, action, category and outcome ("" where the text or nothing says it)."""
_FIELDS = {
    "acl": "rule.name", "command": "process.command_line", "if": "observer.ingress.interface.name", "is": "cisco.ios.state",
    "level": "cisco.ios.privilege", "reason": "event.reason", "s_if": "observer.ingress.interface.name", "state": "cisco.ios.state",
    "user": "user.name",
}  # fmt: skip


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; what is not a system message adds none."""
    head = _HEAD.match(message)
    if head is None:
        return
    facility, severity, mnemonic = head.groups()
    fields["cisco.ios.facility"] = facility
    fields["event.severity"] = int(severity)
    fields["event.code"] = mnemonic
    text = message[head.end() :]
    if "ACCESSLOG" in mnemonic:
        match = _ACCESS.match(text)
        if match is not None:
            fields["event.action"] = "firewall-rule"
            fields["event.category"] = "network"
            _put(match.groupdict(), fields)
            verdict(fields, allowed=match["verb"].startswith("permit"))
        return
    reading = _READINGS.get(mnemonic)
    match = reading[0].match(text) if reading is not None else None
    if reading is None or match is None:
        return
    _, fields["event.action"], fields["event.category"], outcome = reading
    found = match.groupdict()
    _put(found, fields)
    if verb := found.get("verb"):
        outcome = "success" if verb == "Succeeded" else "failure"
    if outcome:
        fields["event.outcome"] = outcome


def _put(found: dict[str, str | None], fields: dict[str, Value]) -> None:
    for name, value in found.items():
        if not value:
            continue
        if name in _FIELDS:
            fields[_FIELDS[name]] = value.strip(" ")
        elif name == "mac":
            digits = value.replace(".", "").upper()
            fields["source.mac"] = "-".join(digits[at : at + 2] for at in range(0, 12, 2))
        elif name == "packets" and (count := number(value)) is not None:
            fields["network.packets"] = count
        elif name in ("s", "d") and ip(value) is not None:
            put_end(fields, "source" if name == "s" else "destination", value, found.get(f"{name}_port") or "")
    put_protocol(fields, found.get("proto") or "")


MESSAGE = Message(
    Gives(
        "cisco_ios.log",
        "authentication configuration network session",
        "cisco.ios.* destination.* event.action event.code event.outcome event.reason event.sequence event.severity event.type network.* "
        "observer.ingress.interface.name process.command_line rule.name source.* user.name",
    ),
    read,
    openings=tuple(f"%{letter}" for letter in ascii_uppercase),
)
