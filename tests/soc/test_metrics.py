"""The endpoint answers as Prometheus expects, with the names that docs/reference.md promises."""

from __future__ import annotations

from dataclasses import fields
from urllib.request import urlopen

import pytest

from collectors.sources.source import Counts
from soc.errors import SocError
from soc.metrics import SOURCE_COUNTS, Metrics


def test_the_endpoint_serves_counters_under_their_contract_names() -> None:
    metrics = Metrics()
    metrics.received.labels("auth").inc(3)
    server = metrics.serve("127.0.0.1:0")
    try:
        with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    finally:
        server.stop()
    assert 'soc_records_received_total{source="auth"} 3.0' in text
    for name in ("soc_parse_failures", "soc_detections", "soc_detect_lag_seconds", "soc_journal_queue_events"):
        assert f"# TYPE {name}" in text


def test_every_count_of_a_source_has_its_metric() -> None:
    told_by_what_became_of_records = {"records", "dead"}
    assert SOURCE_COUNTS.keys() | told_by_what_became_of_records == {each.name for each in fields(Counts)}
    assert len({metric for metric, _ in SOURCE_COUNTS.values()}) == len(SOURCE_COUNTS)


def test_an_address_in_use_is_an_error_in_words() -> None:
    server = Metrics().serve("127.0.0.1:0")
    try:
        with pytest.raises(SocError, match="cannot be served"):
            Metrics().serve(f"127.0.0.1:{server.port}")
    finally:
        server.stop()
