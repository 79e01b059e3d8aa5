"""A site, an incident and an audience in, what they get out, with a fact that says so; and what they answer in."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from soc.action import Role, Who
from soc.alert import Tlp
from soc.app.access import needs
from soc.app.site import Site
from soc.errors import SocError
from soc.incident import Incident, decisions
from soc.incident.clocks import severity_of, systems_of
from soc.share import Shared, misp, stix
from soc.share.answer import Answer, lines, read_answer
from soc.share.selection import only_indicators, shared

FORMS = ("stix", "misp")


def share(
    site: Site, incident: Incident, form: str, audience: Tlp, to: str, actor: str, *, indicators: bool
) -> tuple[bytes, Shared]:
    """The file for `to`, who may see `audience` at most, and what is in it; a fact says that it was made.

    Raises: SocError where the incident may not go there, or the role does not allow it.
    """
    needs(site, actor, "share", [incident.id], Role.LEAD)
    now, config = site.clock(), site.config
    systems = systems_of(incident, {asset.id: asset for asset in site.inventory.assets})
    own = [a for asset in site.inventory.assets for a in asset.addresses]
    own += [a for machine in site.inventory.machines for a in machine.addresses]
    severity = severity_of(incident, systems, config.incident.matrix)
    alerts = site.projections.alerts(incident.alert_ids)
    found = shared(incident, alerts, severity, audience, config.share, own)
    if indicators:
        found = only_indicators(found, now)
    organisation = site.inventory.organisation(now.astimezone(config.site.zone).date())
    name = organisation.name("en") if organisation else config.site.name
    document = stix.bundle(found, name) if form == "stix" else misp.event(found, name)
    content = json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
    counts = {"indicators": len(found.indicators), "left_out": found.left_out, "redacted": dict(found.redacted)}
    digest = sha256(content).hexdigest()
    site.ledger.append([decisions.shared(incident, form, audience, to, digest, counts, Who(actor, now))])
    site.catch_up()
    return content, found


def take_answer(site: Site, incident: Incident, path: Path, actor: str) -> Answer:
    """Read what came back, keep the file, and put what it says into the incident's story. Raises: SocError, VaultError."""
    needs(site, actor, "answer", [incident.id], Role.ANALYST)
    try:
        answer = read_answer(path.read_bytes())
    except OSError as error:
        raise SocError(f"{path} cannot be read: {error.strerror}") from error
    fact = decisions.answered(
        incident, site.vault.keep(path), answer.sender, list(lines(answer)), Who(actor, site.clock())
    )
    if not site.ledger.append([fact]):
        raise SocError(f"{path.name} is among the answers to {incident.id} already, by its hash")
    site.catch_up()
    return answer
