"""What ClamAV logs in, which file holds what out.

    /srv/hoso/bien-lai.pdf.exe: Win.Trojan.Agent-7001 FOUND
    instream(192.0.2.7@50122): Eicar-Signature FOUND

Source of truth: ClamAV 1.0 `clamd/scanner.c`, `clamd/session.c`, `clamonacc`, `freshclam/freshclam.c`; a name may hold anything but ends at
the last colon before the signature.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Gives, Message
from collectors.parse.network import put_end

_STREAM = re.compile(r"instream\(([0-9A-Fa-f.:]{2,64}+|local)(?:@(\d{1,5}+))?\)")
_UPDATED = re.compile(
    r"(?:database )?(\w{2,32}\.(?:cvd|cld|cud)) (updated|database is up-to-date|is up to date|is up-to-date)(?:.{0,10}version: (\d{1,10}))?"
)
_REMOVED = re.compile(r"(.{1,4096}): (Removed|moved to '.{1,1024}')\.?", re.DOTALL)
_HASH = re.compile(r"\(([0-9a-f]{32}|[0-9a-f]{64}):(\d{1,19})\)")


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if message.endswith(" FOUND"):
        what, colon, signature = message[:-6].rpartition(": ")
        if not colon or not signature:
            return
        _found(what, signature, fields)
    elif message.startswith(("ERROR: ", "WARNING: ")):
        fields["log.level"] = "error" if message[0] == "E" else "warning"
        fields["event.reason"] = message.partition(": ")[2]
    elif updated := _UPDATED.match(message):
        fields["event.action"], fields["event.category"], fields["event.outcome"] = (
            "signatures-updated",
            "configuration",
            "success",
        )
        fields["clamav.database"] = updated[1]
        if updated[3]:
            fields["clamav.database_version"] = updated[3]
    elif removed := _REMOVED.fullmatch(message):
        fields["event.action"], fields["event.category"] = "malware-removed", "malware"
        fields["file.path"] = removed[1]


def _found(what: str, signature: str, fields: dict[str, Value]) -> None:
    fields["event.action"], fields["event.category"], fields["event.kind"] = "malware-found", "malware", "alert"
    digest = _HASH.search(signature)
    if digest:
        signature = signature[: digest.start()]
        fields["file.hash.md5" if len(digest[1]) == 32 else "file.hash.sha256"] = digest[1]
        if (size := number(digest[2])) is not None:
            fields["file.size"] = size
    fields["threat.software.name"] = signature.strip()
    if stream := _STREAM.fullmatch(what):
        if stream[1] != "local":
            put_end(fields, "source", stream[1], stream[2] or "")
    else:
        fields["file.path"] = what.removeprefix("ScanOnAccess: ")


MESSAGE = Message(
    Gives(
        "clamav",
        "configuration malware",
        "clamav.* event.action event.kind event.outcome event.reason file.hash.* file.path file.size log.level source.ip source.port "
        "threat.software.name",
    ),
    read,
    frozenset({"clamd", "clamav", "freshclam", "clamonacc", "clamscan", "clamdscan"}),
)
