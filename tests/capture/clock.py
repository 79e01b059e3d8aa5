"""One clock for all captured daemons: an offset file that libfaketime reads at each call, stepped to the minute of the story.

Daemons that stamp their own records (rsyslogd, nginx, postgres, cron) are started with `ENVIRONMENT`. sshd and sudo need no false
clock: they hand their line to syslog, and rsyslogd stamps it on receipt (imuxsock's `SysSock.IgnoreTimestamp`, its default).
Between two steps the clock runs at its natural speed, so the gaps inside one log-in or one scan are the true ones.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE_NAME = "Asia/Ho_Chi_Minh"
ZONE = ZoneInfo(ZONE_NAME)
MOUNTED_AT = "/run/capture-clock"
ENVIRONMENT = {
    "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "FAKETIME_TIMESTAMP_FILE": f"{MOUNTED_AT}/offset",
    "FAKETIME_NO_CACHE": "1",
    "DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_DONT_RESET": "1",
    "NO_FAKE_STAT": "1",
    "TZ": ZONE_NAME,
}


class Clock:
    """The false wall clock of the recorded day; it only goes forward."""

    def __init__(self, folder: Path, start: datetime) -> None:
        self.folder = folder
        self._offset_s = 0.0
        self._write(start.timestamp() - time.time())

    def now(self) -> datetime:
        """What a daemon with `ENVIRONMENT` reads now."""
        return datetime.fromtimestamp(time.time() + self._offset_s, ZONE)

    def step_to(self, moment: datetime) -> None:
        """Jump to `moment`; where the day is already past it (the last action took long), nothing happens."""
        offset = moment.timestamp() - time.time()
        if offset > self._offset_s:
            self._write(offset)

    def _write(self, offset_s: float) -> None:
        self._offset_s = offset_s
        fresh = self.folder / "offset.new"
        fresh.write_text(f"{offset_s:+.6f}\n")
        fresh.rename(self.folder / "offset")
