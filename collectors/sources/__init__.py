"""The world in, `RawRecord`s out: files, standard input, syslog over UDP, TCP, TLS and RELP, HTTP,
OTLP, Beats, services that are polled, Kafka, NetFlow, SNMP traps, systemd's journal, Windows event files.

`open_source` makes the source of a configuration; the app drives each in one thread: `for batch in source.batches(stop): …`.
`read_file` reads one file of any of these kinds to its end. Every kind says in its module what delivery it promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from collectors.record import Mark
from collectors.sources.beats_config import BeatsConfig
from collectors.sources.evtx import EvtxConfig, read_evtx
from collectors.sources.file import FileConfig
from collectors.sources.http_config import HttpConfig, OtlpConfig
from collectors.sources.journald_config import JournaldConfig
from collectors.sources.kafka_config import KafkaConfig
from collectors.sources.lines import Continues
from collectors.sources.netflow_config import NetflowConfig
from collectors.sources.poll_config import PollConfig
from collectors.sources.relp_config import RelpConfig
from collectors.sources.scan import Part, is_event_file, parts_of, read_file, read_text
from collectors.sources.snmp_config import SnmpConfig
from collectors.sources.source import BATCH_RECORDS, Batch, Counts, Source
from collectors.sources.stdin import StdinConfig
from collectors.sources.syslog import SyslogConfig
from collectors.sources.text import binary_kind, looks_binary

__all__ = [
    "BATCH_RECORDS",
    "CONFIGS",
    "Batch",
    "BeatsConfig",
    "Counts",
    "EvtxConfig",
    "FileConfig",
    "HttpConfig",
    "JournaldConfig",
    "KafkaConfig",
    "NetflowConfig",
    "OtlpConfig",
    "Part",
    "PollConfig",
    "RelpConfig",
    "SnmpConfig",
    "Source",
    "SourceConfig",
    "StdinConfig",
    "SyslogConfig",
    "binary_kind",
    "is_event_file",
    "looks_binary",
    "open_source",
    "parts_of",
    "read_evtx",
    "read_file",
    "read_text",
]

SourceConfig = (
    FileConfig
    | StdinConfig
    | SyslogConfig
    | RelpConfig
    | EvtxConfig
    | JournaldConfig
    | HttpConfig
    | OtlpConfig
    | BeatsConfig
    | PollConfig
    | KafkaConfig
    | NetflowConfig
    | SnmpConfig
)

CONFIGS: Mapping[str, type[SourceConfig]] = {
    "file": FileConfig,
    "stdin": StdinConfig,
    "syslog": SyslogConfig,
    "relp": RelpConfig,
    "evtx": EvtxConfig,
    "journald": JournaldConfig,
    "http": HttpConfig,
    "otlp": OtlpConfig,
    "beats": BeatsConfig,
    "poll": PollConfig,
    "kafka": KafkaConfig,
    "netflow": NetflowConfig,
    "snmp": SnmpConfig,
}
"""What `kind` in soc.yaml may say -> the configuration that it takes."""

_GOES_ON: Mapping[type, tuple[str, str]] = {
    EvtxConfig: ("evtx", "EvtxSource"),
    JournaldConfig: ("journald", "JournaldSource"),
    KafkaConfig: ("kafka", "KafkaSource"),
    NetflowConfig: ("netflow", "NetflowSource"),
    PollConfig: ("poll", "PollSource"),
    RelpConfig: ("relp", "RelpSource"),
    SnmpConfig: ("snmp", "SnmpSource"),
}
"""Sources that are made of their configuration and the marks: module and class, loaded when one is opened."""


def open_source(config: SourceConfig, marks: Mapping[str, Mark], continues: Continues | None = None) -> Source:
    """The source of a configuration, which goes on where `marks` (of the journal, all sources) say; it listens from now on.

    `continues`: of the format that soc.yaml names, where its records span lines (files and standard input join them).
    Raises: SourceError when it cannot be opened (an address in use, no such file).
    """
    match config:
        case FileConfig():
            from collectors.sources.file import FileSource

            return FileSource(config, marks, continues)
        case HttpConfig():
            from collectors.sources.http import Events, HttpSource

            return HttpSource(config, Events(), marks)
        case OtlpConfig():
            from collectors.sources.http import HttpSource
            from collectors.sources.otlp import Otlp

            return HttpSource(config, Otlp(config.max_line_bytes), marks)
        case BeatsConfig():
            from collectors.sources.beats import BeatsSource

            return BeatsSource(config)
        case StdinConfig():
            from collectors.sources.stdin import StdinSource

            return StdinSource(config, continues)
        case SyslogConfig(transport="udp"):
            from collectors.sources.udp import UdpSource

            return UdpSource(config)
        case SyslogConfig():
            from collectors.sources.tcp import TcpSource

            return TcpSource(config)
        case _:
            module, name = _GOES_ON[type(config)]
            source: Source = getattr(import_module(f"collectors.sources.{module}"), name)(config, marks)
            return source
