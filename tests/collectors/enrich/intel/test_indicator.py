"""Values in every spelling that feeds and events have, their one usual spelling, and the keys they are found by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.enrich.intel.indicator import (
    Kind,
    confidence_word,
    domain_of,
    host_of,
    kind_of,
    moment,
    packed,
    spelled,
    tlp_of,
    url_of,
)


@pytest.mark.parametrize(
    ("kind", "text", "found", "value"),
    [
        (Kind.IPV4, "203.0.113.7", Kind.IPV4, "203.0.113.7"),
        (Kind.IPV4, " 203[.]0[.]113[.]7 ", Kind.IPV4, "203.0.113.7"),
        (Kind.IPV4, "203.0.113.7/32", Kind.IPV4, "203.0.113.7"),
        (Kind.IPV4, "203.0.113.0/24", Kind.IPV4, "203.0.113.0/24"),
        (Kind.IPV4, "2001:DB8::0:7", Kind.IPV6, "2001:db8::7"),
        (Kind.IPV6, "::ffff:203.0.113.7", Kind.IPV4, "203.0.113.7"),
        (Kind.IPV6, "2001:db8::/32", Kind.IPV6, "2001:db8::/32"),
        (Kind.DOMAIN, "Evil[.]Example.", Kind.DOMAIN, "evil.example"),
        (Kind.DOMAIN, "Bücher.example", Kind.DOMAIN, "xn--bcher-kva.example"),
        (Kind.URL, "hxxps://Evil[.]Example:443", Kind.URL, "https://evil.example/"),
        (Kind.URL, "HTTP://evil.example:8080?a=B#top", Kind.URL, "http://evil.example:8080/?a=B"),
        (Kind.URL, "http://lan@Evil.example/Path", Kind.URL, "http://lan@evil.example/Path"),
        (Kind.FILE, "D41D8CD98F00B204E9800998ECF8427E", Kind.FILE, "d41d8cd98f00b204e9800998ecf8427e"),
        (Kind.EMAIL, "Boss[@]Evil[.]Example", Kind.EMAIL, "boss@evil.example"),
    ],
)
def test_value_gets_its_usual_spelling(kind: Kind, text: str, found: Kind, value: str) -> None:
    assert spelled(kind, text) == (found, value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.IPV4, "203.0.113.300"),
        (Kind.IPV4, "203.0.113.7/24"),  # bits beside the network: which of the two is meant?
        (Kind.IPV4, "0.0.0.0/0"),
        (Kind.IPV6, "::/0"),
        (Kind.DOMAIN, "example"),
        (Kind.DOMAIN, "203.0.113.7"),
        (Kind.DOMAIN, "-bad-.example"),
        (Kind.DOMAIN, "a b.example"),
        (Kind.DOMAIN, f"{'a' * 64}.example"),
        (Kind.URL, "/index.php"),
        (Kind.URL, "https://"),
        (Kind.FILE, "d41d8cd9"),
        (Kind.FILE, "z" * 32),
        (Kind.EMAIL, "boss"),
        (Kind.EMAIL, "boss@example"),
        (Kind.URL, "http://evil.example/\x00"),
        (Kind.URL, f"http://evil.example/{'a' * 9_000}"),
        (Kind.DOMAIN, ""),
    ],
)
def test_what_is_no_value_or_matches_too_much_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError, match=r"is no|is wider") as refused:
        spelled(kind, text)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("203.0.113.0/24", Kind.IPV4),
        ("2001:db8::1", Kind.IPV6),
        ("http://evil.example/a@b", Kind.URL),
        ("boss@evil.example", Kind.EMAIL),
        ("d41d8cd98f00b204e9800998ecf8427e", Kind.FILE),
        ("evil[.]example", Kind.DOMAIN),
    ],
)
def test_kind_is_known_by_the_form(text: str, kind: Kind) -> None:
    assert kind_of(text) is kind


def test_a_form_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="name its type"):
        kind_of("evil")


@given(st.text(max_size=40), st.sampled_from(Kind))
def test_no_text_breaks_a_look_up_and_what_is_spelled_keeps_its_spelling(text: str, kind: Kind) -> None:
    packed(text), domain_of(text), url_of(text), host_of(text)
    try:
        found, value = spelled(kind, text)
    except ValueError:
        return
    assert spelled(found, value) == (found, value)


HOSTS = st.from_regex(r"[A-Za-z]([A-Za-z0-9-]{0,5}[A-Za-z0-9])?(\.[A-Za-z]{2,5}){1,2}", fullmatch=True)


@given(
    st.sampled_from(["http", "HTTPS", "ftp", "x-y"]),
    st.sampled_from(["", "lan@", "lan:pw@", "a@b@"]),
    st.one_of(HOSTS, st.just("[2001:db8::7]"), st.just("203.0.113.7")),
    st.sampled_from(["", ":80", ":443", ":8080", ":"]),
    st.sampled_from(["", "/", "/a@b", "?q=http://other.example/", "#f", "\\x", "/%2e"]),
)
def test_the_quick_way_to_the_host_of_a_url_finds_the_one_that_it_is_keyed_by(
    scheme: str, user: str, host: str, port: str, rest: str
) -> None:
    url = f"{scheme}://{user}{host}{port}{rest}"
    assert host_of(url).lower() == url_of(url)[1] == host.strip("[]").lower()


def test_markings_and_confidence_have_their_words() -> None:
    assert [tlp_of(text) for text in ("tlp:amber", "White", "TLP:AMBER+STRICT")] == ["AMBER", "CLEAR", "AMBER+STRICT"]
    with pytest.raises(ValueError, match="no TLP marking"):
        tlp_of("tlp:purple")
    words = [confidence_word(each) for each in (None, 0, 1, 29, 30, 69, 70, 100)]
    assert words == ["Not Specified", "None", "Low", "Low", "Medium", "Medium", "High", "High"]


def test_times_are_utc_and_a_date_is_its_beginning() -> None:
    assert moment("2026-11-23T07:00:00+07:00") == moment("2026-11-23") == datetime(2026, 11, 23, tzinfo=UTC)
    for text in ("soon", "2026-13-01", "0001-01-01T00:00:00+23:59", ""):
        with pytest.raises(ValueError, match="is no time"):
            moment(text)
