"""What the engine did, in the form that Prometheus reads: counters and gauges with bounded labels, served on `/metrics`.

Names are contracts (docs/reference.md, "Metrics"): soc_<noun>_<unit>_total for what only grows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from collectors.sources.source import Counts
from soc.errors import SocError

SOURCE_COUNTS = {
    "size_bytes": ("soc_records_bytes", "Bytes of the records taken from a source"),
    "truncated": ("soc_records_truncated", "Records cut at the limit"),
    "truncated_bytes": ("soc_records_truncated_bytes", "Bytes of records beyond the limit, which are lost"),
    "blank": ("soc_lines_blank", "Empty lines, which are no records"),
    "dropped": ("soc_records_dropped", "Records lost before the source could read them"),
    "refused": ("soc_senders_refused", "Connections, requests and messages that were not taken"),
    "framing_faults": ("soc_framing_faults", "Messages and frames that could not be read"),
    "restarts": ("soc_source_restarts", "Files and topics that began anew"),
    "repeated": ("soc_records_repeated", "Records that came again and are in the journal already"),
    "failed": ("soc_requests_failed", "Requests to a service that brought no reply that could be read"),
    "missing": ("soc_flows_missing", "Flows that exporters say they sent and that never came"),
    "undecoded": ("soc_flow_sets_undecoded", "Sets of flows whose template never came"),
}
"""What a source counts (`Counts`), but for what becomes of its records -> metric, and what it says."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What collecting has counted since its start. `sources`: by id; `waiting_s`: how long the disk has refused what a source gave.

    `matched`: events that hold an indicator, by feed.
    """

    sources: Mapping[str, Counts] = field(default_factory=dict)
    waiting_s: Mapping[str, float] = field(default_factory=dict)
    matched: Mapping[str, int] = field(default_factory=dict)
    indicators: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)


class Metrics:
    """One registry a process; labels are source ids, levels and fixed words only, never event text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        self.received = counter("soc_records_received", "Records taken from a source", "source")
        self.parsed = counter("soc_events_parsed", "Records that became events", "source")
        self.dead = counter("soc_parse_failures", "Records that became dead letters", "source")
        self.journalled = counter("soc_events_journalled", "Events durable in the journal")
        self.evaluated = counter("soc_events_evaluated", "Events that every detector has seen")
        self.indexed = counter("soc_events_indexed", "Events in the event store")
        self.refused = counter("soc_events_refused", "Events that the event store refused for good")
        self.detections = counter("soc_detections", "Detections by level", "level")
        self.alerts = counter("soc_alerts_opened", "Alerts opened by level", "level")
        self.incidents = counter("soc_incidents_opened", "Incidents opened")
        self.detect_seconds = counter("soc_detect_seconds", "CPU seconds spent in detectors")
        self.queue = gauge("soc_journal_queue_events", "Events in the journal that are not evaluated yet")
        self.lag = gauge("soc_detect_lag_seconds", "Age of the newest evaluated event when it was evaluated")
        self.rules = gauge("soc_rules_loaded", "Detection rules and models in use")
        self.reloads = counter("soc_rules_reloads", "Changed rule folders that were loaded or refused", "result")
        self.suspended = gauge("soc_rules_suspended", "Rules that do not run because they cost too much")
        self.suspensions = counter("soc_rules_suspensions", "Times that a rule was suspended because it cost too much")
        self.held_back = gauge(
            "soc_correlation_held_back_hits", "Hits that wait for events that may still be under way"
        )
        self.groups = gauge("soc_correlation_groups", "Groups that correlations remember")
        self.late = counter("soc_correlation_late_hits", "Hits that came later than the allowed lateness")
        self.early = counter(
            "soc_correlation_early_hits", "Hits correlated before the lateness was over: too many waited"
        )
        self.evicted = counter("soc_correlation_groups_evicted", "Groups given up because there were too many")
        self.hidden = counter("soc_hits_hidden", "Hits that a filter hid, by the id of the filter", "filter")
        self.heartbeats = counter("soc_heartbeats", "Events of our own that told the time where nothing else did")
        self.unreachable = counter(
            "soc_store_unreachable", "Times that the store did not answer and a batch was tried again"
        )

        self.collected: Callable[[], Collected] = Collected
        """Asked whenever the metrics are read; whoever collects puts its own here."""
        self.registry.register(_Collecting(self))

    def serve(self, listen: str) -> MetricsServer:
        """Serve on "host:port" (port 0: any free one). Raises: SocError where the address cannot be had."""
        host, _, port = listen.rpartition(":")
        try:
            server, thread = start_http_server(int(port), addr=host or "127.0.0.1", registry=self.registry)
        except (OSError, ValueError) as error:
            raise SocError(f"metrics cannot be served on {listen}: {error}") from error
        return MetricsServer(server, thread)


class _Collecting(Collector):
    """What collecting counts itself, as it stands when it is asked."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """A family for each count."""
        collected = self._metrics.collected()
        for name, (metric, text) in SOURCE_COUNTS.items():
            family = CounterMetricFamily(metric, text, labels=("source",))
            for source, counts in collected.sources.items():
                family.add_metric((source,), getattr(counts, name))
            yield family
        waiting = GaugeMetricFamily(
            "soc_source_waiting_seconds",
            "How long the disk has refused what a source gave; 0: it does not",
            labels=("source",),
        )
        for source, seconds in collected.waiting_s.items():
            waiting.add_metric((source,), seconds)
        yield waiting
        matches = CounterMetricFamily(
            "soc_indicator_matches", "Events that hold an indicator, by its feed", labels=("feed",)
        )
        for feed, events in collected.matched.items():
            matches.add_metric((feed,), events)
        yield matches
        yield GaugeMetricFamily("soc_indicators", "Indicators that events are matched against", collected.indicators)
        yield GaugeMetricFamily(
            "soc_enrichment_refused",
            "Kinds of files of enrichment that changed and cannot be read",
            len(collected.refused),
        )


class MetricsServer:
    """The running endpoint; `port` is the one it got."""

    def __init__(self, server: WSGIServer, thread: threading.Thread) -> None:
        self._server = server
        self._thread = thread
        self.port: int = server.server_port

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
