"""The whole SOC under a steady load: events a second, memory and lag over minutes, and how long until an alert is visible.

    .venv/bin/python -m bench.pipeline [--rate 30000] [--seconds 300]

`soc run` as a user starts it (journal, ledger, stores and accounting included; all live SigmaHQ rules and ours) takes a mix over two
TCP connections: syslog lines of servers, and JSON lines of Windows machines, web servers and an application, each with the time of its
sending. A process of its own sends at the rate, or slower where the SOC takes no more: nothing is dropped. Twice a second one of the
lines is a log-in that a rule of ours alerts on, each from another address; another process looks for its alert in the projections, as the
terminal UI does. The machine's cores serve the sender too.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.latency import free_port
from bench.scan import CORPUS, FOLDERS
from collectors.journal import JournalConfig, JournalReader, open_reader
from soc.app.content import make_site
from soc.app.site import Site
from soc.store import AlertQuery

WARM_UP_S = 15
"""Rules are compiled for the kinds of events that come; a SOC runs for months."""
SAMPLE_S = 5.0
CHUNK_S = 0.02
CHUNKS = 256
"""Different chunks of lines before the first comes again."""
PROBE_EVERY_S = 0.5
LOOK_EVERY_S = 0.01

_TIME = "@TIME@"
_SYSLOG = (
    "<38>1 @TIME@ web-{h:02} sshd {pid} - - Accepted publickey for lan.nt from 10.10.{a}.{b} port {port} ssh2: ED25519 SHA256:abc",
    "<38>1 @TIME@ web-{h:02} sshd {pid} - - Connection closed by 10.10.{a}.{b} port {port}",
    "<85>1 @TIME@ app-{h:02} sudo {pid} - -   lan.nt : TTY=pts/1 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/systemctl status app{b}",
    "<78>1 @TIME@ db-{h:02} CRON {pid} - - (root) CMD (/usr/lib/sysstat/sa1 {b} 1)",
    "<6>1 @TIME@ db-{h:02} kernel - - - [{pid}.{b}] IN=eth0 OUT= SRC=10.10.{a}.{b} DST=10.10.2.9 LEN=60 PROTO=TCP SPT={port} DPT=443",
    "<30>1 @TIME@ app-{h:02} systemd 1 - - session-{pid}.scope: Deactivated successfully.",
    "<22>1 @TIME@ mail-{h:02} postfix/smtpd {pid} - - connect from unknown[10.10.{a}.{b}]",
)
_WINDOWS = {
    "4624": {"TargetUserName": "svc{b}", "LogonType": "3", "IpAddress": "10.10.{a}.{b}", "IpPort": "{port}",
             "AuthenticationPackageName": "Kerberos", "LogonProcessName": "Kerberos"},
    "5156": {"Application": "\\device\\harddiskvolume2\\windows\\system32\\svchost.exe", "SourceAddress": "10.10.{a}.{b}",
             "SourcePort": "{port}", "DestAddress": "10.10.2.9", "DestPort": "443", "Protocol": "6", "ProcessID": "{pid}"},
    "4688": {"SubjectUserName": "svc{b}", "NewProcessName": "C:\\Windows\\System32\\svchost.exe", "NewProcessId": "0x{pid:x}",
             "ParentProcessName": "C:\\Windows\\System32\\services.exe",
             "CommandLine": "C:\\Windows\\System32\\svchost.exe -k netsvcs -p -s T{b}"},
}  # fmt: skip


class Probe(NamedTuple):
    """A line that must raise an alert: the address it names, and when it was about to be sent (seconds, CLOCK_MONOTONIC)."""

    address: str
    sent: float


def syslog_line(number: int) -> str:
    """One of the lines of servers."""
    return _SYSLOG[number % len(_SYSLOG)].format(
        h=number % 20, pid=number % 30_000, a=number % 7, b=number % 250, port=1_024 + number * 7 % 60_000
    )


def json_line(number: int) -> str:
    """One of the lines of Windows machines (as Winlogbeat sends them), web servers and the application."""
    values = {"pid": number % 30_000, "a": number % 7, "b": number % 250, "port": 1_024 + number * 7 % 60_000}
    if number % 3 == 0:
        event_id, data = list(_WINDOWS.items())[number // 3 % len(_WINDOWS)]
        data = {name: text.format(**values) for name, text in data.items()}
        winlog = {
            "channel": "Security", "provider_name": "Microsoft-Windows-Security-Auditing", "event_id": event_id,
            "record_id": number, "computer_name": f"pc-{number % 40}.tinh.local", "event_data": data,
        }  # fmt: skip
        return json.dumps({"@timestamp": _TIME, "winlog": winlog, "agent": {"type": "winlogbeat"}})
    if number % 3 == 1:
        path = f"/dich-vu/{number % 300}?trang={number % 9}"
        return json.dumps({
            "@timestamp": _TIME, "event.dataset": "nginx.access", "source.ip": f"10.10.{values['a']}.{values['b']}",
            "http.request.method": "GET", "url.original": path, "http.response.status_code": 200,
            "http.response.body.bytes": number % 9_000,
        })  # fmt: skip
    return json.dumps({
        "@timestamp": _TIME, "event.dataset": "app", "log.level": "info", "user.name": f"cb{values['b']}",
        "message": f"record {number} of 0{number % 60} read", "labels": {"unit": f"phong-{number % 12}"},
    })  # fmt: skip


def chunks(lines: int) -> list[bytes]:
    """So many chunks of so many lines, without their times."""
    made = []
    for chunk in range(CHUNKS):
        first = chunk * lines
        texts = (syslog_line, json_line)[chunk % 2]
        made.append("".join(f"{texts(number)}\n" for number in range(first, first + lines)).encode())
    return made


def send(ports: tuple[int, int], rate: int, seconds: float, out: Path) -> int:
    """A process that sends; its number. Writes how many lines went out, and the probes."""
    pid = os.fork()
    if pid:
        return pid
    ways = [socket.create_connection(("127.0.0.1", port)) for port in ports]
    lines = round(rate * CHUNK_S)
    made = chunks(lines)
    addresses = (f"203.0.{a}.{b}" for a, b in itertools.product(range(1, 256), range(1, 255)))
    sent, probes, next_probe = 0, list[Probe](), 0.0
    began = time.monotonic()
    for number in itertools.count():
        due = began + number * CHUNK_S
        if (now := time.monotonic()) < due:
            time.sleep(due - now)
        elif now - began > seconds:
            break
        stamp = datetime.now(UTC).isoformat().replace("+00:00", "Z").encode()
        data = made[number % CHUNKS].replace(_TIME.encode(), stamp)
        if number % 2 == 0 and (now := time.monotonic()) >= next_probe:
            next_probe = now + PROBE_EVERY_S
            probes.append(Probe(next(addresses), now))
            data += b"<38>1 %s jump-01 sshd 7 - - Accepted password for root from %s port 41022 ssh2\n" % (
                stamp, probes[-1].address.encode()
            )  # fmt: skip
            sent += 1
        ways[number % 2].sendall(data)
        sent += lines
    out.write_text(json.dumps({"sent": sent, "took": time.monotonic() - began, "probes": probes}))
    os._exit(0)


def look(config: Path, out: Path) -> int:
    """A process that looks for alerts until it is told to stop; its number. Writes when each address was first seen."""
    pid = os.fork()
    if pid:
        return pid
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    seen: dict[str, float] = {}
    known: set[str] = set()
    with Site.load(config) as site:
        while going:
            fresh = [each for each in site.projections.alert_ids(AlertQuery()) if each not in known]
            now = time.monotonic()
            known.update(fresh)
            for alert in site.projections.alerts(fresh):
                for entity in alert.entities:
                    seen.setdefault(entity.value, now)
            time.sleep(LOOK_EVERY_S)
    out.write_text(json.dumps(seen))
    os._exit(0)


def site_in(folder: Path, ports: tuple[int, int]) -> Path:
    """A site with all rules that listens on the ports."""
    config = make_site(folder / "site")
    rules = [str(CORPUS / "sigmahq" / name) for name in FOLDERS]
    listen = [f'listen: "127.0.0.1:{port}"' for port in ports]
    config.write_text(
        f"rules: [rules, {', '.join(rules)}]\nplaybooks: []\nmetrics: {{listen: ''}}\n"
        "sources:\n"
        f"  - {{id: servers, kind: syslog, transport: tcp, {listen[0]}, format: syslog}}\n"
        f"  - {{id: agents, kind: syslog, transport: tcp, {listen[1]}, format: json}}\n"
    )
    return config


class Sample(NamedTuple):
    """One look at the processes: seconds since the start, offsets, resident bytes and CPU seconds by process."""

    at: float
    end: int
    detected: int
    indexed: int
    memory: dict[str, int]
    cpu: dict[str, float]


def sample(journal: JournalReader, processes: dict[str, int], began: float) -> Sample:
    """As of now."""
    memory, cpu = {}, {}
    for name, pid in processes.items():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        memory[name] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    now = time.monotonic() - began
    return Sample(now, journal.end(), journal.committed("detect"), journal.committed("index"), memory, cpu)


def processes_of(pid: int) -> dict[str, int]:
    """`soc run` and its parts: role -> process."""
    found = {"detect": pid}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        argv = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if b"soc.app.part_main" in argv:
            found[argv[argv.index(b"soc.app.part_main") + 1].decode()] = int(child)
    return found


def samples(journal: JournalReader, processes: dict[str, int], sender: int, sent_path: Path) -> Iterator[Sample]:
    """While lines are sent, and on until all that came is indexed."""
    began, sending = time.monotonic(), True
    while True:
        time.sleep(SAMPLE_S)
        yield (found := sample(journal, processes, began))
        if sending:
            sending = not os.waitpid(sender, os.WNOHANG)[0]
        elif found.end >= json.loads(sent_path.read_text())["sent"] and found.indexed == found.detected == found.end:
            return


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rate", type=int, default=30_000)
    arguments.add_argument("--seconds", type=int, default=300)
    given = arguments.parse_args()
    ports = (free_port(), free_port())
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        config = site_in(folder, ports)
        running = subprocess.Popen([sys.executable, "-m", "soc", "run", "--config", str(config)])
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", ports[1])) == 0:
                    break
            time.sleep(0.1)
        processes = processes_of(running.pid)
        journal = open_reader(JournalConfig(config.parent / "var" / "journal"))
        looker = look(config, folder / "seen.json")
        sender = send(ports, given.rate, given.seconds + WARM_UP_S, folder / "sent.json")
        taken: list[Sample] = []
        for each in samples(journal, processes, sender, folder / "sent.json"):
            taken.append(each)
            memory = ", ".join(f"{role} {size / 2**20:.0f} MB" for role, size in each.memory.items())
            print(f"{each.at:5.0f} s: {each.end:10,} in the journal, {each.end - each.detected:8,} not evaluated, "
                  f"{each.end - each.indexed:8,} not indexed; {memory}", flush=True)  # fmt: skip
        os.kill(looker, signal.SIGTERM)
        os.waitpid(looker, 0)
        running.send_signal(signal.SIGTERM)
        running.wait()
        report(taken, json.loads((folder / "sent.json").read_text()), json.loads((folder / "seen.json").read_text()))


def report(taken: list[Sample], sent: dict[str, object], seen: dict[str, float]) -> None:
    """What it comes to."""
    warm = next(each for each in taken if each.at >= WARM_UP_S)
    last = taken[-1]
    events, took = last.end - warm.end, last.at - warm.at
    print(f"{sent['sent']:,} lines sent in {sent['took']:.0f} s; {last.end:,} events in the journal")
    print(f"from line to evaluated and searchable: {events / took:,.0f} events a second over {took:.0f} s")
    for role in last.cpu:
        spent, sizes = (
            last.cpu[role] - warm.cpu[role],
            [each.memory[role] / 2**20 for each in taken if each.at >= WARM_UP_S],
        )
        print(f"  {role}: {1e6 * spent / events:.1f} us of CPU an event, {spent / took:.2f} cores; "
              f"{sizes[0]:.0f} MB after the warm-up, {sizes[-1]:.0f} MB at the end, at most {max(sizes):.0f} MB")  # fmt: skip
    probes = [Probe(*each) for each in sent["probes"]]  # type: ignore[attr-defined]
    first = probes[0].sent + WARM_UP_S
    waits = sorted(
        1e3 * (seen[each.address] - each.sent) for each in probes if each.sent >= first and each.address in seen
    )
    missing = sum(each.address not in seen for each in probes)
    if waits:
        print(f"alerts: {len(waits)} timed, {missing} not seen; visible after p50 {waits[len(waits) // 2]:.0f} ms, "
              f"p99 {waits[int(len(waits) * 0.99)]:.0f} ms, worst {waits[-1]:.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
