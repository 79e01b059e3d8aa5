"""What others answer is read as data, bounded, whatever it is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc.__main__ import run
from soc.alert import facts as alert_facts
from soc.app.site import Site
from soc.errors import SocError
from soc.incident import decisions, facts
from soc.share.answer import MAX_TEXT, MAX_TEXTS, read_answer
from tests.soc.app.sites import new_site
from tests.soc.store.material import DAY, alert, incident

NOTE = {
    "type": "bundle",
    "objects": [
        {"type": "identity", "name": "VNCERT/CC"},
        {"type": "note", "abstract": "Đã xử lý", "content": "The address is a known botnet. \x1b[31m"},
        {"type": "indicator"},
        {"type": "sighting"},
    ],
}
EVENT = {
    "Event": {
        "info": "Same actor",
        "Orgc": {"name": "CERT"},
        "Attribute": [{"type": "ip-src", "to_ids": True, "Sighting": [{}]}],
    }
}


def test_both_forms_are_read() -> None:
    found = read_answer(json.dumps(NOTE).encode())
    assert (found.form, found.sender, found.indicators, found.sightings) == ("stix", "VNCERT/CC", 1, 1)
    assert found.texts[0].startswith("Đã xử lý: The address")
    found = read_answer(json.dumps(EVENT).encode())
    assert (found.form, found.sender, found.texts, found.indicators, found.sightings) == (
        "misp",
        "CERT",
        ("Same actor",),
        1,
        1,
    )


@pytest.mark.parametrize("wrapped", [{"response": [EVENT]}, {"response": EVENT}, {"response": EVENT["Event"]}])
def test_what_a_search_of_misp_answered_is_read_too(wrapped: dict[str, Any]) -> None:
    assert read_answer(json.dumps(wrapped).encode()) == read_answer(json.dumps(EVENT).encode())


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b"{}", b'{"type": "note"}', b"[" * 100_000])
def test_what_is_neither_is_refused(raw: bytes) -> None:
    with pytest.raises(SocError):
        read_answer(raw)


_NAMES = ["type", "objects", "Event", "Attribute", "Object", "Orgc", "name", "info", "content", "value", "Sighting"]
_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(_NAMES), below, max_size=5),
    max_leaves=20,
)


@given(_JSON, st.sampled_from(["objects", "Event"]))
def test_any_shape_is_an_answer_or_refused_and_bounded(value: object, key: str) -> None:
    document = {"type": "bundle", "objects": value} if key == "objects" else {"Event": value}
    try:
        found = read_answer(json.dumps(document).encode())
    except SocError:
        return
    assert len(found.texts) <= MAX_TEXTS
    assert all(len(text) <= MAX_TEXT for text in found.texts)


def test_sharing_and_answers_are_facts_and_lines_of_the_story(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = new_site(tmp_path / "site")
    one = incident(1, [alert(1)])
    with Site.load(config, clock=lambda: datetime.fromisoformat("2026-11-20T00:00:00+00:00")) as site:
        site.ledger.append([alert_facts.opened(alert(1), DAY), facts.opened(replace(one, detected=DAY), DAY)])
        site.catch_up()
    output, back = tmp_path / "out.json", tmp_path / "answer.json"
    common = ("--output", str(output), "--config", str(config))
    assert run(["incidents", "share", one.id, "--audience", "green", "--to", "A05", *common]) == 2
    assert "TLP:AMBER" in capfd.readouterr().err
    assert not output.exists()
    assert run(["incidents", "share", one.id, "--audience", "amber", "--to", "A05", "--as", "lan", *common]) == 0
    assert "hạnh" not in output.read_text()
    back.write_text(json.dumps(NOTE))
    assert run(["incidents", "answer", one.id, str(back), "--as", "lan", "--config", str(config)]) == 0
    assert "\x1b" not in capfd.readouterr().out
    assert run(["incidents", "answer", one.id, str(back), "--config", str(config)]) == 2
    with Site.load(config) as site:
        site.catch_up()
        fact = site.ledger.last(decisions.SHARED)
        assert fact is not None
        assert (fact.fact.body["to"], fact.fact.body["sha256"]) == ("A05", sha256(output.read_bytes()).hexdigest())
        told = [e for e in site.projections.incidents([one.id])[0].timeline if e.kind in ("shared", "answer")]
        assert ["A05" in str(told[0].text), "VNCERT/CC answered" in str(told[1].text)] == [True, True]
        assert site.vault.fault(told[1].ref) == ""
