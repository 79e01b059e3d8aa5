"""What Unbound logs in, who asked what and got which answer out.

    [871:0] info: 192.0.2.7 www.example.vn. A IN NOERROR 0.012345 0 55        (log-queries, log-replies; the brackets only in its own file)
    info: xau.example. always_nxdomain 192.0.2.7@50122 xau.example. A IN      (log-local-actions)

Source of truth: Unbound 1.17 unbound.conf(5), `util/net_help.c` (log_query_in, log_reply_info), `services/localzone.c` (lz_inform_print),
`services/rpz.c`, `validator/val_utils.c`.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.dns import QUESTION, put_question
from collectors.parse.ecs import ip, number
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end

_HEAD = re.compile(r"(?:\[\d{1,10}+:[0-9a-f]{1,8}+\] )?(info|query|reply|notice|warning|error|fatal error|debug): ")
_QUERY = re.compile(
    r"([0-9A-Fa-f.:%]{2,64}+) (\S{1,1024}+) ([A-Z0-9]{1,16}+) ([A-Z0-9]{1,8}+)"
    r"(?: ([A-Z0-9]{2,16}+) (\d{1,6}+\.\d{1,9}+) ([01]) (\d{1,6}+))?(?: .{0,64})?"
)
_LOCAL = re.compile(
    r"(?:rpz: applied (?:\[([^\]]{1,255}+)\] )?)?(\S{1,1024}+) ([a-z][a-z_-]{2,32}+) ([0-9A-Fa-f.:%]{2,64}+)@(\d{1,5}+) (\S{1,1024}+) "
    r"([A-Z0-9]{1,16}+) ([A-Z0-9]{1,8}+)"
)
_INVALID = re.compile(r"validation failure <(\S{1,1024}+) ([A-Z0-9]{1,16}+) ([A-Z0-9]{1,8}+)>: (.{1,500})", re.DOTALL)


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    head = _HEAD.match(message)
    if head is None:
        return
    rest = message[head.end() :]
    if head[1] not in ("query", "reply"):
        fields["log.level"] = head[1]
    if asked := _QUERY.fullmatch(rest):
        if ip(asked[1]) is None:
            return
        _question(fields, asked[1], "", asked[2], asked[3], asked[4])
        fields["event.action"] = "dns-query"
        if asked[5]:
            fields["event.action"] = "dns-answer"
            fields["dns.response_code"] = asked[5]
            fields["event.outcome"] = "success" if asked[5] == "NOERROR" else "failure"
            fields["event.duration"] = round(float(asked[6]) * 1e9)
            fields["unbound.cached"] = "true" if asked[7] == "1" else "false"
            if (size := number(asked[8])) is not None:
                fields["destination.bytes"] = size
    elif local := _LOCAL.fullmatch(rest):
        _question(fields, local[4], local[5], local[6], local[7], local[8])
        fields["event.action"] = "dns-rewritten"
        fields["event.type"] = "denied"
        fields["unbound.zone"], fields["unbound.policy"] = local[2].rstrip("."), local[3]
        if local[1]:
            fields["rule.name"] = local[1]
    elif wrong := _INVALID.match(rest):
        put_question(fields, wrong[1], wrong[2], wrong[3])
        fields["event.action"] = "dnssec-validation"
        fields["event.category"], fields["event.outcome"], fields["event.reason"] = "network", "failure", wrong[4]


def _question(fields: dict[str, Value], host: str, at: str, name: str, kind: str, klass: str) -> None:
    fields["event.category"] = "network"
    put_end(fields, "source", host, at)
    put_question(fields, name, kind, klass)


MESSAGE = Message(
    Gives(
        "unbound",
        "network",
        f"{QUESTION} destination.bytes dns.response_code event.action event.duration event.outcome event.reason event.type log.level "
        "rule.name source.ip source.port unbound.*",
    ),
    read,
    frozenset({"unbound"}),
)
