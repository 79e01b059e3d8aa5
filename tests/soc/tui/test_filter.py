"""soc.tui.filter: what is typed after `/`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc.alert import AlertStatus
from soc.detect import Level
from soc.store import Facet, Having
from soc.tui.filter import STATUSES, Filter, FilterError, parse

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_nothing_typed_means_what_is_open_of_every_level() -> None:
    query = parse("").query(NOW)
    assert query.statuses == {AlertStatus.NEW, AlertStatus.ACKNOWLEDGED}
    assert query.levels == frozenset()
    assert query.since is None


def test_words_and_keys_may_stand_in_any_order() -> None:
    assert parse("10.0.0.5 level:high root since:24h status:all") == Filter("10.0.0.5 root", "all", Level.HIGH, "24h")


def test_a_level_means_it_and_above() -> None:
    assert parse("level:high").query(NOW).levels == {Level.HIGH, Level.CRITICAL}


def test_since_counts_back_from_now() -> None:
    assert parse("since:2d").query(NOW).since == NOW - timedelta(days=2)


def test_a_word_with_a_colon_is_text() -> None:
    assert parse("fe80::1 10.0.0.5:22 lvel:x").text == "fe80::1 10.0.0.5:22 lvel:x"


@pytest.mark.parametrize(("typed", "meant"), [("status:cl", "closed"), ("STATUS:New", "new"), ("status:a", None)])
def test_a_value_may_be_shortened_while_it_is_plain(typed: str, meant: str | None) -> None:
    if meant is None:
        with pytest.raises(FilterError):
            parse(typed)
    else:
        assert parse(typed).status == meant


def test_an_unknown_value_names_the_nearest() -> None:
    with pytest.raises(FilterError) as error:
        parse("level:hihg")
    assert error.value.key == "filter.unknown"
    assert '"high"' in error.value.values["nearest"]


@pytest.mark.parametrize("typed", ["since:yesterday", "since:24", "since:-1h", "since:99999d", "since:\u0663h"])
def test_a_length_of_time_is_a_number_and_a_unit(typed: str) -> None:
    with pytest.raises(FilterError):
        parse(typed)


WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


@given(
    st.builds(
        Filter,
        text=st.lists(WORDS, max_size=3).map(" ".join),
        status=st.sampled_from(list(STATUSES)),
        floor=st.sampled_from(list(Level)),
        since=st.sampled_from(["", "30m", "24h", "7d"]),
    )
)
def test_a_filter_reads_back_from_its_own_words(one: Filter) -> None:
    assert parse(str(one)) == one


def test_one_key_steps_through_every_status() -> None:
    seen, one = [], Filter()
    for _ in STATUSES:
        seen.append(one.status)
        one = one.next_status()
    assert seen == list(STATUSES)
    assert one == Filter()


@pytest.mark.parametrize(
    "text",
    ['system:portal -rule:r-1 entity:"a b" hidden:yes words', "-assignee:lan", 'assignee:"" level:high', "-x a:b"],
)
def test_what_is_typed_is_what_is_shown(text: str) -> None:
    chosen = parse(text)
    assert parse(str(chosen)) == chosen


def test_values_are_meant_whole_and_a_minus_means_all_others() -> None:
    chosen = parse('system:portal -entity:"db 01" -x 10.0.0.1')
    assert chosen.having == (Having(Facet.SYSTEM, "portal"), Having(Facet.ENTITY, "db 01", wanted=False))
    assert chosen.text == "-x 10.0.0.1"
    query = chosen.query(NOW, 5)
    assert (query.having, query.limit, query.awake_at, query.suppressed) == (chosen.having, 5, NOW, False)
    assert parse("hidden:yes").query(NOW).suppressed is None


def test_a_value_stands_once_in_a_filter() -> None:
    chosen = Filter().with_value(Facet.RULE, "r").with_value(Facet.RULE, "r", wanted=False)
    assert chosen.having == (Having(Facet.RULE, "r", wanted=False),)
