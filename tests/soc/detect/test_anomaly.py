"""The log-on model: trained, saved as data, scored the same however events are cut into batches."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.event import Event, make_event
from collectors.record import Position, RawRecord
from soc.detect.anomaly import LogonModel, ModelError, train

NIGHT = datetime(2026, 10, 14, 2, 0, tzinfo=UTC)


def logon(n: int, when: datetime, account: str, source: str, outcome: str) -> Event:
    record = RawRecord(f"{n}".encode(), "auth", Position("auth.log", "s", n, n), when)
    fields = {"event.category": "authentication", "event.outcome": outcome, "user.name": account, "source.ip": source}
    return make_event(record, when, fields)


def ordinary_days(days: int = 5) -> list[Event]:
    """Eight officers log on each working hour, now and then with one mistyped password."""
    events = []
    for hour in range(days * 24):
        if not 7 <= hour % 24 <= 17:
            continue
        for officer in range(8):
            when = datetime(2026, 10, 7, tzinfo=UTC) + timedelta(hours=hour, minutes=officer)
            if (hour + officer) % 5 == 0:
                events.append(logon(len(events), when, f"officer{officer}", f"10.20.0.{officer}", "failure"))
            events.append(logon(len(events), when, f"officer{officer}", f"10.20.0.{officer}", "success"))
    return events


def attack() -> list[Event]:
    return [
        logon(900_000 + i, NIGHT + timedelta(seconds=i), f"user{i % 25}", "203.0.113.9", "failure") for i in range(200)
    ]


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "logon.json"
    train(ordinary_days(), path, now=NIGHT)
    return path


def test_password_spraying_at_night_is_reported_and_ordinary_days_are_not(model_file: Path) -> None:
    model = LogonModel(model_file)
    ordinary = model.detect(ordinary_days())
    found = model.detect(attack())
    assert {d.events[0].fields["source.ip"] for d in found} == {"203.0.113.9"}
    assert len(ordinary) <= 3
    assert found[0].score is not None
    assert {m.field for m in found[0].matched} >= {"failed", "accounts of the source"}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_batches_do_not_change_what_is_reported(model_file: Path, size: int) -> None:
    events = ordinary_days(2) + attack()
    whole = [d.id for d in LogonModel(model_file).detect(events)]
    model = LogonModel(model_file)
    parts = [d.id for i in range(0, len(events), size) for d in model.detect(events[i : i + size])]
    assert parts == whole


def test_a_cell_is_reported_once(model_file: Path) -> None:
    found = LogonModel(model_file).detect(attack() + attack())
    cells = [(d.events[0].fields["user.name"], d.events[0].time.hour) for d in found]
    assert len(cells) == len(set(cells))


def test_the_record_names_data_seed_and_library(model_file: Path) -> None:
    record = LogonModel(model_file).record
    assert record.logons == len(ordinary_days())
    assert record.cells == 5 * 11 * 8
    assert record.library.startswith("scikit-learn ")
    assert record.since < record.until


def test_training_twice_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        train(ordinary_days(), tmp_path / name, now=NIGHT)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_too_few_logons_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="at least 40 are needed"):
        train(ordinary_days()[:5], tmp_path / "m.json", now=NIGHT)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x80\x04.", b'{"format": 1}', b"[1]"])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a readable model"):
        LogonModel(path)


def test_parameters_that_make_no_mixture_are_refused(model_file: Path) -> None:
    file = json.loads(model_file.read_bytes())
    file["means"] = [row[:3] for row in file["means"]]
    model_file.write_text(json.dumps(file))
    with pytest.raises(ModelError, match="not a readable model"):
        LogonModel(model_file)


def test_an_event_of_an_hour_long_gone_is_not_counted(model_file: Path) -> None:
    model = LogonModel(model_file)
    model.detect([logon(1, NIGHT, "a", "10.0.0.1", "success")])
    assert model.detect([logon(i, NIGHT - timedelta(hours=9), "a", "10.0.0.1", "failure") for i in range(2, 99)]) == []
