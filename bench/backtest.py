"""A journal of history in, how many events per CPU second a backtest replays out: of one changed rule, of a correlation, of all of SigmaHQ.

    .venv/bin/python -m bench.backtest [--events N]

Lines of sshd over 23 days, one in a hundred of which fires the rule that changes. Both sides run, as `soc rules backtest` runs them:
reading the journal is part of it, and is told by itself as well. The corpus is ../shared/corpus; without it the last line is left out.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from collectors.parse import Context, parse_batch
from collectors.record import Position, RawRecord
from soc.app.backtesting import backtest, change_of
from soc.app.content import make_site
from soc.app.history import Span, history
from soc.app.site import Site

CORPUS = Path(__file__).parents[1].parent / "shared" / "corpus" / "sigmahq"
START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = Span(START, START + timedelta(days=365))
BATCH = 5_000
FIRES = 100
TEXTS = (
    "Invalid user admin from 203.0.113.9 port 40001",
    "Connection closed by authenticating user root 203.0.113.9 port 40003 [preauth]",
    "Failed password for root from 203.0.113.9 port 22 ssh2",
    "pam_unix(sshd:session): session opened for user lan(uid=1000) by (uid=0)",
)
RULE = "10000000-0000-4000-8000-000000000001"


def rule(starts: str) -> dict[str, Any]:
    """A rule on messages of sshd that start so."""
    return {
        "title": "Log-in with a password",
        "id": RULE,
        "status": "test",
        "level": "high",
        "logsource": {"product": "linux", "service": "sshd"},
        "detection": {"selection": {"message|startswith": starts}, "condition": "selection"},
    }


CORRELATION = {
    "title": "Many log-ins with a password",
    "id": "10000000-0000-4000-8000-000000000002",
    "status": "test",
    "level": "high",
    "correlation": {
        "type": "event_count",
        "rules": [RULE],
        "group-by": ["source.ip"],
        "timespan": "1h",
        "condition": {"gte": 3},
        "generate": True,
    },
}


def fill(site: Site, count: int) -> None:
    """The history."""
    for first in range(0, count, BATCH):
        records = []
        for number in range(first, min(count, first + BATCH)):
            when = START + timedelta(seconds=number * 2)
            login = f"Accepted password for lan from 203.0.113.{number // FIRES % 250} port {number % 60000} ssh2"
            message = TEXTS[number % len(TEXTS)] if number % FIRES else login
            line = f"{when.isoformat()} jump-01 sshd[{number % 30000}]: {message}".encode()
            records.append(RawRecord(line, "auth", Position("auth.log", "auth", number, number), when))
        events, _ = parse_batch(records, "rfc3164", Context())
        site.journal.append(events, {}, [])


def measured(site: Site, name: str, paths: Sequence[Path]) -> None:
    """One backtest."""
    change = change_of(site, paths)
    began = time.process_time()
    result = backtest(site, change, SPAN)
    taken = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    total = result.total
    print(
        f"{name:28} {result.events / taken:>10,.0f} events per CPU second   {taken:6.1f} CPU s   peak {peak} MB   "
        f"{total.removed:,} alerts removed, {total.added:,} added, {total.kept:,} kept"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = make_site(Path(folder) / "site")
        (config.parent / "rules" / "own.yml").write_text(yaml.safe_dump(rule("Accepted password for ")))
        changed, correlation = Path(folder) / "changed.yml", Path(folder) / "correlation.yml"
        changed.write_text(yaml.safe_dump(rule("Accepted password for lan from 203.0.113.1")))
        correlation.write_text(yaml.safe_dump(CORRELATION))
        with Site.load(config) as site:
            fill(site, options.events)
            began = time.process_time()
            count = sum(len(events) for _, events in history(site.journal_reader, SPAN.since))
            print(
                f"{'only reading the journal':28} {count / (time.process_time() - began):>10,.0f} events per CPU second"
            )
            measured(site, "one changed rule", [changed])
            measured(site, "a new correlation", [correlation])
            if CORPUS.is_dir():
                measured(site, "all of SigmaHQ", [CORPUS / "rules", CORPUS / "rules-emerging-threats"])


if __name__ == "__main__":
    main()
