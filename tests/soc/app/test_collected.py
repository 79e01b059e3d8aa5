"""What sources count themselves stands in the metrics, also where no record came of it."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from collectors.enrich.intel.indicator import Indicator, Kind
from soc.app.intel import indicator_store
from soc.app.run import Running
from soc.app.site import Site
from tests.soc.app.lived import login
from tests.soc.app.sites import new_site
from tests.soc.app.test_intel import ATTACKER, wait_for
from tests.soc.app.test_run import scraped


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize("processes", [1, 3])
def test_refusals_cuts_and_matches_are_metrics_of_their_source_and_feed(tmp_path: Path, processes: int) -> None:
    log, token, port = tmp_path / "auth.log", tmp_path / "token", free_port()
    log.write_text(f"{login(1)}\n{login(2)}{'x' * 300}\n")
    token.write_text("a token of the right length\n")
    token.chmod(0o600)
    sources = f"""
      - {{id: auth, kind: file, path: {log}, format: rfc3164, max_line_bytes: 200}}
      - {{id: web, kind: http, listen: "127.0.0.1:{port}", token_file: {token}}}
    """
    with Site.load(new_site(tmp_path / "site", sources, processes=processes)) as site:
        indicator_store(site).merge([Indicator(Kind.IPV4, ATTACKER)], "cert", site.clock())
        with Running(site) as running:
            wait_for(lambda: scraped(running).get('soc_records_received_total{source="auth"}') == "3.0")
            with pytest.raises(HTTPError, match="401"):
                urlopen(Request(f"http://127.0.0.1:{port}/events", b"{}", {"Authorization": "Bearer wrong"}), timeout=5)
            lines = scraped(running)
    wanted = {
        'soc_records_bytes_total{source="auth"}': len(login(1)) + len(login(2)) - 2 + 200,
        'soc_records_truncated_total{source="auth"}': 1,
        'soc_records_truncated_bytes_total{source="auth"}': 100,
        'soc_lines_blank_total{source="auth"}': 1,
        'soc_senders_refused_total{source="auth"}': 0,
        'soc_senders_refused_total{source="web"}': 1,
        'soc_indicator_matches_total{feed="cert"}': 2,
        "soc_indicators": 1,
    }
    assert {name: float(lines[name]) for name in wanted} == wanted
