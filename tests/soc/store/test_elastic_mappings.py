"""What the conversion of rules takes for granted of the templates is what the templates say."""

from __future__ import annotations

import pytest

from soc.detect.sigma import convert_tree
from soc.store.elastic_mappings import TEXT_FIELDS, wanted
from soc.store.matching import is_address


def test_the_fields_that_are_broken_into_words_have_their_whole_beside_them() -> None:
    assert {field: f"{field}.keyword" for field in TEXT_FIELDS} == convert_tree.TEXT
    assert all(wanted(field)["fields"]["keyword"]["normalizer"] == "lowercase" for field in TEXT_FIELDS)


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("source.ip", True),
        ("dns.resolved_ip", True),
        ("ip", True),
        ("winlog.event_data.ip", False),
        ("winlog.event_data.DestinationIp", False),
        ("zip", False),
        ("source.ip.geo", False),
    ],
)
def test_what_is_an_address_is_one_everywhere(field: str, address: bool) -> None:
    assert convert_tree.is_address(field) is is_address(field) is address
    assert (wanted(field)["type"] == "ip") is address
