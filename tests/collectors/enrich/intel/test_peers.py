"""Against the reference library of STIX: bundles that it writes, and patterns that its grammar accepts or refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import stix2
from hypothesis import given
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from collectors.enrich.intel.indicator import Kind
from collectors.enrich.intel.reading import Defaults, read_file
from collectors.enrich.intel.stix import comparisons
from collectors.enrich.intel.told import Told

BEGIN, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 21, tzinfo=UTC)


def test_a_bundle_of_the_reference_library_is_read_as_it_was_meant(tmp_path: Path) -> None:
    one = stix2.Indicator(
        name="Phishing kit",
        pattern="[ipv4-addr:value = '203.0.113.7'] OR [url:value = 'http://a.example/it\\'s']",
        pattern_type="stix",
        confidence=85,
        valid_from=BEGIN,
        valid_until=END,
        object_marking_refs=[stix2.TLP_AMBER],
        external_references=[stix2.ExternalReference(source_name="report", url="https://cert.example/7")],
    )
    more = stix2.Indicator(
        pattern="[network-traffic:dst_port = 443 AND ipv4-addr:value = '203.0.113.8']", pattern_type="stix"
    )
    path = tmp_path / "bundle.json"
    path.write_text(stix2.Bundle(one, more, stix2.Malware(name="x", is_family=False), stix2.TLP_AMBER).serialize())
    told = Told()
    address, url = read_file(path, told, Defaults())
    assert (address.kind, address.value, url.kind, url.value) == (
        Kind.IPV4,
        "203.0.113.7",
        Kind.URL,
        "http://a.example/it's",
    )
    for each in (address, url):
        assert (each.id, each.name, each.confidence, each.tlp) == (one.id, "Phishing kit", 85, "AMBER")
        assert (each.valid_from, each.valid_until, each.reference) == (BEGIN, END, "https://cert.example/7")
    assert (told.faulty, told.skipped.total()) == (0, 1)


PATHS = st.sampled_from(
    [
        "ipv4-addr:value",
        "domain-name:value",
        "url:value",
        "file:hashes.MD5",
        "file:hashes.'SHA-256'",
        "file:name",
        "x-y:z.a",
    ]
)
TEXTS = st.text(alphabet="ab.'\\ %/:", max_size=8).map(
    lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
)
COMPARISONS = st.one_of(
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["=", "!=", "LIKE", "MATCHES", "ISSUBSET", ">"]), TEXTS),
    st.builds("{} IN ({}, {})".format, PATHS, TEXTS, TEXTS),
    st.builds("NOT {} = {}".format, PATHS, TEXTS),
    st.builds("{} = 7".format, PATHS),
)
OBSERVATIONS = st.builds(
    lambda parts, joiner: f"[{joiner.join(parts)}]",
    st.lists(COMPARISONS, min_size=1, max_size=3),
    st.sampled_from([" OR ", " AND ", " ", " XOR "]),
)
PATTERNS = st.builds(
    lambda parts, joiner, end: joiner.join(parts) + end,
    st.lists(OBSERVATIONS, min_size=1, max_size=3),
    st.sampled_from([" OR ", " AND ", " FOLLOWEDBY ", ""]),
    st.sampled_from(["", "", " REPEATS 2 TIMES", "]", " WITHIN 5 SECONDS"]),
)


@given(PATTERNS)
def test_a_pattern_that_gives_values_is_one_by_the_reference_grammar(pattern: str) -> None:
    try:
        values = comparisons(pattern)
    except ValueError:
        assert faults_of(pattern), "what the grammar accepts is skipped, not refused"
        return
    if values:
        assert not faults_of(pattern)


def faults_of(pattern: str) -> list[str]:
    """What the reference says against the pattern, but for hashes that are none: values are judged one by one."""
    return [fault for fault in run_validator(pattern, stix_version="2.1") if "is not a valid" not in fault]
