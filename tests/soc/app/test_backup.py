"""A copy that was made while the SOC ran is a site that goes on: nothing lost, nothing twice; and no copy is overwritten by less."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from soc.app.assurance import check_ledger
from soc.app.backup import back_up
from soc.app.site import Site
from soc.errors import SocError
from soc.store import AlertQuery, EventQuery
from tests.soc.app.sites import LOGIN_AS_ROOT, auth_line, new_site
from tests.soc.app.test_run import wait_for

LINES, LINES_A_ROUND = 6_000, 1_500


def line(number: int) -> str:
    """One in ten fires a rule."""
    return auth_line(number, LOGIN_AS_ROOT if number % 10 == 0 else "Connection closed by 198.51.100.7 port 41022")


def has_more_than(config: Path, events: int) -> bool:
    """Whether a running SOC has journalled more than so many events; before it has any, its journal is not ours to open."""
    if not any(path.stat().st_size > 1_000 for path in config.parent.glob("var/journal/*.seg")):
        return False
    with Site.load(config) as site:
        return site.journal_reader.end() > events


def run_to_the_end(config: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "soc", "run", "--until-read", "--config", str(config)], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


def told(site: Site) -> tuple[list[str], list[tuple[str, int]], int]:
    """Raw lines in the store, (title, detections) of the alerts, detections in the ledger."""
    site.catch_up()
    lines = [str(d["event.original"]) for d in site.events.search(EventQuery(limit=100_000))]
    alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
    detections = sum(1 for _ in site.ledger.entries(kinds=["detection"]))
    return sorted(lines), sorted((a.title, a.count) for a in alerts), detections


@pytest.fixture
def read(tmp_path: Path) -> Path:
    """A site that has read a file; its soc.yaml."""
    (tmp_path / "auth.log").write_text("".join(auth_line(i) for i in range(100)))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {tmp_path / 'auth.log'}, follow: false}}]")
    run_to_the_end(config)
    return config


def test_a_copy_made_under_load_goes_on_to_the_same_end(tmp_path: Path) -> None:
    log, copy = tmp_path / "auth.log", tmp_path / "copy"
    log.touch()
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]")
    process = subprocess.Popen([sys.executable, "-m", "soc", "run", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        for begun in range(0, LINES, LINES_A_ROUND):
            with log.open("a") as stream:
                stream.write("".join(line(begun + i) for i in range(LINES_A_ROUND)))
            wait_for(partial(has_more_than, config, begun), 20)
            with Site.load(config) as site:
                back_up(site, copy)
    finally:
        process.terminate()
        process.wait()
    config.write_text(config.read_text().replace("format: rfc3164", "format: rfc3164, follow: false"))
    run_to_the_end(config)

    shutil.copytree(copy, tmp_path / "restored" / "var", ignore=shutil.ignore_patterns("backup.lock"))
    restored = new_site(
        tmp_path / "restored", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]"
    )
    run_to_the_end(restored)
    with Site.load(config) as site, Site.load(restored) as again:
        lines, alerts, detections = told(again)
        assert (lines, alerts, detections) == told(site)
        assert len(set(lines)) == len(lines) == LINES
        assert check_ledger(again).sound


def test_what_did_not_change_is_not_written_again(read: Path, tmp_path: Path) -> None:
    with Site.load(read) as site:
        first = back_up(site, tmp_path / "copy")
        again = back_up(site, tmp_path / "copy")
    assert first.same == first.gone == again.gone == 0
    assert again.same == first.files - len(list((tmp_path / "copy").rglob("*.db")))
    assert not list((tmp_path / "copy").rglob("*.tmp"))


def test_what_is_gone_from_the_data_goes_from_the_copy(read: Path, tmp_path: Path) -> None:
    with Site.load(read) as site:
        model = site.config.data / "models" / "old.json"
        model.parent.mkdir(exist_ok=True)
        model.write_text("{}")
        back_up(site, tmp_path / "copy")
        model.unlink()
        assert back_up(site, tmp_path / "copy").gone == 1
    assert not (tmp_path / "copy" / "models" / "old.json").exists()


def test_private_keys_are_for_their_owner_or_left_out(read: Path, tmp_path: Path) -> None:
    with Site.load(read) as site:
        back_up(site, tmp_path / "with")
        back_up(site, tmp_path / "without", keys=False)
    assert (tmp_path / "with" / "keys" / "ledger.key").stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "without" / "keys").iterdir()] == ["ledger.pub"]


def test_a_site_that_lost_its_ledger_does_not_take_the_copy_with_it(read: Path, tmp_path: Path) -> None:
    with Site.load(read) as site:
        back_up(site, tmp_path / "copy")
    kept = (tmp_path / "copy" / "ledger" / "ledger.db").read_bytes()
    shutil.rmtree(read.parent / "var")
    run_to_the_end(read)
    with Site.load(read) as site, pytest.raises(SocError, match="is a copy of another ledger"):
        back_up(site, tmp_path / "copy")
    assert (tmp_path / "copy" / "ledger" / "ledger.db").read_bytes() == kept


def test_a_folder_with_anything_else_is_refused(read: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("keep me")
    with Site.load(read) as site:
        with pytest.raises(SocError, match="neither empty nor a copy"):
            back_up(site, tmp_path / "home")
        for inside in (site.config.data, site.config.data / "copy", site.config.data.parent):
            with pytest.raises(SocError, match="must be outside"):
                back_up(site, inside)
    assert (tmp_path / "home" / "letter.txt").read_text() == "keep me"
