"""What Veeam Backup & Replication sends in, which backup ran how, who deleted or weakened what out.

    [categoryId=0 instanceId=190 JobSessionID="c0d9" JobID="c441" JobResult="0" JobName="Ho tich" VbrHostName="vbr01" Description="..."]

Source of truth: Veeam Backup & Replication 13 "Event Reference" (ids, parameters, syslog examples); `instanceId` is the event's id. In
RFC 5424 the structured data `[origin enterpriseId="31023"]` stands before. Nothing within quotes is escaped: a value ends where a quote is
followed by the next name or by the end, and a user's `<ModifiedUserInfo fullName="..." />` is read as the name in it.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.format import Gives, Message

_PERSON = re.compile(r'(\w{1,64}+)="<ModifiedUserInfo fullName="([^"]{0,255}+)"[^>]{0,255}+>"')
_NEXT = re.compile(r'(?:^|" |(?<=\d) )(?=[A-Za-z]\w{0,63}+=)')
_FINISHED = re.compile(r"[^']{1,64}+'([^']{1,255}+)' finished with (Success|Warning|Failed)")
_PAIRS = 100
_RESULTS = {"0": "success", "1": "success", "2": "failure"}
_EVENTS: dict[str, tuple[str, str]] = {
    "110": ("backup-started", "host"), "190": ("backup-finished", "host"), "210": ("restore-started", "host"),
    "290": ("restore-finished", "host"), "490": ("backup-copy-finished", "host"), "790": ("agent-backup-finished", "host"),
    "10050": ("restore-point-deleted", "host"), "21224": ("repository-connection-lost", "host"), "23010": ("job-created", "configuration"),
    "23050": ("job-changed", "configuration"), "23090": ("job-deleted", "configuration"), "25300": ("credentials-added", "iam"),
    "25400": ("credentials-changed", "iam"), "25500": ("credentials-deleted", "iam"), "28100": ("repository-changed", "configuration"),
    "28200": ("repository-deleted", "configuration"), "28980": ("object-storage-deleted", "configuration"),
    "30200": ("repository-deleted", "configuration"), "31000": ("settings-changed", "configuration"), "31200": ("user-added", "iam"),
    "31400": ("user-deleted", "iam"), "31700": ("encryption-password-changed", "iam"), "31800": ("encryption-password-deleted", "iam"),
    "40100": ("console-opened", "session"), "40101": ("console-closed", "session"), "40201": ("mfa-disabled", "iam"),
    "40204": ("user-mfa-disabled", "iam"), "40205": ("mfa-code-invalid", "authentication"),
    "40206": ("mfa-attempts-exceeded", "authentication"), "40290": ("restore-finished", "host"),
    "40700": ("configuration-backup-finished", "host"), "41600": ("malware-activity-found", "malware"),
    "41800": ("backup-deletion-refused", "host"), "41810": ("security-change-refused", "iam"),
    "42220": ("restore-point-infected", "malware"), "42401": ("four-eyes-disabled", "iam"), "42402": ("four-eyes-requested", "iam"),
    "42403": ("four-eyes-approved", "iam"), "42404": ("four-eyes-rejected", "iam"), "44002": ("login-denied", "authentication"),
    "44003": ("login-granted", "authentication"), "44006": ("access-denied", "authentication"),
}  # fmt: skip
_FAILURES = frozenset({"21224", "40205", "40206", "41800", "41810", "44002", "44006"})
_NAMES = {
    "Description": "event.reason", "InitiatorFullInfo": "user.name", "UserFullInfo": "user.name", "UserName": "user.name",
    "VbrHostName": "observer.hostname", "VbrVersion": "observer.version", "instanceId": "event.code",
}  # fmt: skip


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if not message.startswith("[categoryId="):
        return
    body = _PERSON.sub(r'\1="\2"', message[1:]).removesuffix("]")
    for part in _NEXT.split(body, _PAIRS):
        name, equals, value = part.partition("=")
        value = value.strip('"')
        if equals and value and name != "categoryId":
            fields[_NAMES.get(name) or f"veeam.{name}"] = value
    code = str(fields.get("event.code", ""))
    if code in _EVENTS:
        fields["event.action"], fields["event.category"] = _EVENTS[code]
    finished = _FINISHED.match(str(fields.get("event.reason", "")))
    if finished:
        fields.setdefault("veeam.JobName", finished[1])
    if code in _FAILURES or (finished and finished[2] == "Failed"):
        fields["event.outcome"] = "failure"
    elif outcome := _RESULTS.get(str(fields.get("veeam.JobResult", ""))) or ("success" if finished else ""):
        fields["event.outcome"] = outcome


MESSAGE = Message(
    Gives(
        "veeam.log",
        "authentication configuration host iam malware session",
        "event.action event.code event.outcome event.reason observer.hostname observer.version user.name veeam.*",
    ),
    read,
    frozenset({"Veeam_MP"}),
    openings=("[categoryId=",),
)
