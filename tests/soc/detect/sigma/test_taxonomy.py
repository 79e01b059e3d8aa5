"""Which events a rule reads by its logsource, and where it finds Sigma's fields in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.event import Value
from soc.detect.ruleset import load
from soc.detect.sigma import taxonomy, windows
from soc.detect.sigma.ir import Logsource
from soc.detect.sigma.route import ROUTING
from tests.soc.detect.sigma.material import FOLDERS, SIGMAHQ, event, rule, write


def reads(
    folder: Path, logsource: dict[str, str], selection: Any, fields: dict[str, Value], original: str = ""
) -> bool:
    """Whether a rule of the logsource fires on the event."""
    rules = load([write(folder, rule({"s": selection, "condition": "s"}, logsource=logsource))])
    return bool(rules.detect([event(fields, original)]))


CASES = yaml.safe_load((Path(__file__).parent / "taxonomy_cases.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["claim"] for case in CASES])
def test_rule_reads_the_events_of_its_logsource(tmp_path: Path, case: dict[str, Any]) -> None:
    assert reads(tmp_path, case["logsource"], case["selection"], case["event"]) is case["fires"]


@pytest.mark.corpus
@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="needs ../shared/corpus/sigmahq")
def test_every_windows_logsource_of_sigmahq_is_mapped() -> None:
    from soc import yaml_file

    unmapped = set()
    for folder in FOLDERS:
        for path in (SIGMAHQ / folder).rglob("*.yml"):
            logsource = yaml_file.read(path)[0].data["logsource"]
            if logsource.get("product") == "windows":
                found = taxonomy.routes(
                    Logsource(logsource.get("category") or "", "windows", logsource.get("service") or "")
                )
                named = {name for route in found for name, _ in route.where}
                if logsource.get("service") and logsource["service"] not in windows.CHANNELS:
                    unmapped.add(logsource["service"])
                if logsource.get("category") and "event.category" in named:
                    unmapped.add(logsource["category"])
    assert unmapped == set()


def test_channels_and_codes_are_lower_case_where_they_are_compared() -> None:
    for logsource in (
        Logsource("process_creation", "windows"),
        Logsource("", "linux", "cron"),
        Logsource("webserver"),
        Logsource("", "aws", "cloudtrail"),
    ):
        for route in taxonomy.routes(logsource):
            assert all(value == value.lower() for _, values in (*route.where, *route.require) for value in values)
            assert {name for name, _ in route.where} <= set(ROUTING)
