"""What filters hid since the last time in, ledger facts out; and what each has hidden so far: tuning is never invisible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from iso27001.ledger import Fact
from soc.app.site import Site

HIDDEN = "tuning.hidden"

Counts = Mapping[tuple[str, str], int]
"""(filter id, rule id) -> hits hidden, as soc.detect.ruleset.Stats has them."""


def record_hidden(site: Site, hidden: Counts, told: Counter[tuple[str, str]], now: datetime) -> None:
    """Write what was hidden beyond what `told` holds, and note it there; to be called at every tick with the same `told`.

    `hidden` counts since the rule set was made: after a reload, call it with the old set's counts first, and go on with an empty `told`.
    A batch that is evaluated again after a crash is counted again.
    """
    fresh = {key: count - told[key] for key, count in hidden.items() if count > told[key]}
    if not fresh:
        return
    counts = [{"filter": each, "rule": rule, "hits": count} for (each, rule), count in sorted(fresh.items())]
    site.ledger.append([Fact(f"{HIDDEN}:{now.isoformat()}", HIDDEN, now, "engine", {"counts": counts})])
    told.update(fresh)


@dataclass(frozen=True, slots=True)
class HiddenSoFar:
    """Hits that one filter hid since its first fact, and when the last of these facts was written."""

    hits: int
    last: datetime


def hidden_so_far(site: Site) -> dict[str, HiddenSoFar]:
    """By filter id, what the engine has told."""
    found: dict[str, HiddenSoFar] = {}
    for entry in site.ledger.entries(kinds=[HIDDEN]):
        for count in entry.fact.body["counts"]:
            before = found.get(count["filter"])
            hits = int(count["hits"]) + (before.hits if before else 0)
            found[count["filter"]] = HiddenSoFar(hits, entry.fact.time)
    return found


def hidden_by_rule(site: Site) -> Counter[str]:
    """By rule id, the hits that filters hid so far."""
    found: Counter[str] = Counter()
    for entry in site.ledger.entries(kinds=[HIDDEN]):
        for count in entry.fact.body["counts"]:
            found[count["rule"]] += int(count["hits"])
    return found
