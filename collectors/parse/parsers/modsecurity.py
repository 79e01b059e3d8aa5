"""A transaction of ModSecurity's audit log as JSON in, flat ECS out: what the client asked, which rules matched, what became of it.

    {"transaction":{"client_ip":"203.0.113.9","time_stamp":"Sun Nov 22 10:00:00 2026","request":{"method":"GET","uri":"/.env",...},
     "response":{"http_code":403},"messages":[{"message":"...","details":{"ruleId":"930130","severity":"2",...}}]}}

Source of truth: ModSecurity 3 (libmodsecurity) `Transaction::toJSON`, local time; ModSecurity 2.9 `audit_log_json`. Bodies are left where
they are, in the raw event. Of several rules the most severe gives `event.severity`; all stand in `rule.id` and `rule.name`.
"""

from __future__ import annotations

import re

import msgspec

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import integer, plain, put_source
from collectors.parse.format import Context, Format, Gives, Parsed, share_of_lines
from collectors.parse.modsecurity import SEVERITIES, put_match, verdict
from collectors.record import RawRecord

Document = dict[str, object]

_decode = msgspec.json.Decoder(dict[str, object]).decode
_SNIFFED = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{"transaction":\s*\{')
_HEADERS = {"user-agent": "user_agent.original", "referer": "http.request.referrer", "host": "url.domain"}
_MOST_RULES = 200


def parse(record: RawRecord, context: Context) -> Parsed:
    """One transaction. Raises: ParseError."""
    try:
        document = _decode(record.data.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ParseError(f"not a JSON object: {str(error)[:120]}") from error
    about = _below(document, "transaction")
    if not about:
        raise ParseError("no transaction of ModSecurity")
    fields: dict[str, Value] = {"event.dataset": "modsecurity.audit", "event.category": "web"}
    if "request" in about:
        _third(about, fields)
        return Parsed(timestamp.asctime(_text(about, "time_stamp"), context.timezone), fields)
    _second(document, about, fields)
    return Parsed(timestamp.common_log(_text(about, "time")), fields)


def _below(document: Document, name: str) -> Document:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else "" if value is None or isinstance(value, dict | list) else _plain(value)


def _plain(value: object) -> str:
    try:
        return plain(value)
    except ValueError as error:
        raise ParseError("a number of more than 4,300 digits") from error


def _third(about: Document, fields: dict[str, Value]) -> None:
    request, response = _below(about, "request"), _below(about, "response")
    put_source(fields, _text(about, "client_ip"), _text(about, "client_port"))
    _request(_text(request, "method"), _text(request, "uri"), _text(request, "http_version"), request, fields)
    _status(response.get("http_code"), fields)
    if identifier := _text(about, "unique_id"):
        fields["modsecurity.unique_id"] = identifier
    messages = about.get("messages")
    ids: list[str] = []
    names: list[str] = []
    tags: list[str] = []
    worst = 8
    for each in messages[:_MOST_RULES] if isinstance(messages, list) else ():
        if isinstance(each, dict):
            details = _below(each, "details")
            ids.append(_text(details, "ruleId") or "-")
            names.append(_text(each, "message"))
            found = details.get("tags")
            tags += (
                [tag for tag in found if isinstance(tag, str) and tag not in tags] if isinstance(found, list) else []
            )
            severity = _text(details, "severity")
            worst = min(
                worst, int(severity) if len(severity) == 1 and severity in "01234567" else SEVERITIES.get(severity, 8)
            )
    _matched(ids, names, tags, worst, fields)


def _second(document: Document, about: Document, fields: dict[str, Value]) -> None:
    put_source(fields, _text(about, "remote_address"), _text(about, "remote_port"))
    request, data = _below(document, "request"), _below(document, "audit_data")
    method, _, rest = _text(request, "request_line").partition(" ")
    uri, _, version = rest.rpartition(" HTTP/") if " HTTP/" in rest else (rest, "", "")
    _request(method, uri, version, request, fields)
    _status(_below(document, "response").get("status"), fields)
    if identifier := _text(about, "transaction_id"):
        fields["modsecurity.unique_id"] = identifier
    messages = data.get("messages")
    ids: list[str] = []
    names: list[str] = []
    tags: list[str] = []
    worst = 8
    for each in messages[:_MOST_RULES] if isinstance(messages, list) else ():
        one: dict[str, Value] = {}
        if isinstance(each, str) and put_match(f"ModSecurity: {each}", one):
            ids.append(str(one.get("rule.id", "-")))
            names.append(str(one.get("rule.name", "")))
            found = one.get("modsecurity.tags")
            tags += (
                [tag for tag in found if isinstance(tag, str) and tag not in tags] if isinstance(found, list) else []
            )
            severity = one.get("event.severity")
            worst = min(worst, severity if isinstance(severity, int) else 8)
    _matched(ids, names, tags, worst, fields)
    if _below(data, "action").get("intercepted") is True:
        verdict(fields, denied=True)


def _request(method: str, uri: str, version: str, request: Document, fields: dict[str, Value]) -> None:
    if method:
        fields["http.request.method"] = method
    if uri:
        fields["url.original"] = uri
        path, mark, query = uri.partition("?")
        fields["url.path"] = path
        if mark:
            fields["url.query"] = query
    if version:
        fields["http.version"] = version
    for name, value in _below(request, "headers").items():
        field = _HEADERS.get(name.lower())
        if field is not None and isinstance(value, str) and value:
            fields[field] = value


def _status(value: object, fields: dict[str, Value]) -> None:
    code = integer(value)
    if isinstance(code, int):
        fields["http.response.status_code"] = code
        fields["event.outcome"] = "success" if code < 400 else "failure"


def _matched(ids: list[str], names: list[str], tags: list[str], worst: int, fields: dict[str, Value]) -> None:
    """What the rules say together; denied is a request that a rule matched and that got 403 or another error of the client's."""
    if not ids:
        return
    code = fields.get("http.response.status_code")
    verdict(fields, denied=isinstance(code, int) and 400 <= code < 500)
    fields["rule.id"] = ids[0] if len(ids) == 1 else ids
    if any(names):
        fields["rule.name"] = names[0] if len(names) == 1 else names
    if tags:
        fields["modsecurity.tags"] = tags
    if worst < 8:
        fields["event.severity"] = worst


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "modsecurity",
    "ModSecurity audit log as JSON (2.9, 3)",
    parse,
    _sniff,
    gives=(
        Gives(
            "modsecurity.audit",
            "intrusion_detection web",
            "event.action event.outcome event.severity event.type http.request.method http.request.referrer http.response.status_code "
            "http.version modsecurity.* rule.id rule.name source.ip source.port url.* user_agent.original",
        ),
    ),
)
