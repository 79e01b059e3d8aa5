"""`python -m bench.roles SERVER [LINES [BROKER_PID]]`: what one worker of `soc run --role detect` evaluates of a journal on Kafka, and what
two do.

`bash tests/servers/kafka/kafkanode.sh run FOLDER PORT CONTROLLER_PORT` starts a broker (tests/servers/README.md). Sources are collected
first, with our own rules; then the workers are started, and the clock runs from when each of them has its partitions to when everything
is evaluated and correlated; what was evaluated before that does not count. CPU is of each worker alone, in that time: as many events a CPU
second with two as with one say that nothing is done twice, whatever cores there were. How long their threads stood ready and had no core
tells what the machine withheld. Then `--role index` decides and indexes all of it, without the others.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from collectors.journal import open_reader
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_stage import StageInput, stage
from collectors.kafka import keys_of
from soc.app.content import make_site
from soc.app.stages.detect import GROUP
from soc.app.stages.messages import Correlated, Evaluated, decode_correlated, decode_evaluated

SOURCES = 8
PARTITIONS = 4
WORKERS = (1, 2)
LINES = 400_000
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Measured(NamedTuple):
    """Events, and seconds: on the clock, of CPU of each worker, without a core of its threads, of CPU of the broker (0: unknown)."""

    events: int
    wall_s: float
    cpu_s: list[float]
    waited_s: list[float]
    broker_s: float


def main() -> None:
    if len(sys.argv) < 2:
        print("skipped: name a broker: python -m bench.roles 127.0.0.1:9092")
        return
    count = int(sys.argv[2]) if len(sys.argv) > 2 else LINES
    broker = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    found = {}
    with tempfile.TemporaryDirectory(prefix="soc-roles-") as folder:
        logs = _logs(Path(folder), count)
        for workers in WORKERS:
            site = _site(Path(folder) / f"site-{workers}", logs, sys.argv[1])
            found[workers] = _measured(site, workers, broker)
            events, wall_s, cpu_s, waited_s, broker_s = found[workers]
            each = ", ".join(
                f"{mine:.2f} s ({mine / wall_s:.2f} cores, {waited:.1f} s without one)"
                for mine, waited in zip(cpu_s, waited_s, strict=True)
            )
            print(
                f"{workers} worker{'s' * (workers > 1)}: {events:,} events in {wall_s:.2f} s, {events / wall_s:,.0f} a second; "
                f"{events / sum(cpu_s):,.0f} a CPU second of the workers; CPU of each {each}; of the broker {broker_s:.2f} s"
            )
        events, cpu = _decided(site)
        print(f"index: {cpu / events * 1e6:.1f} CPU microseconds an event")
    one, two = (found[workers] for workers in WORKERS)
    clock = two.events / two.wall_s / (one.events / one.wall_s)
    cpu = two.events / sum(two.cpu_s) / (one.events / sum(one.cpu_s))
    print(f"two give {clock:.2f} times the throughput of one, and {cpu:.2f} times the events of a CPU second of one")


def _logs(folder: Path, count: int) -> list[Path]:
    """A log for each source: of twenty lines one is a log-in that fails, and feeds correlations; the others fire nothing."""
    paths = [folder / f"auth-{source}.log" for source in range(SOURCES)]
    for source, path in enumerate(paths):
        with path.open("w") as stream:
            for n in range(count // SOURCES):
                what = f"Failed password for user{n % 500} from" if n % 20 == 0 else "Connection closed by"
                stream.write(
                    f"2026-10-14T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}.{source:06}+07:00 host-{source} sshd[{n}]: "
                    f"{what} 198.51.{n % 100}.{n % 250} port {n % 60_000}{' ssh2' if n % 20 == 0 else ''}\n"
                )
    return paths


class _Site(NamedTuple):
    """A site whose sources are read, how it is run, and where its journal is and ends."""

    argv: list[str]
    journal: KafkaJournalConfig
    end: int


def _site(folder: Path, logs: list[Path], server: str) -> _Site:
    journal = KafkaJournalConfig((server,), topic=f"bench-{uuid.uuid4().hex}", partitions=PARTITIONS)
    config = make_site(folder)
    sources = ", ".join(f"{{id: {log.stem}, kind: file, path: {log}, format: rfc3164, follow: false}}" for log in logs)
    config.write_text(
        "data: var\ninventory: inventory.yml\nrules: [rules]\nplaybooks: [playbooks]\nmetrics: {listen: ''}\n"
        f"sources: [{sources}]\n"
        f"journal: {{kind: kafka, servers: ['{server}'], topic: {journal.topic}, partitions: {PARTITIONS}}}\n"
    )
    argv = [sys.executable, "-m", "soc", "run", "--config", str(config), "--role"]
    subprocess.run([*argv, "collect", "--until-read"], check=True, stderr=subprocess.DEVNULL)
    with closing(open_reader(journal)) as reader:
        return _Site(argv, journal, reader.end())


def _measured(site: _Site, workers: int, broker: int) -> Measured:
    journal = site.journal
    with _running(site, ["detect"] * workers) as pids:
        _shared(journal, workers)
        cpu = [_cpu_s(pid) for pid in (*pids, broker)]
        waited = [_waited_s(pid) for pid in pids]
        before, began = _evaluated(journal), time.monotonic()
        _wait(journal, site.end)
        wall_s = time.monotonic() - began
        *spent, of_broker = (_cpu_s(pid) - was for pid, was in zip((*pids, broker), cpu, strict=True))
        waiting = [_waited_s(pid) - was for pid, was in zip(pids, waited, strict=True)]
        return Measured(site.end - before, wall_s, spent, waiting, of_broker)


def _decided(site: _Site) -> tuple[int, float]:
    """Events that `--role index` decides and indexes, and its CPU seconds from its start on."""
    with _running(site, ["index"]) as [pid], closing(open_reader(site.journal)) as reader:
        while not site.end <= min(reader.committed("detect"), reader.committed("index")):
            time.sleep(0.2)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return site.end, sum(_cpu_s(each) for each in (pid, *map(int, children)))


@contextmanager
def _running(site: _Site, roles: Sequence[str]) -> Iterator[list[int]]:
    """A process for each of the roles; their numbers."""
    processes = [subprocess.Popen([*site.argv, role], stderr=subprocess.DEVNULL) for role in roles]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _shared(journal: KafkaJournalConfig, workers: int) -> None:
    """Until each of the workers has partitions."""
    group, admin = f"{journal.topic}.{GROUP}", AdminClient(keys_of(journal))
    parts: list[bool] = []
    while len(parts) < workers or not all(parts):
        time.sleep(0.1)
        with suppress(KafkaException):  # nobody has joined yet
            members = admin.describe_consumer_groups([group])[group].result().members
            parts = [bool(each.assignment and each.assignment.topic_partitions) for each in members]


def _evaluated(journal: KafkaJournalConfig) -> int:
    """Events that were evaluated until now."""
    events = 0
    for partition in range(PARTITIONS):
        log = StageInput(stage(journal, "found"), partition)
        end = log.end()
        while (message := log.read(end)) is not None:
            events += sum(pulse.count for pulse in decode_evaluated(message.content).pulses)
        log.close()
    return events


def _wait(journal: KafkaJournalConfig, offset: int) -> None:
    """Until everything below an offset is evaluated and correlated."""
    decoders: dict[str, Callable[[bytes], Evaluated | Correlated]] = {
        "found": decode_evaluated,
        "correlated": decode_correlated,
    }
    logs = [
        (StageInput(stage(journal, name), n), decode) for name, decode in decoders.items() for n in range(PARTITIONS)
    ]
    while min(decode(last.content).to if (last := log.last()) else 0 for log, decode in logs) < offset:
        time.sleep(0.05)
    for log, _ in logs:
        log.close()


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process until now; 0 of none."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _waited_s(pid: int) -> float:
    """Seconds that the threads of a process were ready and had no core, all together."""
    return sum(int(each.read_text().split()[1]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


if __name__ == "__main__":
    main()
