"""Detections in, alert facts out: one alert for one rule on one entity, as long as the next detection comes within the window.

Pure: alerts that are open are passed in, time is an argument. Event time decides, so a replay groups the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from collectors.event import Event
from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus, Entity, facts
from soc.alert.scoring import Scoring
from soc.alert.sla import Config as SlaConfig
from soc.alert.sla import Sla
from soc.alert.suppression import Suppressions
from soc.detect import Detection

ENTITY_FIELDS = ("source.ip", "user.name", "host.name", "source.domain")
"""What an alert can be about, the one it is grouped by first: who came from outside, else who acted, else where.

`source.domain` is the host of ours that has the source's address (from the inventory): the way from one host to the next.
"""

ACCOUNT = "account"
"""Kind of the entity "user@host": an account that many share, such as root, still means one person on one host at one time."""

GROUP_BY = "correlation/group-by"
"""Where a correlation's detection says which group it is about (soc.detect.ruleset)."""

_NOBODY = frozenset({"", "-", "::1", "127.0.0.1", "localhost", "0.0.0.0"})  # noqa: S104  a value to pass over, not to bind


@dataclass(frozen=True, slots=True)
class Config:
    """`window`: a detection later than this after the last one opens a new alert. `sla`: time to the first look and to the decision.

    `half_life`: in what time an alert weighs half in the risk of its entities (soc.alert.entity_risk).
    """

    window: timedelta = timedelta(hours=24)
    sla: SlaConfig = field(default_factory=SlaConfig)
    half_life: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        """Raises: ValueError for a half-life that is none."""
        if not self.half_life:
            raise ValueError("half_life is 0: the risk of an entity needs some time to become half")


def entities_of(events: Sequence[Event]) -> tuple[Entity, ...]:
    """Every entity that the events name, in the order of ENTITY_FIELDS; addresses of the machine itself are nobody.

    An account that was only tried at a log-in is none: it did not act.
    """
    found: dict[Entity, None] = {}
    for name in ENTITY_FIELDS:
        for event in events:
            if name == "user.name" and _only_tried(event):
                continue
            value = event.fields.get(name)
            if isinstance(value, str) and value not in _NOBODY:
                found[Entity(name, value)] = None
    for event in events:
        if _only_tried(event):
            continue
        host = event.fields.get("host.name")
        for user in (event.fields.get("user.name"), event.fields.get("user.effective.name")):
            if isinstance(user, str) and isinstance(host, str) and user not in _NOBODY:
                found[Entity(ACCOUNT, f"{user}@{host}")] = None
    return tuple(found)


def about(detection: Detection) -> tuple[Entity, tuple[Entity, ...]]:
    """What a detection's alert is grouped by, and all that it names: of a correlation its group comes first, of several fields as one."""
    named = entities_of(detection.events)
    group = tuple(Entity(match.field, match.value) for match in detection.matched if match.where == GROUP_BY)
    found = tuple(dict.fromkeys((*group, *named)))
    if len(group) > 1:
        return Entity("+".join(e.kind for e in group), "+".join(e.value for e in group)), found
    return found[0] if found else Entity("event.source", detection.events[-1].source), found


def _only_tried(event: Event) -> bool:
    """Whether the account that the event names is one that somebody tried: every scanner tries "admin", which ties nobody to anybody."""
    return event.fields.get("event.category") == "authentication" and event.fields.get("event.outcome") == "failure"


class Grouper:
    """Remembers which alert a rule and an entity last had; `state_of` reads an alert as it stands now (analysts may have closed it)."""

    def __init__(
        self,
        config: Config,
        scoring: Scoring,
        state_of: Callable[[str], Alert | None],
        unfinished: Iterable[Alert],
        zone: ZoneInfo | None = None,
    ) -> None:
        """`unfinished`: alerts that what comes may join, and duplicates of such ones. `zone`: of the site's calendar."""
        self._config = config
        self._sla = Sla(config.sla, zone)
        self.suppressions = Suppressions()
        self._scoring = scoring
        self._state_of = state_of
        self._last: dict[tuple[str, Entity], str] = {(alert.rule_id, alert.entity): alert.id for alert in unfinished}

    def group(
        self, detections: Sequence[Detection], offsets: Mapping[str, int], now: datetime
    ) -> tuple[list[Alert], list[Fact]]:
        """Alerts that are new or changed, as they stand after the batch, and the facts that say so (detections first).

        Detections must be new to the ledger (iso27001.ledger `known`), in the order of the journal. `offsets`: as facts.detected.
        """
        alerts: dict[str, Alert] = {}
        began: set[str] = set()
        members: dict[str, list[Detection]] = {}
        joined: list[str] = []
        for detection in detections:
            entity, entities = about(detection)
            key = (detection.rule.id, entity)
            alert = self._open_alert(key, detection, alerts)
            suppressed_by = self.suppressions.covering(*key, detection.time)
            if alert is None:
                alert = replace(self._new_alert(detection, entity, entities, now), suppressed_by=suppressed_by)
                began.add(alert.id)
                self._last[key] = alert.id
            else:
                alert = self._joined(alert, detection, entities)
                if alert.suppressed_by and not suppressed_by:
                    alert = self._surfaced(alert, now)
            alerts[alert.id] = alert
            members.setdefault(alert.id, []).append(detection)
            joined.append(alert.id)
        written = [facts.detected(d, alert_id, offsets, now) for d, alert_id in zip(detections, joined, strict=True)]
        written += [self._fact(alerts[i], members[i], began=i in began, now=now) for i in alerts]
        return list(alerts.values()), written

    def _open_alert(self, key: tuple[str, Entity], detection: Detection, alerts: Mapping[str, Alert]) -> Alert | None:
        alert_id = self._last.get(key)
        if alert_id is None:
            return None
        alert = alerts.get(alert_id) or self._state_of(alert_id)
        if alert is not None and alert.merged_into:
            alert = alerts.get(alert.merged_into) or self._state_of(alert.merged_into)
        if alert is None or alert.status is AlertStatus.CLOSED:
            return None
        return alert if detection.time - alert.last_seen <= self._config.window else None

    def _new_alert(self, detection: Detection, entity: Entity, entities: tuple[Entity, ...], now: datetime) -> Alert:
        rule = detection.rule
        score = self._scoring.score(rule.id, rule.level, detection.events, 1, detection.score)
        self._scoring.history.count(rule.id)
        digest = blake2b(f"{rule.id}\0{entity}\0{detection.id}".encode(), digest_size=6).hexdigest()
        return Alert(
            id=f"A-{digest}",
            rule_id=rule.id,
            rule_version=rule.version,
            title=rule.title,
            level=rule.level,
            tags=rule.tags,
            logsource=rule.logsource,
            entity=entity,
            entities=entities or (entity,),
            system=score.system,
            first_seen=detection.time,
            last_seen=detection.time,
            count=1,
            risk=score.risk,
            risk_why=score.why,
            due=self._sla.look(rule.level, now).due,
            event_ids=tuple(event.id for event in detection.events)[: facts.MAX_IDS],
            matched=detection.matched,
            detection_ids=(detection.id,),
            opened=now,
            decide_by=self._sla.decide(rule.level, now).due,
        )

    def _joined(self, alert: Alert, detection: Detection, entities: tuple[Entity, ...]) -> Alert:
        events, count = detection.events, alert.count + 1
        score = self._scoring.score(alert.rule_id, alert.level, events, count, detection.score)
        return replace(
            alert,
            count=alert.count + 1,
            last_seen=max(alert.last_seen, detection.time),
            entities=tuple(dict.fromkeys((*alert.entities, *entities)))[:50],
            event_ids=(*alert.event_ids, *(event.id for event in detection.events))[: facts.MAX_IDS],
            detection_ids=(*alert.detection_ids, detection.id)[: facts.MAX_IDS],
            risk=max(alert.risk, score.risk),
            risk_why=score.why if score.risk > alert.risk else alert.risk_why,
        )

    def _surfaced(self, alert: Alert, now: datetime) -> Alert:
        """What no suppression covers any longer is shown, and its clocks begin."""
        look, decide = self._sla.look(alert.level, now), self._sla.decide(alert.level, now)
        return replace(alert, suppressed_by="", due=look.due, decide_by=decide.due)

    def _fact(self, alert: Alert, members: Sequence[Detection], *, began: bool, now: datetime) -> Fact:
        if began:
            return facts.opened(alert, now)
        added = [event.id for detection in members for event in detection.events]
        return facts.repeated(alert, [d.id for d in members], added, now)
