"""soc.yaml in, one typed `Config` out. Every room's part is the room's own dataclass; what the file leaves out has its default there."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.sources import EvtxConfig, FileConfig, SourceConfig
from soc.action import RolesConfig
from soc.alert.budget import Config as BudgetConfig
from soc.alert.grouping import Config as AlertConfig
from soc.binding import bind, written
from soc.errors import Fault, FaultsError, SocError
from soc.incident.linking import Config as IncidentConfig
from soc.respond import Config as RespondConfig
from soc.share import Config as ShareConfig
from soc.store.config import StoreConfig
from soc.yaml_file import Document, read_one


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """`name`: on every screen and report. `timezone`: of lines that name none, and of what people are shown. `language`: "en" or "vi"."""

    name: str = "Provincial Data Integration Centre"
    timezone: str = "Asia/Ho_Chi_Minh"
    language: str = "en"

    def __post_init__(self) -> None:
        """Raises: ValueError for a zone or language that does not exist."""
        if self.timezone not in available_timezones():
            raise ValueError(f'timezone "{self.timezone}" is not one of the IANA database, such as "Asia/Ho_Chi_Minh"')
        if self.language not in ("en", "vi"):
            raise ValueError(f'language "{self.language}" is not "en" or "vi"')

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as Python knows it."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class DetectConfig:
    """`placeholders`: values for Sigma's `expand` (%admins%). `models`: anomaly models in use where a trained file is there.

    `lateness`: how long an event may be under way before a correlation goes on without it; `lateness_of`: the same of single sources.
    `watch`: how often rule folders are looked at for changes, 0s for never (SIGHUP reloads in any case). `rule_budget`: CPU time that a
    rule may take of each event of its kind, on average; 0s for no limit. `memory_mb`: what `soc scan` may take, all its processes
    together. `alert_budget`: what a shift can take (soc.alert.budget).
    """

    placeholders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    models: bool = True
    lateness: timedelta = timedelta(seconds=10)
    lateness_of: Mapping[str, timedelta] = field(default_factory=dict)
    watch: timedelta = timedelta(seconds=5)
    rule_budget: timedelta = timedelta(microseconds=50)
    memory_mb: int = 512
    alert_budget: BudgetConfig = field(default_factory=BudgetConfig)


@dataclass(frozen=True, slots=True)
class EnrichConfig:
    """What events are enriched with beside the inventory. `machines`: more of them, as CSV. `identities`: people, as CSV or LDIF.

    `geoip`: files in MaxMind's DB format. `warning_lists`: values that are no indicators, whatever a feed says.
    """

    machines: tuple[Path, ...] = ()
    identities: tuple[Path, ...] = ()
    geoip: tuple[Path, ...] = ()
    warning_lists: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class RunConfig:
    """`processes` of `soc run`: 1 does all in one; 3 collects, detects and indexes in one each; 0: as the machine has cores."""

    processes: int = 0

    def __post_init__(self) -> None:
        """Raises: ValueError for another number."""
        if self.processes not in (0, 1, 3):
            raise ValueError(f"processes {self.processes} is not 0, 1 or 3")

    @property
    def apart(self) -> bool:
        """Whether collecting and indexing have a process each."""
        return self.processes == 3 or (self.processes == 0 and len(os.sched_getaffinity(0)) > 1)


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """`listen`: host:port of /metrics; loopback by default, "" for none."""

    listen: str = "127.0.0.1:9464"


@dataclass(frozen=True, slots=True)
class IsoConfig:
    """What a site has beside the catalogue. `texts`: a folder with the standard's text, which the site bought (iso27001.catalogue.texts).

    `law`: its own file of legal regimes, as its lawyers read them (iso27001/catalogue/vn_legal.yaml is the form). `owners`: measure id ->
    who answers for it here. `backup`: where the last copy of the ledger's file is, for its age. `anchors`: files elsewhere (another
    host's share) to which signed heads go too. `authority`: URL of a time stamping authority (RFC 3161) and its certificate (PEM).
    `threat_profile`: techniques of ATT&CK that the site has to see ("T1110"); none: those that its rules name.
    """

    texts: Path | None = None
    law: Path | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    backup: Path | None = None
    anchors: tuple[Path, ...] = ()
    authority: str = ""
    authority_certificate: Path | None = None
    threat_profile: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises: ValueError for an owner of what is no measure, an authority that is no URL or that nothing vouches for, no technique."""
        if self.threat_profile:
            from soc.detect.coverage import technique_of

            wrong = next((each for each in self.threat_profile if not technique_of(f"attack.{each}")), None)
            if wrong is not None:
                raise ValueError(f'threat_profile: "{wrong}" is no technique of ATT&CK such as T1110 or T1110.001')
        if self.authority and not self.authority.startswith(("http://", "https://")):
            raise ValueError(f'authority: "{self.authority}" is no URL')
        if self.authority and self.authority_certificate is None:
            raise ValueError(
                "authority: a stamp is believed by its certificate, so authority_certificate is needed too"
            )
        if self.owners:
            from iso27001.errors import MeasureError
            from iso27001.measures import measure

            for each in self.owners:
                try:
                    measure(each)
                except MeasureError as error:
                    raise ValueError(f"owners: {error}") from error


@dataclass(frozen=True, slots=True)
class LocalJournalConfig:
    """Segments in the site's data folder. `retention`: how long they stay at least; only what is evaluated and indexed goes after that."""

    kind: Literal["local"] = "local"
    retention: timedelta = timedelta(days=365)

    def __post_init__(self) -> None:
        """Raises: ValueError for less than a day."""
        if self.retention < timedelta(days=1):
            raise ValueError("retention is at least 1d")


@dataclass(frozen=True, slots=True)
class Config:
    """All of soc.yaml. Paths are absolute once read."""

    site: SiteConfig = field(default_factory=SiteConfig)
    data: Path = Path("var")
    inventory: Path = Path("inventory.yml")
    rules: tuple[Path, ...] = (Path("rules"),)
    playbooks: tuple[Path, ...] = (Path("playbooks"),)
    formats: tuple[Path, ...] = ()
    sources: tuple[SourceConfig, ...] = ()
    enrich: EnrichConfig = field(default_factory=EnrichConfig)
    journal: LocalJournalConfig | KafkaJournalConfig = field(default_factory=LocalJournalConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    detect: DetectConfig = field(default_factory=DetectConfig)
    alert: AlertConfig = field(default_factory=AlertConfig)
    incident: IncidentConfig = field(default_factory=IncidentConfig)
    iso: IsoConfig = field(default_factory=IsoConfig)
    roles: RolesConfig = field(default_factory=RolesConfig)
    share: ShareConfig = field(default_factory=ShareConfig)
    respond: RespondConfig = field(default_factory=RespondConfig)
    run: RunConfig = field(default_factory=RunConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)


def load(path: Path) -> Config:
    """The configuration of a site. Raises: SocError where there is no such file, FaultsError with every fault in it."""
    if not os.path.isfile(path):  # noqa: PTH113  unlike Path.is_file, False where the folder may not be entered
        raise SocError(
            f"{path}: there is no configuration here; `soc init DIR` makes a site, `--config FILE` names one"
        )
    base = path.parent.absolute()
    document = read_one(path)
    config = bind(document, Config, base=base) if document.data is not None else Config()
    faults = list(_source_faults(document, config.sources))
    if faults:
        raise FaultsError(faults)
    return dataclasses.replace(
        config,
        data=base / config.data,
        inventory=base / config.inventory,
        rules=tuple(base / p for p in config.rules),
        playbooks=tuple(base / p for p in config.playbooks),
        formats=tuple(base / p for p in config.formats),
        sources=tuple(_rooted(source, base) for source in config.sources),
    )


_OWN_SOURCE = "soc"


def _source_faults(document: Document, sources: Sequence[SourceConfig]) -> Iterator[Fault]:
    """A source is counted, and its place remembered, by its id; as "soc" only the SOC itself speaks."""
    seen: set[str] = set()
    for index, source in enumerate(sources):
        if source.id == _OWN_SOURCE:
            yield document.fault(("sources", index, "id"), f'the id "{source.id}" is the SOC\'s own: name it otherwise')
        elif source.id in seen:
            yield document.fault(("sources", index, "id"), f'the id "{source.id}" is used twice')
        seen.add(source.id)


def _rooted(source: SourceConfig, base: Path) -> SourceConfig:
    """A source whose path starts from the file that names it; a pattern is a path too."""
    if isinstance(source, FileConfig | EvtxConfig):
        return dataclasses.replace(source, path=str(base / source.path))
    return source


def origins(path: Path, config: Config) -> Iterator[tuple[str, Any, str]]:
    """Every setting as (dotted name, value, "soc.yaml" or "default"), for `soc config show`."""
    yield from _settings(written(config), read_one(path).data or {}, "")


def _settings(value: Any, said: Any, name: str) -> Iterator[tuple[str, Any, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            below = said.get(key) if isinstance(said, dict) else None
            yield from _settings(item, below, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, item in enumerate(value):
            yield from _settings(item, said[number] if isinstance(said, list) else None, f"{name}[{number}]")
    else:
        yield name, value, "default" if said is None else "soc.yaml"
