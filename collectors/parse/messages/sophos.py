"""What a Sophos Firewall (SFOS) logs in, who did what through it out.

    device_name="SFW" timestamp="2026-11-22T10:00:00+0700" device_model="XGS2300" device_serial_id="X23002468" log_id="010101600001"
    log_type="Firewall" log_component="Firewall Rule" log_subtype="Allowed" src_ip="10.20.3.7" dst_port="443" ...  (one line)
    device="SFW" date=2026-11-22 time=10:00:00 timezone="+07" device_name="XG210" device_id=C01 log_id=010101600001 ...

Source of truth: Sophos Firewall 17 to 21 "Syslog guide" (the standard form, and the older "device standard" one); dataset
as in Elastic's sophos integration. ECS where it has a field, `sophos.xg.<name>` otherwise. The moment is `timestamp`,
or `date` and `time`, which are the firewall's local time.
"""

from __future__ import annotations

from datetime import datetime

from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Gives, Message
from collectors.parse.keyvalue import Names
from collectors.parse.network import drop_untranslated, put_protocol, verdict
from collectors.parse.timestamp import of_device

_NAMES = Names(
    "sophos.xg.",
    {
        "app_name": "network.application", "application": "network.application", "auth_client": "sophos.xg.auth_client",
        "bytes_received": "destination.bytes", "bytes_sent": "source.bytes", "classification": "rule.category", "date": "", "device": "",
        "device_id": "observer.serial_number", "device_model": "observer.product", "device_name": "", "device_serial_id":
        "observer.serial_number", "domain": "url.domain", "domainname": "url.domain", "dst_ip": "destination.ip",
        "dst_mac": "destination.mac", "dst_port": "destination.port", "dst_trans_ip": "destination.nat.ip",
        "dst_trans_port": "destination.nat.port", "dst_zone": "observer.egress.zone", "dstzone": "observer.egress.zone", "duration": "",
        "file_name": "file.name", "file_size": "file.size", "filename": "file.name", "fw_rule_id": "rule.id",
        "fw_rule_name": "rule.ruleset", "in_interface": "observer.ingress.interface.name", "log_id": "event.code", "message": "",
        "out_interface": "observer.egress.interface.name", "priority": "log.level", "protocol": "", "reason": "event.reason",
        "recv_bytes": "destination.bytes", "recv_pkts": "destination.packets", "packets_received": "destination.packets",
        "packets_sent": "source.packets", "rule_name": "rule.name", "sent_bytes": "source.bytes", "sent_pkts": "source.packets",
        "severity": "log.level", "signature_id": "rule.uuid", "signature_msg": "rule.name", "src_ip": "source.ip",
        "src_mac": "source.mac", "src_port": "source.port", "src_trans_ip": "source.nat.ip", "src_trans_port": "source.nat.port",
        "src_zone": "observer.ingress.zone", "srczone": "observer.ingress.zone", "status": "", "status_code": "http.response.status_code",
        "http_status": "http.response.status_code", "time": "", "timestamp": "", "timezone": "", "url": "url.original",
        "user": "user.name", "user_agent": "user_agent.original", "user_group": "group.name", "user_gp": "group.name",
        "user_name": "user.name", "username": "user.name", "virus": "threat.software.name",
    },
    ("", "N/A", "-", "0.0.0.0"),  # noqa: S104  what stands where no address was put in place of another
)  # fmt: skip
_CATEGORIES = {
    "firewall": "network", "idp": "intrusion_detection", "ips": "intrusion_detection", "anti-virus": "malware", "atp": "malware",
    "content filtering": "web", "sandbox": "malware", "sandstorm": "malware", "waf": "web", "anti-spam": "email", "system health": "host",
    "sd-wan": "network", "wireless protection": "network", "zero day protection": "malware", "heartbeat": "host", "ssl": "network",
}  # fmt: skip
_DENIED = ("denied", "drop", "block", "virus", "failed", "detect and drop", "malicious", "prohibited")
_LONGEST_S = 10**9


def read(message: str, fields: dict[str, Value]) -> datetime | None:
    """Add the fields of one record; returns when it was."""
    said = _NAMES.read(message, fields)
    if text := said.get("message"):
        fields["message"] = text
    if (seconds := number(said.get("duration", ""))) is not None and seconds < _LONGEST_S:
        fields["event.duration"] = seconds * 1_000_000_000
    put_protocol(fields, said.get("protocol", ""))
    drop_untranslated(fields)
    _judge(said.get("status", "").lower(), fields)
    if "timestamp" in said:
        return of_device(said["timestamp"])
    return of_device(f"{said.get('date', '')}T{said.get('time', '')}")


def _judge(status: str, fields: dict[str, Value]) -> None:
    """Set category, action and outcome from type, component, subtype and status of the record."""
    kind, component, subtype = (
        str(fields.get(f"sophos.xg.{name}", "")).lower() for name in ("log_type", "log_component", "log_subtype")
    )
    fields["event.action"] = subtype or status or "log"
    if kind == "system health" and "user.name" in fields:
        fields["sophos.xg.user"] = fields.pop("user.name")  # a share of the CPU's time
    denied = any(word in subtype or word in status for word in _DENIED)
    if kind == "event":
        if (
            "authentication" in subtype
            or "authentication" in component
            or (subtype == "admin" and "log" in str(fields.get("message")))
        ):
            fields["event.category"] = "authentication"
        elif subtype == "admin":
            fields["event.category"] = "configuration"
        else:
            fields["event.category"] = "network" if "vpn" in component else "host"
        if status:
            fields["event.outcome"] = "failure" if denied else "success"
    else:
        fields["event.category"] = _CATEGORIES.get(kind, "network")
        if fields["event.category"] not in ("host", "email"):
            verdict(fields, allowed=not denied)


MESSAGE = Message(
    Gives(
        "sophos.xg",
        "authentication configuration email host intrusion_detection malware network web",
        "destination.* event.action event.code event.duration event.outcome event.reason event.type file.* group.name "
        "http.response.status_code log.level network.* observer.* rule.* sophos.xg.* source.* threat.software.name url.* user.name "
        "user_agent.original",
    ),
    read,
    openings=('device_name="', 'device="SFW"'),
)
