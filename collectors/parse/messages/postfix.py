"""What Postfix logs in, who sent mail to whom, and what was refused out.

    4F1a2B: from=<an@hotich.example>, size=1234, nrcpt=1 (queue active)
    NOQUEUE: reject: RCPT from unknown[203.0.113.45]: 554 5.7.1 <a@example.org>: Relay access denied; from=<b@example.org> to=<...> ...
    warning: unknown[203.0.113.45]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=an

Source of truth: Postfix 3.7 `src/smtpd/smtpd.c`, `smtpd_sasl_glue.c`, `src/global/log_adhoc.c`, `src/qmgr/qmgr_active.c`,
`src/postscreen/`. `postfix.queue_id` joins the lines of one mail; addresses in `email.*`. A sender may write anything between < and >.
"""

from __future__ import annotations

import re
from functools import lru_cache

from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end

Fields = dict[str, Value]
_QUEUED = re.compile(r"([0-9A-Fa-f]{5,20}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20}|NOQUEUE): ")
_PEER = re.compile(r"([^\s\[\]]{1,255}+)\[([0-9A-Fa-f.:]{2,64}+|unknown)\](?::(\d{1,5}+))?")
_PAIR = re.compile(r"\b(\w{2,32}+)=(?:<([^>]{0,1000}+)>|([^\s,<]{1,500}+))")
_STATUS = re.compile(r"status=(\w{1,16}+) \((.{0,1000})\)", re.DOTALL)
_REJECT = re.compile(
    r"(?:milter-)?(reject|discard|hold|redirect|filter|warn): (\w{2,16}+) from (.{1,255}?): (.{1,1000})", re.DOTALL
)
_LOGIN = re.compile(
    r"warning: (.{1,255}?): SASL (\S{1,32}+) authentication (failed|aborted|failure)(?:: (.{0,300}))?", re.DOTALL
)
_SCREEN = re.compile(
    r"(CONNECT|PASS NEW|PASS OLD|PREGREET|DNSBL|DISCONNECT|HANGUP|NOQUEUE|BARE NEWLINE|"
    r"ALLOWLISTED|WHITELISTED|DENYLISTED|BLACKLISTED)\b.{0,64}?\[([0-9A-Fa-f.:]{2,64}+)\]:(\d{1,5}+)"
)
_TLS = re.compile(
    r"(\w{4,16}+) TLS connection (?:established|reused) (from|to) (\S{1,255}): (TLSv?[\d.]{1,4}|SSLv\d) with cipher (\S{1,64})"
)
_NAMES = {"size": "email.size", "nrcpt": "postfix.recipients", "helo": "postfix.helo", "proto": "postfix.protocol", "dsn": "postfix.dsn",
          "sasl_method": "postfix.sasl_method", "sasl_username": "user.name", "delay": "postfix.delay"}  # fmt: skip
_ADDRESSES = {
    "from": "email.from.address",
    "to": "email.to.address",
    "orig_to": "postfix.original_to",
    "message": "email.message_id",
}

_LONGEST_KEPT = 120
_STAGES = {"client=": "mail-accepted", "from=<": "mail-queued", "removed": "mail-removed"}


def read(message: str, fields: Fields) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    queued = _QUEUED.match(message)
    rest = message
    if queued:
        rest = message[queued.end() :]
        if queued[1] != "NOQUEUE":
            fields["postfix.queue_id"] = queued[1]
    if refused := _REJECT.match(rest):
        _refused(refused, fields)
    elif queued:
        _mail(rest, fields)
    elif failed := _LOGIN.match(rest):
        _say(fields, "smtp-login", "authentication", "failure")
        _peer(failed[1], fields)
        fields["postfix.sasl_method"] = failed[2]
        reason, _, user = (failed[4] or "").partition(", sasl_username=")
        if reason:
            fields["event.reason"] = reason
        if user:
            fields["user.name"] = user
    else:
        _connection(rest, fields)


def _say(fields: Fields, action: str, category: str, outcome: str = "") -> None:
    fields["event.action"], fields["event.category"] = action, category
    if outcome:
        fields["event.outcome"] = outcome


def _peer(text: str, fields: Fields, end: str = "source") -> None:
    fields.update(_end(text, end) if len(text) < _LONGEST_KEPT else _end.__wrapped__(text, end))


@lru_cache(4_000)
def _end(text: str, end: str) -> Fields:
    """Who `mx.example.vn[203.0.113.9]:25` is: mail goes to few servers, and comes from few."""
    fields: Fields = {}
    if match := _PEER.match(text):
        if match[2] != "unknown":
            put_end(fields, end, match[2], match[3] or "")
        if match[1] != "unknown":
            fields[f"{end}.domain"] = match[1]
    return fields


def _mail(rest: str, fields: Fields) -> None:
    """`from=<...>, size=1, nrcpt=1`, `to=<...>, relay=..., status=sent (...)`, `client=..., sasl_username=an`, `removed`."""
    status = _STATUS.search(rest)
    head = rest[: status.start()] if status else rest
    for name, address, word in _PAIR.findall(head):
        if word:
            _word(name, word, fields)
        elif address and name in _ADDRESSES:
            fields[_ADDRESSES[name]] = address
    if head.startswith("message-id=<"):
        fields["email.message_id"] = head[12:].rstrip(">")
    if status:
        _say(fields, f"mail-{status[1]}", "email", "success" if status[1] == "sent" else "failure")
        fields["event.reason"] = status[2]
    elif "user.name" in fields:
        _say(fields, "smtp-login", "authentication", "success")
    else:
        for opening, action in _STAGES.items():
            if head.startswith(opening):
                _say(fields, action, "email")


def _word(name: str, value: str, fields: Fields) -> None:
    """One `name=value` of a mail."""
    if name == "client":
        _peer(value, fields)
    elif name == "relay" and value != "none":
        _peer(value, fields, "destination")
    elif name in ("size", "nrcpt"):
        if (count := number(value)) is not None:
            fields[_NAMES[name]] = count
    elif name in _NAMES:
        fields[_NAMES[name]] = value


def _refused(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"mail-{match[1]}", "email", "failure" if match[1] == "reject" else "")
    _peer(match[3], fields)
    fields["postfix.stage"] = match[2]
    reason, _, envelope = match[4].rpartition("; from=<")
    fields["event.reason"] = reason or match[4]
    for name, address, _ in _PAIR.findall(f"from=<{envelope}" if reason else ""):
        if address and name in ("from", "to"):
            fields[_ADDRESSES[name]] = address
        elif address and name == "helo":
            fields["postfix.helo"] = address


def _connection(rest: str, fields: Fields) -> None:
    if rest.startswith(("connect from ", "disconnect from ")):
        verb, _, peer = rest.partition(" from ")
        _say(fields, f"smtp-{verb}", "network")
        _peer(peer, fields)
    elif rest.startswith(("lost connection after ", "timeout after ", "too many errors after ")):
        what, _, peer = rest.rpartition(" from ")
        _say(fields, "smtp-aborted", "network", "failure")
        fields["event.reason"] = what
        _peer(peer, fields)
    elif tls := _TLS.match(rest):
        _say(fields, "smtp-tls", "network", "success")
        fields["postfix.trust"], fields["tls.version"], fields["tls.cipher"] = tls[1], tls[4], tls[5]
        _peer(tls[3], fields, "source" if tls[2] == "from" else "destination")
    elif screened := _SCREEN.match(rest):
        _say(fields, f"postscreen-{screened[1].lower().replace(' ', '-')}", "network")
        put_end(fields, "source", screened[2], screened[3])


_PROGRAMS = (
    "anvil bounce cleanup error lmtp local pickup pipe postscreen qmgr scache smtp smtpd tlsproxy verify virtual"
)

MESSAGE = Message(
    Gives(
        "postfix.log",
        "authentication email network",
        "destination.* email.* event.action event.outcome event.reason postfix.* source.* tls.* user.name",
    ),
    read,
    frozenset(_PROGRAMS.split()) | {f"postfix/{each}" for each in _PROGRAMS.split()},
)
