"""What the stages hand to each other: MessagePack of these structs, and the topics in which they stand.

Offsets (`to`, `position`) are the journal's: they are one order over all of its partitions, and a journal message never lies across one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from collectors.event import Event
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_peer import SAID
from collectors.journal.kafka_stage import partitions_of, stage
from collectors.journal.kafka_writing import make_topics
from soc.app.gaps import Gap
from soc.app.told import Window
from soc.detect import Detection
from soc.detect.split import Hit, Pulse

MODEL_SHARE = 0
"""Of the correlations, where the log-on model is: accounts meet sources in it, so that it has to see every log-on."""


class Evaluated(msgspec.Struct, array_like=True):
    """Of one partition of the journal, everything below offset `to` is evaluated, and below `at` of the broker's.

    `pulses`: one for each journal message; `heard`: (system, dataset, when it last sent); `found`: by single events, in their order;
    `hidden`: (filter, rule, hits) that a filter hid. `gaps`: what rules did not see of the partition, those that ended and those that last.
    """

    to: int
    at: int
    pulses: list[Pulse] = []
    heard: list[tuple[str, str, datetime]] = []
    found: list[Detection] = []
    hidden: list[tuple[str, str, int]] = []
    gaps: list[Gap] = []


class Part(msgspec.Struct, array_like=True):
    """One journal message as correlations see it: its hits, then time goes on. `logons`: for the share with the log-on model, numbered."""

    pulse: Pulse
    hits: list[Hit] = []
    logons: list[tuple[int, Event]] = []


class Fed(msgspec.Struct, array_like=True):
    """What one partition of the journal, evaluated below offset `to`, has for one share of the correlations.

    `model`: version of the log-on model of who evaluated it, "" for none.
    """

    partition: int
    to: int
    parts: list[Part] = []
    model: str = ""


class Found(msgspec.Struct, array_like=True):
    """What a correlation found when everything below offset `position` was correlated."""

    position: int
    detection: Detection


class Correlated(msgspec.Struct, array_like=True):
    """One share of the correlations has seen everything below offset `to` of the journal."""

    to: int
    found: list[Found] = []


class Remembered(msgspec.Struct, array_like=True):
    """One of `parts` of what a share of the correlations remembers at offset `to`; it reads on at `at` of the broker's."""

    to: int
    at: int
    parts: int
    state: bytes


encode = msgspec.msgpack.Encoder().encode
decode_evaluated = msgspec.msgpack.Decoder(Evaluated).decode
decode_fed = msgspec.msgpack.Decoder(Fed).decode
decode_correlated = msgspec.msgpack.Decoder(Correlated).decode
decode_remembered = msgspec.msgpack.Decoder(Remembered).decode
decode_told = msgspec.msgpack.Decoder(Window).decode


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of a journal and of the stages after it. `partitions`: of the journal; `shares`: of the correlations."""

    journal: KafkaJournalConfig
    hits: KafkaJournalConfig
    found: KafkaJournalConfig
    correlated: KafkaJournalConfig
    states: KafkaJournalConfig
    told: KafkaJournalConfig
    partitions: int
    shares: int


def topics_of(journal: KafkaJournalConfig) -> Topics:
    """Those of a journal, made where they are missing. Raises: JournalError."""
    make_topics(journal, {journal.topic: journal.partitions})
    count = partitions_of(journal)
    named = {name: stage(journal, name) for name in ("hits", "found", "correlated", "states", "told", SAID)}
    single = (named["told"].topic, named[SAID].topic)
    make_topics(journal, {each.topic: 1 if each.topic in single else count for each in named.values()})
    shares = partitions_of(named.pop("hits"))
    del named[SAID]
    return Topics(journal, stage(journal, "hits"), **named, partitions=count, shares=shares)
