"""A SOC killed (SIGKILL) again and again under load from a file and from a real rsyslog over RELP: what is lost, what is twice.

    .venv/bin/python -m bench.kills [--runs 200] [--rate 200] [--seed 1]

Each line has a number. A run ends at a random moment: while the program starts, or up to half a second after it journalled something of the
one or of the other source.
The last run is left to read out. Then every number must be in the journal once, and in the event store once.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from collectors.journal import JournalConfig, open_reader
from soc.app.content import make_site
from soc.app.site import Site
from tests.servers.rsyslog import Rsyslog, rsyslog

ALIVE_S = 60.0
"""How long a run may take until it journals something: beyond it, it hangs."""
READ_OUT_S = 300.0
STILL_S = 10.0
"""Nothing more comes where rsyslog has nothing queued and nothing came for so long: it tries again each second."""
EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """Lines by source: `sent`, `lost` (not in the journal), `duplicated` (in it more than once). Events: how many got how far.

    `queued`: messages that rsyslog still had when it was given up, by its own word: they count as lost, and were never sent to us.
    """

    runs: int
    sent: dict[str, int]
    lost: dict[str, int]
    duplicated: dict[str, int]
    queued: int
    journalled: int
    stored: int
    evaluated: int

    @property
    def faultless(self) -> bool:
        """Whether every line is everywhere once."""
        sent = sum(self.sent.values())
        nothing = not any(self.lost.values()) and not any(self.duplicated.values())
        return nothing and self.journalled == self.stored == self.evaluated == sent


class Load(threading.Thread):
    """Numbered lines into a file and into rsyslog, so many a second each, until `stop`."""

    def __init__(self, log: Path, sender: Rsyslog, rate: int) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.stop = threading.Event()
        self._log = log
        self._sender = sender
        self._share = max(1, round(rate * EVERY_S))

    def run(self) -> None:
        """Write until told to stop."""
        with self._log.open("ab", buffering=0) as file:
            while not self.stop.wait(EVERY_S):
                numbers = range(self.sent, self.sent + self._share)
                file.write(b"".join(b"<38>Nov 23 01:02:03 web-01 app[7]: file number=%d\n" % n for n in numbers))
                for number in numbers:
                    self._sender.send(f"relp number={number}", tag="app[7]")
                self.sent += self._share


def kill_runs(folder: Path, runs: int, rate: int, seed: int) -> Outcome:
    """Start and kill, then read out and count. Raises: RuntimeError when a run does not work at all."""
    port, log, chance = _free_port(), folder / "app.log", random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    log.touch()
    config = make_site(folder / "site")
    config.write_text(
        "metrics: {listen: ''}\nsources:\n"
        f"  - {{id: file, kind: file, path: {log}, format: syslog}}\n"
        f'  - {{id: relp, kind: relp, listen: "127.0.0.1:{port}"}}\n'
    )
    journal = config.parent / "var" / "journal"
    with rsyslog(relp=port) as sender:
        load = Load(log, sender, rate)
        try:
            for run in range(runs):
                with _running(config) as process:
                    if not run:
                        _wait_until_it_listens(port, process)
                        load.start()
                    if not run or chance.random() < 0.8:
                        _wait_until_it_journals(journal, chance.choice(("file", "relp")), process)
                        time.sleep(chance.random() * 0.5)
                    else:
                        time.sleep(chance.random() * 1.5)
                    process.send_signal(signal.SIGKILL)
            with _running(config) as process:  # a RELP client looks for lost answers only when it has more to send
                _wait_until_it_journals(journal, "relp", process)
                load.stop.set()
                load.join()
                sender.wait_until_read()
                queued = _read_out(journal, 2 * load.sent, process, sender)
                process.send_signal(signal.SIGTERM)
                process.wait(READ_OUT_S)
        finally:
            load.stop.set()
    return _count(config, runs, {"file": load.sent, "relp": load.sent}, queued)


@contextmanager
def _running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", "soc", "run", "--config", str(config)]
    with (config.parent / "said").open("ab") as said:
        process = subprocess.Popen(argv, stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    """rsyslog 8.2302 sends the first message of its life twice when nobody listens yet, to a receiver of its own as well."""
    end = time.monotonic() + ALIVE_S
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the first run does not listen")


def _wait_until_it_journals(journal: Path, source: str, process: subprocess.Popen[bytes]) -> None:
    """Until there is something new of one source."""
    end = time.monotonic() + ALIVE_S
    with closing(open_reader(JournalConfig(journal))) as reader:
        offset = reader.end()
        while True:
            events, offset = reader.read(offset, 5_000)
            if any(event.source == source for event in events):
                return
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"a run journals nothing of {source}; see {journal.parent.parent / 'said'}")
            time.sleep(0.005)


def _read_out(journal: Path, events: int, process: subprocess.Popen[bytes], sender: Rsyslog) -> int:
    """Wait until so many are there, or rsyslog has no more and nothing comes; the number of messages that it still has."""
    reader, end, last, still_s = open_reader(JournalConfig(journal)), time.monotonic() + READ_OUT_S, -1, 0.0
    while reader.end() < events and process.poll() is None and time.monotonic() < end:
        still_s = still_s + 0.2 if reader.end() == last else 0.0
        last = reader.end()
        if still_s >= STILL_S and not sender.queued():
            break
        time.sleep(0.2)
    reader.close()
    time.sleep(1.0)  # what came twice comes late
    return sender.queued()


def _count(config: Path, runs: int, sent: dict[str, int], queued: int) -> Outcome:
    seen: dict[str, Counter[int]] = {source: Counter() for source in sent}
    with Site.load(config) as site:
        offset, end = 0, site.journal.end()
        while offset < end:
            events, offset = site.journal.read(offset, 10_000)
            for event in events:
                if event.source in seen:
                    seen[event.source][int(event.raw.rpartition(b"number=")[2])] += 1
        return Outcome(
            runs=runs,
            sent=sent,
            lost={source: count - len(seen[source]) for source, count in sent.items()},
            duplicated={source: numbers.total() - len(numbers) for source, numbers in seen.items()},
            queued=queued,
            journalled=end,
            stored=site.events.count(),
            evaluated=site.journal.committed("detect"),
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Kill, count and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=200)
    arguments.add_argument("--rate", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument(
        "--folder", type=Path, help="where to work and leave everything; default: a folder that goes"
    )
    given = arguments.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as passing:
        outcome = kill_runs(given.folder or Path(passing), given.runs, given.rate, given.seed)
    print(f"{outcome.runs} runs killed in {time.monotonic() - began:,.0f} s")
    for source, sent in outcome.sent.items():
        print(f"{source}: {sent:,} sent, {outcome.lost[source]:,} lost, {outcome.duplicated[source]:,} duplicated")
    print(f"{outcome.queued:,} that rsyslog still has")
    print(f"{outcome.journalled:,} journalled, {outcome.stored:,} in the store, {outcome.evaluated:,} evaluated")
    sys.exit(0 if outcome.faultless else 1)


if __name__ == "__main__":
    main()
