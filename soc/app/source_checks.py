"""A configured source in, every reason why it could not be opened out, without opening it: formats, files, ports, certificates, secrets."""

from __future__ import annotations

import errno
import glob
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.choosing import AUTO
from collectors.errors import SourceError
from collectors.parse import formats, known_format
from collectors.sources import EvtxConfig, FileConfig, JournaldConfig, NetflowConfig, SnmpConfig, SourceConfig
from soc.app.source_clocks import clocks_off
from soc.display import counted
from soc.errors import FaultsError
from soc.yaml_file import nearest

if TYPE_CHECKING:
    from soc.app.site import Site

EXPIRES_SOON = timedelta(days=30)
"""Before a certificate's end, in which a person renews it without haste."""

_STREAMS, _DATAGRAMS = socket.SOCK_STREAM, socket.SOCK_DGRAM


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What was found of one source. `found`: facts in words; `warnings`: odd, but it runs; `faults`: it cannot be opened."""

    source: SourceConfig
    found: tuple[str, ...]
    warnings: tuple[str, ...]
    faults: tuple[str, ...]


def check_sources(site: Site) -> Iterator[SourceCheck]:
    """Look at every source of a site."""
    from collectors.journal import writer_of

    writer = writer_of(site.journal_folder)
    clocks = clocks_off(site)
    for source in site.config.sources:
        found: list[str] = []
        warnings: list[str] = []
        faults = [*_format(source), *_files(source, found, warnings), *_journal(source, found, warnings)]
        if listen := str(getattr(source, "listen", "")):
            faults += _port(source, listen, writer, found)
        faults += _certificate(source, site.clock(), found, warnings)
        faults += [*_named_files(source, warnings), *_agents(source)]
        warnings += [str(each) for each in clocks if each.source == source.id]
        yield SourceCheck(source, tuple(found), tuple(warnings), tuple(faults))


def _format(source: SourceConfig) -> Iterator[str]:
    try:
        if source.format != AUTO and known_format(source.format) is None:
            yield f'unknown format "{source.format}"{nearest(source.format, {AUTO, *formats()})}'
    except FaultsError as error:  # in a format of the site
        yield str(error)


def _files(source: SourceConfig, found: list[str], warnings: list[str]) -> Iterator[str]:
    if not isinstance(source, FileConfig | EvtxConfig):
        return
    paths = [Path(path) for path in glob.glob(source.path, recursive=True)]  # noqa: PTH207  a pattern as the source reads it
    if not paths:
        if isinstance(source, EvtxConfig) or not source.follow:
            yield f"{source.path}: no such file"
        else:
            warnings.append(f"{source.path}: no file yet")
        return
    size = 0
    for path in paths:
        try:
            with path.open("rb") as file:
                size += os.fstat(file.fileno()).st_size
        except IsADirectoryError:
            continue
        except OSError as error:
            yield f"{path}: {error.strerror}"
    found.append(f"{counted(len(paths), 'file')}, {counted(size, 'byte')}")


def _journal(source: SourceConfig, found: list[str], warnings: list[str]) -> Iterator[str]:
    if not isinstance(source, JournaldConfig):
        return
    from collectors.sources.journald import asked

    try:
        words = asked(source)
    except SourceError as error:
        yield str(error)
        return
    if words:
        warnings.append(f"journalctl: {words}")
    else:
        found.append("the journal can be read")


def _port(source: SourceConfig, listen: str, writer: int, found: list[str]) -> Iterator[str]:
    from collectors.sources.address import bound_socket

    datagrams = getattr(source, "transport", "") == "udp" or isinstance(source, NetflowConfig | SnmpConfig)
    try:
        bound_socket(source.id, listen, _DATAGRAMS if datagrams else _STREAMS).close()
    except SourceError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE and writer:
            found.append(f"{listen} is in use, by soc run (process {writer}) as it seems")
            return
        yield str(error).removeprefix(f"{source.id}: ")
        return
    found.append(f"{listen} is free")


def _certificate(source: SourceConfig, now: datetime, found: list[str], warnings: list[str]) -> Iterator[str]:
    path = getattr(source, "certificate", None)
    if path is None:
        return
    from cryptography import x509

    try:
        if hasattr(source, "client_ca"):  # of a listener; others show theirs to a server
            from collectors.sources.tls import ServerTls

            ServerTls.of(source).context()  # type: ignore[arg-type]  # what has a client_ca has the other keys
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except (SourceError, OSError, ValueError, x509.InvalidVersion) as error:
        yield str(error).removeprefix(f"{source.id}: ")
        return
    end = min(each.not_valid_after_utc for each in chain)
    if end <= now:
        yield f"{path}: the certificate ended on {end:%Y-%m-%d}"
    elif end - now < EXPIRES_SOON:
        warnings.append(f"{path}: the certificate ends on {end:%Y-%m-%d}")
    else:
        found.append(f"certificate until {end:%Y-%m-%d}")


def _named_files(source: SourceConfig, warnings: list[str]) -> Iterator[str]:
    """Files that keys ending with `_file` name: there and readable; a secret that everybody can read is a warning."""
    for name in sorted(dir(source)):
        path = getattr(source, name) if name.endswith("_file") else None
        if not isinstance(path, Path):
            continue
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
        except OSError as error:
            yield f"{name}: {path}: {error.strerror}"
            continue
        if mode & 0o007 and name != "ca_file":
            warnings.append(f"{name}: {path} may be read by everybody (chmod o= {path})")


def _agents(source: SourceConfig) -> Iterator[str]:
    """What is wrong in the files of those who may send traps; that they cannot be read is told with all other files."""
    if not isinstance(source, SnmpConfig):
        return
    from collectors.sources.snmp_users import read_communities, read_users

    for path, read in ((source.communities_file, read_communities), (source.users_file, read_users)):
        try:
            if path is not None:
                read(source.id, path)
        except SourceError as error:
            if not isinstance(error.__cause__, OSError):
                yield str(error).removeprefix(f"{source.id}: ")
