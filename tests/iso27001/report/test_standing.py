"""A report tells where evidence stands and who has it in hands: in annex A and in the JSON that a PDF carries."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from iso27001.catalogue import load
from iso27001.evidence import link
from iso27001.language import Language
from iso27001.ledger import Fact
from iso27001.register.holdings import handle, holdings, review
from iso27001.report.data import render_json
from iso27001.report.kinds import compose
from iso27001.report.model import ReportInput
from iso27001.report.writers import Format, write
from iso27001.verifier.custody import HANDLED, KINDS, CustodyAction, EvidenceState
from tests.iso27001.material import month
from tests.iso27001.register.kept import DAY, NOW, Kept, by
from tests.iso27001.register.test_holdings import FIRST, POLICY


def report_on(kept: Kept, folder: Path) -> ReportInput:
    """A month with the policy beside its evidence, as the ledger holds it."""
    report = month(folder)
    held = holdings(kept.entries(KINDS))
    status = replace(report.status, evidence=(*report.status.evidence, held["E-1"].evidence), until=NOW + 3 * DAY)
    return replace(report, status=replace(status, register=replace(status.register, evidence=held)))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.ENGLISH, ("approved", "in the hands of hòa &lt;b&gt;, 2 steps of custody")),
        (Language.VIETNAMESE, ("đã phê duyệt", "do hòa &lt;b&gt; giữ, 2 bước chuyển giao")),
    ],
)
def test_annex_a_tells_state_and_custody(tmp_path: Path, language: Language, said: tuple[str, ...]) -> None:
    kept = Kept(tmp_path)
    kept.ledger.append([link(POLICY, load(), actor="lan")])
    kept.write(review(holdings(kept.entries(KINDS))["E-1"], EvidenceState.APPROVED, "read", by("minh", 1)))
    held = holdings(kept.entries(KINDS))["E-1"]
    kept.write(handle(held, CustodyAction.TRANSFER, "hòa <b>", "Tân An", "audit", FIRST, by("lan", 2)))
    report = report_on(kept, tmp_path)
    page = write(compose(report, load(), language), Format.HTML).decode()
    assert all(text in page for text in said)
    *_, told = json.loads(render_json(report, load()))["evidence"]
    assert (told["state"], told["custody_fault"]) == ("approved", "")
    assert [(step["action"], step["holder"], step["sha256"]) for step in told["custody"]] == [
        ("collect", "lan", FIRST),
        ("transfer", "hòa <b>", FIRST),
    ]


def test_a_broken_chain_and_a_draft_are_said(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    body = {"id": "E-1", "action": "copy", "giver": "x", "holder": "y", "place": "p", "why": "w", "sha256": FIRST}
    kept.ledger.append([link(POLICY, load(), actor="lan"), Fact("forged", HANDLED, NOW + DAY, "burglar", body)])
    page = write(compose(report_on(kept, tmp_path), load(), Language.ENGLISH), Format.HTML).decode()
    assert "draft, not approved" in page
    assert "The chain of custody is broken: step 2 (copy) is from x, but lan had it" in page
