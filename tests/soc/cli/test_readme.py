"""The commands of the README, as they are printed and in their order, on the site that `soc demo` leaves."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iso27001.verifier.__main__ import main as verify
from soc.__main__ import run

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")
STAY = re.compile(r"soc (run|tui|sources tap) ")
"""Commands that go on until somebody ends them."""

FINDS = re.compile(r"soc (hunt|intel retro) ")
"""Commands that end with 1, as they find something there."""

FEED = {
    "type": "bundle",
    "id": "bundle--5e7f0c2e-93c7-4b5a-8d5a-000000000001",
    "objects": [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": "indicator--5e7f0c2e-93c7-4b5a-8d5a-000000000002",
            "created": "2026-10-01T00:00:00Z",
            "modified": "2026-10-01T00:00:00Z",
            "valid_from": "2026-10-01T00:00:00Z",
            "pattern_type": "stix",
            "pattern": "[ipv4-addr:value = '203.0.113.66']",
        }
    ],
}
RULE = """\
title: Any Log-in by SSH
id: 5e7f0c2e-93c7-4b5a-8d5a-000000000003
logsource: {product: linux, service: sshd}
detection: {s: {message|startswith: Accepted}, condition: s}
level: low
"""


def printed() -> Iterator[str]:
    """Every command after "Use it", without its comment."""
    for block in re.findall(r"^```sh\n(.*?)^```", README.split("## Use it")[1], re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            yield re.sub(r"\s+# .*", "", line)


def own_files(folder: Path) -> None:
    """What the examples read and everybody has of their own."""
    (folder / "feed.json").write_text(json.dumps(FEED))
    shutil.copy(ROOT / "soc" / "demo" / "day" / "jump-01.auth.log", folder / "auth.log")
    (folder / "evidence" / "evtx").mkdir(parents=True)
    (folder / "evidence" / "evtx" / "events.json").write_text(
        '{"EventID": 1, "Channel": "Security", "Computer": "pc"}\n'
    )
    for product in ("windows", "linux"):
        (folder / "sigma" / "rules" / product).mkdir(parents=True)
        (folder / "sigma" / "rules" / product / "any.yml").write_text(RULE)
    with zipfile.ZipFile(folder / "sigma_all_rules.zip", "w") as release:
        release.writestr("rules/linux/any.yml", RULE)
    changed = (ROOT / "rules" / "web" / "web_sql_injection.yml").read_text("utf-8").replace("level: high", "level: low")
    (folder / "changed_rule.yml").write_text(changed, "utf-8")


def test_every_command_of_the_readme_runs_as_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "--keep", "mysite"]) == 0
    assert "Incident I-e3e91c80" in capfd.readouterr().out, "the README's examples name the demo's first incident"
    own_files(tmp_path)
    monkeypatch.setenv("SOC_CONFIG", "mysite/soc.yaml")
    commands = list(printed())
    assert len(commands) > 30
    year, plan, failed = datetime.now(UTC).year, "", []
    for command in commands:
        if STAY.match(command):
            continue
        as_printed = command.replace("/srv/", f"{tmp_path}/srv/").replace("/evidence/", f"{tmp_path}/evidence/")
        as_printed = as_printed.replace("2026-12-31", f"{year}-12-31").replace("2027-02-01", f"{year + 1}-02-01")
        as_printed = re.sub(r"P-[0-9a-f]{12}", plan, as_printed)
        code = called(as_printed)
        said = capfd.readouterr()
        if code != bool(FINDS.match(command)):
            failed.append(f"{command}\n  -> {code} {said.out[-300:]}{said.err[-300:]}")
        if command.startswith("soc playbook plan"):
            plan = said.out.split()[0]
    assert not failed, "\n".join(failed)


def called(command: str) -> int:
    """One command of a shell, in this process; where it is a pipe, in processes of its own."""
    if "|" in command:
        soc = f'soc() {{ {shlex.quote(sys.executable)} -m soc "$@"; }}; set -o pipefail; {command}'
        return subprocess.run(["bash", "-c", soc], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode
    program, *arguments = shlex.split(command)
    return {"soc": run, "soc-verify": verify}[program](arguments)
