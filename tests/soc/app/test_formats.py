"""A site's own formats: faults with file, line and column, all at once; samples; and a source that uses one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from collectors.parse import known_format
from collectors.parse.registry import DESCRIPTIONS, use
from soc.app.formats import read_formats, run_samples
from soc.app.run import Running
from soc.app.site import Site
from soc.errors import FaultsError
from tests.soc.app.sites import new_site

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
DOORS = """\
    title: card readers of the data hall
    about: our own notes of 2026
    dataset: doors.log
    set: {event.category: host}
    patterns:
      - match: '(?P<when>\\S+ \\S+) door (?P<door>\\d+) (?P<what>open|shut) by (?P<user>\\S+)'
    time: {from: when, form: '%d/%m/%Y %H:%M:%S'}
    fields: {door: doors.number, what: event.action, user: user.name}
    samples:
      - line: '22/11/2026 10:00:00 door 4 open by an'
        time: 2026-11-22T10:00:00Z
        fields: {event.category: host, doors.number: '4', event.action: open, user.name: an}
    refused: ['22/11/2026 10:00:00 door 4 ajar by an']
    """


@pytest.fixture(autouse=True)
def no_site_after() -> Iterator[None]:
    yield
    use(tuple)


def written(folder: Path, text: str, name: str = "doors.yml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(dedent(text))
    return folder


def faults(folder: Path) -> list[str]:
    with pytest.raises(FaultsError) as caught:
        read_formats([folder])
    return [str(fault).splitlines()[0].removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_all_samples_of_our_own_formats_pass() -> None:
    results = list(run_samples(read_formats([DESCRIPTIONS]), NOW))
    assert [str(result.fault) for result in results if result.fault] == []
    assert len(results) >= 2 * len(list(DESCRIPTIONS.glob("*.yml"))) - 4


def test_faults_have_their_place_and_come_all_at_once(tmp_path: Path) -> None:
    text = (
        DOORS.replace("title:", "titel:")
        .replace("(?P<when>", "(?P<when")
        .replace("what: event.action", "what: event.id")
    )
    assert faults(written(tmp_path, text)) == [
        'doors.yml:1:1: unknown key "titel"; did you mean "title"?',
        'doors.yml:1:1: "title" is missing',
        "doors.yml:6:12: RE2 does not take this expression: invalid named capture group: (?P<when\\S+ \\S+) door (?P<door>",
        "doors.yml:8:36: event.id is not for a record to say",
    ]


def test_a_name_of_ours_or_one_used_twice_is_refused(tmp_path: Path) -> None:
    assert "is a format of ours" in faults(written(tmp_path / "a", DOORS, "syslog.yml"))[0]
    assert "is a format of ours" in faults(written(tmp_path / "b", DOORS, "sshd.yml"))[0]
    one, other = written(tmp_path / "c", DOORS), written(tmp_path / "d", DOORS)
    with pytest.raises(FaultsError, match='another folder has a format "doors" already'):
        read_formats([one, other])
    with pytest.raises(FaultsError, match="there is no folder of formats here"):
        read_formats([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("doors.number: '4'", "doors.number: 4", "doors.number is '4', not 4"),
        ("event.action: open, user", "user", "event.action: 'open' is not expected"),
        ("user.name: an}", "user.name: an, user.id: '7'}", "user.id is missing"),
        ("T10:00:00Z", "T11:00:00Z", "its time is 2026-11-22T10:00:00+00:00"),
        ("by an'\n    time", "of an'\n    time", "it is refused: not a record of doors"),
        ("ajar by an", "open by an", "it is read, and should be refused"),
    ],
)
def test_a_sample_that_becomes_something_else_says_what(tmp_path: Path, old: str, new: str, why: str) -> None:
    text = dedent(DOORS)
    assert old in text
    results = list(run_samples(read_formats([written(tmp_path, text.replace(old, new))]), NOW))
    told = [str(result.fault) for result in results if result.fault]
    assert len(told) == 1
    assert why in told[0]
    assert "doors.yml:" in told[0]


def test_a_source_reads_with_the_site_s_own_format(tmp_path: Path) -> None:
    log = tmp_path / "doors.log"
    log.write_text("22/11/2026 10:00:00 door 4 open by an\n22/11/2026 10:00:01 door 4 ajar by an\n")
    path = new_site(
        tmp_path / "site",
        f"[{{id: doors, kind: file, path: {log}, format: doors, follow: false}}]",
        "formats: [formats]\n",
    )
    written(path.parent / "formats", DOORS)
    with Site.load(path) as site:
        running = Running(site)
        with running:
            while not running.finished():
                pass
        events = [event for event in site.journal.read(0, 100)[0] if event.source == "doors"]
        [event] = events
        assert event.fields["doors.number"] == "4"
        assert event.time == datetime(2026, 11, 22, 3, tzinfo=UTC)
        assert site.journal.dead_end() == 1


def test_the_formats_of_one_site_are_not_those_of_the_next(tmp_path: Path) -> None:
    path = new_site(tmp_path / "one", more="formats: [formats]\n")
    written(path.parent / "formats", DOORS)
    with Site.load(path):
        assert known_format("doors") is not None
    with Site.load(new_site(tmp_path / "other")):
        assert known_format("doors") is None
