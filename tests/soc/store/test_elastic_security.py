"""Nodes with security on: an API key of Elasticsearch and a user of OpenSearch with no more rights than docs/reference.md says, TLS
verified, and what a wrong key or password is told."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from soc.app.store_care import migrate
from soc.errors import SocError
from soc.store import AlertQuery, EventQuery, Indexed
from soc.store.config import StoreConfig, StoreKind
from soc.store.elastic import connect
from soc.store.elastic_copy import reindex
from soc.store.elastic_events import ElasticEventStore
from soc.store.elastic_templates import drift, ended
from tests.servers.elastic import ADMIN, ElasticNode, opensearch_admin
from tests.soc.store.material import Site, entries, event, story

pytestmark = pytest.mark.server

NAMESPACE = "guarded"
RIGHTS: dict[str, Any] = {
    "cluster": ["manage_index_templates", "monitor"],
    "indices": [
        {
            "names": [f"logs-*-{NAMESPACE}"],
            "privileges": ["auto_configure", "create_doc", "read", "view_index_metadata", "maintenance"],
        },
        {"names": [f"{NAMESPACE}-*"], "privileges": ["all"]},
    ],
}
"""docs/reference.md, "Elasticsearch"."""

MORE_TO_REINDEX = ["manage", "index", "delete_index"]

ACTIONS: dict[str, Any] = {
    "cluster_permissions": ["cluster_monitor", "cluster_composite_ops", "cluster_manage_index_templates"],
    "index_permissions": [
        {"index_patterns": [f"logs-*-{NAMESPACE}"], "allowed_actions": ["crud", "create_index", "manage"]},
        {"index_patterns": [f"{NAMESPACE}-*"], "allowed_actions": ["indices_all"]},
    ],
}
"""The same for OpenSearch, also to reindex."""


@pytest.fixture(scope="module")
def admin(secure_elastic_node: tuple[ElasticNode, Path]) -> Iterator[Elasticsearch]:
    node, certificate = secure_elastic_node
    client = Elasticsearch(node.url, basic_auth=ADMIN, ca_certs=str(certificate), request_timeout=60)
    yield client
    client.close()


def key_file(admin: Elasticsearch, folder: Path, rights: dict[str, Any], name: str = "soc") -> Path:
    made = admin.security.create_api_key(name=name, role_descriptors={"soc": rights})
    path = folder / name
    path.write_text(f"{made['encoded']}\n")
    return path


@pytest.fixture
def config(secure_elastic_node: tuple[ElasticNode, Path], admin: Elasticsearch, tmp_path: Path) -> StoreConfig:
    node, certificate = secure_elastic_node
    return StoreConfig(
        kind=StoreKind.ELASTICSEARCH,
        hosts=(node.url,),
        api_key_file=key_file(admin, tmp_path, RIGHTS),
        ca_file=certificate,
        namespace=NAMESPACE,
    )


def test_the_rights_that_the_documentation_names_are_enough(
    config: StoreConfig, admin: Elasticsearch, tmp_path: Path
) -> None:
    site = Site(tmp_path / "site", config)
    assert site.index([event(n) for n in range(20)]) == Indexed(20, 0)
    assert site.store.index([event(n) for n in range(20)], 0) == Indexed(0, 20)
    assert (site.store.count(), len(site.store.search(EventQuery()))) == (20, 20)
    projections = site.projections()
    projections.apply(entries(story(1, alerts=9)))
    assert len(projections.alert_ids(AlertQuery())) == 9
    projections.reset()
    client = connect(config)
    store = ElasticEventStore(client, NAMESPACE)
    assert migrate(site.journal, store, lambda done: None).missing == ()
    assert drift(client, NAMESPACE) == []
    assert ended(client, NAMESPACE) == {}
    client.close()
    more = {
        **RIGHTS,
        "indices": [{**RIGHTS["indices"][0], "privileges": [*RIGHTS["indices"][0]["privileges"], *MORE_TO_REINDEX]}],
    }
    admin.indices.put_mapping(index=f"logs-*-{NAMESPACE}", properties={"an.old.field": {"type": "long"}})
    wider = connect(replace(config, api_key_file=key_file(admin, tmp_path, more, "wider")))
    [(_, copied)] = reindex(wider, NAMESPACE, lambda done: None)
    assert copied.documents == 20
    wider.close()
    assert site.events().count() == 20
    site.close()


def test_a_key_without_the_rights_a_wrong_key_and_no_key_are_told_apart(
    config: StoreConfig, admin: Elasticsearch, tmp_path: Path
) -> None:
    reads = {"cluster": ["monitor"], "indices": [{"names": [f"logs-*-{NAMESPACE}"], "privileges": ["read"]}]}
    wrong = tmp_path / "wrong"
    wrong.write_bytes(base64.b64encode(b"not:secret"))
    cases = [
        (key_file(admin, tmp_path, reads, "reads"), r"does not allow this to the API key or user \(403\)"),
        (wrong, r"does not know this API key or user \(401\)"),
        (None, r"does not know this API key or user \(401\)"),
    ]
    for number, (path, said) in enumerate(cases):
        site = Site(tmp_path / f"site{number}", replace(config, api_key_file=path))
        with pytest.raises(SocError, match=said) as caught:
            site.index([event(1)])
        assert caught.value.exit_code == 2
        site.close()


def test_a_certificate_that_nobody_named_is_refused(config: StoreConfig, tmp_path: Path) -> None:
    site = Site(tmp_path / "site", replace(config, ca_file=None))
    with pytest.raises(SocError, match="is ca_file the authority that signed"):
        site.index([event(1)])
    site.close()


PASSWORD = "Vh7-quiet-harbour-92"


@pytest.fixture
def user_config(secure_opensearch_node: tuple[ElasticNode, Path], tmp_path: Path) -> StoreConfig:
    node, certificate = secure_opensearch_node
    for path, body in (
        ("roles/collects", ACTIONS),
        ("internalusers/toolkit", {"password": PASSWORD, "opendistro_security_roles": ["collects"]}),
        ("internalusers/stranger", {"password": PASSWORD}),
    ):
        status, said = opensearch_admin(node, certificate, "PUT", path, body)
        assert status in (200, 201), said
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    return StoreConfig(
        kind=StoreKind.ELASTICSEARCH,
        hosts=(node.url,),
        user="toolkit",
        password_file=tmp_path / "password",
        ca_file=certificate,
        namespace=NAMESPACE,
    )


def test_a_user_of_opensearch_with_the_rights_that_the_documentation_names(
    user_config: StoreConfig, tmp_path: Path
) -> None:
    site = Site(tmp_path / "site", user_config)
    assert site.index([event(n) for n in range(20)]) == Indexed(20, 0)
    assert (site.store.count(), len(site.store.search(EventQuery()))) == (20, 20)
    projections = site.projections()
    projections.apply(entries(story(1, alerts=9)))
    assert len(projections.alert_ids(AlertQuery())) == 9
    projections.reset()
    client = connect(user_config)
    assert migrate(site.journal, ElasticEventStore(client, NAMESPACE), lambda done: None).missing == ()
    client.indices.put_mapping(index=f"logs-*-{NAMESPACE}", properties={"old": {"type": "long"}})
    [(_, copied)] = reindex(client, NAMESPACE, lambda done: None)
    assert copied.documents == 20
    assert (drift(client, NAMESPACE), ended(client, NAMESPACE)) == ([], {})
    client.close()
    assert site.events().count() == 20
    site.close()


def test_a_user_without_the_rights_a_wrong_password_and_a_strange_certificate_are_told_apart(
    user_config: StoreConfig, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not this one")
    for number, (config, said) in enumerate(
        [
            (replace(user_config, user="stranger"), r"does not allow this to the API key or user \(403\)"),
            (replace(user_config, password_file=wrong), r"does not know this API key or user \(401\)"),
            (replace(user_config, user="", password_file=None), r"does not know this API key or user \(401\)"),
            (replace(user_config, ca_file=None), "is ca_file the authority that signed"),
        ]
    ):
        site = Site(tmp_path / f"site{number}", config)
        with pytest.raises(SocError, match=said) as caught:
            site.index([event(1)])
        assert caught.value.exit_code == 2
        site.close()
