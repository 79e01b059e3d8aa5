"""What is shared is as far as its label allows, holds no person, is read by others' tools, and is the same for the same incident."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrich.intel.reading import Defaults, read_file
from collectors.enrich.intel.told import Told
from soc.alert import Alert, Entity, Tlp
from soc.errors import SocError
from soc.incident import Incident, TimelineEntry
from soc.incident.merging import made_of
from soc.share import Config, Shared, misp, stix
from soc.share.redaction import Redactor
from soc.share.selection import only_indicators, shared
from tests.soc.store.material import DAY, alert

PERSON, ACCOUNT = Entity("user.name", "tuan.hs"), Entity("account", "tuan.hs@jump-01")
OWN = ["192.0.2.0/24"]


def of(n: int, address: str, *tags: str, tlp: Tlp = Tlp.GREEN, title: str = "A password was guessed") -> Alert:
    entities = (Entity("source.ip", address), PERSON, ACCOUNT)
    return replace(
        alert(n, minutes=n),
        entity=entities[0],
        entities=entities,
        tags=tags or ("attack.t1110.001",),
        tlp=tlp,
        title=title,
    )


ALERTS = [of(1, "203.0.113.9"), of(2, "10.1.2.3", "attack.t1078"), of(3, "192.0.2.7"), of(4, "2001:db8::7")]


def incident(alerts: list[Alert] = ALERTS, tlp: Tlp = Tlp.GREEN) -> Incident:
    made = made_of(alerts, "w", "")
    told = TimelineEntry(
        DAY + timedelta(hours=1), "phase", "lan: respond. Blocked TUAN.HS, call 0912345678, id 079203012345", "", "lan"
    )
    secret = TimelineEntry(DAY, "comment", "lan: the minister's account", "", "lan")
    return replace(made, detected=DAY, tlp=tlp, timeline=(*made.timeline, told, secret))


def out(alerts: list[Alert] = ALERTS, audience: Tlp = Tlp.GREEN, tlp: Tlp = Tlp.GREEN) -> Shared:
    return shared(incident(alerts, tlp), alerts, "M2", audience, Config(), OWN)


def everything(found: Shared) -> str:
    return json.dumps([stix.bundle(found, "SOC"), misp.event(found, "SOC")], ensure_ascii=False)


def test_no_person_leaves_and_what_was_replaced_is_counted() -> None:
    found = out()
    text = everything(found)
    for personal in ("tuan", "TUAN", "0912345678", "079203012345", "lan:", "minister"):
        assert personal not in text, personal
    assert "Blocked person-" in text
    assert found.redacted["person"] >= 2
    assert (found.redacted["telephone"], found.redacted["citizen id"]) == (1, 1)


def test_addresses_of_our_own_are_no_indicators() -> None:
    assert [each.value for each in out().indicators] == ["2001:db8::7", "203.0.113.9"]


@pytest.mark.parametrize("label", list(Tlp))
@pytest.mark.parametrize("audience", list(Tlp))
def test_nothing_goes_to_an_audience_beyond_its_label(label: Tlp, audience: Tlp) -> None:
    if label.rank > audience.rank:
        with pytest.raises(SocError, match="may not go to those who see"):
            out(tlp=label, audience=audience)
    alerts = [of(1, "203.0.113.9", tlp=Tlp.CLEAR), of(2, "198.51.100.7", tlp=label, title="The minister's account")]
    found = out(alerts, audience, Tlp.CLEAR)
    assert found.tlp.rank <= audience.rank
    hidden = label.rank > audience.rank
    assert found.left_out == hidden
    assert ("198.51.100.7" in everything(found)) is not hidden
    assert ("minister" in everything(found)) is not hidden


def test_a_bundle_is_stix_that_its_own_library_and_our_reader_take(tmp_path: Path) -> None:
    document = stix.bundle(out(), "Tỉnh Tây Ninh")
    parsed = stix2.parse(document, allow_custom=False)
    kinds = [each["type"] for each in parsed.objects]
    assert sorted(set(kinds)) == [
        "attack-pattern",
        "identity",
        "incident",
        "indicator",
        "marking-definition",
        "relationship",
    ]
    ids = [each["id"] for each in document["objects"]]
    assert len(ids) == len(set(ids))
    assert all(
        r["source_ref"] in ids and r["target_ref"] in ids for r in document["objects"] if r["type"] == "relationship"
    )
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(document))
    told = Told()
    read = list(read_file(path, told, Defaults()))
    assert (told.faulty, [(each.value, each.tlp) for each in read]) == (
        0,
        [("2001:db8::7", "GREEN"), ("203.0.113.9", "GREEN")],
    )


def test_a_misp_event_is_read_by_our_reader_and_is_spread_no_wider_than_its_label(tmp_path: Path) -> None:
    document = misp.event(out(audience=Tlp.AMBER, tlp=Tlp.AMBER), "SOC")
    assert document["Event"]["distribution"] == "1"
    path = tmp_path / "event.json"
    path.write_text(json.dumps(document))
    told = Told()
    read = [(each.value, each.tlp) for each in read_file(path, told, Defaults())]
    assert (told.faulty, sorted(read)) == (0, [("2001:db8::7", "AMBER"), ("203.0.113.9", "AMBER")])
    assert misp.event(out(tlp=Tlp.GREEN), "SOC")["Event"]["distribution"] == "2"


def test_the_same_incident_is_the_same_objects_and_what_changed_is_later() -> None:
    first = stix.bundle(out(), "SOC")
    assert stix.bundle(out(), "SOC") == first
    more = incident()
    later = TimelineEntry(DAY + timedelta(days=1), "phase", "minh: learn-lessons.", "", "minh")
    more = replace(more, timeline=(*more.timeline, later))
    second = stix.bundle(shared(more, ALERTS, "M2", Tlp.GREEN, Config(), OWN), "SOC")
    old, new = ({o["id"]: o for o in b["objects"]} for b in (first, second))
    assert set(old) == set(new)
    [incident_id] = [i for i in old if i.startswith("incident--")]
    assert new[incident_id]["modified"] > old[incident_id]["modified"]


def test_indicators_alone_tell_nothing_of_the_story() -> None:
    found = only_indicators(out(), DAY)
    assert "Blocked" not in everything(found)
    assert "A password was guessed" not in everything(found)
    assert [each.value for each in found.indicators] == ["2001:db8::7", "203.0.113.9"]


_AROUND = st.text("0123456789 ,;()@=/", max_size=20)


@given(_AROUND, st.text("abcXYZ.-", min_size=3, max_size=12), _AROUND)
def test_a_name_is_replaced_wherever_it_stands_alone_in_any_case(before: str, name: str, after: str) -> None:
    redactor = Redactor(Config(patterns={}), [Entity("user.name", name)])
    assert redactor.text(f"{before} {name.swapcase()} {after}") == f"{before} person-1 {after}"
    assert redactor.text(f"x{name}x") == f"x{name}x", "a part of another word is no name"


def test_configuration_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="patterns: x"):
        Config(patterns={"x": "("})
    with pytest.raises(ValueError, match="does not appear"):
        Config(internal=("here",))
