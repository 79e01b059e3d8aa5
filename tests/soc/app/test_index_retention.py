"""What a site on Elasticsearch keeps no longer is dropped by the index, with a fact; what is evidence stays; the server drops nothing."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from soc.app.auditing import audit
from soc.app.history import Span
from soc.app.holding import hold, release
from soc.app.index_retention import index_plans
from soc.app.legal_minimum import keeping
from soc.app.retention import retain
from soc.app.run import Running
from soc.app.sealing import DROPPED
from soc.app.site import Site
from soc.app.store_care import elastic_store
from soc.errors import UnreachableError
from soc.store.elastic_templates import ended, streams
from tests.servers.elastic import EVERY_NODE, ElasticNode
from tests.soc.app.sites import new_site
from tests.soc.app.test_retention import HOSTS, evidence, later, line
from tests.soc.app.test_run import wait_for

pytestmark = pytest.mark.server

LINES = 60
"""Of three hosts in turn: of a system of level 3 (kept 100 days), of one of level 4 and of none (400 days)."""
OF_LEVEL_3 = LINES // len(HOSTS)


@pytest.fixture
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    node: ElasticNode = request.getfixturevalue(getattr(request, "param", "elastic_node"))
    log = tmp_path / "auth.log"
    log.write_text("".join(map(line, range(LINES))))
    kept = f'hosts: ["{node.url}"], namespace: r{uuid4().hex[:12]}, retention: 400d, retention_of: {{level_3: 100d}}'
    source = f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]"
    config = new_site(tmp_path / "site", source, f"store: {{kind: elasticsearch, {kept}}}\n")
    with Site.load(config) as site, Running(site):
        wait_for(lambda: site.journal.committed("index") == site.journal.committed("detect") == LINES, 30)
        site.events.count()  # a search is a refresh
    return config


def stored(site: Site) -> set[int]:
    """The numbers of the lines that the store holds, which are their places in the journal; each is there once."""
    ids = [event.id for event in site.journal_reader.read(0, LINES)[0]]
    held = site.events.held(ids)
    assert site.events.count() == len(held)
    return {number for number, event_id in enumerate(ids) if event_id in held}


def dropped(site: Site) -> Counter[str]:
    """Events by class of what facts say is dropped."""
    found = Counter[str]()
    for entry in site.ledger.entries(kinds=[DROPPED]):
        for each in entry.fact.body["classes"]:
            found[each["class"]] += each["events"]
    return found


@pytest.mark.parametrize("config", EVERY_NODE, indirect=True)
def test_each_class_goes_when_its_time_is_over_and_evidence_stays(config: Path) -> None:
    with later(config, 0) as site:
        _, client = elastic_store(site)
        found = {
            stream.name.split("-")[1]: len(stream.indices) for stream in streams(client, site.config.store.namespace)
        }
        assert set(found) == {"sshd", "sshd@level_3"}
        assert ended(client, site.config.store.namespace) == {}
        assert retain(site) == []
        proof = evidence(site)
    level_3 = set(range(0, LINES, len(HOSTS)))
    with later(config, 99) as site:
        assert {each.dropped for each in retain(site)} == {0}, "write indices are old: others are written"
        assert retain(site) == []
        assert stored(site) == set(range(LINES))
    with later(config, 101) as site:
        hold(site, "n3", Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)), "asked for", "lan")
        retain(site)
        kept = stored(site)
        assert kept == set(range(LINES)) - (level_3 - proof - {3})
        assert dropped(site) == {"level_3": OF_LEVEL_3 - len(level_3 & (proof | {3}))}
        retain(site)
        assert stored(site) == kept
        assert dropped(site) == {"level_3": OF_LEVEL_3 - len(level_3 & (proof | {3}))}
        result = audit(site, site.clock() - timedelta(days=103), site.clock(), store=True)
        assert result.mismatches == []
        [held] = [entry.fact.id for entry in site.ledger.entries(kinds=["store.held"])]
        release(site, held.partition(":")[2], "done", "lan")
    for _ in range(2):
        with later(config, 402) as site:
            retain(site)
    with later(config, 402) as site:
        assert stored(site) == proof
        assert dropped(site).total() >= LINES - len(proof)


def test_a_drop_that_was_refused_half_way_is_done_again_to_the_same_end(config: Path) -> None:
    with later(config, 99) as site:
        retain(site)
    with later(config, 101) as site:
        _, client = elastic_store(site)
        [plan] = [each for each in index_plans(site, keeping(site), site.clock()) if each.looked.dropped]
        block = "index.blocks.read_only"
        client.indices.put_settings(index=plan.looked.file, settings={block: True})
        before = stored(site)
        with pytest.raises(UnreachableError, match="cluster_block_exception"):
            plan.carry_out()
        client.indices.put_settings(index=plan.looked.file, settings={block: None})
        [_, *_] = [each.name for each in streams(client, site.config.store.namespace)]
        retain(site)
        assert len(stored(site)) == len(before) - plan.looked.dropped
        assert dropped(site).total() == plan.looked.dropped
        assert len(list(site.ledger.entries(kinds=[DROPPED]))) == 1
