"""The type of a correlation, as its rule names it, in; the class that runs it out. Source of truth: Sigma specification 2.1, and ours."""

from __future__ import annotations

from typing import Any

from soc.detect.correlation.absence import Absence
from soc.detect.correlation.counting import EventCount, ValueCount
from soc.detect.correlation.kind import Kind
from soc.detect.correlation.measuring import ValueAvg, ValueMedian, ValuePercentile, ValueSum
from soc.detect.correlation.novelty import NewValue, Rarity
from soc.detect.correlation.sequence import Temporal, TemporalOrdered
from soc.detect.correlation.trend import Flatline, Spike

KINDS: dict[str, type[Kind[Any]]] = {
    "event_count": EventCount,
    "value_count": ValueCount,
    "value_sum": ValueSum,
    "value_avg": ValueAvg,
    "value_percentile": ValuePercentile,
    "value_median": ValueMedian,
    "temporal": Temporal,
    "temporal_ordered": TemporalOrdered,
    "new_value": NewValue,
    "rarity": Rarity,
    "spike": Spike,
    "flatline": Flatline,
    "absence": Absence,
}
TIMED = frozenset({"flatline", "absence"})
"""Kinds that fire because time goes on."""
