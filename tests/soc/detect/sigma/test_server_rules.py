"""SigmaHQ's rules for servers and databases fire on the golden lines of the parsers that read them, and on no others of their log."""

from __future__ import annotations

import pytest

from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir, load
from tests.collectors.parse.golden import pairs, read
from tests.soc.detect.sigma.material import SIGMAHQ, event

FIRED = {
    "squid": {"Download From Suspicious TLD - Blacklist", "Download From Suspicious TLD - Whitelist"},
    "w3c": {"Suspicious User-Agents Related To Recon Tools"},
    "zeek": {
        "DNS Events Related To Mining Pools",
        "Default Cobalt Strike Certificate",
        "Executable from Webdav",
        "HTTP Request to Low Reputation TLD or Suspicious File Extension",
        "Kerberos Network Traffic RC4 Ticket Encryption",
        "MITRE BZAR Indicators for Execution",
        "Monero Crypto Coin Mining Pool Lookup",
        "Possible Impacket SecretDump Remote Activity - Zeek",
        "Potential PetitPotam Attack Via EFS RPC Calls",
        "Publicly Accessible RDP Service",
        "Suspicious Access to Sensitive File Extensions - Zeek",
        "Suspicious DNS Z Flag Bit Set",
    },
    "shapes/zeek": {
        "DNS Events Related To Mining Pools",
        "Default Cobalt Strike Certificate",
        "Executable from Webdav",
        "HTTP Request to Low Reputation TLD or Suspicious File Extension",
        "Kerberos Network Traffic RC4 Ticket Encryption",
        "Monero Crypto Coin Mining Pool Lookup",
        "Possible Impacket SecretDump Remote Activity - Zeek",
        "Suspicious DNS Z Flag Bit Set",
    },
    "shapes/suricata": {"Monero Crypto Coin Mining Pool Lookup"},
}


@pytest.mark.parametrize("name", FIRED)
@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="the corpus of SigmaHQ's rules is not beside the checkout")
def test_rules_of_sigmahq_fire_on_golden_lines(name: str) -> None:
    rules = [
        pair
        for pair in load([SIGMAHQ / "rules" / "network", SIGMAHQ / "rules" / "web"])
        if isinstance(pair[1], ir.Rule)
    ]
    form, path = pairs()[name]
    events = [
        event(each["fields"], number=number)  # type: ignore[arg-type]  # read gives objects
        for number, each in enumerate(read(form, path), 1)
    ]
    found = {each.rule.title for each in RuleSet(rules).detect(events)}
    assert found == FIRED[name]
