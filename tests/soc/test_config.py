"""soc.yaml as a whole: what only shows once its parts are bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.sources import CONFIGS, RelpConfig
from soc.app.content import shipped
from soc.config import load
from soc.errors import FaultsError


def test_the_shipped_file_has_a_sample_of_every_kind_of_source_that_binds_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "soc.yaml"
    path.write_text((shipped() / "soc.yaml").read_text().replace("  # - {id:", "  - {id:"))
    assert {source.kind for source in load(path).sources} == CONFIGS.keys()


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


def test_certificates_are_found_from_the_file_that_names_them(tmp_path: Path) -> None:
    path = tmp_path / "soc.yaml"
    path.write_text(
        "sources:\n  - {id: relp, kind: relp, certificate: keys/soc.crt, client_ca: /etc/ca.pem, clients: [web-01]}\n"
    )
    [source] = load(path).sources
    assert isinstance(source, RelpConfig)
    assert (source.certificate, source.client_ca, source.clients) == (
        tmp_path / "keys/soc.crt",
        Path("/etc/ca.pem"),
        ("web-01",),
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("kind: syslog, transport: tls", 'tls needs a "certificate"'),
        (
            "kind: syslog, transport: tcp, client_ca: ca.pem",
            '"certificate", "key", "client_ca" and "clients" are for tls',
        ),
        (
            "kind: relp, certificate: a.crt, clients: [web-01]",
            '"clients" needs a "client_ca" that signed their certificates',
        ),
    ],
)
def test_a_listener_that_would_check_less_than_it_seems_stops_the_start(
    tmp_path: Path, keys: str, message: str
) -> None:
    path = tmp_path / "soc.yaml"
    path.write_text(f"sources:\n  - {{id: a, {keys}}}\n")
    with pytest.raises(FaultsError) as raised:
        load(path)
    [fault] = raised.value.faults
    assert (fault.line, fault.message) == (2, message)
