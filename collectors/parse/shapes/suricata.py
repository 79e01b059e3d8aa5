"""An event of Suricata's EVE log in, flat ECS out.

    {"timestamp":"2026-11-22T10:00:00.123456+0700","flow_id":5864971,"event_type":"alert","src_ip":"203.0.113.9","src_port":50096,
     "dest_ip":"10.20.1.5","dest_port":80,"proto":"TCP","alert":{"action":"allowed","signature_id":2018358,"signature":"..."}}

Source of truth: Suricata 6 to 8, "EVE JSON Format"; names as in Elastic's integration (suricata.eve). DNS is read in its three versions.
"""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import words
from collectors.parse.format import Gives, Parsed
from collectors.parse.network import put_protocol
from collectors.parse.prefixed import Prefixed, text
from collectors.parse.shape import Document, Shape

_EVE = Prefixed(
    "suricata.eve.",
    {
        "timestamp": "", "proto": "", "src_ip": "source.ip", "src_port": "source.port", "dest_ip": "destination.ip",
        "dest_port": "destination.port", "app_proto": "network.protocol", "community_id": "network.community_id",
        "in_iface": "observer.ingress.interface.name", "host": "observer.hostname",
        "alert.signature": "rule.name", "alert.signature_id": "rule.id", "alert.category": "rule.category",
        "alert.severity": "event.severity",
        "http.hostname": "url.domain", "http.url": "url.original", "http.http_method": "http.request.method",
        "http.status": "http.response.status_code", "http.http_user_agent": "user_agent.original",
        "http.http_refer": "http.request.referrer",
        "http.length": "http.response.body.bytes", "http.http_content_type": "http.response.mime_type",
        "dns.rrname": "dns.question.name", "dns.rrtype": "dns.question.type", "dns.rcode": "dns.response_code",
        "dns.queries.rrname": "dns.question.name", "dns.queries.rrtype": "dns.question.type",
        "dns.query.rrname": "dns.question.name", "dns.query.rrtype": "dns.question.type",
        "dns.answers.rdata": "dns.answers.data", "dns.rdata": "dns.answers.data",
        "tls.sni": "tls.client.server_name", "tls.subject": "tls.server.subject", "tls.issuerdn": "tls.server.issuer",
        "tls.fingerprint": "tls.server.hash.sha1", "tls.ja3.hash": "tls.client.ja3", "tls.ja3s.hash": "tls.server.ja3s",
        "fileinfo.filename": "file.path", "fileinfo.size": "file.size", "fileinfo.md5": "file.hash.md5", "fileinfo.sha1": "file.hash.sha1",
        "fileinfo.sha256": "file.hash.sha256", "fileinfo.magic": "file.type",
        "flow.bytes_toserver": "source.bytes", "flow.bytes_toclient": "destination.bytes", "flow.pkts_toserver": "source.packets",
        "flow.pkts_toclient": "destination.packets", "flow.reason": "event.reason", "anomaly.event": "event.action",
        "ssh.client.software_version": "user_agent.original", "smtp.helo": "source.domain",
    },
)  # fmt: skip
_KINDS = {"alert": "alert", "stats": "metric"}
_CATEGORIES = {
    "alert": "intrusion_detection",
    "anomaly": "intrusion_detection",
    "http": "web",
    "fileinfo": "file",
    "smtp": "email",
}
_ONE = ("dns.question.name", "dns.question.type", "dns.response_code")
_UTC = ZoneInfo("UTC")


def _read(document: Document) -> Parsed:
    """One event. Raises: ParseError."""
    fields, said = _EVE.read(document)
    kind = text(said, "event_type")
    fields["event.dataset"] = "suricata.eve"
    fields["event.kind"] = _KINDS.get(kind, "event")
    fields["event.category"] = _CATEGORIES.get(kind, "network")
    put_protocol(fields, text(said, "proto"))
    for name in ("rule.id", *_ONE):
        if name in fields:
            fields[name] = _first(fields[name])
    action = text(said, "alert.action")
    if action:
        fields["event.action"] = action
        fields["event.type"] = "denied" if action == "blocked" else "allowed"
    if (code := fields.get("http.response.status_code")) is not None:
        fields["event.outcome"] = "success" if isinstance(code, int) and code < 400 else "failure"
    stamp = text(said, "timestamp")
    return Parsed(timestamp.iso(stamp, _UTC).astimezone(UTC) if stamp else None, fields)


def _first(value: Value) -> Value:
    return words(value[0] if isinstance(value, list) and value else value)


SHAPES = (
    Shape(
        "timestamp event_type",
        _read,
        (
            Gives(
                "suricata.eve",
                "email file intrusion_detection network web",
                "destination.* dns.* event.action event.kind event.outcome event.reason event.severity event.type file.* http.* network.* "
                "observer.* rule.* source.* suricata.eve.* tls.* url.domain url.original user_agent.original",
            ),
        ),
        fits=lambda document: "flow_id" in document or document["event_type"] in ("stats", "engine"),
    ),
)
