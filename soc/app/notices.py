"""A site, an incident and the id of a notice in; the notice out, made from facts and the inventory of the day."""

from __future__ import annotations

import json
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from iso27001.language import Language
from iso27001.report.document import Document
from iso27001.report.writers import Format, write
from soc.app.notice_clocks import clocks_at
from soc.app.site import Site
from soc.errors import SocError
from soc.incident import Incident
from soc.incident.clocks import severity_of, systems_of
from soc.incident.notice import Notice, Sender, as_data, as_document
from soc.yaml_file import nearest


def notice_of(site: Site, incident: Incident, rule_id: str, language: Language) -> Notice:
    """The notice as of now; the sender in this language. Raises: SocError where no such notice is due for it."""
    now, size = site.clock(), site.ledger.size
    found = {clock.rule.id: clock for clock in clocks_at(site, incident, now).notices}
    if rule_id not in found:
        due = ", ".join(found) or "none"
        raise SocError(f"no notice {rule_id} is due for {incident.id}{nearest(rule_id, found)} (due: {due})")
    config = site.config
    systems = systems_of(incident, {asset.id: asset for asset in site.inventory.assets})
    organisation = site.inventory.organisation(now.astimezone(config.site.zone).date())
    sender = Sender("", "", config.site.name)
    if organisation is not None:
        sender = Sender(organisation.name(language), organisation.authority(language), config.site.name)
    return Notice(
        incident=incident,
        clock=found[rule_id],
        severity=severity_of(incident, systems, config.incident.matrix),
        alerts=tuple(site.projections.alerts(incident.alert_ids)),
        systems=tuple(systems),
        sender=sender,
        made=now,
        ledger_size=size,
        ledger_root=site.ledger.root_at(size).hex(),
    )


def rendered(notice: Notice, form: str, language: Language, zone: ZoneInfo) -> bytes:
    """The notice as a file: "json" or a format of iso27001.report.writers. Raises: ReportError."""
    if form == "json":
        return json.dumps(as_data(notice), ensure_ascii=False, indent=2).encode() + b"\n"
    return as_file(as_document(notice, language, zone), form)


def as_file(document: Document, form: str) -> bytes:
    """A document in a format of iso27001.report.writers. Raises: ReportError."""
    return write(document, Format(form))


FORMATS: Sequence[str] = ("json", *(form.value for form in (Format.HTML, Format.PDF, Format.DOCX)))
"""What a notice can be written as."""
