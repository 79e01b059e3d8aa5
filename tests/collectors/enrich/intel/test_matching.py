"""Values of events against the set: what matches, what it adds, whose memory is bounded, and what a changed set does to those who look."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrich.intel import matching
from collectors.enrich.intel.indicator import Indicator, Kind
from collectors.enrich.intel.matching import IndicatorMatcher
from collectors.enrich.intel.store import IndicatorStore, Merged
from collectors.enrich.intel.told import IndicatorError
from collectors.enrich.intel.warning import WarningLists, read_lists
from collectors.event import Value

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SHA256 = "5" * 64
SET = [
    Indicator(
        Kind.IPV4,
        "203.0.113.7",
        "indicator--1",
        "Phishing kit",
        "https://cert.example/7",
        85,
        "AMBER",
        NOW - timedelta(days=9),
    ),
    Indicator(Kind.IPV4, "198.51.100.0/24"),
    Indicator(Kind.IPV6, "2001:db8:1::/48"),
    Indicator(Kind.IPV6, "2001:db8::7"),
    Indicator(Kind.DOMAIN, "evil.example"),
    Indicator(Kind.DOMAIN, "bad.example", subdomains=True),
    Indicator(Kind.URL, "http://shared.example/kit/a.php?x=1"),
    Indicator(Kind.FILE, SHA256),
    Indicator(Kind.EMAIL, "boss@fake.example"),
]


def store_of(folder: Path, indicators: Iterable[Indicator] = SET, feed: str = "cert") -> IndicatorStore:
    store = IndicatorStore(folder / "indicators.db")
    store.merge(indicators, feed, NOW)
    return store


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory) -> IndicatorMatcher:
    return IndicatorMatcher(store_of(tmp_path_factory.mktemp("intel")))


def names(matcher: IndicatorMatcher, fields: dict[str, Value], time: datetime = NOW) -> set[str]:
    """The values of the set that an event matches."""
    return {hit.known.indicator.value for hit in matcher.hits(fields) if hit.known.indicator.valid(time)}


@pytest.mark.parametrize(
    ("field", "value", "indicator"),
    [
        ("source.ip", "203.0.113.7", "203.0.113.7"),
        ("destination.ip", "198.51.100.77", "198.51.100.0/24"),
        ("client.ip", "2001:db8:1:2::3", "2001:db8:1::/48"),
        ("client.ip", "2001:0DB8:0:0::7", "2001:db8::7"),
        ("source.ip", "::ffff:203.0.113.7", "203.0.113.7"),
        ("dns.resolved_ip", ["192.0.2.1", "203.0.113.7"], "203.0.113.7"),
        ("url.domain", "EVIL.example.", "evil.example"),
        ("destination.domain", "203.0.113.7", "203.0.113.7"),
        ("dns.question.name", "bad.example", "bad.example"),
        ("dns.question.name", "a.b.bad.example", "bad.example"),
        ("url.full", "http://SHARED.example:80/kit/a.php?x=1#top", "http://shared.example/kit/a.php?x=1"),
        ("url.full", "https://evil.example/anything", "evil.example"),
        ("url.original", "http://x.bad.example:8080", "bad.example"),
        ("url.full", "http://[2001:db8::7]:8080/x", "2001:db8::7"),
        ("http.request.referrer", "http://lan@evil.example/", "evil.example"),
        ("process.hash.sha256", SHA256.upper(), SHA256),
        ("winlog.event_data.Hashes", f"SHA1={'1' * 40},MD5={'2' * 32},SHA256={SHA256},IMPHASH={'0' * 32}", SHA256),
        ("email.from.address", "Boss@FAKE.example", "boss@fake.example"),
        ("email.from.address", "other@evil.example", "evil.example"),
    ],
)
def test_value_matches_its_indicator(matcher: IndicatorMatcher, field: str, value: Value, indicator: str) -> None:
    assert names(matcher, {field: value, "message": "x"}) == {indicator}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source.ip", "203.0.113.8"),
        ("source.ip", "198.51.101.1"),
        ("message", "203.0.113.7"),
        ("url.domain", "www.evil.example"),  # not asked for
        ("url.domain", "notbad.example"),
        ("url.domain", "bad.example.org"),
        ("url.full", "http://shared.example/kit/a.php?x=2"),
        ("url.full", "http://shared.example/"),
        ("url.original", "/kit/a.php?x=1"),
        ("url.full", "http://good.example/http://evil.example/"),
        ("url.full", "http://evil.example@good.example/"),
        ("process.hash.sha256", "5" * 63),
        ("email.from.address", "boss@sub.fake.example"),
    ],
)
def test_value_beside_an_indicator_does_not_match(matcher: IndicatorMatcher, field: str, value: Value) -> None:
    assert matcher.adds({field: value}, NOW) is None


HOSTILE: list[Value] = ["", "\0", "203.0.113.7\0", "\udce0.example", "é" * 300 + ".example", "http://", "http://[::1", "a@", "=,=,",
                        "x" * 100_000, "." * 10_000, "a." * 5_000, [], ["", "\0"], 7, 1.5, None, True]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_no_value_breaks_the_look_up(matcher: IndicatorMatcher, value: Value) -> None:
    assert matcher.adds(dict.fromkeys(sorted(matching._WATCHED), value), NOW) is None


def test_match_adds_the_indicator_as_flat_ecs_and_the_category_that_rules_read(matcher: IndicatorMatcher) -> None:
    fields: dict[str, Value] = {"source.ip": "203.0.113.7", "event.category": "authentication"}
    assert matcher.adds(fields, NOW) == {
        "event.category": ["authentication", "threat"],
        "threat.feed.name": "cert",
        "threat.indicator.type": "ipv4-addr",
        "threat.indicator.name": "203.0.113.7",
        "threat.indicator.ip": "203.0.113.7",
        "threat.indicator.id": "indicator--1",
        "threat.indicator.description": "Phishing kit",
        "threat.indicator.reference": "https://cert.example/7",
        "threat.indicator.confidence": "High",
        "threat.indicator.marking.tlp": "AMBER",
        "threat.indicator.first_seen": "2026-11-14T00:00:00+00:00",
        "threat.enrichments.matched.atomic": ["203.0.113.7"],
        "threat.enrichments.matched.field": ["source.ip"],
        "threat.enrichments.matched.type": "indicator_match_rule",
    }
    assert fields == {"source.ip": "203.0.113.7", "event.category": "authentication"}


def test_of_several_matches_the_surest_is_told_and_all_are_named(matcher: IndicatorMatcher) -> None:
    added = matcher.adds(
        {"source.ip": "203.0.113.7", "destination.ip": "198.51.100.1", "url.domain": "evil.example"}, NOW
    )
    assert added is not None
    assert added["event.category"] == "threat"
    assert added["threat.indicator.name"] == "203.0.113.7"
    assert added["threat.enrichments.matched.atomic"] == ["203.0.113.7", "198.51.100.1", "evil.example"]
    assert added["threat.enrichments.matched.field"] == ["source.ip", "destination.ip", "url.domain"]


def test_who_looks_back_finds_events_from_before_an_indicator_is_valid_and_none_from_after(tmp_path: Path) -> None:
    store = store_of(
        tmp_path, [Indicator(Kind.DOMAIN, "a.example", valid_from=NOW, valid_until=NOW + timedelta(days=1))]
    )
    live, early = IndicatorMatcher(store), IndicatorMatcher(store, early=True)
    fields: dict[str, Value] = {"url.domain": "a.example"}
    before, after = NOW - timedelta(days=9), NOW + timedelta(days=1)
    found = [[matcher.adds(fields, at) is not None for at in (before, NOW, after)] for matcher in (live, early)]
    assert found == [[False, True, False], [True, True, False]]
    assert early.matched == {("a.example", "cert"): 2}


def test_indicators_whose_matches_are_counted_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_COUNTED", 2)
    matcher = IndicatorMatcher(store_of(tmp_path, [Indicator(Kind.DOMAIN, f"a{n}.example") for n in range(5)]))
    for n in (0, 1, 2, 3, 4, 0):
        matcher.adds({"url.domain": f"a{n}.example"}, NOW)
    assert matcher.matched == {("a0.example", "cert"): 2, ("a1.example", "cert"): 1, ("", "cert"): 3}


def test_an_indicator_counts_for_events_of_its_time_only(tmp_path: Path) -> None:
    bounded = Indicator(Kind.IPV4, "203.0.113.7", valid_from=NOW, valid_until=NOW + timedelta(days=1))
    matcher = IndicatorMatcher(store_of(tmp_path, [bounded]))
    fields: dict[str, Value] = {"source.ip": "203.0.113.7"}
    moments = [NOW - timedelta(microseconds=1), NOW, NOW + timedelta(days=1, microseconds=-1), NOW + timedelta(days=1)]
    assert [matcher.adds(fields, time) is not None for time in moments] == [False, True, True, False]


NETS = st.builds(
    lambda version, number, prefix: ip_network(((number if version == 4 else number << 96), prefix), strict=False),
    st.sampled_from([4, 6]),
    st.integers(0, 2**32 - 1),
    st.integers(19, 32),
)


@given(st.lists(NETS, min_size=1, max_size=8), st.lists(st.integers(0, 2**32 - 1), max_size=8), st.randoms())
def test_networks_hold_the_addresses_that_python_says_they_hold(
    nets: list[Any], others: list[int], chance: random.Random
) -> None:
    import tempfile

    addresses = [ip_address(number) for number in others]
    addresses += [net[chance.randrange(min(net.num_addresses, 2**64))] for net in nets]
    kinds = {4: Kind.IPV4, 6: Kind.IPV6}
    given_ = [Indicator(kinds[n.version], str(n if n.prefixlen < n.max_prefixlen else n.network_address)) for n in nets]
    with tempfile.TemporaryDirectory() as folder:
        matcher = IndicatorMatcher(store_of(Path(folder), given_))
        for address in addresses:
            held = any(address in net for net in nets if net.version == address.version)
            assert (matcher.adds({"source.ip": str(address)}, NOW) is not None) == held


# --- warning lists -------------------------------------------------------------------------------------------------------------------


def test_what_stands_on_a_warning_list_never_matches(tmp_path: Path) -> None:
    (tmp_path / "ours.txt").write_text("# of ours\n203.0.113.7  # the proxy\n198.51.100.0/24\nevil.example\n")
    misp = '{"name": "x", "type": "hostname", "list": [".bad.example", "shared.example"]}'
    (tmp_path / "misp.json").write_text(misp)
    lists = read_lists([tmp_path / "ours.txt", tmp_path / "misp.json"])
    assert len(lists) == 5
    matcher = IndicatorMatcher(store_of(tmp_path), [tmp_path / "ours.txt", tmp_path / "misp.json"])
    for field, value in (
        ("source.ip", "203.0.113.7"),
        ("source.ip", "198.51.100.9"),
        ("url.domain", "evil.example"),
        ("url.domain", "x.bad.example"),
        ("url.full", "http://shared.example/kit/a.php?x=1"),
    ):
        assert matcher.adds({field: value}, NOW) is None
    assert matcher.warned == 5
    assert matcher.adds({"source.ip": "2001:db8::7"}, NOW)
    assert matcher.warning(Kind.IPV4, "203.0.113.7") == "ours.txt"
    assert [known.indicator.value for known in matcher.of_value(Kind.IPV4, "203.0.113.7")] == ["203.0.113.7"]


def test_a_list_may_name_wide_networks_and_covers_networks_within_but_none_around(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("10.0.0.0/8\nfc00::/7\n192.0.2.128/25\n")
    lists = read_lists([tmp_path / "a.txt"])
    assert lists.names(Kind.IPV4, "10.1.2.0/24") == "a.txt"
    assert lists.names(Kind.IPV6, "fd00::1") == "a.txt"
    assert not lists.names(Kind.IPV4, "192.0.2.0/24")
    assert not lists.names(Kind.IPV4, "192.0.2.1")


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ("203.0.113.7\nevil\n", r"a\.txt:2: 'evil' is no address"),
        ('{"type": "regex", "list": ["x"]}', r'a\.txt: lists of type "regex" are not read'),
        ('{"list": 7}', r"a\.txt is no warning list of MISP"),
        ('{"type": "cidr", "list": ["1.2.3.4/99"]}', r"a\.txt: list\[0\]: "),
    ],
)
def test_a_warning_list_with_a_fault_is_refused_with_its_place(tmp_path: Path, content: str, refused: str) -> None:
    (tmp_path / "a.txt").write_text(content)
    with pytest.raises(IndicatorError, match=refused):
        read_lists([tmp_path / "a.txt"])
    with pytest.raises(IndicatorError, match=r"none\.txt cannot be read"):
        read_lists([tmp_path / "none.txt"])


# --- the set -------------------------------------------------------------------------------------------------------------------------


def test_a_feed_is_merged_changed_replaced_and_removed(tmp_path: Path) -> None:
    store = IndicatorStore(tmp_path / "intel" / "indicators.db")
    one, two, three = (Indicator(Kind.IPV4, f"203.0.113.{n}", confidence=50) for n in (1, 2, 3))
    assert store.merge([one, two, two], "a", NOW) == Merged(added=2, total=2)
    surer = Indicator(Kind.IPV4, "203.0.113.2", confidence=90)
    assert store.merge([one, surer, three], "a", NOW + timedelta(1)) == Merged(added=1, changed=1, unchanged=1, total=3)
    assert store.merge([one], "b", NOW) == Merged(added=1, total=4)
    assert store.merge([three], "a", NOW, replace=True) == Merged(unchanged=1, removed=2, total=2)
    [first, second] = store.indicators()
    assert (first.indicator, first.feed, first.imported) == (three, "a", NOW + timedelta(1))
    assert (second.indicator, second.feed) == (one, "b")
    assert store.remove(feed="b") == Merged(removed=1, total=1)
    assert [each.feed for each in store.feeds(NOW)] == ["a"]


def test_what_has_ended_is_counted_and_taken_out(tmp_path: Path) -> None:
    ended = Indicator(Kind.IPV4, "203.0.113.1", valid_until=NOW)
    store = store_of(tmp_path, [ended, Indicator(Kind.IPV4, "203.0.113.2", valid_until=NOW + timedelta(1)), SET[0]])
    [feed] = store.feeds(NOW)
    assert (feed.total, feed.expired, feed.kinds) == (3, 1, {"ipv4-addr": 3})
    assert store.remove(ended_by=NOW, dry_run=True).removed == 1
    assert store.remove(ended_by=NOW) == Merged(removed=1, total=2)
    assert store.remove(ended_by=NOW) == Merged(removed=0, total=2)


def test_a_fault_half_way_leaves_the_set_as_it_was(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    before = store.path.read_bytes()

    def faulty() -> Iterable[Indicator]:
        yield Indicator(Kind.IPV4, "203.0.113.99")
        raise IndicatorError("half way")

    with pytest.raises(IndicatorError, match="half way"):
        store.merge(faulty(), "x", NOW)
    assert store.merge(SET, "x", NOW, wanted=lambda: False).added == len(SET)
    assert store.path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["indicators.db", "lock"]


def test_two_commands_at_once_do_not_undo_each_other(tmp_path: Path) -> None:
    store = store_of(tmp_path)

    def meanwhile() -> Iterable[Indicator]:
        with pytest.raises(IndicatorError, match="being changed by another command"):
            IndicatorStore(store.path).remove(feed="cert")
        yield SET[0]

    assert store.merge(meanwhile(), "x", NOW).added == 1


def test_a_set_beyond_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.enrich.intel.store.MAX_INDICATORS", 5)
    with pytest.raises(IndicatorError, match="would hold 9 indicators; 5 is the most"):
        store_of(tmp_path)


def test_a_folder_that_cannot_be_written_and_a_file_that_is_no_set_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndicatorError, match="cannot be written"):
        store_of(tmp_path / "file")
    (tmp_path / "indicators.db").write_text("no database" * 1_000)
    with pytest.raises(IndicatorError, match=r"indicators\.db cannot be read"):
        IndicatorMatcher(IndicatorStore(tmp_path / "indicators.db"))
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    for change in (IndicatorStore(tmp_path / "other.db").open, lambda: store_of_other(tmp_path)):
        with pytest.raises(IndicatorError, match=r"other\.db is of another version"):
            change()


def store_of_other(folder: Path) -> None:
    IndicatorStore(folder / "other.db").merge(SET, "x", NOW)


def test_a_new_set_is_matched_at_once_and_a_damaged_one_is_not_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = IndicatorStore(tmp_path / "indicators.db")
    matcher = IndicatorMatcher(store)
    fields: dict[str, Value] = {"source.ip": "203.0.113.7"}
    assert (matcher.size, matcher.adds(fields, NOW)) == (0, None)
    store.merge(SET, "cert", NOW)
    matcher.refresh()
    assert matcher.adds(fields, NOW)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(os.urandom(10_000))
    damaged.replace(store.path)
    matcher.refresh()
    assert "refused" in caplog.text
    assert matcher.adds({"source.ip": "198.51.100.3"}, NOW)  # not asked before: read from the set that was opened
    store.path.unlink()
    matcher.refresh()
    assert matcher.adds(fields, NOW) is None


def test_a_set_that_is_damaged_under_the_one_who_looks_is_told_and_stops_no_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_of(tmp_path, (Indicator(Kind.IPV4, f"203.0.{n >> 8}.{n & 255}") for n in range(60_000)))
    matcher = IndicatorMatcher(store)
    with store.path.open("r+b") as file:
        file.write(os.urandom(store.path.stat().st_size))
    numbers = range(0, 60_000, 500)
    found = [matcher.adds({"source.ip": f"203.0.{number >> 8}.{number & 255}"}, NOW) for number in numbers]
    assert found.count(None) > 10  # the others were still in the cache of pages
    assert "cannot be read from the set" in caplog.text


def test_a_flood_of_values_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "REMEMBERED", 100)
    matcher = IndicatorMatcher(store_of(tmp_path))
    for number in range(1_000):
        matcher.adds(
            {
                "url.full": f"http://h{number}.example/{'x' * (number % 700)}",
                "source.ip": f"10.0.{number // 250}.{number % 250}",
            },
            NOW,
        )
    kept = {id(answers): answers for answers in matcher._look.answers.values()}
    assert sum(map(len, kept.values())) <= 100 * len(kept)
    assert all(len(value) <= matching._LONGEST_KEPT for answers in kept.values() for value in answers)


def test_many_threads_get_the_same_answers_while_the_set_changes(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    matcher = IndicatorMatcher(store)
    wrong: list[object] = []

    def look() -> None:
        for number in range(3_000):
            matcher.refresh()
            known = matcher.adds({"source.ip": "203.0.113.7", "url.domain": f"h{number}.bad.example"}, NOW)
            if known is None or known["threat.enrichments.matched.atomic"] != ["203.0.113.7", f"h{number}.bad.example"]:
                wrong.append(known)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        store.merge([Indicator(Kind.IPV4, f"192.0.2.{number}")], "other", NOW)
    for thread in threads:
        thread.join()
    assert wrong == []


def test_warning_lists_of_nothing_name_nothing() -> None:
    lists = WarningLists()
    assert len(lists) == 0
    assert not lists.names(Kind.URL, "http://evil.example/")
