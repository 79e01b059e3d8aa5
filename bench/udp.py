"""A burst of datagrams at full loopback speed in; how many became durable events, and how many the kernel threw away and we counted, out.

    .venv/bin/python -m bench.udp [--datagrams 300000] [--rounds 3]

A process of its own sends as fast as it can. The receiver is what `soc run` runs for `kind: syslog, transport: udp`: its drain thread, the
parser, enrichment and the journal, all in one process, so the burst competes with parsing for the interpreter as it would at a site.
"""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

from bench.ingest import lines, numbers
from collectors.choosing import ChoosingParser
from collectors.intake import Intake, Taken
from collectors.journal import JournalConfig, open_journal
from collectors.parse import Context
from collectors.sources.syslog import SyslogConfig
from collectors.sources.udp import UdpSource
from soc.app.memory import settle

QUIET_S = 1.0
"""The burst is over when nothing came for so long."""


def burst(datagrams: list[bytes], port: int) -> int:
    """A process that sends all and says on its end how long it took, in hundredths of a second; its number."""
    pid = os.fork()
    if pid:
        return pid
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", port))
        send = sender.send
        began = time.perf_counter()
        for data in datagrams:
            send(data)
    os._exit(min(255, int((time.perf_counter() - began) * 10)))


def receive(datagrams: list[bytes], folder: Path) -> str:
    """One burst, from the socket to the journal."""
    source, stop, taken = (
        UdpSource(SyslogConfig(id="udp", listen="127.0.0.1:0")),
        threading.Event(),
        [0, time.perf_counter()],
    )

    def tell(one: Taken) -> None:
        taken[0], taken[1] = taken[0] + one.received, time.perf_counter()

    with closing(open_journal(JournalConfig(folder))) as journal:
        intake = Intake(source, ChoosingParser("syslog", Context()), list, journal, tell)
        settle()
        driver = threading.Thread(target=intake.run, args=(stop,))
        driver.start()
        before = time.process_time()
        pid = burst(datagrams, source.address[1])
        tenths = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        while time.perf_counter() - taken[1] < QUIET_S:
            time.sleep(0.05)
        spent = time.process_time() - before
        stop.set()
        driver.join()
    sent, dropped, found = len(datagrams), source.counts.dropped, list(numbers(folder.parent))
    durable = len(set(found))
    return (
        f"{sent:,} sent at {sent / max(tenths, 1) * 10:,.0f} a second: {durable:,} durable, {len(found) - durable} twice, {dropped} "
        f"dropped by the kernel and counted, {sent - durable - dropped} lost without a count; {spent / sent * 1e6:.1f} CPU us each"
    )


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--datagrams", type=int, default=300_000)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    datagrams = [line[:-1] for line in lines(given.datagrams)]
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
            print(receive(datagrams, Path(name) / "journal"))


if __name__ == "__main__":
    main()
