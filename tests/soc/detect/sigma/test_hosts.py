"""SigmaHQ's rules for hosts fire on lines as the hosts write them: parsed by our parsers, matched by the production engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc.detect.ruleset import RuleSet
from soc.detect.sigma import load
from tests.collectors.parse.golden import pairs, read
from tests.soc.detect.sigma.material import SIGMAHQ, event

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="needs ../shared/corpus/sigmahq")]

FIRING = {
    "auditd": (
        "rules/linux",
        {
            "file_event_lnx_persistence_sudoers_files", "lnx_auditd_create_account", "lnx_auditd_disable_system_firewall",
            "lnx_auditd_keylogging_with_pam_d", "lnx_auditd_user_discovery", "lnx_auditd_web_rce", "proc_creation_lnx_local_account",
        },
    ),
    "messages/named": ("rules/network/dns", {"net_dns_pua_cryptocoin_mining_xmr"}),
    "messages/clamav": ("rules/linux/builtin/clamav", {"lnx_clamav_relevant_message"}),
    "messages/vsphere": (
        "rules/linux/process_creation", {"proc_creation_lnx_esxcli_user_account_creation", "proc_creation_lnx_esxcli_vm_kill"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIRING)
def test_rules_fire_on_golden_lines(name: str) -> None:
    folder, expected = FIRING[name]
    form, path = pairs()[name]
    content = load([SIGMAHQ / folder], cache=None)
    events = [event(each["fields"], number=at) for at, each in enumerate(read(form, path), 1)]  # type: ignore[arg-type]
    fired = {found.rule.id for found in RuleSet(content).detect(events)}
    assert {Path(file).stem for file, rule in content if rule.id in fired} >= expected
