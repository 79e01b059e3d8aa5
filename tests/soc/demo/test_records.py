"""The recorded day that `soc demo` plays: whole, readable line by line, a day long, and free of what does not belong in it."""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import soc
from collectors.event import Event
from collectors.parse import Context, formats, parse_batch
from collectors.record import Position, RawRecord
from soc import yaml_file

DAY = Path(soc.__file__).with_name("demo") / "day"
DOCUMENTATION = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "127.0.0.0/8")]
MAX_FILE_BYTES = 900_000
MAX_DAY_BYTES = 1_500_000


@cache
def manifest() -> dict[str, Any]:
    return dict(yaml_file.read_one(DAY / "day.yml").data)


def content(file: dict[str, Any]) -> bytes:
    data = (DAY / file["file"]).read_bytes()
    return gzip.decompress(data) if file["file"].endswith(".gz") else data


def records(file: dict[str, Any]) -> Iterator[RawRecord]:
    """The file's records as a source gives them: lines, joined where the format says that a record goes on."""
    received = datetime.fromisoformat(manifest()["received"]).astimezone(UTC)
    continues = formats()[file["format"]].continues
    open_lines: list[bytes] = []
    offset = 0
    for index, line in enumerate(content(file).splitlines(), 1):
        more = continues(line, bool(open_lines)) if continues else False
        open_lines.append(line)
        if not more:
            data = b"\n".join(open_lines)
            yield RawRecord(data, file["name"], Position(file["name"], "day", offset, index), received)
            offset += len(data) + 1
            open_lines = []
    assert not open_lines, "the last record is cut"


@cache
def events(name: str) -> tuple[Event, ...]:
    file = next(each for each in manifest()["files"] if each["name"] == name)
    context = Context(timezone=ZoneInfo(manifest()["time_zone"]), defaults={"host.name": file["host"]})
    parsed, dead = parse_batch(records(file), file["format"], context)
    assert not dead, f"{len(dead)} records of {name} do not parse: {dead[0].reason}: {dead[0].record.data[:200]!r}"
    return tuple(parsed)


def all_events() -> list[Event]:
    return [event for file in manifest()["files"] for event in events(file["name"])]


def test_manifest_names_every_file_with_its_hash_and_size() -> None:
    files = manifest()["files"]
    assert {f["file"] for f in files} | {"day.yml"} == {path.name for path in DAY.iterdir()}
    for file in files:
        assert hashlib.sha256((DAY / file["file"]).read_bytes()).hexdigest() == file["sha256"], file["file"]
        data = content(file)
        assert (data.count(b"\n"), len(data)) == (file["lines"], file["bytes"]), file["file"]


def test_records_are_small_enough_to_ship() -> None:
    sizes = [path.stat().st_size for path in DAY.iterdir()]
    assert max(sizes) <= MAX_FILE_BYTES
    assert sum(sizes) <= MAX_DAY_BYTES


@pytest.mark.parametrize("file", manifest()["files"], ids=lambda file: str(file["name"]))
def test_every_record_parses_and_knows_its_host(file: dict[str, Any]) -> None:
    assert {event.get("host.name") for event in events(file["name"])} == {file["host"]}


def test_it_is_one_whole_day_by_the_records_own_times() -> None:
    begins = datetime.fromisoformat(manifest()["date"]).replace(tzinfo=ZoneInfo(manifest()["time_zone"]))
    times = sorted(event.time for event in all_events())
    assert begins <= times[0]
    assert times[-1] < begins + timedelta(days=1)
    assert times[-1] - times[0] >= timedelta(hours=20)
    assert max(later - earlier for earlier, later in pairwise(times)) < timedelta(hours=1)


def test_it_has_the_records_of_a_day_of_every_kind() -> None:
    kinds = Counter(str(event.get("event.dataset")) for event in all_events())
    assert 8_000 <= sum(kinds.values()) <= 20_000
    few = {
        kind: kinds[kind]
        for kind in ("sshd", "sudo", "pam", "syslog", "nginx.access", "postgresql.log", "egov.audit")
        if kinds[kind] < 20
    }
    assert not few


def test_the_attack_and_what_resembles_one_stand_in_the_records() -> None:
    for chapter in manifest()["story"]:
        began, ended = (datetime.fromisoformat(chapter[end]) for end in ("began", "ended"))
        told = [
            e
            for e in all_events()
            if began <= e.time <= ended + timedelta(seconds=2) and e.get("host.name") == chapter["host"]
        ]
        assert told, chapter["text"]


def test_every_address_is_of_a_documentation_range() -> None:
    """Also those inside of messages: no address of a real network, and none of the machine that captured."""
    found = {
        match
        for file in manifest()["files"]
        for match in re.findall(rb"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])", content(file))
    }
    versions = re.compile(rb"(?:Chrome|Edg|Safari|Version)/[\d.]+")
    agents = {
        match
        for file in manifest()["files"]
        for text in versions.findall(content(file))
        for match in re.findall(rb"(?:\d{1,3}\.){3}\d{1,3}", text)
    }
    for address in found - agents - {b"0.0.0.0"}:
        with_dots = ipaddress.ip_address(address.decode())
        assert any(with_dots in network for network in DOCUMENTATION), address
