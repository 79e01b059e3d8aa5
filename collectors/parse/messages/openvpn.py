"""What an OpenVPN server logs in, who connected from where out.

    hung.tv/192.0.2.140:50122 MULTI: Learn: 10.8.0.6 -> hung.tv/192.0.2.140:50122
    192.0.2.66:40022 TLS Auth Error: Auth Username/Password verification failed for peer

Source of truth: OpenVPN 2.4 to 2.6 (multi.c, ssl_verify.c, forward.c). Most lines begin with the client, once it is
known with the name of its certificate or account, which the client's side chose.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import ip
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end

_ADDRESS = r"(?P<host>\[[0-9A-Fa-f:]{2,45}\]|[\d.]{7,15}|[0-9A-Fa-f:]{2,45}?)(?::(?P<port>\d{1,5}))?"
_CLIENT = re.compile(rf"(?:(?P<user>[^\s/]{{1,256}})/)?(?:(?:tcp|udp)[46]?(?:-server)?:)?{_ADDRESS} ", re.ASCII)
_FROM = re.compile(rf"\[AF_INET6?\]{_ADDRESS}(?:,| |$)", re.ASCII)
_NAME = re.compile(r"VERIFY OK: depth=0, .{0,512}?CN=(?P<user>[^,/]{1,256})", re.ASCII)
_PASSED = re.compile(
    r"TLS: Username/Password authentication (?P<how>succeeded|deferred) for username '(?P<user>[^']{1,256})'", re.ASCII
)
_LEARNED = re.compile(
    r"MULTI: (?:Learn|primary virtual IP for [^:]{1,300}(?::\d{1,5})?): (?P<address>[0-9A-Fa-f.:]{2,45})", re.ASCII
)
_PEER = re.compile(r"\[(?P<user>[^\]]{0,256})\] Peer Connection Initiated with (?P<rest>.{1,128})", re.ASCII)
_READ = (
    # opening, action, category, outcome
    ("TLS Auth Error: Auth Username/Password verification failed", "vpn-login", "authentication", "failure"),
    ("TLS Auth Error", "vpn-login", "authentication", "failure"),
    ("TLS Error: TLS handshake failed", "vpn-handshake", "network", "failure"),
    ("TLS Error", "vpn-handshake", "network", "failure"),
    ("VERIFY ERROR", "vpn-certificate", "authentication", "failure"),
    ("VERIFY OK: depth=0", "vpn-certificate", "authentication", "success"),
    ("AUTH: Received control message: AUTH_FAILED", "vpn-login", "authentication", "failure"),
    ("SENT CONTROL", "vpn-control", "network", ""),
    ("PUSH: Received control message", "vpn-control", "network", ""),
    ("MULTI: Learn", "vpn-address", "network", "success"),
    ("MULTI: primary virtual IP", "vpn-address", "network", "success"),
    ("MULTI: bad source address from client", "vpn-bad-source", "network", "failure"),
    ("SIGTERM[soft,", "vpn-logout", "session", ""),
    ("SIGUSR1[soft,", "vpn-logout", "session", ""),
    ("Connection reset, restarting", "vpn-logout", "session", ""),
    ("Inactivity timeout", "vpn-logout", "session", ""),
    ("Authenticate/Decrypt packet error", "vpn-packet-error", "network", "failure"),
)


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one line; of a line that is not known, who the client is."""
    text = message
    client = _CLIENT.match(message)
    if client is not None:
        text = message[client.end() :]
        put_end(fields, "source", client["host"].strip("[]"), client["port"] or "")
        if client["user"]:
            fields["user.name"] = client["user"]
    passed = _PASSED.match(text)
    if passed is not None:
        fields.update({"event.action": "vpn-login", "event.category": "authentication", "user.name": passed["user"]})
        fields["event.outcome"] = "success" if passed["how"] == "succeeded" else "unknown"
        return
    peer = _PEER.match(text)
    if peer is not None:
        _connected(peer, fields)
        return
    for opening, action, category, outcome in _READ:
        if text.startswith(opening):
            fields["event.action"] = action
            fields["event.category"] = category
            if outcome:
                fields["event.outcome"] = outcome
            _more(text, outcome, fields)
            return


def _connected(peer: re.Match[str], fields: dict[str, Value]) -> None:
    fields.update({"event.action": "vpn-login", "event.category": "authentication", "event.outcome": "success"})
    if peer["user"]:
        fields["user.name"] = peer["user"]
    _peer_address(peer["rest"], fields)


def _peer_address(text: str, fields: dict[str, Value]) -> None:
    """`[AF_INET]192.0.2.140:50122`, where the line did not begin with the client."""
    where = _FROM.search(text) if "source.ip" not in fields else None
    if where is not None:
        put_end(fields, "source", where["host"].strip("[]"), where["port"] or "")


def _more(text: str, outcome: str, fields: dict[str, Value]) -> None:
    """What a line says beyond its kind: the certificate's name, the address given, why."""
    if (name := _NAME.match(text)) is not None:
        fields["user.name"] = name["user"]
    if (learned := _LEARNED.match(text)) is not None and (address := ip(learned["address"])) is not None:
        fields["openvpn.assigned_ip"] = address
    _peer_address(text, fields)
    if outcome == "failure" or text.startswith("SIG"):
        reason = text.partition("[soft,")[2].partition("]")[0] if text.startswith("SIG") else text.partition(": ")[2]
        if reason:
            fields["event.reason"] = reason


MESSAGE = Message(
    Gives(
        "openvpn.log",
        "authentication network session",
        "event.action event.outcome event.reason openvpn.assigned_ip source.ip source.port user.name",
    ),
    read,
    frozenset({"openvpn", "ovpn-server", "openvpn-server", "ovpn"}),
)
