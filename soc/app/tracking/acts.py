"""What can be decided on each kind of record, as data: the commands of `soc iso` and the terminal UI read these tables."""

from __future__ import annotations

from collections.abc import Mapping

from soc.app.tracking import Act
from soc.app.tracking.audits import AUDITS
from soc.app.tracking.evidence import EVIDENCE
from soc.app.tracking.findings import EXCEPTIONS, FINDINGS
from soc.app.tracking.risks import ACTIVITIES, RISKS
from soc.app.tracking.statements import STATEMENTS

ACTS: Mapping[str, Mapping[str, Act]] = {
    noun: {act.name: act for act in acts}
    for noun, acts in (
        ("evidence", EVIDENCE),
        ("soa", STATEMENTS),
        ("audit", AUDITS),
        ("findings", FINDINGS),
        ("exceptions", EXCEPTIONS),
        ("risk", RISKS),
        ("activities", ACTIVITIES),
    )
}
"""By the noun of the command, by name."""
