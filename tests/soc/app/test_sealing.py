"""A sealed segment is a fact with the hashes of its files, once; what is changed afterwards is told by `soc iso verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soc.__main__ import run
from soc.app.sealing import KIND, altered, tell_sealed
from soc.app.site import Site
from soc.errors import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE
from soc.store.segments import building, writing
from tests.soc.app.sites import new_site
from tests.soc.store.material import event


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with two sealed segments, of 24 events each, and some that are in none."""
    monkeypatch.setattr(building, "ROWS", 8)
    monkeypatch.setattr(writing, "GROUPS", 3)
    config = new_site(tmp_path)
    with Site.load(config) as site:
        site.journal.append([event(n, n) for n in range(60)], {}, ())
        site.events.index(site.journal.read(0, 60)[0], 0)
        site.events.close()  # what was begun is sealed
        assert len(tell_sealed(site)) == 2
    return config


def test_each_segment_is_told_once(config: Path) -> None:
    with Site.load(config) as site:
        assert tell_sealed(site) == []
        bodies = [entry.fact.body for entry in site.ledger.entries(kinds=[KIND])]
        assert [(body["from"], body["to"], body["events"]) for body in bodies] == [(0, 24, 24), (24, 48, 24)]
        assert altered(site) == (2, [])


@pytest.mark.parametrize("suffix", ["parquet", "index"])
def test_a_changed_file_is_found_and_named(config: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = min((config.parent / "var" / "store" / "events").glob(f"segment-*.{suffix}"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    capsys.readouterr()
    assert run(["iso", "verify", "--config", str(config), "--json"]) == EXIT_FINDINGS
    said = json.loads(capsys.readouterr().out)
    assert said["segments_checked"] == 2
    assert [line.partition(":")[0] for line in said["segments_wrong"]] == [path.name]


def test_a_segment_that_is_gone_is_named(config: Path) -> None:
    path = sorted((config.parent / "var" / "store" / "events").glob("segment-*.parquet"))[1]
    path.unlink()
    with Site.load(config) as site:
        assert altered(site) == (2, [f"{path.name}: is not there any more"])


def test_searching_by_command_finds_counts_and_explains(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*arguments: str) -> list[dict[str, object]]:
        capsys.readouterr()
        span = ("--from", "2026-10-13", "--to", "2026-10-16", "--config", str(config))
        assert run(["search", *arguments, *span, "--json"]) == EXIT_OK
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    found = said("line 5?", "--limit", "3")
    assert [one["message"] for one in found] == ["line 59", "line 58", "line 57"]
    assert said("line", "--top", "event.dataset") == [{"value": "sshd", "events": 60}]
    assert said("", "--histogram", "--every", "1d", "--by", "event.dataset") == [
        {"from": "2026-10-14T00:00:00Z", "event.dataset": "sshd", "events": 60}
    ]
    (plan,) = said('"line 7"', "--explain")
    assert (plan["groups"], plan["groups_read"], plan["events"], plan["events_in_journal_only"]) == (7, 1, 60, 4)


def test_a_search_that_cannot_be_understood_names_the_column(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "(failed", "--last", "9999d", "--config", str(config)]) == EXIT_USAGE
    assert "query, column 1: this bracket is not closed" in capsys.readouterr().err
