"""Rules that change while events flow: each event is evaluated exactly once, by one set, and the ledger says by which."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from uuid import UUID

import pytest

from soc.alert.facts import DETECTION
from soc.app.evaluation import Evaluation
from soc.app.run import Running
from soc.app.site import Site
from soc.app.watch import RULES_LOADED, running_rules
from soc.metrics import Metrics
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_run import scraped, wait_for
from tests.soc.app.test_watch import titles

RULE = str(UUID(int=7, version=4))
FAST = "detect: {watch: 100ms}\n"


def write_rule(site_folder: Path, word: str, more: str = "") -> None:
    """Our own rule, replaced as an editor replaces a file."""
    aside = site_folder / "aside"
    aside.write_text(
        f"title: Word {word}\nid: {RULE}\nlogsource: {{product: linux}}\n"
        f"detection: {{s: {{message|contains: {word}}}, condition: s}}\nlevel: low\n{more}"
    )
    aside.replace(site_folder / "rules" / "ours.yml")


def detected(site: Site) -> list[tuple[int, str]]:
    """Offset and version of each detection by our rule, in the ledger's order."""
    bodies = (entry.fact.body for entry in site.ledger.entries(kinds=[DETECTION]))
    return [(body["events"][0]["journal"], body["rule"]["version"]) for body in bodies if body["rule"]["id"] == RULE]


def test_rules_that_change_while_events_flow_see_each_event_exactly_once(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.touch()
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]", FAST)
    write_rule(tmp_path / "site", "alpha")
    writing = threading.Event()

    def write() -> None:
        with log.open("a") as stream:
            for second in range(100_000):
                stream.write(auth_line(second, f"message alpha beta {second}"))
                stream.flush()
                if writing.wait(0.002):
                    return

    with Site.load(config) as site, Running(site):
        writer = threading.Thread(target=write)
        writer.start()
        for number, word in enumerate(["beta", "alpha", "beta"]):
            wait_for(lambda: len(running_rules(site)) > 1, 5)
            before = running_rules(site)[RULE]
            wait_for(lambda: before in [version for _, version in detected(site)], 10)  # noqa: B023
            write_rule(tmp_path / "site", word, f"# {number}\n")
            wait_for(lambda: running_rules(site)[RULE] != before, 10)  # noqa: B023
        last = running_rules(site)[RULE]
        wait_for(lambda: last in [version for _, version in detected(site)], 10)
        writing.set()
        writer.join()
        lines = len(log.read_text().splitlines())
        wait_for(lambda: site.journal.end() == lines, 10)
    with Site.load(config) as site:
        found = detected(site)
        assert [offset for offset, _ in found] == list(range(lines))
        assert len({version for _, version in found}) == 4
        assert all(running_rules(site, offset)[RULE] == version for offset, version in found[:: lines // 200 or 1])
        facts = [entry.fact.body for entry in site.ledger.entries(kinds=[RULES_LOADED])]
        for fact in facts:
            at = next(offset for offset, version in found if version == fact["rules"][RULE])
            assert at == fact["from"]
        assert [list(fact["rules"]) for fact in facts[1:]] == [[RULE]] * 3


def test_a_set_with_a_fault_is_refused_in_the_open_and_the_old_one_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "auth.log"
    log.touch()
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]", FAST)
    write_rule(tmp_path / "site", "alpha")
    with Site.load(config) as site, Running(site) as running:
        write_rule(tmp_path / "site", "beta", "detektion: {}\nstatus: nonsense\n")
        refused = 'soc_rules_reloads_total{result="refused"}'
        wait_for(lambda: scraped(running).get(refused) == "1.0", 5)
        wait_for(lambda: "Changed Detection Rules Refused by the SOC" in titles(site), 5)
        with log.open("a") as stream:
            stream.write(auth_line(1, "message alpha"))
        wait_for(lambda: detected(site), 5)
        time.sleep(0.5)
        assert scraped(running)[refused] == "1.0", "the same fault is told once"
        write_rule(tmp_path / "site", "beta")
        wait_for(lambda: scraped(running).get('soc_rules_reloads_total{result="loaded"}') == "1.0", 5)
    assert any("ours.yml" in str(record.__dict__.get("fault")) for record in caplog.records)


def test_a_signal_reloads_where_nothing_is_watched(tmp_path: Path) -> None:
    config = new_site(tmp_path / "site", "[]", "detect: {watch: 0s}\n")
    write_rule(tmp_path / "site", "alpha")
    with Site.load(config) as site, Running(site) as running:
        before = running_rules(site)
        write_rule(tmp_path / "site", "beta")
        time.sleep(1)
        assert running_rules(site) == before
        old = signal.signal(signal.SIGHUP, lambda _number, _frame: running.reload())
        try:
            os.kill(os.getpid(), signal.SIGHUP)
            wait_for(lambda: running_rules(site) != before, 5)
        finally:
            signal.signal(signal.SIGHUP, old)


def test_a_rule_that_is_gone_is_an_alert_at_once(tmp_path: Path) -> None:
    config = new_site(tmp_path / "site", "[]", FAST)
    with Site.load(config) as site, Running(site):
        (tmp_path / "site" / "rules" / "linux" / "sshd_root_password_login.yml").unlink()
        wait_for(lambda: "Detection Rule Disabled or Silenced" in titles(site), 5)


def test_a_batch_whose_facts_could_not_be_written_is_detected_on_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(second) for second in range(50)))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164, follow: false}}]")
    with Site.load(config) as site, Running(site):
        wait_for(lambda: site.journal.end() == 50, 5)
    with Site.load(config) as site:
        evaluation = Evaluation(site, site.journal, site.detectors(), Metrics())
        evaluation.offset = 0
        seen: list[int] = []
        detect = evaluation.rules.detect
        monkeypatch.setattr(
            evaluation.rules, "detect", lambda events, first: seen.append(first) or detect(events, first)
        )
        with monkeypatch.context() as broken:
            broken.setattr(site.journal, "commit", lambda *_: (_ for _ in ()).throw(OSError("no space")))
            for _ in range(3):
                with pytest.raises(OSError, match="no space"):
                    evaluation.step()
        evaluation.drain()
        assert seen == [0]
