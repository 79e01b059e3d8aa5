"""HTTP, OTLP and Beats in, parsed events durable in the journal out: events per CPU second of the collecting process.

    .venv/bin/python -m bench.answered [--events 100000] [--batch 1000] [--rounds 3] [--only http otlp beats]

The events are audit records of an application (some 300 bytes), sent by one connection that waits for each answer: JSON lines and
lists over HTTP, OTLP in protobuf, and Lumberjack windows that are compressed. The collector runs what `soc run` runs for a source:
listener, parser, journal with a wait for the disk after each batch. The sender is a process of its own, whose CPU time is not counted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import create_connection

from collectors.choosing import ChoosingParser
from collectors.intake import Intake, Taken
from collectors.journal import JournalConfig, open_journal
from collectors.parse import Context
from collectors.sources import BeatsConfig, HttpConfig, OtlpConfig, SourceConfig, open_source

Send = Callable[[tuple[str, int], int, int], None]


def records(events: int, batch: int) -> Iterator[list[bytes]]:
    """Batches of audit records as JSON."""
    for first in range(0, events, batch):
        yield [
            json.dumps({
                "@timestamp": f"2026-11-22T10:{n // 60 % 60:02}:{n % 60:02}+07:00",
                "user": {"name": f"user{n % 500}", "roles": ["officer"]},
                "event": {"dataset": "egov.audit", "action": "view", "outcome": "success"}, "source": {"ip": f"203.0.113.{n % 250}"},
                "egov": {"system": "civil-status", "record": {"type": "birth", "id": f"B-{n}"}, "records": {"count": 1}},
            }).encode()
            for n in range(first, min(events, first + batch))
        ]  # fmt: skip


def post(address: tuple[str, int], path: str, kind: str, bodies: list[bytes]) -> None:
    """Send requests one after the other."""
    connection = http.client.HTTPConnection(*address)
    for body in bodies:
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"answered {answer.status}")
    connection.close()


def lines(address: tuple[str, int], events: int, batch: int) -> None:
    """JSON lines over HTTP."""
    post(address, "/events", "application/x-ndjson", [b"\n".join(each) for each in records(events, batch)])


def lists(address: tuple[str, int], events: int, batch: int) -> None:
    """JSON lists over HTTP."""
    post(address, "/events", "application/json", [b"[%b]" % b",".join(each) for each in records(events, batch)])


def exports(address: tuple[str, int], events: int, batch: int) -> None:
    """The same facts as log records of OpenTelemetry, in protobuf."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    bodies = []
    for first in range(0, events, batch):
        request = ExportLogsServiceRequest()
        of = request.resource_logs.add()
        of.resource.attributes.add(key="service.name").value.string_value = "civil-status"
        scoped = of.scope_logs.add()
        for n in range(first, min(events, first + batch)):
            record = scoped.log_records.add(time_unix_nano=1_795_316_400_000_000_000 + n, severity_number=9)
            record.body.string_value = f"record B-{n} viewed"
            for key, value in (
                ("user.name", f"user{n % 500}"),
                ("event.dataset", "egov.audit"),
                ("event.action", "view"),
            ):
                record.attributes.add(key=key).value.string_value = value
            record.attributes.add(key="client.address").value.string_value = f"203.0.113.{n % 250}"
        bodies.append(request.SerializeToString())
    post(address, "/v1/logs", "application/x-protobuf", bodies)


def windows(address: tuple[str, int], events: int, batch: int) -> None:
    """Compressed windows of Lumberjack."""
    with create_connection(address) as connection:
        for each in records(events, batch):
            frames = b"".join(b"2J" + struct.pack(">II", n, len(data)) + data for n, data in enumerate(each, 1))
            packed = zlib.compress(frames, 3)
            connection.sendall(b"2W" + struct.pack(">I", len(each)) + b"2C" + struct.pack(">I", len(packed)) + packed)
            heard = b""
            while heard[-6:] != b"2A" + struct.pack(">I", len(each)):
                heard += connection.recv(6)


WAYS: dict[str, tuple[SourceConfig, Send]] = {
    "http": (HttpConfig("http", "127.0.0.1:0"), lines),
    "http-list": (HttpConfig("http", "127.0.0.1:0"), lists),
    "otlp": (OtlpConfig("otlp", "127.0.0.1:0"), exports),
    "beats": (BeatsConfig("beats", "127.0.0.1:0"), windows),
}


def measure(name: str, events: int, batch: int) -> float:
    """CPU seconds until all of it is durable. Raises: RuntimeError where something is missing."""
    config, send = WAYS[name]
    parsed = 0

    def count(taken: Taken) -> None:
        nonlocal parsed
        parsed += taken.parsed

    with tempfile.TemporaryDirectory() as folder:
        journal, stop = open_journal(JournalConfig(Path(folder))), threading.Event()
        source = open_source(config, {})
        intake = Intake(source, ChoosingParser(config.format, Context()), list, journal, count)
        collecting = threading.Thread(target=intake.run, args=(stop,))
        address = source.address  # type: ignore[attr-defined]
        sending = multiprocessing.get_context("spawn").Process(target=send, args=(address, events, batch))
        begun = time.process_time()
        collecting.start()
        sending.start()
        sending.join()
        took = time.process_time() - begun
        stop.set()
        collecting.join()
        journal.close()
    if sending.exitcode or parsed != events:
        raise RuntimeError(f"{name}: {parsed} of {events} events")
    return took


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--batch", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    given = arguments.parse_args()
    for name in given.only:
        took = [measure(name, given.events, given.batch) for _ in range(given.rounds)]
        best, worst = (given.events / seconds for seconds in (min(took), max(took)))
        print(f"{name:10} {best:8,.0f} events per CPU second (worst round {worst:,.0f})")


if __name__ == "__main__":
    main()
