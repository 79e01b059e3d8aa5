"""A site with a history: lines that came in and were evaluated, alerts, and what people made of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from soc.alert import Alert, CloseReason
from soc.app.desk import SiteDesk
from soc.app.run import Running
from soc.app.site import Site
from soc.store import AlertQuery
from tests.soc.app.sites import new_site

PASSWORD = "10000000-0000-4000-8000-000000000001"
"""The rule of `rules_of`: any log-in with a password."""


def login(minute: int, user: str = "root", address: str = "203.0.113.45", day: int = 14) -> str:
    """One line of an auth.log: a log-in with a password, in the site's time."""
    return (
        f"2026-10-{day:02}T{minute // 60:02}:{minute % 60:02}:00.000000+07:00 jump-01 sshd[{1000 + minute}]: "
        f"Accepted password for {user} from {address} port 41022 ssh2\n"
    )


def password_rule(rule_id: str = PASSWORD, starts: str = "Accepted password for ", **keys: Any) -> dict[str, Any]:
    """A rule on messages of sshd that start so."""
    return {
        "title": "Log-in with a password",
        "id": rule_id,
        "status": "test",
        "level": "high",
        "logsource": {"product": "linux", "service": "sshd"},
        "detection": {"selection": {"message|startswith": starts}, "condition": "selection"},
        **keys,
    }


def write_yaml(path: Path, *documents: dict[str, Any]) -> Path:
    """A file of these documents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(yaml.safe_dump(each, sort_keys=False, allow_unicode=True) for each in documents))
    return path


def lived(folder: Path, lines: Sequence[str], *rules: dict[str, Any], more: str = "") -> Path:
    """A site of these rules that has read these lines to their end; the path of its soc.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "auth.log"
    log.write_text("".join(lines))
    source = f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]"
    config = new_site(folder / "site", source, more)
    config.write_text(config.read_text().replace("rules: [rules]", "rules: [own]"))
    (config.parent / "own").mkdir()
    for number, rule in enumerate(rules or (password_rule(),)):
        write_yaml(config.parent / "own" / f"rule_{number}.yml", rule)
    with Site.load(config) as site:
        running = Running(site)
        running.start()
        while not running.finished():
            time.sleep(0.01)
        running.stop()
    return config


def alerts(site: Site) -> list[Alert]:
    """All alerts, oldest first."""
    site.catch_up()
    return sorted(site.projections.alerts(site.projections.alert_ids(AlertQuery())), key=lambda alert: alert.first_seen)


def confirm(site: Site, alert: Alert) -> None:
    """An analyst closes the alert as true positive."""
    site.catch_up()
    SiteDesk(site, "lan").close([alert.id], CloseReason.TRUE_POSITIVE, "seen")
