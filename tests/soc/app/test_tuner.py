"""Tuning from the terminal UI over a site: what was previewed is what is written, and what would hide an attack is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soc.alert import CloseReason
from soc.app.desk import SiteDesk
from soc.app.site import Site
from soc.app.tuner import SiteTuner
from soc.errors import SocError
from tests.soc.app.lived import alerts, confirm, lived, login

NOON = datetime(2026, 10, 14, 5, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    lines = [login(minute, "lan" if minute % 4 else "root", f"203.0.113.{minute % 3}") for minute in range(0, 40, 2)]
    with Site.load(lived(tmp_path, lines), clock=lambda: NOON) as site:
        yield site


def test_what_was_previewed_is_written(site: Site) -> None:
    tuner = SiteTuner(site, "lan")
    alert = alerts(site)[0]
    SiteDesk(site, "lan").close([alert.id], CloseReason.BENIGN, "the scanner of the security team")
    fields = dict(tuner.choices(alert.id))
    assert fields["source.ip"] == alert.entity.value
    preview = tuner.preview(alert.id, ["source.ip"], "the scanner", timedelta(days=30))
    assert (preview.events, preview.removed, preview.kept) == (20, 1, len(alerts(site)) - 1)
    assert alert.entity.value in preview.text
    assert "2026-11-13" in preview.text
    assert tuner.write(preview) == ""
    path = Path(preview.path)
    assert path.read_text() == preview.text
    assert path.with_name(f"{path.stem}.test.yml").exists()
    with pytest.raises(SocError, match="there already"):
        tuner.write(preview)


def test_what_would_hide_a_confirmed_attack_is_not_written(site: Site) -> None:
    tuner = SiteTuner(site, "lan")
    alert = alerts(site)[0]
    confirm(site, alert)
    preview = tuner.preview(alert.id, ["source.ip"], "the scanner", timedelta(days=30))
    assert "closed as true positive" in preview.objections[0]
    with pytest.raises(SocError, match="refused"):
        tuner.write(preview)
    assert not Path(preview.path).exists()


def test_only_what_was_looked_at_last_is_written(site: Site) -> None:
    tuner = SiteTuner(site, "lan")
    first, second = alerts(site)[:2]
    seen = tuner.preview(first.id, ["source.ip"], "the scanner", timedelta(days=30))
    tuner.preview(second.id, ["source.ip"], "the other one", timedelta(days=30))
    with pytest.raises(SocError, match="look at the preview again"):
        tuner.write(seen)
