"""Captured bytes in, the shipped records out: each file (compressed where large) and `day.yml`, which tells what they are.

`day.yml` is YAML whose values are written as JSON, which YAML includes: one file or chapter a line, nothing to escape by hand.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from clock import ZONE_NAME
from story import Chapter

PLAIN_BYTES = 150_000
"""Smaller files stay readable; larger ones are compressed."""
FORMATS = {
    "jump-01.auth.log": ("rfc3164", "jump-01", ["sshd", "sudo", "pam", "useradd"]),
    "jump-01.syslog": ("rfc3164", "jump-01", ["cron", "crontab"]),
    "portal-01.auth.log": ("rfc3164", "portal-01", ["sshd", "sudo", "pam"]),
    "portal-01.syslog-3164.log": ("rfc3164", "portal-01", ["cron"]),
    "portal-01.access.log": ("web-access", "portal-01", ["nginx"]),
    "db-01.syslog-5424.log": ("rfc5424", "db-01", ["sshd", "pam", "cron", "nightly-dump"]),
    "db-01.postgresql.csv": ("postgresql-csv", "db-01", ["postgresql"]),
    "egov-audit.jsonl": ("json", "app-01", []),
}
"""Name -> parser format, host that wrote it, daemons in it (none: made by egov.py, not captured)."""


def write(
    out: Path, day: datetime, records: Mapping[str, bytes], story: Sequence[Chapter], versions: Mapping[str, str]
) -> None:
    """Replace what is in `out` by these records and their manifest."""
    for old in out.glob("*"):
        old.unlink()
    files = [_write_file(out, name, data) for name, data in records.items()]
    head = {
        "schema": "soc-day/1",
        "date": f"{day:%Y-%m-%d}",
        "time_zone": ZONE_NAME,
        "received": (day + timedelta(days=1)).isoformat(),
        "captured_with": dict(versions),
    }
    lines = [
        "# One recorded day of a made-up provincial data centre. Captured by tests/capture/capture.py; see its README.md.",
        "# `received`: the time of receipt by which lines without a year are to be read. `sha256`: of the file as it stands here;",
        "# `lines` and `bytes`: of its content, uncompressed. `story`: what truly happened, to hold detections against.",
        *(f"{key}: {_value(value)}" for key, value in head.items()),
        "files:",
        *(f"- {_value(file)}" for file in files),
        "story:",
        *(f"- {_value(_chapter(chapter))}" for chapter in sorted(story, key=lambda chapter: chapter.began)),
    ]
    (out / "day.yml").write_text("\n".join(lines) + "\n")


def _write_file(out: Path, name: str, data: bytes) -> dict[str, object]:
    format_name, host, daemons = FORMATS[name]
    packed = data if len(data) <= PLAIN_BYTES else gzip.compress(data, 9, mtime=0)
    file = name if packed is data else f"{name}.gz"
    (out / file).write_bytes(packed)
    return {
        "name": name,
        "file": file,
        "format": format_name,
        "host": host,
        "daemons": daemons,
        "lines": data.count(b"\n"),
        "bytes": len(data),
        "sha256": hashlib.sha256(packed).hexdigest(),
    }


def _chapter(chapter: Chapter) -> dict[str, object]:
    return {
        "began": chapter.began.isoformat(timespec="seconds"),
        "ended": chapter.ended.isoformat(timespec="seconds"),
        "actor": chapter.actor,
        "host": chapter.host,
        "malicious": chapter.malicious,
        "techniques": list(chapter.techniques),
        "text": chapter.text,
    }


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
