"""ATT&CK's tactics as Sigma's tags name them, in the order of the matrix. Source of truth: ATT&CK Enterprise 19, and what it renamed."""

from __future__ import annotations

OLD_TACTIC = "defense-evasion"
"""Split into stealth and defense-impairment in ATT&CK 19; rules carry either age."""

TACTICS = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "stealth",
    "defense-impairment",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
)

_AT = TACTICS.index("stealth") + 1
OF_ANY_AGE = (*TACTICS[:_AT], OLD_TACTIC, *TACTICS[_AT:])
"""All of them, the old one where it stood."""
