"""The text that ModSecurity writes of a rule that matched in, fields out, for the error logs of Apache and nginx.

    ModSecurity: Access denied with code 403 (phase 2). Matched "Operator `PmFromFile' ..." [file "/etc/..."] [line "77"] [id "930120"]
      [msg "OS File Access Attempt"] [data "..."] [severity "2"] [tag "attack-lfi"] [uri "/../etc/passwd"] [unique_id "16..."]   (one line)

Source of truth: ModSecurity Reference Manual 2.9 and 3.0, "Message Format". A severity is a word (v2) or syslog's number (v3).
"""

from __future__ import annotations

import re

from collectors.event import Value

_OPENING = re.compile(r"(?:\[client [^\]\s]{1,64}\] )?ModSecurity: ")
FIELDS = "event.action event.outcome event.severity event.type modsecurity.* rule.id rule.name url.path"
"""What it adds."""
_TAG = re.compile(r'\[([a-z_]{2,16}+) "((?:[^"\\]++|\\.)*+)"\]', re.DOTALL)
_MOST_TAGS = 100
_NAMES = {"id": "rule.id", "msg": "rule.name", "uri": "url.path"}
SEVERITIES = {
    name: n for n, name in enumerate(("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"))
}


def put_match(message: str, fields: dict[str, Value]) -> bool:
    """Set what the message tells of a rule; False where it is no message of ModSecurity's."""
    match = _OPENING.match(message)
    if match is None:
        return False
    text = message[match.end() :]
    tags: list[str] = []
    for n, found in enumerate(_TAG.finditer(text)):
        if n == _MOST_TAGS:
            break
        name, value = found.groups()
        if name == "tag":
            tags.append(value)
        elif name == "severity":
            put_severity(fields, value)
        elif value:
            fields[_NAMES.get(name, f"modsecurity.{name}")] = value
    if tags:
        fields["modsecurity.tags"] = tags
    denied = text.startswith("Access denied")
    if denied or "rule.id" in fields:
        verdict(fields, denied=denied)
    return True


def put_severity(fields: dict[str, Value], text: str) -> None:
    """Set syslog's number for a word or that number."""
    severity = SEVERITIES.get(text)
    if severity is None and len(text) == 1 and text in "01234567":
        severity = int(text)
    if severity is not None:
        fields["event.severity"] = severity


def verdict(fields: dict[str, Value], *, denied: bool) -> None:
    """Set what became of the request."""
    fields["event.category"] = "intrusion_detection"
    fields["event.action"] = "modsecurity-denied" if denied else "modsecurity-matched"
    fields["event.type"] = "denied" if denied else "allowed"
    fields["event.outcome"] = "failure" if denied else "success"
