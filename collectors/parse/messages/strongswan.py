"""What strongSwan's IKE daemon logs in, which peers came up, which were refused out.

    12[IKE] IKE_SA huyen-03[7] established between 198.51.100.4[tinh.example]...192.0.2.150[huyen-03.example]
    08[IKE] EAP method EAP_MSCHAPV2 failed for peer giamdoc

Source of truth: strongSwan 5.9 (libcharon: ike_sa.c, child_sa.c, eap and xauth authenticators, receiver.c); the thread and
the subsystem begin a line. The peer is the source, the gateway the destination; an identity is what the peer claimed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from collectors.event import Value
from collectors.parse.ecs import ip, port
from collectors.parse.format import Gives, Message

_HEAD = re.compile(
    r"\d{1,4}\[(?P<subsystem>[A-Z]{2,6})\d?\] (?:<(?:(?P<connection>[^|>]{1,128})\|)?\d{1,12}> )?", re.ASCII
)
_ID = r"\[(?P<{}>[^\]]{{0,256}})\]"
_ENDS = rf"(?P<d>[^\s\[]{{1,64}}){_ID.format('local')}\.\.\.(?P<s>[^\s\[]{{1,64}}){_ID.format('user')}"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One message: what it is called here, its category, how it went, and its pattern."""

    action: str
    category: str
    outcome: str
    pattern: re.Pattern[str]


def _kind(action: str, category: str, outcome: str, pattern: str) -> _Kind:
    return _Kind(action, category, outcome, re.compile(pattern, re.ASCII))


_KINDS = (
    _kind(
        "ike-established", "authentication", "success",
        rf"IKE_SA (?P<connection>[^\s\[]{{1,128}})\[\d{{1,12}}\] established between {_ENDS}",
    ),
    _kind("ike-deleting", "session", "", rf"deleting IKE_SA (?P<connection>[^\s\[]{{1,128}})\[\d{{1,12}}\] between {_ENDS}"),
    _kind(
        "child-established", "network", "success",
        r"CHILD_SA (?P<connection>[^\s{]{1,128})\{\d{1,12}\} established with SPIs \S{1,40} \S{1,40} and TS"
        r" (?P<local>\S{1,256}) === (?P<remote>.{1,512})",
    ),
    _kind("ike-request", "network", "", r"(?P<s>[0-9A-Fa-f.:]{2,45}) is initiating an? (?:(?P<mode>[\w ]{1,40}) )?(?:IKE_SA|Mode)"),
    _kind(
        "ike-authentication", "authentication", "success",
        r"authentication of '(?P<user>[^']{1,256})' with (?P<how>.{1,128}) successful",
    ),
    _kind(
        "ike-authentication", "authentication", "success",
        r"(?P<how>EAP method \S{1,64}|XAuth authentication) (?:succeeded|of '(?P<user>[^']{1,256})' successful)",
    ),
    _kind("ike-authentication", "authentication", "failure", r"(?P<how>EAP method \S{1,64}) failed for peer (?P<user>.{1,256})"),
    _kind(
        "ike-authentication", "authentication", "failure",
        r"(?P<how>XAuth authentication|PAM authentication) of '(?P<user>[^']{1,256})' failed",
    ),
    _kind(
        "ike-authentication", "authentication", "failure",
        r"(?P<how>tried \d{1,4} shared keys?) for '[^']{0,256}' - '(?P<user>[^']{0,256})', but MAC mismatched",
    ),
    _kind(
        "ike-authentication", "authentication", "failure",
        r"(?P<reason>no (?:trusted \w{1,20} public key|shared key|issuer certificate) found) for ['\"]?(?P<user>[^'\"]{1,256})",
    ),
    _kind(
        "ike-refused", "network", "failure",
        r"(?P<reason>no matching peer config found|received \w{1,64} (?:error )?notify.{0,40}|no acceptable proposal"
        r" found|no proposal chosen)",
    ),
    _kind(
        "ike-refused", "network", "failure",
        r"(?P<reason>no IKE config found) for (?P<d>[0-9A-Fa-f.:]{2,45})\.\.\.(?P<s>[0-9A-Fa-f.:]{2,45})",
    ),
    _kind("ike-timeout", "network", "failure", r"(?P<reason>giving up after \d{1,4} retransmits)"),
    _kind("ike-address", "network", "success", r"assigning virtual IP (?P<address>\S{1,64}) to peer '(?P<user>[^']{1,256})'"),
    _kind(
        "packet", "network", "",
        r"(?:received|sending) packet: from (?P<s>[0-9A-Fa-f.:]{2,45})\[(?P<s_port>\d{1,5})\] to"
        r" (?P<d>[0-9A-Fa-f.:]{2,45})\[(?P<d_port>\d{1,5})\]",
    ),
)  # fmt: skip
_FIELDS = {
    "address": "strongswan.assigned_ip", "connection": "strongswan.connection", "how": "strongswan.method", "local": "strongswan.local",
    "mode": "strongswan.mode", "reason": "event.reason", "remote": "strongswan.remote",
    "subsystem": "strongswan.subsystem", "user": "user.name",
}  # fmt: skip


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one line; of a line that is not known, its subsystem and connection."""
    head = _HEAD.match(message)
    if head is None:
        return
    _put(head.groupdict(), fields)
    text = message[head.end() :]
    for kind in _KINDS:
        match = kind.pattern.match(text)
        if match is not None:
            fields["event.action"] = kind.action
            fields["event.category"] = kind.category
            if kind.outcome:
                fields["event.outcome"] = kind.outcome
            _put(match.groupdict(), fields)
            return


def _put(found: dict[str, str | None], fields: dict[str, Value]) -> None:
    for name, value in found.items():
        if value and name in _FIELDS:
            fields[_FIELDS[name]] = value
    for name, end in (("s", "source"), ("d", "destination")):
        if (address := ip(found.get(name) or "")) is not None:
            fields[f"{end}.ip"] = address
            if (at := port(found.get(f"{name}_port") or "")) is not None:
                fields[f"{end}.port"] = at


MESSAGE = Message(
    Gives(
        "strongswan.log",
        "authentication network session",
        "destination.ip destination.port event.action event.outcome event.reason source.ip source.port strongswan.* user.name",
    ),
    read,
    frozenset({"charon", "charon-systemd", "charon-nm", "ipsec"}),
)
