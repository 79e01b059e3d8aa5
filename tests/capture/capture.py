"""Capture the recorded day: `sudo python3 tests/capture/capture.py OUT_DIR [--work DIR] [--hours N]`.

In: a Debian 12 machine on which you are root, with the packages that README.md names. Out: the records of one day and `day.yml`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import egov
import manifest
from actors import Browsers
from attack import Attack
from benign import Benign
from benign import story as benign_story
from centre import Centre, versions
from clock import ZONE, Clock
from story import Chapter

DAY = datetime(2026, 10, 14, tzinfo=ZONE)
RECORDS = {
    "jump-01.auth.log": ("jump-01", "var/log/auth.log"),
    "jump-01.syslog": ("jump-01", "var/log/syslog"),
    "portal-01.auth.log": ("portal-01", "var/log/auth.log"),
    "portal-01.syslog-3164.log": ("log-01", "var/log/syslog-3164.log"),
    "portal-01.access.log": ("portal-01", "var/log/nginx/access.log"),
    "db-01.syslog-5424.log": ("log-01", "var/log/syslog-5424.log"),
    "db-01.postgresql.csv": ("db-01", "var/log/postgresql/postgresql.csv"),
}
"""Name among the records -> host and file it was written to."""
SETTLE_S = 1.5
"""True seconds for the daemons to write what they hold."""


def play(centre: Centre, work: Path, hours: float) -> list[Chapter]:
    """The day, from midnight on; the story as it happened."""
    browsers = Browsers()
    benign = Benign(centre, browsers, DAY)
    attack = Attack(centre, browsers, DAY, work)
    deeds = sorted([*benign.deeds(), *attack.deeds()], key=lambda deed: deed[0])
    began, hour = time.monotonic(), -1
    for when, act in deeds:
        if when >= DAY + timedelta(hours=hours):
            break
        if when.hour != hour:
            hour = when.hour
            print(f"{when:%H:%M}  {time.monotonic() - began:6.1f} s", file=sys.stderr, flush=True)
        centre.clock.step_to(when)
        act()
    for terminal in benign.terminals.values():
        terminal.leave()
    browsers.close()
    time.sleep(SETTLE_S)
    return attack.story


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument(
        "--work", type=Path, default=None, help="folder for overlays and keys (default: a temporary one)"
    )
    options.add_argument("--hours", type=float, default=24, help="stop after so many hours of the day (for trying out)")
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="soc-capture-", ignore_cleanup_errors=True) as temporary:
        work = given.work or Path(temporary)
        (work / "clock").mkdir(parents=True, exist_ok=True)
        clock = Clock(work / "clock", DAY - timedelta(minutes=3))
        centre = Centre(work, clock)
        try:
            clock.step_to(DAY - timedelta(seconds=2))
            time.sleep(SETTLE_S)
            for host, path in RECORDS.values():  # what the start-up wrote is not part of the day
                (centre.hosts[host].root / path).write_bytes(b"")
            story = play(centre, work, given.hours)
            records = {name: (centre.hosts[host].root / path).read_bytes() for name, (host, path) in RECORDS.items()}
            tools = versions()
        finally:
            centre.close()
    records["egov-audit.jsonl"] = egov.records(DAY)
    manifest.write(given.out, DAY, records, [*story, *benign_story(DAY), *egov.story(DAY)], tools)


if __name__ == "__main__":
    main()
