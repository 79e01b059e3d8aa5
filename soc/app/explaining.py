"""A rule and an alert in, the engine's account of every leaf out, on the events as the journal holds them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from soc.alert import Alert
from soc.alert.facts import DETECTION
from soc.app.intakes import enricher
from soc.app.site import Site
from soc.detect.ruleset import Explanation
from soc.errors import SocError

MOST = 5
"""Events of an alert that are explained."""


def explanations(site: Site, rule_id: str, alert: Alert) -> Iterator[tuple[str, Explanation]]:
    """The raw text and the account of each event, the alert's first events first. Raises: SocError for a rule that is not loaded."""
    ruleset = site.rules()
    if ruleset.rule(rule_id) is None:
        raise SocError(f"there is no rule {rule_id}; `soc rules list` lists them")
    enrich = enricher(site)
    entries = (site.ledger.by_id(f"{DETECTION}:{each}") for each in alert.detection_ids)
    places = (int(place["journal"]) for entry in entries if entry for place in entry.fact.body["events"])
    for offset in islice(places, MOST):
        [event] = enrich([site.journal_reader.fetch(offset)])
        yield event.original, ruleset.explain(rule_id, event)
