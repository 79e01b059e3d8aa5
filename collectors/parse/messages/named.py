"""What BIND logs in, who asked what and was refused out.

    client @0x7f3c00 192.0.2.7#50122 (www.example.vn): view trong: query: www.example.vn IN A +E(0)K (10.20.0.53)
    client @0x7f3c00 203.0.113.45#4431 (hotich.example): zone transfer 'hotich.example/AXFR/IN' denied

Source of truth: BIND 9.18 `ns/query.c` (log_query), `ns/client.c` (ns_client_logv), `ns/xfrout.c`, `ns/update.c`; "BIND 9 Administrator
Reference Manual", logging. With `print-category yes` and `print-severity yes` "queries: info: " stands before.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collectors.event import Value
from collectors.parse.dns import QUESTION, put_question
from collectors.parse.ecs import ip
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end

_CATEGORY = re.compile(
    r"(?:([a-z][a-z-]{2,24}+): )?(?:(info|notice|warning|error|critical|debug \d{1,3}): )?(?=client )"
)
_CLIENT = re.compile(
    r"client (?:@0x[0-9a-f]{1,16}+ )?([0-9A-Fa-f.:%]{2,64}+)#(\d{1,5}+)(?:/key [^\s:(]{1,255}+)?(?: \(([^\s)]{0,1024}+)\))?: "
    r"(?:view ([^\s:]{1,255}+): )?"
)
_QUERY = re.compile(r"query: (\S{1,1024}+) (\S{1,16}+) (\S{1,16}+) ([+-]\S{0,32}+)(?: \(([^\s)]{2,64}+)\))?")
_REFUSED = re.compile(
    r"(query|query \(cache\)|zone transfer|update|update forwarding|notify query) '([^'/]{1,1024}+)/([^']{1,40}+)' denied"
    r"(?: \((.{1,200})\))?"
)
_FAILED = re.compile(r"query failed \(([^)]{1,64}+)\) for ([^\s/]{1,1024}+)/([^\s/]{1,16}+)/([^\s/]{1,16}+) at ")
_TRANSFER = re.compile(r"transfer of '([^'/]{1,1024}+)/[^']{1,16}+': ([AI]XFR) (?:style )?(started|ended)")
_REWRITE = re.compile(
    r"(?:disabled )?rpz (\S{1,16}+) (\S{1,16}+) rewrite ([^\s/]{1,1024}+)(?:/([^\s/]{1,16}+)/([^\s/]{1,16}+))? via (\S{1,1024}+)"
)
_UPDATE = re.compile(r"updating zone '([^'/]{1,1024}+)/[^']{1,16}+': (adding|deleting) (.{1,1024})", re.DOTALL)
_LIMITED = re.compile(r"(?:rate )?limit (drop|slip|stop limiting) (.{1,200})", re.DOTALL)


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    category = _CATEGORY.match(message)
    begins = 0
    if category is not None:
        begins = category.end()
        if category[1]:
            fields["log.logger"] = category[1]
        if category[2]:
            fields["log.level"] = category[2]
    client = _CLIENT.match(message, begins)
    if client is None:
        return
    put_end(fields, "source", client[1], client[2])
    if client[4]:
        fields["bind.view"] = client[4]
    fields["event.category"] = "network"
    rest = message[client.end() :]
    if asked := _QUERY.match(rest):
        _say(fields, "dns-query", "")
        put_question(fields, asked[1], asked[3], asked[2])
        fields["bind.flags"] = asked[4]
        if asked[5] and (address := ip(asked[5])) is not None:
            fields["destination.ip"] = address
        return
    if client[3]:
        put_question(fields, client[3])
    for pattern, reader in _READERS:
        if found := pattern.match(rest):
            reader(found, fields)
            return


def _say(fields: dict[str, Value], action: str, outcome: str) -> None:
    fields["event.action"] = action
    if outcome:
        fields["event.outcome"] = outcome


def _refused(match: re.Match[str], fields: dict[str, Value]) -> None:
    """`query (cache) 'example.vn/A/IN' denied`, `zone transfer 'hotich.example/AXFR/IN' denied`, `update 'hotich.example/IN' denied`."""
    what = match[1].partition(" (")[0].replace(" ", "-")
    _say(fields, "dns-query-refused" if what == "query" else f"{what}-refused", "failure")
    fields["event.type"] = "denied"
    kind, slash, klass = match[3].partition("/")
    put_question(fields, match[2], kind if slash else "", klass if slash else kind)
    if match[4]:
        fields["event.reason"] = match[4]


def _failed(match: re.Match[str], fields: dict[str, Value]) -> None:
    _say(fields, "dns-query", "failure")
    put_question(fields, match[2], match[4], match[3])
    fields["dns.response_code"] = match[1]


def _moved(match: re.Match[str], fields: dict[str, Value]) -> None:
    _say(fields, f"zone-transfer-{match[2].lower()}-{match[3]}", "success")
    put_question(fields, match[1], match[2])


def _rewritten(match: re.Match[str], fields: dict[str, Value]) -> None:
    _say(fields, "dns-rewritten", "")
    put_question(fields, match[3], match[4] or "", match[5] or "")
    fields["event.type"] = "denied"
    fields["bind.policy"], fields["bind.trigger"], fields["rule.name"] = match[2], match[1], match[6]


def _changed(match: re.Match[str], fields: dict[str, Value]) -> None:
    _say(fields, f"zone-update-{match[2]}", "success")
    put_question(fields, match[1])
    fields["event.reason"] = match[3]


def _limited(match: re.Match[str], fields: dict[str, Value]) -> None:
    _say(fields, f"rate-limit-{match[1].replace(' ', '-')}", "")
    fields["event.reason"] = match[2]


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], dict[str, Value]], None]], ...] = (
    (_REFUSED, _refused),
    (_FAILED, _failed),
    (_TRANSFER, _moved),
    (_REWRITE, _rewritten),
    (_UPDATE, _changed),
    (_LIMITED, _limited),
)

MESSAGE = Message(
    Gives(
        "named",
        "network",
        f"bind.* {QUESTION} destination.ip dns.response_code event.action event.outcome event.reason event.type log.level log.logger "
        "rule.name source.ip source.port",
    ),
    read,
    frozenset({"named"}),
)
