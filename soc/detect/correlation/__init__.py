"""Hits of detection rules in, hits of correlations out: in event time, over sliding windows, in bounded memory.

Source of truth: Sigma specification 2.1, correlation rules; what it leaves open is decided here.

Time. An event's time is `@timestamp`, but not later than its receipt. Hits wait until the watermark has passed them (.watermark) and are
correlated in order of time, then of sequence number, so arrival within the lateness changes nothing. A window is (t - timespan, t],
evaluated at each hit of a group; it is never aligned to the clock. A hit that comes later than that is counted, and correlated among the
late hits of its source in order of arrival.

Firing. A group fires when its condition becomes true; while that stays true at each hit, it fires again at the first hit that is a timespan
or more after it last fired. Conditions that few or no events satisfy (lt, lte, eq, neq) are evaluated at hits too: that nothing comes
at all is what `flatline` and `absence` are for.

Groups. Values of group-by are compared as texts, case counts. A hit that lacks one of the fields belongs to no group (Sigma: all values
must be the same, and an absent one is the same as none); a field with several values puts it in a group of each. What a correlation
counts or measures in a field that is absent is left out likewise.

Kinds. event_count: events, each once, also where it fires several of the rules. value_count: distinct values; of several fields, distinct
combinations. value_sum, value_avg, value_percentile, value_median: over the numbers in the window; text counts where it is a number.
temporal: how many of the rules occurred; an expression over them, by default all. temporal_ordered: the same in the order in which `rules`
has them, each in a later event than the one before. Ours: new_value, rarity (.novelty), spike, flatline (.trend), absence (.absence).
"""

from __future__ import annotations

from soc.detect.correlation.correlator import Correlator, Finding
from soc.detect.correlation.network import Network
from soc.detect.correlation.recall import Keeper, Recall
from soc.detect.correlation.state import StateError
from soc.detect.correlation.watermark import ENDLESS, Lateness

__all__ = ["ENDLESS", "Correlator", "Finding", "Keeper", "Lateness", "Network", "Recall", "StateError"]
