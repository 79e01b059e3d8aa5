"""What cron says in, which job ran as whom out.

    (root) CMD (cd / && run-parts --report /etc/cron.hourly)
    (an) REPLACE (an)

Source of truth: Debian's cron 3.0pl1 `log_it` (misc.c): `(user) EVENT (detail)`.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.format import Gives, Message

_LINE = re.compile(r"\(([^)]{1,256})\) ([A-Z][A-Za-z ]{1,32}) \((.*)\)", re.DOTALL)
_ACTIONS = {
    "CMD": "cron-command",
    "REPLACE": "crontab-replaced",
    "DELETE": "crontab-deleted",
    "BEGIN EDIT": "crontab-edited",
    "LIST": "crontab-listed",
}


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    match = _LINE.fullmatch(message)
    if match is None or match[2] not in _ACTIONS:
        return
    fields["event.action"] = _ACTIONS[match[2]]
    fields["user.name"] = match[1]
    if match[2] == "CMD":
        fields["event.category"] = "process"
        fields["process.command_line"] = match[3]
    else:
        fields["event.category"] = "configuration"
        fields["user.target.name"] = match[3]


MESSAGE = Message(
    Gives(
        "syslog",
        "configuration process",
        "event.action process.command_line user.name user.target.name",
    ),
    read,
    frozenset({"CRON", "cron", "crond", "crontab", "anacron"}),
)
