"""From a report's line back to raw bytes and forward to the control, out in a pack, under another key, stamped: by commands."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from iso27001.ledger.store import Ledger
from iso27001.verifier.__main__ import main as soc_verify
from tests.iso27001.verifier.test_timestamp import EC, Authority
from tests.soc.cli.test_commands import Soc
from tests.soc.cli.test_commands import soc as soc


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A played day, kept."""
    folder = tmp_path_factory.mktemp("proofs") / "site"
    subprocess.run([sys.executable, "-m", "soc", "demo", "--keep", str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Authority]]:
    """A time stamping authority over HTTP (RFC 3161 section 3.4), answered by `openssl ts`."""
    authority = Authority(tmp_path_factory.mktemp("tsa"), key=EC)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            answer = authority.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", authority
        server.shutdown()
        thread.join()


def entries(site: Path, kind: str) -> list[int]:
    with Ledger.open(site / "var/ledger/ledger.db", read_only=True) as ledger:
        return [entry.seq for entry in ledger.entries(kinds=[kind])]


def test_every_sample_that_can_be_counted_again_is_the_same(soc: Soc, site: Path) -> None:
    told = {}
    for seq in entries(site, "measure.sample")[::3]:
        done = soc("iso", "recompute", seq, "--json", "--config", site / "soc.yaml")
        told[seq] = done.rows[0]["same"]
        assert done.code == 0, done.rows
    assert False not in told.values()
    assert sum(same is True for same in told.values()) >= 3


def test_evidence_is_followed_back_to_the_raw_bytes_and_forward_to_its_controls(soc: Soc, site: Path) -> None:
    seq = entries(site, "evidence.linked")[1]
    [row] = soc("iso", "recompute", seq, "--json", "--config", site / "soc.yaml").rows
    assert row["same"] is True
    assert "A.8.15" in row["controls"]
    assert any("of the journal: SHA-256" in line for line in row["chain"])
    assert any("run again on the same bytes, gives detection" in line for line in row["chain"])
    with Ledger.open(site / "var/ledger/ledger.db", read_only=True) as ledger:
        rests = ledger.entry(ledger.entry(seq).fact.body["ledger_seqs"][0])
    shown = soc("iso", "recompute", rests.fact.id.removeprefix("detection:"), "--config", site / "soc.yaml").out
    assert f"evidence {ledger_id(site, seq)} (entry {seq}) rests on it" in shown
    assert shown.endswith("computed again: the same\n")


def ledger_id(site: Path, seq: int) -> str:
    with Ledger.open(site / "var/ledger/ledger.db", read_only=True) as ledger:
        return str(ledger.entry(seq).fact.body["id"])


def test_what_is_no_line_is_refused(soc: Soc, site: Path) -> None:
    done = soc("iso", "recompute", "E-99", "--config", site / "soc.yaml")
    assert (done.code, '"E-99" is no line of a report' in done.err) == (2, True)


@pytest.mark.parametrize("how", [("--whole",), ("--rests-on", "--control", "A.8.15")])
def test_a_pack_of_the_site_is_checked_offline(
    soc: Soc, site: Path, tmp_path: Path, how: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    made = soc(
        "iso", "pack", "--output", tmp_path / "pack.zip", *how, "--as", "lan", "--json", "--config", site / "soc.yaml"
    )
    [row] = made.rows
    assert (made.code, row["missing"]) == (0, [])
    assert (row["disclosed"] == row["entries"]) is (how[0] == "--whole")
    assert soc_verify([str(tmp_path / "pack.zip"), "--key", str(site / "var/keys/ledger.pub"), "--json"]) == 0
    verdict = json.loads(capfd.readouterr().out)
    assert verdict["checked"]["raw events and documents held against their entries"] > 5
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        for name in (name for name in pack.namelist() if name.startswith("events/")):
            assert sha256(pack.read(name)).hexdigest() == name.removeprefix("events/")
        assert {"reports/report.en.html", "reports/report.json", "reports/report.oscal.json"} <= set(pack.namelist())
    with Ledger.open(site / "var/ledger/ledger.db", read_only=True) as ledger:
        told = ledger.last("pack.made")
    assert (told.fact.actor, told.fact.body["manifest"]) == ("lan", row["manifest"])


def test_a_head_is_stamped_and_brought_to_another_host(
    soc: Soc, site: Path, tmp_path: Path, tsa: tuple[str, Authority], capfd: pytest.CaptureFixture[str]
) -> None:
    url, authority = tsa
    config, text = site / "soc.yaml", (site / "soc.yaml").read_text()
    elsewhere = tmp_path / "elsewhere" / "heads.txt"
    stamped = f"authority: {url}\n  authority_certificate: {authority.root}/ca.pem"
    config.write_text(f"{text}\niso:\n  anchors: [{elsewhere}]\n  {stamped}\n")
    try:
        [row] = soc("iso", "anchor", "--json", "--config", config).rows
        assert row["stamped"].endswith(".tsr")
        assert elsewhere.read_text().count("\N{EM DASH} ") == row["heads"]
        [verdict] = soc("iso", "verify", "--no-events", "--json", "--config", config).rows
        assert verdict["sound"] is True
        assert soc("iso", "pack", "--output", tmp_path / "pack.zip", "--as", "lan", "--config", config).code == 0
    finally:
        config.write_text(text)
    check = [str(tmp_path / "pack.zip"), "--key", str(site / "var/keys/ledger.pub"), "--json"]
    assert soc_verify([*check, "--authority", str(authority.root / "ca.pem"), "--anchor", str(elsewhere)]) == 0
    verdict = json.loads(capfd.readouterr().out)
    assert verdict["stamped"] is not None
    assert 0 < verdict["anchored"] <= verdict["signed"]


def test_a_site_without_an_authority_that_answers_says_so(soc: Soc, site: Path, tsa: tuple[str, Authority]) -> None:
    config, text = site / "soc.yaml", (site / "soc.yaml").read_text()
    certificate = tsa[1].root / "ca.pem"
    config.write_text(f"{text}\niso: {{authority: 'http://127.0.0.1:9/', authority_certificate: {certificate}}}\n")
    try:
        done = soc("iso", "anchor", "--config", config)
        assert (done.code, "http://127.0.0.1:9/ does not answer" in done.err) == (3, True)
        config.write_text(f"{text}\niso: {{authority: 'http://127.0.0.1:9/'}}\n")
        assert "authority_certificate is needed too" in soc("iso", "anchor", "--config", config).err
    finally:
        config.write_text(text)


def test_the_key_rotates_and_the_ledger_goes_on_under_the_new_one(soc: Soc, site: Path, tmp_path: Path) -> None:
    old = (site / "var/keys/ledger.pub").read_bytes()
    [row] = soc("iso", "rotate-key", "--json", "--config", site / "soc.yaml").rows
    (tmp_path / "old.pub").write_bytes(old)
    assert (site / "var/keys/ledger.pub").read_bytes() != old
    assert sorted(path.name for path in (site / "var/keys").glob("*.key")) == ["ledger.key"]
    assert (site / f"var/keys/ledger.{row['old'][:16]}.pub").read_bytes() == old
    [verdict] = soc("iso", "verify", "--no-events", "--json", "--config", site / "soc.yaml").rows
    assert (verdict["sound"], verdict["key"]) == (True, row["new"])
    made = soc(
        "iso", "pack", "--output", tmp_path / "pack.zip", "--rests-on", "--as", "lan", "--config", site / "soc.yaml"
    )
    assert made.code == 0
    for key in (tmp_path / "old.pub", site / "var/keys/ledger.pub"):
        assert soc_verify([str(tmp_path / "pack.zip"), "--key", str(key)]) == 0


def test_a_changed_entry_is_found_by_computing_it_again(soc: Soc, site: Path) -> None:
    """The last test: it breaks the ledger."""
    seq = entries(site, "measure.sample")[0]
    with closing(sqlite3.connect(site / "var/ledger/ledger.db", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER pages_update")
        first, facts = connection.execute(
            "SELECT first, facts FROM pages WHERE first <= ? ORDER BY first DESC", (seq,)
        ).fetchone()
        lines = facts.split(b"\n")
        lines[seq - first] = lines[seq - first].replace(b'"sources_seen":26', b'"sources_seen":44')
        assert b'"sources_seen":44' in lines[seq - first]
        connection.execute("UPDATE pages SET facts = ? WHERE first = ?", (b"\n".join(lines), first))
    done = soc("iso", "recompute", seq, "--json", "--config", site / "soc.yaml")
    assert (done.code, done.rows[0]["same"]) == (1, False)
    assert any("is not under the signed head" in line for line in done.rows[0]["chain"])
    assert soc("iso", "verify", "--no-events", "--config", site / "soc.yaml").code == 1
