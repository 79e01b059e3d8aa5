"""A pack's manifest tells where evidence stood and who had it in hands; soc-verify believes the entries alone."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso27001.catalogue import load
from iso27001.evidence import link
from iso27001.ledger import Fact
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from iso27001.packing import PackFile, write_pack
from iso27001.register import write
from iso27001.register.holdings import Holding, handle, holdings, review
from iso27001.verifier.custody import HANDLED, KINDS, LINKED, REVIEWED, CustodyAction, EvidenceState, told
from iso27001.verifier.pack import verify_pack
from iso27001.verifier.verdict import FaultKind, Verdict
from tests.iso27001.register.kept import DAY, NOW, by
from tests.iso27001.register.test_holdings import FIRST, POLICY, SECOND

DISCLOSED = [0]


class Site:
    """A ledger with a policy that was given, reviewed and handed on, and a pack that discloses little else."""

    def __init__(self, folder: Path) -> None:
        self.signer = Signer.load_or_create(folder / "ledger.key")
        self.ledger = Ledger.open(folder / "ledger.db", signer=self.signer, origin="test/ledger")
        self.pack = folder / "pack.zip"
        self.ledger.append([Fact("note/0", "note", NOW, "engine", {}), link(POLICY, load(), actor="lan")])
        self.write(review(self.held, EvidenceState.APPROVED, "read", by("minh", 1)))
        self.write(handle(self.held, CustodyAction.TRANSFER, "hoa", "Tân An", "audit", FIRST, by("lan", 2)))

    @property
    def held(self) -> Holding:
        return holdings(self.ledger.entries(kinds=KINDS))["E-1"]

    def write(self, fact: Fact) -> None:
        write(self.ledger, fact)

    def packed(self, days: float = 3) -> Verdict:
        self.ledger.sign(NOW + days * DAY)
        files = [PackFile(f"evidence/{FIRST}", b"first", self.held.evidence.revision)]
        period = {"since": NOW, "until": NOW + DAY}
        write_pack(self.pack, self.ledger, self.signer, files, scope="", disclose=DISCLOSED, evidence=["E-1"], **period)
        return self.verify()

    def verify(self) -> Verdict:
        return verify_pack(self.pack, self.signer.public)

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(zipfile.ZipFile(self.pack).read("manifest.json"))
        return found

    def retell(self, change: Callable[[dict[str, Any]], object]) -> Verdict:
        """The same pack whose own site tells otherwise of the evidence, and signs that."""
        with zipfile.ZipFile(self.pack) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(files["manifest.json"])
        change(manifest["evidence"][0])
        files["manifest.json"] = json.dumps(manifest).encode()
        note = self.signer.sign_manifest("test/ledger", sha256(files["manifest.json"]).hexdigest(), NOW).note
        with zipfile.ZipFile(self.pack, "w") as archive:
            for name, content in (files | {"manifest.note": note.encode()}).items():
                archive.writestr(name, content)
        return self.verify()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_manifest_tells_state_and_custody_with_the_entries_that_say_so(site: Site) -> None:
    verdict = site.packed()
    assert (verdict.sound, verdict.disclosed) == (True, 4), "its entries are disclosed, asked for or not"
    assert dict(verdict.checked)["evidence whose state and custody were held against the entries"] == 1
    [line] = site.manifest()["evidence"]
    assert (line["id"], line["state"], line["sha256"], line["fault"]) == ("E-1", "approved", FIRST, "")
    assert [(step["entry"], step["action"], step["holder"], step["sha256"]) for step in line["custody"]] == [
        (1, "collect", "lan", FIRST),
        (3, "transfer", "hoa", FIRST),
    ]


def test_the_state_is_that_of_the_moment_of_the_pack(site: Site) -> None:
    assert site.packed(days=61).sound
    assert site.manifest()["evidence"][0]["state"] == "expired"


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.update(state="draft"),
        lambda line: line["custody"].pop(),
        lambda line: line["custody"][1].update(holder="lan"),
        lambda line: line["custody"][0].update(sha256=SECOND),
        lambda line: line.update(id="E-2"),
        lambda line: line.update(entry=0),
    ],
    ids=["state", "a step less", "another holder", "another hash", "another id", "another entry"],
)
def test_a_manifest_that_tells_otherwise_than_the_entries_is_named(
    site: Site, change: Callable[[dict[str, Any]], object]
) -> None:
    site.packed()
    verdict = site.retell(change)
    assert {fault.kind for fault in verdict.faults} == {FaultKind.EVIDENCE_MISTOLD}
    assert not verdict.sound


@pytest.mark.parametrize(
    ("giver", "digest", "why"),
    [("binh", FIRST, "is from binh, but hoa had it"), ("hoa", SECOND, "found another hash than step 2")],
)
def test_a_broken_chain_of_custody_is_named(site: Site, giver: str, digest: str, why: str) -> None:
    body = {"id": "E-1", "action": "copy", "giver": giver, "holder": "x", "place": "y", "why": "z", "sha256": digest}
    site.ledger.append([Fact("forged", HANDLED, NOW + 2 * DAY, "burglar", body)])
    [fault] = site.packed().faults
    assert (fault.kind, fault.seq) == (FaultKind.CUSTODY_BROKEN, 1)
    assert why in fault.text


_VALUES = st.none() | st.integers() | st.text(max_size=4) | st.sampled_from(["E-1", "2026-11-02T01:00:00", FIRST])
_BODIES = st.dictionaries(
    st.sampled_from(
        ["id", "collected_at", "collector", "title", "result_hash", "file_name", "expires", "state", "action"]
    ),
    _VALUES | st.lists(_VALUES, max_size=2),
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"kind": st.sampled_from([LINKED, REVIEWED, HANDLED]), "body": _BODIES | _VALUES, "actor": _VALUES}
        )
    )
)
def test_of_what_is_no_fact_of_evidence_nothing_is_told_and_nothing_breaks(facts: list[dict[str, Any]]) -> None:
    found = told(enumerate(facts), NOW)
    assert {each["id"] for each in found.values()} == set(found)
