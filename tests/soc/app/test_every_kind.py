"""`soc sources audit` proves of every kind of source: what was sent was received, parsed or put aside, journalled, evaluated, indexed."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from soc.app.auditing import audit
from soc.app.run import Running
from soc.app.site import Site
from tests.collectors.sources.beat import Beat
from tests.collectors.sources.certificates import Authority
from tests.collectors.sources.test_evtx import CORPUS, SAMPLE
from tests.collectors.sources.test_kafka import produce
from tests.collectors.sources.test_netflow import TEMPLATE, a_set, data, template, v9
from tests.collectors.sources.test_poll import service
from tests.collectors.sources.test_relp import OPEN, frame
from tests.collectors.sources.test_snmp import SAID
from tests.servers import journal, snmptrap
from tests.servers.kafka import KafkaNode
from tests.servers.node import free_port
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_run import wait_for

GOOD, BAD = auth_line(1).encode(), b"no header at all\n"
JSON = [b'{"message": "one"}', b"no object", b'{"message": "two"}']
OTLP = {
    "resourceLogs": [
        {"scopeLogs": [{"logRecords": [{"timeUnixNano": "1795316400000000000", "body": {"stringValue": "one"}}]}]}
    ]
}
SENT = {
    "file": (3, 1), "udp": (2, 1), "tcp": (2, 1), "tls": (2, 1), "relp": (2, 1), "http": (2, 1), "otlp": (1, 0), "beats": (2, 1),
    "poll": (2, 0), "kafka": (2, 1), "netflow": (1, 0), "snmp": (1, 0), "journald": (2, 0),
}  # fmt: skip
"""By source: records that a parser reads, and others."""


def post(port: int, path: str, kind: str, body: bytes) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def assert_all_adds_up(config: Path, sent: dict[str, tuple[int, int]]) -> None:
    with Site.load(config) as site:
        now = site.clock() + timedelta(seconds=1)
        result = audit(site, now - timedelta(days=1), now, store=True)
    assert result.mismatches == []
    found = {
        source: tuple(
            sum(getattr(line, name) for line in result.lines if line.source == source)
            for name in ("received", "parsed", "dead", "journalled", "evaluated", "indexed")
        )
        for source in sent
    }
    assert found == {source: (good + bad, good, bad, good, good, good) for source, (good, bad) in sent.items()}


@pytest.mark.server
def test_every_kind_of_source_adds_up(tmp_path: Path, kafka_node: KafkaNode) -> None:
    journal.needed()
    authority = Authority(tmp_path)
    certificate, key = authority.issue("soc.example")
    log, entries = tmp_path / "auth.log", tmp_path / "journal"
    log.write_bytes(3 * GOOD + BAD)
    entries.mkdir()
    journal.write(entries / "system.journal", journal.entry("one"), journal.entry("two"))
    (tmp_path / "communities").write_text("public\n")
    produce(kafka_node, "every-kind", list(JSON))
    port = {name: free_port() for name in ("udp", "tcp", "tls", "relp", "http", "otlp", "beats", "netflow", "snmp")}
    page = json.dumps([{"n": 1, "message": "one"}, {"n": 2, "message": "two"}]).encode()
    with service(lambda *_: (200, {"Content-Type": "application/json"}, page)) as url:
        sources = [
            {"kind": "file", "path": str(log)},
            {"id": "udp", "kind": "syslog", "transport": "udp"},
            {"id": "tcp", "kind": "syslog", "transport": "tcp"},
            {"id": "tls", "kind": "syslog", "transport": "tls", "certificate": certificate, "key": key},
            *({"kind": kind} for kind in ("relp", "http", "otlp", "beats", "netflow")),
            {"kind": "snmp", "communities_file": str(tmp_path / "communities")},
            {"kind": "poll", "url": url, "every": "1h"},
            {"kind": "kafka", "servers": [kafka_node.server], "topics": ["every-kind"], "format": "json"},
            {"kind": "journald", "directory": str(entries)},
        ]
        for source in sources:
            name = source.setdefault("id", source["kind"])
            if name in port:
                source["listen"] = f"127.0.0.1:{port[name]}"
            if name in ("file", "udp", "tcp", "tls", "relp"):
                source["format"] = "rfc3164"
        config = new_site(tmp_path / "site", yaml.safe_dump(sources, default_flow_style=True, width=10_000))
        with Site.load(config) as site, Running(site):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                for message in (GOOD, GOOD, BAD):
                    udp.sendto(message, ("127.0.0.1", port["udp"]))
                flows = v9(1, a_set(0, template(256, TEMPLATE)), a_set(256, data()))
                udp.sendto(flows, ("127.0.0.1", port["netflow"]))
            with socket.create_connection(("127.0.0.1", port["tcp"])) as tcp:
                tcp.sendall(2 * GOOD + BAD)
            trusting = ssl.create_default_context(cafile=authority.file)
            with (
                socket.create_connection(("127.0.0.1", port["tls"])) as tcp,
                trusting.wrap_socket(tcp, server_hostname="soc.example") as tls,
            ):
                tls.sendall(2 * GOOD + BAD)
            with socket.create_connection(("127.0.0.1", port["relp"])) as relp:
                relp.sendall(OPEN + frame(2, GOOD) + frame(3, BAD) + frame(4, GOOD))
                wait_for(lambda: relp.recv(65_536).endswith(b"4 rsp 6 200 OK\n"), 10)
            post(port["http"], "/events", "application/x-ndjson", b"\n".join(JSON))
            post(port["otlp"], "/v1/logs", "application/json", json.dumps(OTLP).encode())
            beat = Beat(("127.0.0.1", port["beats"]))
            beat.send(JSON)
            assert beat.until(3)
            beat.close()
            snmptrap.send(port["snmp"], ["-v2c", "-c", "public"], *SAID)
            good, bad = (sum(numbers) for numbers in zip(*SENT.values(), strict=True))
            wait_for(lambda: site.journal.end() >= good and site.journal.dead_end() >= bad, 60)
    assert_all_adds_up(config, SENT)


def test_standard_input_adds_up(tmp_path: Path) -> None:
    config = new_site(tmp_path / "site", "[{id: stdin, kind: stdin, format: rfc3164}]")
    argv = [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)]
    subprocess.run(argv, input=2 * GOOD + BAD, check=True, capture_output=True, timeout=60)
    assert_all_adds_up(config, {"stdin": (2, 1)})


@pytest.mark.corpus
def test_event_files_add_up(tmp_path: Path) -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of event files is not here")
    (tmp_path / "x.evtx").write_bytes(next(CORPUS.rglob(SAMPLE)).read_bytes())
    config = new_site(tmp_path / "site", f"[{{id: evtx, kind: evtx, path: {tmp_path / 'x.evtx'}}}]")
    with Site.load(config) as site, Running(site):
        wait_for(lambda: site.journal.end() == 998, 30)
    assert_all_adds_up(config, {"evtx": (998, 0)})
