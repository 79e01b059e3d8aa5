"""`python -m bench.roles SERVER [LINES]`: how fast one worker of `soc run --role detect` evaluates a journal on Kafka, and how fast two do.

`bash tests/servers/kafka/kafkanode.sh run FOLDER PORT CONTROLLER_PORT` starts a broker (tests/servers/README.md). Sources are collected
first, with our own rules; then the workers are started, and the clock runs from when each of them has its partitions to when everything
is evaluated and correlated; what was evaluated before that does not count. CPU is that of the workers alone, in that time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
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
    """Events, seconds on the clock, and CPU seconds of all workers."""

    events: int
    wall_s: float
    cpu_s: float


def main() -> None:
    if len(sys.argv) < 2:
        print("skipped: name a broker: python -m bench.roles 127.0.0.1:9092")
        return
    count = int(sys.argv[2]) if len(sys.argv) > 2 else LINES
    found = {}
    with tempfile.TemporaryDirectory(prefix="soc-roles-") as folder:
        logs = _logs(Path(folder), count)
        for workers in WORKERS:
            found[workers] = _measured(Path(folder) / f"site-{workers}", logs, sys.argv[1], workers)
            events, wall_s, cpu_s = found[workers]
            print(
                f"{workers} worker{'s' * (workers > 1)}: {events:,} events, {events / wall_s:10,.0f} a second, "
                f"{cpu_s / events * 1e6:6.1f} CPU microseconds an event, {cpu_s / wall_s:4.2f} cores"
            )
    one, two = (found[workers].events / found[workers].wall_s for workers in WORKERS)
    print(f"two give {two / one:.2f} times the throughput of one")


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


def _measured(folder: Path, logs: list[Path], server: str, workers: int) -> Measured:
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
    reader = open_reader(journal)
    end = reader.end()
    reader.close()
    processes = [subprocess.Popen([*argv, "detect"], stderr=subprocess.DEVNULL) for _ in range(workers)]
    try:
        _shared(journal, workers)
        before, began, cpu = _evaluated(journal), time.monotonic(), sum(map(_cpu_s, processes))
        _wait(journal, end)
        return Measured(end - before, time.monotonic() - began, sum(map(_cpu_s, processes)) - cpu)
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


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    """CPU seconds of a process until now."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


if __name__ == "__main__":
    main()
