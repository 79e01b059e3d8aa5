"""What dnsmasq's name server logs in, who asked what and which answer came out. (Its DHCP server: `.dhcp`.)

    query[A] www.example.vn from 192.0.2.7
    17 192.0.2.7/50122 reply www.example.vn is 203.0.113.9            (log-queries=extra)

Source of truth: dnsmasq 2.89 `src/cache.c` (log_query), `src/rfc1035.c` (rebinding).
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.dns import QUESTION, put_answers, put_question
from collectors.parse.ecs import ip
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end

_EXTRA = re.compile(r"(\d{1,10}+) ([0-9A-Fa-f.:]{2,64}+)/(\d{1,5}+) ")
_QUERY = re.compile(r"(query|auth)\[([A-Za-z0-9=]{1,24}+)\] (\S{1,1024}+) from ([0-9A-Fa-f.:%]{2,64}+)")
_FORWARDED = re.compile(
    r"(forwarded|nameserver|dnssec-query\[[A-Z0-9=]{1,16}+\]) (\S{1,1024}+) to ([0-9A-Fa-f.:%#]{2,70}+)"
)
_ANSWER = re.compile(
    r"(reply|cached|cached-stale|config|auth|DHCP|/\S{1,255}+) (\S{1,1024}+) is (.{1,1024})", re.DOTALL
)
_REBIND = re.compile(r"possible DNS-rebind attack detected: (\S{1,1024}+)")
_NO_DATA = re.compile(r"(NXDOMAIN|NODATA|SERVFAIL|REFUSED|<CNAME>|<\w{1,16}+>)(?:-\w{1,8}+)?(?: .{0,64})?")


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if extra := _EXTRA.match(message):
        message = message[extra.end() :]
    if asked := _QUERY.fullmatch(message):
        fields["event.action"] = "dns-query"
        put_question(fields, asked[3], asked[2])
        put_end(fields, "source", asked[4])
    elif sent := _FORWARDED.fullmatch(message):
        fields["event.action"] = "dns-forwarded"
        put_question(fields, sent[2])
        put_end(fields, "destination", *sent[3].partition("#")[::2])
    elif answered := _ANSWER.fullmatch(message):
        _answer(answered, fields)
    elif rebound := _REBIND.match(message):
        fields["event.action"] = "dns-rebind-refused"
        fields["event.type"] = "denied"
        put_question(fields, rebound[1])
    else:
        return
    fields["event.category"] = "network"
    if extra:
        fields["dns.id"] = extra[1]
        put_end(fields, "source", extra[2], extra[3])


def _answer(match: re.Match[str], fields: dict[str, Value]) -> None:
    """`reply www.example.vn is 203.0.113.9`, `config xau.example is NXDOMAIN`, `/etc/hosts may1 is 192.0.2.7`."""
    origin, said = match[1], match[3]
    fields["event.action"] = "dns-answer"
    fields["dnsmasq.origin"] = origin
    if ip(match[2]) is not None:  # a question for the name of an address
        put_question(fields, match[2], "PTR")
    else:
        put_question(fields, match[2])
    nothing = _NO_DATA.fullmatch(said)
    if nothing is None:
        put_answers(fields, [said.rstrip(".").lower()])
        fields["dns.response_code"] = "NOERROR"
    elif nothing[1][0] != "<":
        fields["dns.response_code"] = "NOERROR" if nothing[1] == "NODATA" else nothing[1]


MESSAGE = Message(
    Gives(
        "dnsmasq",
        "network",
        f"{QUESTION} destination.ip destination.port dns.answers.data dns.id dns.response_code dnsmasq.* event.action event.type "
        "source.ip source.port",
    ),
    read,
    frozenset({"dnsmasq"}),
)
