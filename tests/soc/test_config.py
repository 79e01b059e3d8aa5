"""soc.yaml as a whole: what only shows once its parts are bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc.config import load
from soc.errors import FaultsError


@pytest.mark.parametrize(
    ("ids", "line", "message"),
    [
        (("auth", "soc"), 3, 'the id "soc" is the SOC\'s own: name it otherwise'),
        (("auth", "auth"), 3, 'the id "auth" is used twice'),
    ],
)
def test_a_source_has_an_id_of_its_own(tmp_path: Path, ids: tuple[str, str], line: int, message: str) -> None:
    path = tmp_path / "soc.yaml"
    sources = "".join(f"  - {{id: {name}, kind: file, path: {number}.log}}\n" for number, name in enumerate(ids))
    path.write_text(f"sources:\n{sources}")
    with pytest.raises(FaultsError) as raised:
        load(path)
    [fault] = raised.value.faults
    assert (fault.line, fault.message) == (line, message)
