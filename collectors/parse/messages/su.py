"""What su says in, who became whom out.

    (to root) an on pts/0
    FAILED SU (to root) an on pts/0

Source of truth: util-linux 2.38's `log_syslog` (login-utils/su-common.c), which Debian 12 ships; shadow's older
`Successful su for root by an` and `+ /dev/pts/0 an:root`.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.format import Gives, Message

_UTIL_LINUX = re.compile(r"(FAILED SU )?\(to ([^ )]{1,256})\) (\S{1,256}) on (\S{1,256})")
_SHADOW = re.compile(r"(Successful|FAILED) su for (\S{1,256}) by (\S{1,256})")
_SIGNS = re.compile(r"([+-]) (\S{1,256}) ([^ :]{1,256})[:-](\S{1,256})")


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if match := _UTIL_LINUX.match(message):
        failed, target, user, tty = bool(match[1]), match[2], match[3], match[4]
    elif match := _SHADOW.match(message):
        failed, target, user, tty = match[1] == "FAILED", match[2], match[3], ""
    elif match := _SIGNS.match(message):
        failed, tty, user, target = match[1] == "-", match[2], match[3], match[4]
    else:
        return
    fields["event.action"] = "su"
    fields["event.category"] = "authentication"
    fields["event.outcome"] = "failure" if failed else "success"
    fields["user.name"] = user
    fields["user.effective.name"] = target
    if tty not in ("", "none", "???"):
        fields["system.auth.su.tty"] = tty


MESSAGE = Message(
    Gives(
        "syslog",
        "authentication",
        "event.action event.outcome system.auth.su.tty user.effective.name user.name",
    ),
    read,
    frozenset({"su", "runuser"}),
)
