"""Lines over TCP at a steady rate into a running SOC with all live SigmaHQ rules and ours; how long an event then waits for its rules.

    .venv/bin/python -m bench.latency [--rate 10000] [--seconds 30]

A process of its own sends; the SOC is the one that `soc run` starts, its journal, ledger, stores and accounting included. The time of a
line goes from when it was sent (the clock is the machine's) to the end of the append that made it durable, and to the end of the step that
evaluated and committed it. The same load is sent twice: to a SOC whose detection stands still, then to a whole one; detection adds the
p99 of sent to detected minus the p99 of sent to journalled without it.
"""

from __future__ import annotations

import argparse
import logging
import socket
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.scan import CORPUS, FOLDERS
from collectors.event import Event
from collectors.record import DeadLetter, Mark
from soc.app.content import make_site
from soc.app.run import Running
from soc.app.site import Site

WARM_UP_S = 5
"""Rules are compiled for the kinds of events that come; a SOC runs for months."""

SOURCE = "tcp"

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
moments = []
began, sent = time.monotonic(), 0
while time.monotonic() - began < seconds:
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    due = int((time.monotonic() - began) * rate)
    lines = []
    for n in range(sent, due):
        text = failed if n % 500 == 0 else kinds[n % len(kinds)]
        lines.append(f"<38>{now} web-{n % 20} " + text.format(pid=n % 30000, a=n % 250, port=1024 + n * 7 % 60000))
    if lines:
        moments.append(f"{due} {time.monotonic()}")
        connection.sendall(("\\n".join(lines) + "\\n").encode())
    sent = due
    time.sleep(0.005)
connection.close()
print("\\n".join(moments))
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
        f'sources: [{{id: {SOURCE}, kind: syslog, transport: tcp, listen: "127.0.0.1:{port}", format: rfc3164}}]\n'
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


Steps = list[tuple[int, float]]
"""Up to which line something was done, and when (seconds of the machine's monotonic clock)."""


def waits(begun: Steps, done: Steps, first: int) -> list[tuple[float, int]]:
    """Milliseconds from one to the other, each with how many lines waited so long, of the lines from `first` on."""
    lines = [line for line, _ in done]
    found, previous = [], 0
    for line, when in begun:
        if previous >= first:
            found.append((1000 * (done[bisect_right(lines, line - 1)][1] - when), line - previous))
        previous = line
    return found


def measure(config: Path, port: int, rate: int, seconds: int, *, detects: bool) -> dict[str, float]:
    """Run and watch; latencies in milliseconds, CPU in microseconds an event. `detects`: without it the detecting thread is not started."""
    appended: Steps = []
    evaluated: Steps = []
    lines_to: list[tuple[int, int]] = [(0, 0)]
    with Site.load(config) as site:
        running = Running(site)
        journal = site.journal
        append, commit = journal.append, journal.commit

        def noted_append(events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]) -> int:
            following = append(events, marks, dead)
            lines = lines_to[-1][1] + sum(event.source == SOURCE for event in events)
            lines_to.append((following, lines))
            appended.append((lines, time.monotonic()))
            return following

        def noted_commit(consumer: str, offset: int) -> None:
            commit(consumer, offset)
            if consumer == "detect":
                at = bisect_right(lines_to, (offset, sys.maxsize)) - 1
                evaluated.append((offset - lines_to[at][0] + lines_to[at][1], time.monotonic()))

        journal.append, journal.commit = noted_append, noted_commit  # type: ignore[method-assign]
        if not detects:
            running._consumers = [thread for thread in running._consumers if thread.name != "detect"]
        with running:
            arguments = [sys.executable, "-c", SENDER, str(port), str(rate), str(seconds + WARM_UP_S)]
            sender = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
            time.sleep(WARM_UP_S)
            first, before = appended[-1][0], running.metrics.detect_seconds._value.get()
            cpu, began = time.process_time(), time.monotonic()
            moments = [line.split() for line in sender.communicate()[0].splitlines()]
            took = time.monotonic() - began
            sent = [(int(line), float(when)) for line, when in moments]
            last = sent[-1][0]
            while (evaluated if detects else appended)[-1][0] < last:
                time.sleep(0.05)
            spent = time.process_time() - cpu
            detect = running.metrics.detect_seconds._value.get() - before
        events = last - first
        found = {"events": events, "rate": events / took, "process_us": 1e6 * spent / events}
        steps = {"journalled": waits(sent, appended, first)}
        if detects:
            steps["detected"] = waits(sent, evaluated, first)
            steps["journalled to detected"] = waits(appended, evaluated, first)
            found["detect_us"] = 1e6 * detect / events
        for name, values in steps.items():
            found |= {f"{name} p50": quantile(values, 0.5), f"{name} p99": quantile(values, 0.99)}
            found[f"{name} worst"] = max(wait for wait, _ in values)
        return found


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rate", type=int, default=10_000)
    arguments.add_argument("--seconds", type=int, default=30)
    given = arguments.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    found = {}
    for detects in (False, True):
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            config = site_in(Path(folder), port)
            found[detects] = each = measure(config, port, given.rate, given.seconds, detects=detects)
        print(f"{'with' if detects else 'without'} detection: {each['events']:,.0f} events at {each['rate']:,.0f}/s")
        for step in ("journalled", "detected", "journalled to detected"):
            if f"{step} p50" in each:
                p50, p99, worst = (each[f"{step} {which}"] for which in ("p50", "p99", "worst"))
                name = step if " to " in step else f"sent to {step}"
                print(f"  {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {worst:.1f} ms")
        print(f"  CPU of the whole process: {each['process_us']:.1f} us an event")
    adds = found[True]["detected p99"] - found[False]["journalled p99"]
    print(f"detection: {found[True]['detect_us']:.1f} us of CPU an event; it adds {adds:.1f} ms to the p99")


if __name__ == "__main__":
    main()
