"""SigmaHQ's rules for network devices fire on what the devices write."""

from __future__ import annotations

import pytest

from soc.detect.ruleset import RuleSet, load
from tests.collectors.parse.golden import pairs, read
from tests.soc.detect.sigma.material import SIGMAHQ, event

FIRING = [
    ("fortigate", "rules/network/fortinet/fortigate/fortinet_fortigate_new_admin_account_created.yml"),
    ("cisco_ios", "rules/network/cisco/bgp/cisco_bgp_md5_auth_failed.yml"),
    ("cisco_ios", "rules/network/cisco/aaa/cisco_cli_disable_logging.yml"),
    ("cisco_asa", "rules/network/cisco/aaa/cisco_cli_disable_logging.yml"),
    ("cisco_ios", "rules-emerging-threats/2023/Exploits/CVE-2023-20198/cisco_syslog_cve_2023_20198_ios_xe_web_ui.yml"),
    ("huawei", "rules/network/huawei/bgp/huawei_bgp_auth_failed.yml"),
    ("fortigate", "rules/network/firewall/net_firewall_cleartext_protocols.yml"),
]


@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="SigmaHQ's rules are not beside this checkout")
@pytest.mark.parametrize(("name", "path"), FIRING)
def test_rule_fires_on_a_golden_line(name: str, path: str) -> None:
    rules: RuleSet = load([SIGMAHQ / path], cache=None)
    form, lines = pairs()[f"messages/{name}"]
    events = [
        event(each["fields"], original=line, number=number)  # type: ignore[arg-type]
        for number, (each, line) in enumerate(zip(read(form, lines), lines.read_text().splitlines(), strict=True), 1)
    ]
    assert rules.detect(events)
