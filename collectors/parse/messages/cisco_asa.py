r"""What a Cisco ASA, or FTD as LINA writes it, logs in, who did what through it out.

    %ASA-6-302013: Built outbound TCP connection 7 for outside:203.0.113.9/443 (203.0.113.9/443) to inside:10.20.3.7/5012 (192.0.2.4/5012)
    %ASA-6-113015: AAA user authentication Rejected : reason = Invalid password : local database : user = an : user IP = 192.0.2.66

Source of truth: "Cisco Secure Firewall ASA Series Syslog Messages" 9.8 to 9.20; dataset as in Elastic's cisco_asa
integration. Read are the messages about connections, access lists, translations, log-ons of administrators and VPN
users, and configuration; of any other VPN message group, user and address. The id is `event.code`. In a connection that
is built outbound, and in its teardown as far as that is known, `for` names the far end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from collectors.event import Value
from collectors.parse.ecs import ip, number, port
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end, put_protocol, verdict


def _end(name: str, *, interface: bool = True) -> str:
    r"""`outside:192.0.2.7/50122(LOCAL\an) (198.51.100.4/50122)(an)`: interface, host, port, user, and what the host is translated to."""
    return (
        (rf"(?:(?P<{name}_if>[^:/ ()]{{1,64}}):)?" if interface else "")
        + rf"(?P<{name}>[^\s/()]{{1,255}})(?:/(?P<{name}_port>\d{{1,5}}))?(?:\((?:LOCAL\\)?(?P<{name}_user>[^()]{{1,256}})\))?"
        + rf"(?: \((?P<{name}_nat>[^\s/()]{{1,255}})(?:/(?P<{name}_natport>\d{{1,5}}))?\)"
        + rf"(?:\((?:LOCAL\\)?(?P<{name}_natuser>[^()]{{1,256}})\))?)?"
    )


_FROM, _TO = _end("s"), _end("d")
_FROM0, _TO0 = _end("s", interface=False), _end("d", interface=False)
_P = r"(?P<proto>[^\s:]{1,20}(?: \d{1,3})?)"
_ON = r"(?:.{0,80}? on interface (?P<s_if>\S{1,64}))?"
_BUILT = r"Built (?P<way>in|out)bound (?P<proto>\w{1,8}) connection (?P<id>\d{1,20}) for "
_DOWN = r"Teardown (?P<proto>\w{1,8}) connection (?P<id>\d{1,20}) for "
_SPENT = r".{0,80}? duration (?P<time>[\d:]{5,12})(?: bytes (?P<bytes>\d{1,18}))?(?: (?P<reason>[^(]{1,128}))?"
_ICMP = (
    r"connection for faddr (?P<d>[^\s/(]{1,255})/\d{1,5}\S* gaddr (?P<s_nat>[^\s/(]{1,255})/\d{1,5}\S* "
    r"laddr (?P<s>[^\s/(]{1,255})/\d{1,5}"
)
_WHO = r"Group <?(?P<group>[^<>,]{1,128}?)>? User <?(?P<user>[^<>,]{1,256}?)>? IP <?(?P<s>[0-9A-Fa-f.:]{2,45})>?,?"
_VPN = r"(?:Group = (?P<group>[^,]{1,128}), )?(?:Username = (?P<user>[^,]{1,256}), )?IP = (?P<s>[0-9A-Fa-f.:]{2,45})"
_USER = r"user = (?P<user>.{1,256}?)(?: : user IP = (?P<s>\S{1,64}))?\s*$"
_ADMIN = (
    rf"from {_FROM0} to (?:(?P<d_if>[^:/ ]{{1,64}}):)?(?P<d>[^\s/]{{1,255}})/(?P<service>\w{{1,20}}) "
    r'for user "(?P<user>[^"]{1,256})"'
)


_FIELDS = {
    "acl": "rule.name", "command": "process.command_line", "d_if": "observer.egress.interface.name", "file": "file.path",
    "group": "group.name", "id": "cisco.asa.connection_id", "object": "cisco.asa.object", "reason": "event.reason",
    "s_if": "observer.ingress.interface.name", "service": "network.protocol", "target": "user.target.name", "url": "url.original",
    "user": "user.name", "verb": "cisco.asa.verb",
}  # fmt: skip
_COUNTS = {"bytes": "network.bytes", "received": "source.bytes", "sent": "destination.bytes"}
_PARTS = ("", "_if", "_port", "_nat", "_natport", "_user", "_natuser")
_TURNED = {f"{here}{part}": f"{there}{part}" for here, there in ("sd", "ds") for part in _PARTS}


@dataclass(frozen=True, slots=True)
class _Text:
    """A message's pattern. `names`: of its groups; `turned`: where its ends change places; `fields`, `counts`: what groups become."""

    pattern: re.Pattern[str]
    names: tuple[str, ...]
    turned: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, str], ...]


@cache
def _text(pattern: str) -> _Text:
    """Of the few messages that one firewall writes each is compiled when it first comes."""
    compiled = re.compile(pattern, re.ASCII)
    names = tuple(compiled.groupindex)  # all groups have names, so they stand in their order
    turned = tuple(_TURNED.get(name, name) for name in names)
    every = {*names, *turned}
    return _Text(
        compiled,
        names,
        turned,
        tuple((name, field) for name, field in _FIELDS.items() if name in every),
        tuple((name, field) for name, field in _COUNTS.items() if name in every),
    )


class _Kind(NamedTuple):
    """One message: what it is called here, its category, how it went ("" where it does not say), and the pattern of its text."""

    action: str
    category: str
    outcome: str
    pattern: str


_KINDS: dict[str, _Kind] = {
    "106001": _Kind("firewall-rule", "network", "denied", rf"Inbound (?P<proto>TCP) connection denied from {_FROM0} to {_TO0}{_ON}"),
    "106006": _Kind("firewall-rule", "network", "denied", rf"Deny inbound (?P<proto>UDP) from {_FROM0} to {_TO0}{_ON}"),
    "106007": _Kind(
        "firewall-rule",
        "network", "denied", rf"Deny inbound (?P<proto>UDP) from {_FROM0} to {_TO0} due to (?P<reason>.{{1,80}})"
    ),
    "106010": _Kind("firewall-rule", "network", "denied", rf"Deny inbound {_P} src {_FROM} dst {_TO}"),
    "106014": _Kind("firewall-rule", "network", "denied", rf"Deny inbound {_P} src {_FROM} dst {_TO}"),
    "106015": _Kind(
        "firewall-rule",
        "network", "denied", rf"Deny (?P<proto>TCP) \((?P<reason>no connection)\) from {_FROM0} to {_TO0}{_ON}"
    ),
    "106016": _Kind("ip-spoof", "network", "denied", rf"Deny IP spoof from \((?P<s>[^\s()]{{1,64}})\) to {_TO0}{_ON}"),
    "106017": _Kind("land-attack", "network", "denied", rf"Deny IP due to (?P<reason>Land Attack) from {_FROM0} to {_TO0}"),
    "106021": _Kind("ip-spoof", "network", "denied", rf"Deny {_P} (?P<reason>reverse path check) from {_FROM0} to {_TO0}{_ON}"),
    "106023": _Kind(
        "firewall-rule",
        "network", "denied", rf'Deny {_P} src {_FROM} dst {_TO}.{{0,80}}? by access-group "(?P<acl>[^"]{{1,256}})"'
    ),
    "106100": _Kind(
        "firewall-rule", "network", "",
        r"access-list (?P<acl>\S{1,256}) (?P<verb>permitted|denied|est-allowed) (?P<proto>\S{1,20})"
        r" (?P<s_if>[^/ ]{1,64})/(?P<s>[^\s(]{1,255})"
        r"(?:\((?P<s_port>\d{1,5})\))?(?:\([^)]{0,256}\))? -> (?P<d_if>[^/ ]{1,64})/(?P<d>[^\s(]{1,255})(?:\((?P<d_port>\d{1,5})\))?",
    ),
    "110002": _Kind(
        "route-failed",
        "network", "denied", rf"(?P<reason>Failed to locate egress interface) for {_P} from {_FROM} to {_TO}"
    ),
    "111008": _Kind("command", "configuration", "success", r"User '(?P<user>[^']{1,256})' executed the '(?P<command>.{1,4096})' command"),
    "111009": _Kind("command", "process", "success", r"User '(?P<user>[^']{1,256})' executed cmd: (?P<command>.{1,4096})"),
    "111010": _Kind(
        "command", "configuration", "success",
        r"User '(?P<user>[^']{1,256})', running '[^']{1,64}' from IP (?P<s>[^\s,]{1,64}), executed '(?P<command>.{1,4096})'",
    ),
    "113004": _Kind("login", "authentication", "success", rf"AAA user \w{{1,20}} Successful : server = +\S{{1,64}} : {_USER}"),
    "113005": _Kind(
        "login", "authentication", "failure", r"AAA user \w{1,20} Rejected : reason ="
        rf" (?P<reason>[^:]{{1,128}}) : server = \S{{1,64}} : {_USER}"
    ),
    "113006": _Kind("account-locked", "authentication", "failure", r"User '(?P<user>[^']{1,256})' (?P<reason>locked out .{1,128})"),
    "113012": _Kind("login", "authentication", "success", rf"AAA user authentication Successful : local database : {_USER}"),
    "113015": _Kind(
        "login", "authentication", "failure",
        rf"AAA user authentication Rejected : reason = (?P<reason>[^:]{{1,128}}) : local database : {_USER}",
    ),
    "113019": _Kind(
        "vpn-logout", "session", "",
        rf"{_VPN}, Session disconnected\..{{0,200}}? xmt: (?P<sent>\d{{1,18}}), Bytes rcv:"
        rf" (?P<received>\d{{1,18}}), Reason: (?P<reason>.{{1,128}})",
    ),
    "113039": _Kind("vpn-login", "authentication", "success", rf"{_WHO} AnyConnect parent session started"),
    "302013": _Kind("connection-built", "network", "allowed", rf"{_BUILT}{_FROM} to {_TO}"),
    "302014": _Kind("connection-ended", "network", "allowed", rf"{_DOWN}{_FROM} to {_TO}{_SPENT}"),
    "302015": _Kind("connection-built", "network", "allowed", rf"{_BUILT}{_FROM} to {_TO}"),
    "302016": _Kind("connection-ended", "network", "allowed", rf"{_DOWN}{_FROM} to {_TO}{_SPENT}"),
    "302020": _Kind("connection-built", "network", "allowed", rf"Built (?:in|out)bound (?P<proto>ICMP) {_ICMP}"),
    "302021": _Kind("connection-ended", "network", "allowed", rf"Teardown (?P<proto>ICMP) {_ICMP}"),
    "303002": _Kind(
        "ftp", "network", "allowed", rf"FTP connection from {_FROM} to {_TO}, user (?P<user>\S{{1,256}})"
        r" (?P<verb>\w{1,20}) file (?P<file>.{1,1024})"
    ),
    "304001": _Kind(
        "url", "web", "allowed",
        r"(?:(?P<user>[^\s@]{1,256})@)?(?P<s>[^\s(@]{1,255})(?:\([^)]{1,256}\))? Accessed (?:JAVA )?URL"
        r" (?:[^\s@]{1,64}@)?(?P<d>[\d.]{7,15}):(?P<url>.{1,4096})",
    ),
    "304002": _Kind("url", "web", "denied", r"Access denied URL (?P<url>\S{1,4096}) SRC (?P<s>\S{1,255}) DEST (?P<d>\S{1,255})"),
    "305011": _Kind(
        "translation-built", "network", "allowed",
        rf"Built \w{{1,10}} (?P<proto>\w{{1,8}}) translation from {_FROM} to {_end('nat')}"
    ),
    "313001": _Kind(
        "firewall-rule",
        "network", "denied", r"Denied (?P<proto>ICMP) type=\d{1,3}, code=\d{1,3} from (?P<s>\S{1,255}) on interface (?P<s_if>\S{1,64})"
    ),
    "313004": _Kind(
        "firewall-rule", "network", "denied",
        r"Denied (?P<proto>ICMP) type=\d{1,3}, from (?:laddr )?(?P<s>\S{1,255}) on interface"
        r" (?P<s_if>\S{1,64}) to (?P<d>\S{1,255}): (?P<reason>.{1,128})",
    ),
    "502101": _Kind("account-created", "iam", "success", r"New user added to local dbase: Uname: (?P<target>\S{1,256})"),
    "502102": _Kind("account-deleted", "iam", "success", r"User deleted from local dbase: Uname: (?P<target>\S{1,256})"),
    "502103": _Kind(
        "privilege-changed",
        "iam", "success", r"User priv level changed: Uname: (?P<user>\S{1,256}) (?P<reason>From: \d{1,2} To: \d{1,2})"
    ),
    "605004": _Kind("login", "authentication", "failure", f"Login denied {_ADMIN}"),
    "605005": _Kind("login", "authentication", "success", f"Login permitted {_ADMIN}"),
    "611101": _Kind(
        "login",
        "authentication", "success", r"User authentication succeeded: (?:IP address: (?P<s>[^\s,]{1,64}), )?Uname: (?P<user>.{1,256})"
    ),
    "611102": _Kind(
        "login",
        "authentication", "failure", r"User authentication failed: (?:IP address: (?P<s>[^\s,]{1,64}), )?Uname: (?P<user>.{1,256})"
    ),
    "710003": _Kind("firewall-rule", "network", "denied", rf"(?P<proto>\w{{1,8}}) access denied by ACL from {_FROM0} to {_TO}"),
    "710005": _Kind("firewall-rule", "network", "denied", rf"(?P<proto>\w{{1,8}}) request discarded from {_FROM0} to {_TO}"),
    "716001": _Kind("vpn-login", "authentication", "success", rf"{_WHO} WebVPN session started"),
    "716002": _Kind("vpn-logout", "session", "", rf"{_WHO} WebVPN session terminated: (?P<reason>.{{1,128}})"),
    "716038": _Kind("vpn-login", "authentication", "success", rf"{_WHO} Authentication: successful"),
    "716039": _Kind("vpn-login", "authentication", "failure", rf"{_WHO} Authentication: rejected"),
    "722051": _Kind("vpn-address", "network", "success", rf"{_WHO} (?:IPv4 )?Address <(?P<s_nat>[^<>]{{1,64}})>"),
    "733100": _Kind("threat-rate", "intrusion_detection", "", r"\[ *(?P<object>[^\]]{1,128})\] (?P<reason>drop rate-\d exceeded)\."),
}  # fmt: skip


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; of an id that is not known, its id and who is named."""
    head, _, text = message.partition(" ")
    code = head.rstrip(":").rpartition("-")[2]
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return
    fields["event.code"] = code
    kind = _KINDS.get(code)
    form = _text(kind.pattern) if kind is not None else None
    match = form.pattern.match(text) if form is not None else None
    if kind is None or form is None or match is None:
        for other in (_text(_VPN), _text(_WHO)):
            if (match := other.pattern.match(text)) is not None:
                _put(other, dict(zip(other.names, match.groups(), strict=True)), fields)
                return
        return
    found = dict(zip(form.names, match.groups(), strict=True))
    if found.get("way") == "out":  # the connection goes from the inside to what stands first
        found = dict(zip(form.turned, match.groups(), strict=True))
    fields["event.action"] = kind.action
    fields["event.category"] = kind.category
    _put(form, found, fields)
    outcome = _VERBS.get(found.get("verb") or "", kind.outcome)
    if outcome in ("allowed", "denied"):
        verdict(fields, allowed=outcome == "allowed")
    elif outcome:
        fields["event.outcome"] = outcome


_VERBS = {"permitted": "allowed", "est-allowed": "allowed", "denied": "denied"}


def _put(text: _Text, found: dict[str, str | None], fields: dict[str, Value]) -> None:
    for name, field in text.fields:
        if value := found.get(name):
            fields[field] = value.strip(" ")
    for name, field in text.counts:
        if (count := number(found[name] or "")) is not None:
            fields[field] = count
    get = found.get
    if host := get("s"):
        _host("source", host, get("s_port"), get("s_nat"), get("s_natport"), fields)
        if user := get("s_user") or get("s_natuser"):
            fields.setdefault("user.name", user.rpartition("\\")[2])
    if host := get("d"):
        _host("destination", host, get("d_port"), get("d_nat"), get("d_natport"), fields)
    if other := get("nat"):
        _translated("source", other, get("nat_port"), fields)
    if protocol := get("proto"):
        put_protocol(fields, protocol.removeprefix("protocol "))
    if spent := get("time"):
        hours, _, rest = spent.partition(":")
        minutes, _, seconds = rest.partition(":")
        if hours.isdigit() and minutes.isdigit() and seconds.isdigit():
            fields["event.duration"] = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1_000_000_000


def _host(end: str, host: str, at: str | None, nat: str | None, nat_at: str | None, fields: dict[str, Value]) -> None:
    """One end: an address or a name that the firewall knows, its port, and translation where it is another address."""
    put_end(fields, end, host, at or "")
    if nat and (nat != host or nat_at != at):
        _translated(end, nat, nat_at, fields)


def _translated(end: str, host: str, at: str | None, fields: dict[str, Value]) -> None:
    if (address := ip(host)) is not None:
        fields[f"{end}.nat.ip"] = address
        if at and (number_of := port(at)) is not None:
            fields[f"{end}.nat.port"] = number_of


MESSAGE = Message(
    Gives(
        "cisco_asa.log",
        "authentication configuration iam intrusion_detection network process session web",
        "cisco.asa.* destination.* event.action event.code event.duration event.outcome event.reason event.type file.path group.name "
        "network.* observer.* process.command_line rule.name source.* url.original user.name user.target.name",
    ),
    read,
    openings=("%ASA-", "%FTD-", "%PIX-", "%FWSM-"),
)
