"""A site on Kafka whose work is shared by roles, each a process; lines that fire rules and correlations, in several sources."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from collectors.journal import open_reader
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_messages import Cursor
from collectors.journal.kafka_stage import stage
from collectors.kafka import keys_of
from soc.alert.facts import DETECTION
from soc.app.site import Site
from soc.app.stages.detect import GROUP
from tests.soc.app.lived import alerts, password_rule, write_yaml
from tests.soc.app.sites import new_site

SOURCES = 4


def lines(source: int, count: int) -> Iterator[str]:
    """Log-ins that fail, from addresses that try all sources, and one in thirty that succeeds; a line a second, less each minute's last."""
    for n in range(count):
        address = f"203.0.113.{(7 * n + n // 90) % 40}"
        what = "Accepted" if n % 30 == source else "Failed"
        yield (
            f"2026-10-14T03:{n // 60 % 60:02}:{n % 60:02}.{source:06}+07:00 host-{source} sshd[{1000 + n}]: "
            f"{what} password for user{n % 9} from {address} port {40_000 + n} ssh2\n"
        )


def rules(folder: Path) -> None:
    """Single events; failures of an address over all sources; many users of an address; failures, then success; and one over another."""
    failed = password_rule("20000000-0000-4000-8000-000000000001", "Failed password for ", name="failed", level="low")
    passed = password_rule("20000000-0000-4000-8000-000000000002", name="passed")

    def correlation(number: int, title: str, kind: str, over: list[str], **keys: object) -> dict[str, object]:
        return {
            "title": title,
            "id": f"30000000-0000-4000-8000-{number:012}",
            "name": f"c{number}",
            "level": "high",
            "status": "test",
            "correlation": {"type": kind, "rules": over, "group-by": ["source.ip"], "timespan": "2m", **keys},
        }

    write_yaml(
        folder / "all.yml",
        failed,
        passed,
        correlation(1, "Many failures", "event_count", ["failed"], condition={"gte": 6}, generate=True),
        correlation(2, "Many users", "value_count", ["failed"], condition={"field": "user.name", "gte": 4}),
        correlation(3, "Failures, then success", "temporal_ordered", ["failed", "passed"], generate=True),
        correlation(4, "That, twice", "event_count", ["c3"], condition={"gte": 2}, generate=True, timespan="15m"),
        correlation(
            5, "A new user of an address", "new_value", ["passed"], learning="3m", condition={"field": "user.name"}
        ),
    )


def write_logs(folder: Path, count: int) -> Path:
    """A log for each source; the folder."""
    for source in range(SOURCES):
        (folder / f"auth-{source}.log").write_text("".join(lines(source, count)))
    return folder


def site_of(folder: Path, logs: Path, journal: str = "", processes: int = 1) -> Path:
    """The soc.yaml of a site with these sources and rules. Nothing is late, so what is found does not depend on who reads faster."""
    sources = [
        f"{{id: auth-{n}, kind: file, path: {logs / f'auth-{n}.log'}, format: rfc3164, follow: false}}"
        for n in range(SOURCES)
    ]
    more = journal + "detect: {lateness: 2h}\n"
    config = new_site(folder, f"[{', '.join(sources)}]", more, processes=processes)
    config.write_text(config.read_text().replace("rules: [rules]", "rules: [own]"))
    rules(config.parent / "own")
    return config


class Said(NamedTuple):
    """What a site says of what it took in: facts of detections, alerts, events in the journal and in the store."""

    detections: list[str]
    alerts: list[tuple[str, str, int]]
    journalled: int
    stored: int


def said(config: Path) -> Said:
    """Of a site that does not run."""
    with Site.load(config) as site:
        reader = site.journal_reader
        events = 0
        own: list[str] = []  # what the SOC says of itself: a canary, a source that was held up
        offset = reader.start()
        while offset < reader.end():
            batch, offset = reader.read(offset, 5_000)
            events += sum(event.source != "soc" for event in batch)
            own += [event.id for event in batch if event.source == "soc"]
        return Said(
            sorted(entry.fact.id for entry in site.ledger.entries(kinds=[DETECTION])),
            sorted((alert.title, str(alert.entity), alert.count) for alert in alerts(site)),
            events,
            site.events.count() - len(site.events.held(own)),
        )


def plain(folder: Path, logs: Path) -> Said:
    """What `soc run` without roles says, with a journal on files."""
    config = site_of(folder, logs)
    subprocess.run([*soc(config), "--until-read"], check=True, capture_output=True)
    return said(config)


def journal_of(server: str, partitions: int) -> tuple[KafkaJournalConfig, str]:
    """A new journal, and what soc.yaml says of it."""
    config = KafkaJournalConfig((server,), topic=f"site-{uuid.uuid4().hex}", partitions=partitions)
    return config, f"journal: {{kind: kafka, servers: ['{server}'], topic: {config.topic}, partitions: {partitions}}}\n"


def soc(config: Path, role: str = "") -> list[str]:
    """The command that runs a site, or one role of it."""
    return [sys.executable, "-m", "soc", "run", *(("--role", role) if role else ()), "--config", str(config)]


@contextmanager
def running(config: Path, roles: Sequence[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A process for each; those that are still there are told to stop at the end, and must end well."""
    log = config.parent / "roles.log"
    with log.open("ab") as stream:
        processes = [subprocess.Popen(soc(config, role), stderr=stream) for role in roles]
    try:
        yield processes
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(60) for process in processes]
        assert all(code in (0, -signal.SIGKILL) for code in codes), (codes, log.read_text()[-3_000:])
    finally:
        for process in processes:
            process.kill()
            process.wait()


def decided(journal: KafkaJournalConfig, timeout_s: float) -> None:
    """Wait until everything that is in the journal is decided and indexed."""
    reader = open_reader(journal)
    until = time.monotonic() + timeout_s
    try:
        while not reader.end() == reader.committed("detect") == reader.committed("index"):
            assert time.monotonic() < until, [reader.end(), reader.committed("detect"), reader.committed("index")]
            time.sleep(0.3)
    finally:
        reader.close()


def built(config: Path, roles: int, timeout_s: float) -> None:
    """Wait until so many roles of a site have built all that they need, which they say."""
    until = time.monotonic() + timeout_s
    while (config.parent / "roles.log").read_text().count("metrics on port") < roles:
        assert time.monotonic() < until
        time.sleep(0.2)


def shared(journal: KafkaJournalConfig, workers: int, timeout_s: float) -> None:
    """Wait until so many processes that detect have each some of the partitions, and all of them together have all."""
    group = f"{journal.topic}.{GROUP}"
    admin = AdminClient(keys_of(journal))
    until = time.monotonic() + timeout_s
    while True:
        parts: list[int] = []
        with suppress(KafkaException):  # nobody has joined yet
            members = admin.describe_consumer_groups([group])[group].result().members
            parts = [len(each.assignment.topic_partitions) for each in members if each.assignment]
        if (
            len(parts) == workers and all(parts) and sum(parts) == 2 * journal.partitions
        ):  # of the journal, and of its hits
            return
        assert time.monotonic() < until, parts
        time.sleep(0.3)


def collected(journal: KafkaJournalConfig, timeout_s: float) -> None:
    """Wait until something is in the journal."""
    _something(journal, journal.partitions, timeout_s)


def found(journal: KafkaJournalConfig, timeout_s: float) -> None:
    """Wait until something of the journal is evaluated."""
    _something(stage(journal, "found"), journal.partitions, timeout_s)


def _something(topic: KafkaJournalConfig, partitions: int, timeout_s: float) -> None:
    cursor = Cursor(topic)
    until = time.monotonic() + timeout_s
    try:
        while not any(cursor.bounds(partition)[1] for partition in range(partitions)):
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        cursor.close()
