"""Lines over TCP at a steady rate into a running SOC with all live SigmaHQ rules and ours; how long an event then waits for its rules.

    .venv/bin/python -m bench.latency [--rate 10000] [--seconds 30]

A process of its own sends; the SOC is the one that `soc run` starts, its journal, ledger, stores and accounting included. The time of an
event goes from the end of the append that made it durable to the end of the step that evaluated and committed it.
"""

from __future__ import annotations

import argparse
import logging
import socket
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from pathlib import Path
from typing import Any

from bench.scan import CORPUS, FOLDERS
from soc.app.content import make_site
from soc.app.run import Running
from soc.app.site import Site

WARM_UP_S = 5
"""Rules are compiled for the kinds of events that come; a SOC runs for months."""

CORRELATION = """\
title: Passwords guessed
id: 00000000-0000-4000-8000-000000000001
correlation:
    type: event_count
    rules: [failed]
    group-by: [source.ip]
    timespan: 5m
    condition: {gte: 5}
level: high
---
title: Log-in failed
id: 00000000-0000-4000-8000-000000000002
name: failed
logsource: {product: linux, service: sshd}
detection: {s: {message|contains: Failed password}, condition: s}
level: low
"""

SENDER = """
import itertools, socket, sys, time
from pathlib import Path
port, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
kinds = [
    "sshd[{pid}]: Accepted publickey for lan.nt from 192.0.2.{a} port {port} ssh2: ED25519 SHA256:abc",
    "sshd[{pid}]: Connection closed by 192.0.2.{a} port {port}",
    "sudo[{pid}]:   lan.nt : TTY=pts/1 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/systemctl status app{a}",
    "CRON[{pid}]: (root) CMD (/usr/lib/sysstat/sa1 {a} {port})",
    "kernel: [{pid}.{a}] eth0: link is up at {port} Mbps",
]
failed = "sshd[{pid}]: Failed password for root from 203.0.113.{a} port {port} ssh2"
connection = socket.create_connection(("127.0.0.1", port))
began, sent = time.monotonic(), 0
while time.monotonic() - began < seconds:
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    due = int((time.monotonic() - began) * rate)
    lines = []
    for n in range(sent, due):
        text = failed if n % 500 == 0 else kinds[n % len(kinds)]
        lines.append(f"<38>{now} web-{n % 20} " + text.format(pid=n % 30000, a=n % 250, port=1024 + n * 7 % 60000))
    if lines:
        connection.sendall(("\\n".join(lines) + "\\n").encode())
    sent = due
    time.sleep(0.005)
connection.close()
print(sent)
"""


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def site_in(folder: Path, port: int) -> Path:
    """A site with all rules that listens on the port."""
    config = make_site(folder / "site")
    rules = [str(CORPUS / "sigmahq" / name) for name in FOLDERS]
    (config.parent / "rules" / "correlation.yml").write_text(CORRELATION)
    config.write_text(
        f"rules: [rules, {', '.join(rules)}]\nmetrics: {{listen: ''}}\n"
        f'sources: [{{id: tcp, kind: syslog, transport: tcp, listen: "127.0.0.1:{port}", format: rfc3164}}]\n'
    )
    return config


def quantile(values: list[tuple[float, int]], part: float) -> float:
    """The value that this part of the weights is at or below."""
    values = sorted(values)
    wanted, seen = part * sum(weight for _, weight in values), 0
    for value, weight in values:
        seen += weight
        if seen >= wanted:
            return value
    return 0.0


def measure(config: Path, port: int, rate: int, seconds: int) -> dict[str, float]:
    """Run and watch; latencies in milliseconds, CPU in microseconds an event."""
    appended: list[tuple[int, float]] = []
    evaluated: list[tuple[int, float]] = []
    with Site.load(config) as site:
        running = Running(site)
        journal, evaluation = site.journal, running._evaluation
        append, commit = journal.append, journal.commit

        def noted_append(*arguments: Any) -> int:
            following = append(*arguments)
            appended.append((following, time.monotonic()))
            return following

        def noted_commit(consumer: str, offset: int) -> None:
            commit(consumer, offset)
            if consumer == "detect":
                evaluated.append((offset, time.monotonic()))

        journal.append, journal.commit = noted_append, noted_commit  # type: ignore[method-assign]
        with running:
            arguments = [sys.executable, "-c", SENDER, str(port), str(rate), str(seconds + WARM_UP_S)]
            sender = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
            time.sleep(WARM_UP_S)
            first, before = journal.end(), running.metrics.detect_seconds._value.get()
            cpu, began = time.process_time(), time.monotonic()
            sent = int(sender.communicate()[0])
            took = time.monotonic() - began
            last = journal.end()
            while evaluation.offset < last:
                time.sleep(0.05)
            spent = time.process_time() - cpu
            detect = running.metrics.detect_seconds._value.get() - before
        ends = [offset for offset, _ in evaluated]
        waits: list[tuple[float, int]] = []
        previous = 0
        for following, when in appended:
            if previous >= first and following > previous and following <= last:
                waits.append((1000 * (evaluated[bisect_right(ends, following - 1)][1] - when), following - previous))
            previous = following
        events = last - first
        return {
            "sent": sent,
            "events": events,
            "rate": events / took,
            "p50_ms": quantile(waits, 0.5),
            "p99_ms": quantile(waits, 0.99),
            "max_ms": max(wait for wait, _ in waits),
            "detect_us": 1e6 * detect / events,
            "process_us": 1e6 * spent / events,
            "threads": threading.active_count(),
        }


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rate", type=int, default=10_000)
    arguments.add_argument("--seconds", type=int, default=30)
    given = arguments.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(site_in(Path(folder), port), port, given.rate, given.seconds)
    print(f"{found['events']:,.0f} events at {found['rate']:,.0f}/s (asked for {given.rate:,})")
    print(
        f"journalled to detected: p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms, worst {found['max_ms']:.1f} ms"
    )
    print(
        f"CPU: detection {found['detect_us']:.1f} us an event, the whole process {found['process_us']:.1f} us an event"
    )


if __name__ == "__main__":
    main()
