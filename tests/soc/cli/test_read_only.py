"""On a disk that cannot be written everything is read, what would write is refused by name, and nothing is half-written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from soc.app.site import Site
from tests.soc.app.lived import alerts, lived, login
from tests.soc.cli.test_commands import Soc, soc
from tests.soc.cli.test_iso_commands import RISK

__all__ = ["soc"]

EVIDENCE = (
    *("--title", "x", "--kind", "document", "--control", "A.8.15", "--why", "x", "--owner", "lan"),
    *("--effective-from", "2026-01-01", "--expires", "2099-01-01"),
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site with a history whose data is on a disk that was mounted read-only; only root can make one."""
    folder = tmp_path_factory.mktemp("read-only")
    disk = folder / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a disk cannot be mounted: {made.stderr.decode().strip()}")
    try:
        config = lived(disk / "lived", [login(minute) for minute in range(3)])
        with Site.load(config) as site:
            site.ledger.sign(site.clock())
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield config
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


@pytest.mark.parametrize(
    "command",
    [
        ("alerts", "list"),
        ("incidents", "list"),
        ("iso", "status"),
        ("iso", "due"),
        ("iso", "recompute", "0"),
        ("sources", "list"),
        ("rules", "list"),
    ],
    ids=" ".join,
)
def test_everything_can_be_read(soc: Soc, config: Path, command: tuple[str, ...]) -> None:
    ran = soc(*command, "--config", config)
    assert "Read-only" not in ran.err
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("iso", "measures", "run"), "readonly database"),
        (("iso", "measures", "record", "VUL-01", "--number", "hosts=1", "--from", "x"), "nothing was recorded"),
        (("iso", "risk", "record", *RISK), "cannot be written; nothing was recorded"),
        (("iso", "evidence", "add", "--file", __file__, *EVIDENCE), "cannot be written; nothing was recorded"),
        (("iso", "rotate-key"), "no private key can be made there: Read-only file system"),
        (("iso", "pack", "--output", "{out}"), "readonly database"),
        (("run",), "Read-only file system"),
        (("alerts", "close", "{alert}", "--reason", "benign"), "readonly database"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_what_would_write_is_refused_by_name_and_leaves_nothing(
    soc: Soc, config: Path, tmp_path: Path, command: tuple[str, ...], told: str
) -> None:
    with Site.load(config) as site:
        before, first = site.ledger.size, alerts(site)[0].id
    places = {"{out}": str(tmp_path / "pack.zip"), "{alert}": first}
    ran = soc(*(places.get(word, word) for word in command), "--config", config)
    assert ran.code != 0
    assert told in ran.err
    assert list(tmp_path.iterdir()) == [], "no pack that the ledger does not tell of"
    with Site.load(config) as site:
        assert site.ledger.size == before
