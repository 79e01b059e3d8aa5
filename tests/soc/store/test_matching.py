"""What "equal" means in a search, which configuration is possible, and how search text is folded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.event import Value
from soc.store.columns import micros, words
from soc.store.config import StoreConfig, StoreKind
from soc.store.matching import holds, is_address

_scalar = st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.floats(allow_nan=False))


@given(_scalar)
def test_a_value_equals_itself_alone_and_in_a_list(value: str | float) -> None:
    assert holds({"f": value})({"f": value})
    assert holds({"f": value})({"f": ["other", value]})  # type: ignore[dict-item]
    assert not holds({"f": value})({})


@given(st.ip_addresses(), st.integers(0, 128))
def test_an_address_is_in_a_network_as_the_standard_library_has_it(address: object, prefix: int) -> None:
    parsed = ip_address(str(address))
    bits = min(prefix, parsed.max_prefixlen)
    assert holds({"source.ip": f"{parsed}/{bits}"})({"source.ip": str(parsed)})
    assert holds({"source.ip": parsed.exploded.upper()})({"source.ip": parsed.compressed})


@pytest.mark.parametrize(
    ("wanted", "value", "equal"),
    [
        ("22", 22, True),
        (22, "22", True),
        (22.0, 22, True),
        (True, "true", True),
        (True, 1, False),
        ("Lan", "lan", False),
        ("", None, False),
        (None, "", False),
        (None, [], True),
        (["a"], ["b", "a"], True),
        (["a", "c"], ["b", "a"], False),
    ],
)
def test_values_are_compared_as_text(wanted: Value, value: Value, equal: bool) -> None:
    assert holds({"f": wanted})({"f": value}) is equal


def test_address_fields_are_those_of_ecs() -> None:
    assert all(map(is_address, ["source.ip", "ip", "dns.resolved_ip", "host.ip"]))
    assert not any(map(is_address, ["source.address", "winlog.event_data.ip", "ip.note", "zip", "egov.skip"]))


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact_for_every_year(moment: datetime) -> None:
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros(moment)) == moment


def test_words_fold_case_and_unicode_form() -> None:
    assert words(" Hộ  TỊCH ") == words("Ho\u0323\u0302 ti\u0323ch") == ("hộ", "tịch")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"kind": StoreKind.ELASTICSEARCH}, "needs hosts"),
        ({"hosts": ("http://es1:9200",)}, 'belong to "kind: elasticsearch"'),
        ({"hosts": ("es1:9200",)}, "is not an address"),
        ({"hosts": ("https://es1:port",)}, "Port could not be cast"),
        ({"hosts": ("https://elastic:secret@es1",)}, "carries a password"),
        ({"hosts": ("http://es1:9200",), "api_key_file": Path("key")}, "unencrypted"),
        ({"hosts": ("http://es1:9200",), "user": "soc", "password_file": Path("password")}, "unencrypted"),
        ({"user": "soc"}, "user and password_file belong"),
        ({"password_file": Path("password")}, "user and password_file belong"),
        ({"user": "soc", "password_file": Path("password"), "api_key_file": Path("key")}, "take one"),
        ({"namespace": "a-b"}, "may hold only"),
        ({"namespace": "*"}, "may hold only"),
        ({"retention": timedelta(hours=1)}, "at least 1d"),
    ],
)
def test_a_configuration_that_cannot_be_says_why(settings: dict[str, object], problem: str) -> None:
    whole = {"hosts": ("https://es1",), "kind": StoreKind.ELASTICSEARCH, **settings}
    if problem == "needs hosts":
        del whole["hosts"]
    if problem.startswith("belong"):
        del whole["kind"]
    with pytest.raises(ValueError, match=problem) as caught:
        StoreConfig(**whole)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_loopback_may_get_the_key_without_tls() -> None:
    StoreConfig(kind=StoreKind.ELASTICSEARCH, hosts=("http://127.0.0.1:9200", "http://[::1]"), api_key_file=Path("key"))
