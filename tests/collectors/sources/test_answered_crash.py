"""A collector that is killed while HTTP, OTLP and Beats senders try again what was not answered: what was answered is there."""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from collectors.journal import JournalConfig, open_reader

from .beat import Beat

KILLS = 8
EVENTS = 20
"""In one request or window."""

_COLLECT = """
import pathlib, sys, threading
sys.path.insert(0, sys.argv[1])
from collectors.choosing import ChoosingParser
from collectors.intake import Intake
from collectors.journal import JournalConfig, open_journal
from collectors.parse import Context
from collectors.sources import BeatsConfig, HttpConfig, OtlpConfig, open_source
journal = open_journal(JournalConfig(pathlib.Path(sys.argv[2]), 200_000))
ports = dict(zip(("http", "otlp", "beats"), sys.argv[3:]))
kinds = {"http": HttpConfig, "otlp": OtlpConfig, "beats": BeatsConfig}
for name, port in ports.items():
    config = kinds[name](name, f"127.0.0.1:{port}")
    parser = ChoosingParser(config.format, Context())
    intake = Intake(open_source(config, journal.marks()), parser, list, journal, lambda taken: None)
    threading.Thread(target=intake.run, args=(threading.Event(),)).start()
"""


class Sender(threading.Thread):
    """Sends numbered events again and again until they are answered; `answered`: how many were, `tries`: how often it had to."""

    def __init__(self, send: Callable[[range], None]) -> None:
        super().__init__(daemon=True)
        self.answered = 0
        self.failures = 0
        self.stop = threading.Event()
        self._send = send

    def run(self) -> None:
        while not self.stop.is_set():
            numbers = range(self.answered, self.answered + EVENTS)
            try:
                self._send(numbers)
            except (OSError, EOFError, http.client.HTTPException):
                self.failures += 1
                time.sleep(0.02)
            else:
                self.answered = numbers.stop


def posting(port: int, path: str, body: Callable[[range], bytes], *, named: bool) -> Callable[[range], None]:
    def send(numbers: range) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": str(numbers.start)} if named else {})
        try:
            connection.request("POST", path, body(numbers), headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise http.client.HTTPException
        finally:
            connection.close()

    return send


def events(numbers: range) -> bytes:
    return json.dumps([{"number": n} for n in numbers]).encode()


def export(numbers: range) -> bytes:
    records = [
        {"timeUnixNano": str(n + 1), "attributes": [{"key": "number", "value": {"intValue": str(n)}}]} for n in numbers
    ]
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


def beating(port: int) -> Callable[[range], None]:
    def send(numbers: range) -> None:
        beat = Beat(("127.0.0.1", port), timeout_s=5)
        try:
            beat.send([b'{"number":%d}' % n for n in numbers], compressed=numbers.start % 40 == 0)
            beat.until(EVENTS)
        finally:
            beat.close()

    return send


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def test_kills_lose_nothing_that_was_answered_and_what_has_a_name_is_there_once(tmp_path: Path) -> None:
    journal, chance = tmp_path / "journal", random.Random(5)
    ports = free_ports(3)
    senders = {
        "http": Sender(posting(ports[0], "/events", events, named=True)),
        "otlp": Sender(posting(ports[1], "/v1/logs", export, named=False)),
        "beats": Sender(beating(ports[2])),
    }
    argv = [sys.executable, "-c", _COLLECT, str(Path(__file__).parents[3]), str(journal), *map(str, ports)]
    for sender in senders.values():
        sender.start()
    for kill in range(KILLS + 1):
        child = subprocess.Popen(argv)
        try:
            before = {name: sender.answered for name, sender in senders.items()}
            end = time.monotonic() + 30
            while any(sender.answered == before[name] for name, sender in senders.items()):
                assert child.poll() is None
                assert time.monotonic() < end, "a run answers nothing"
                time.sleep(0.005)
            time.sleep(chance.random() * 0.3)
            if kill == KILLS:
                for sender in senders.values():
                    sender.stop.set()
                    sender.join(10)
        finally:
            child.kill()
            child.wait()
    found: dict[str, Counter[object]] = {name: Counter() for name in senders}
    reader, offset = open_reader(JournalConfig(journal)), 0
    while offset < reader.end():
        read, offset = reader.read(offset, 10_000)
        for event in read:
            found[event.source][event.fields["number"]] += 1
    for name, sender in senders.items():
        assert sender.failures >= KILLS
        assert found[name].keys() >= set(range(sender.answered)), f"{name}: lost what was answered"
    for name in ("http", "otlp"):
        assert found[name].total() == len(found[name]), f"{name}: there twice"
    sent_again = found["beats"].total() - len(found["beats"])
    assert sent_again <= (KILLS + 1) * EVENTS, "at most the window that was under way"
