"""The world in, `RawRecord`s out: files, standard input, syslog over UDP, TCP, TLS and RELP, HTTP,
OTLP, Beats, services that are polled, Kafka, systemd's journal, Windows event files.

`open_source` makes the source of a configuration; the app drives each in one thread: `for batch in source.batches(stop): …`.
`read_file` reads one file of any of these kinds to its end. Every kind says in its module what delivery it promises.
"""

from __future__ import annotations

from collections.abc import Mapping

from collectors.record import Mark
from collectors.sources.beats_config import BeatsConfig
from collectors.sources.evtx import EvtxConfig, read_evtx
from collectors.sources.file import FileConfig
from collectors.sources.http_config import HttpConfig, OtlpConfig
from collectors.sources.journald_config import JournaldConfig
from collectors.sources.kafka_config import KafkaConfig
from collectors.sources.lines import Continues
from collectors.sources.poll_config import PollConfig
from collectors.sources.relp_config import RelpConfig
from collectors.sources.scan import Part, is_event_file, parts_of, read_file, read_text
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
    "OtlpConfig",
    "Part",
    "PollConfig",
    "RelpConfig",
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
}
"""What `kind` in soc.yaml may say -> the configuration that it takes."""


def open_source(config: SourceConfig, marks: Mapping[str, Mark], continues: Continues | None = None) -> Source:
    """The source of a configuration, which goes on where `marks` (of the journal, all sources) say; it listens from now on.

    `continues`: of the format that soc.yaml names, where its records span lines (files and standard input join them).
    Raises: SourceError when it cannot be opened (an address in use, no such file).
    """
    match config:
        case FileConfig():
            from collectors.sources.file import FileSource

            return FileSource(config, marks, continues)
        case EvtxConfig():
            from collectors.sources.evtx import EvtxSource

            return EvtxSource(config, marks)
        case JournaldConfig():
            from collectors.sources.journald import JournaldSource

            return JournaldSource(config, marks)
        case KafkaConfig():
            from collectors.sources.kafka import KafkaSource

            return KafkaSource(config, marks)
        case PollConfig():
            from collectors.sources.poll import PollSource

            return PollSource(config, marks)
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
        case RelpConfig():
            from collectors.sources.relp import RelpSource

            return RelpSource(config, marks)
        case SyslogConfig(transport="udp"):
            from collectors.sources.udp import UdpSource

            return UdpSource(config)
        case SyslogConfig():
            from collectors.sources.tcp import TcpSource

            return TcpSource(config)
