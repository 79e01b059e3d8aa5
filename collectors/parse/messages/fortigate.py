"""What a FortiGate firewall logs in, who did what through it out.

    date=2026-11-22 time=10:00:00 devname="fw-tinh-01" devid="FG101F" eventtime=1795316400123456789 tz="+0700" logid="0000000013"
    type="traffic" subtype="forward" level="notice" srcip=10.20.3.7 srcport=50122 dstip=203.0.113.9 dstport=443 ...   (one line)

Source of truth: Fortinet "FortiOS Log Message Reference" 6.0 to 7.6 (log ids, fields), names as in Elastic's
fortinet_fortigate integration: ECS where it has a field, `fortinet.firewall.<name>` otherwise. `eventtime` is
nanoseconds since 1970 (seconds up to 6.2) and wins over date, time and tz. "N/A" is an absent value. In VPN events the
peer (`remip`) is the source and the firewall (`locip`) the destination; in others it is who acted.
"""

from __future__ import annotations

from datetime import datetime

from collectors.event import Value
from collectors.parse.ecs import ip, number, port
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names
from collectors.parse.network import put_protocol, verdict
from collectors.parse.timestamp import of_device

_NAMES = Names(
    "fortinet.firewall.",
    {
        "action": "event.action", "agent": "user_agent.original", "app": "network.application", "attack": "rule.name",
        "attackid": "rule.id", "date": "", "devid": "observer.serial_number", "devname": "", "direction": "",
        "dstintf": "observer.egress.interface.name", "dstip": "destination.ip", "dstmac": "destination.mac",
        "dstname": "destination.domain",
        "dstport": "destination.port", "duration": "", "dst_host": "destination.domain", "eventtime": "", "filename": "file.name",
        "filesize": "file.size", "group": "group.name", "hostname": "url.domain", "httpmethod": "http.request.method",
        "level": "log.level", "locip": "destination.ip", "locport": "destination.port", "logid": "event.code", "msg": "",
        "policyname": "rule.ruleset", "proto": "", "qname": "dns.question.name", "qtype": "dns.question.type",
        "rcvdbyte": "destination.bytes",
        "rcvdpkt": "destination.packets", "reason": "event.reason", "referralurl": "http.request.referrer", "remip": "source.ip",
        "remport": "source.port", "sentbyte": "source.bytes", "sentpkt": "source.packets", "service": "",
        "srcintf": "observer.ingress.interface.name", "srcip": "source.ip", "srcmac": "source.mac", "srcname": "source.domain",
        "srcport": "source.port", "time": "", "transip": "", "transport": "", "tz": "", "unauthuser": "user.name", "url": "url.original",
        "user": "user.name", "virus": "threat.software.name", "xauthuser": "user.name",
    },
    ("", "N/A", "none", "n/a"),
)  # fmt: skip
_BETTER = {"devname": "host.name", "msg": "message"}
_DIRECTIONS = {"outgoing": "outbound", "incoming": "inbound"}
_TYPE, _SUBTYPE = "fortinet.firewall.type", "fortinet.firewall.subtype"
_DENIED = frozenset({"deny", "denied", "block", "blocked", "blocklist", "dropped", "drop", "reset", "clear_session"})
_FAILED = frozenset({"failed", "failure", "fail", "negotiate_error", "error", "timeout", "denied", "deny"})
_SUCCEEDED = frozenset({"success", "succeeded", "logon", "logout", "up", "200"})
_UTM = {
    "ips": "intrusion_detection",
    "anomaly": "intrusion_detection",
    "virus": "malware",
    "webfilter": "web",
    "waf": "web",
}
_LOGINS = frozenset({"login", "authentication", "auth-logon", "FSSO-logon", "ssl-login-fail", "tunnel-up"})
_LOGOUTS = frozenset({"logout", "auth-logout", "FSSO-logoff", "tunnel-down"})
_CONFIGURED = frozenset({"0100032102", "0100032104", "0100044545", "0100044546"})
"""Log ids of changes that name no action."""
_CHANGES = frozenset({"Add", "Edit", "Delete", "Move", "Clone", "Rename"})
_UNTRANSLATED = "0.0.0.0"  # noqa: S104  what stands where no address was put in place of another
_LONGEST_S = 10**9


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one message; returns when it was."""
    said = _NAMES.read(message, fields)
    get = said.get
    for name, field in _BETTER.items():
        if name in said:
            fields[field] = said[name]
    put_protocol(fields, get("proto", ""))
    if "service" in said:
        fields["network.protocol"] = said["service"].lower()
    if "direction" in said:
        fields["network.direction"] = _DIRECTIONS.get(said["direction"], said["direction"])
    if (seconds := number(get("duration", ""))) is not None and seconds < _LONGEST_S:
        fields["event.duration"] = seconds * 1_000_000_000
    if "transip" in said:
        _translated(said, fields)
    _judge(fields)
    return _moment(said)


def _translated(said: dict[str, str], fields: dict[str, Value]) -> None:
    """The address that the firewall put in place of one end's."""
    end = "destination" if fields.get("fortinet.firewall.trandisp") == "dnat" else "source"
    if (address := ip(said["transip"])) is not None and address != _UNTRANSLATED:
        fields[f"{end}.nat.ip"] = address
        if (at := port(said.get("transport", ""))) is not None:
            fields[f"{end}.nat.port"] = at


def _judge(fields: dict[str, Value]) -> None:
    """Set category and outcome from what kind of record it is."""
    kind, subtype, action = fields.get(_TYPE), fields.get(_SUBTYPE), fields.get("event.action")
    if kind == "traffic":
        fields["event.category"] = "network"
        verdict(fields, allowed=action not in _DENIED)
    elif kind == "utm" or kind in _UTM:
        fields["event.category"] = _UTM.get(str(subtype if kind == "utm" else kind), "network")
        verdict(fields, allowed=action not in _DENIED)
    elif kind == "event":
        _judge_event(str(subtype), action, fields)


def _judge_event(subtype: str, action: Value, fields: dict[str, Value]) -> None:
    """The firewall's own doings: who logged in, what was configured, which tunnel came up."""
    from_where = str(fields.get("fortinet.firewall.ui", "")).partition("(")[2]
    if "source.ip" not in fields and (address := ip(from_where.removesuffix(")"))) is not None:
        fields["source.ip"] = address  # "GUI(192.0.2.9)"
    if action in _LOGINS:
        fields["event.category"] = "authentication"
    elif action in _LOGOUTS:
        fields["event.category"] = "session"
    elif action in _CHANGES or fields.get("event.code") in _CONFIGURED:
        fields["event.category"] = "configuration"
    else:
        fields["event.category"] = "network" if subtype in ("vpn", "router", "sdwan") else "host"
    status, result = fields.get("fortinet.firewall.status"), fields.get("fortinet.firewall.result")
    if status in _FAILED or action == "ssl-login-fail" or result == "ERROR":
        fields["event.outcome"] = "failure"
    elif status in _SUCCEEDED or action in _LOGINS or action in _CHANGES or result == "OK":
        fields["event.outcome"] = "success"


def _moment(said: dict[str, str]) -> datetime | None:
    """`eventtime`, or date and time with `tz`; without zone it is the site's local time."""
    if said.get("eventtime", "").isdigit() and (since := of_device(said["eventtime"])) is not None:
        return since
    return of_device(f"{said.get('date', '')}T{said.get('time', '')}{said.get('tz', '')}")


MESSAGE = Message(
    Gives(
        "fortinet_fortigate.log",
        "authentication configuration host intrusion_detection malware network session web",
        "destination.* dns.question.name dns.question.type event.action event.code event.duration event.outcome event.reason event.type "
        "file.name file.size fortinet.firewall.* group.name http.request.method http.request.referrer log.level network.* "
        "observer.* rule.id rule.name rule.ruleset source.* threat.software.name url.domain url.original user.name user_agent.original",
    ),
    read,
    openings=("date=20", "logver="),
)
