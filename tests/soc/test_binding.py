"""Dataclasses are filled from YAML; everything that does not fit is refused at its place, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest

from soc.binding import bind, written
from soc.errors import FaultsError
from soc.yaml_file import parse


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class FileSource:
    kind: Literal["file"]
    path: Path


@dataclass(frozen=True)
class SyslogSource:
    kind: Literal["syslog"]
    listen: str = "127.0.0.1:514"


@dataclass(frozen=True)
class Settings:
    name: str
    window: timedelta = timedelta(hours=1)
    colour: Colour = Colour.RED
    ratio: float = 0.5
    tags: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[FileSource | SyslogSource, ...] = ()
    note: str | None = None

    def __post_init__(self) -> None:
        if self.ratio > 1:
            raise ValueError("ratio is at most 1")


def read(text: str) -> Settings:
    return bind(parse(text, "site/soc.yaml")[0], Settings)


def faults(text: str) -> list[str]:
    with pytest.raises(FaultsError) as caught:
        read(text)
    return [f"{f.line}:{f.column} {f.message}" for f in caught.value.faults]


def test_every_kind_of_value_is_bound() -> None:
    settings = read(
        "name: a\nwindow: 90s\ncolour: blue\nratio: 1\ntags: [x, y]\nlimits: {a: 1}\nnote: null\n"
        "sources: [{kind: file, path: log/a.log}, {kind: syslog}]\n"
    )
    assert settings == Settings(
        "a",
        timedelta(seconds=90),
        Colour.BLUE,
        1.0,
        ("x", "y"),
        {"a": 1},
        (FileSource("file", Path("site/log/a.log")), SyslogSource("syslog")),
    )


def test_all_faults_are_told_at_once_with_their_places() -> None:
    assert faults("nam: a\nwindow: 5\ncolour: rad\ntags: x\nlimits: {a: b}\nsources: [{kind: fil, path: a}]\n") == [
        '1:1 unknown key "nam"; did you mean "name"?',
        '1:1 "name" is missing',
        '2:9 5 is not a duration; write "90s", "15m", "8h" or "30d"',
        '3:9 "rad" is not one of red, blue; did you mean "red"?',
        "4:7 a list is expected",
        "5:13 a whole number is expected, not 'b'",
        "6:18 kind 'fil' is not one of file, syslog; did you mean \"file\"?",
    ]


def test_a_duplicate_key_is_told_with_the_other_faults() -> None:
    assert faults("name: a\nwindow: 5\nname: b\n") == [
        '2:9 5 is not a duration; write "90s", "15m", "8h" or "30d"',
        '3:1 duplicate key "name": the value on line 1 would be lost',
    ]


def test_a_missing_kind_names_the_key_that_was_meant() -> None:
    [fault] = faults("name: a\nsources: [{kindd: file, path: x}]\n")
    assert fault == '2:11 "kind" is missing (one of file, syslog); did you mean "kind" by "kindd"?'


def test_yes_and_no_are_not_text() -> None:
    assert faults("name: no\n") == ["1:7 text is expected, not False (put it in quotes)"]


def test_a_combination_that_the_room_refuses_has_its_place() -> None:
    assert faults("name: a\nratio: 1.5\n") == ["1:1 ratio is at most 1"]


@dataclass(frozen=True)
class Window:
    window: timedelta


@pytest.mark.parametrize("text", ["50us", "200ms", "90s", "15m", "8h", "30d", "0s"])
def test_durations_are_written_as_they_are_read(text: str) -> None:
    assert written(bind(parse(f"window: {text}\n", "d.yml")[0], Window).window) == text
