"""A site opened from its configuration: its files, and each room imported and built on first use, and closed at the end."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from soc.app import clock as wall_clock
from soc.app.clock import Clock
from soc.config import Config, load
from soc.errors import SocError

if TYPE_CHECKING:
    from collectors.journal import Journal, JournalConfig, JournalReader
    from collectors.journal.kafka_config import KafkaJournalConfig
    from collectors.parse.described import Described
    from iso27001.ledger.store import Ledger
    from iso27001.vault import Vault
    from iso27001.verifier.notes import PublicKey
    from soc.app.recall import JournalRecall
    from soc.detect import Detector
    from soc.detect.anomaly import LogonModel
    from soc.detect.correlation import Recall
    from soc.detect.ruleset import RuleSet
    from soc.detect.sigma import ir
    from soc.inventory import Inventory
    from soc.respond import Playbook
    from soc.store import EventStore, Projections


def _let_group(data: Path) -> None:
    """People work under their own accounts in one ledger: files in a folder that a group may change are for the group."""
    with suppress(OSError):
        if data.stat().st_mode & stat.S_IWGRP:
            os.umask(os.umask(0o077) & ~0o070)


def _formats(folders: Sequence[Path]) -> list[Described]:
    from soc.app.formats import site_formats

    return site_formats(folders)


class Site:
    """Everything that belongs to one soc.yaml. Use as a context manager; what was opened is closed in reverse order."""

    def __init__(self, config: Config, path: Path, *, clock: Clock = wall_clock.now) -> None:
        self.config = config
        self.path = path
        self.clock = clock
        self._open = ExitStack()

    @classmethod
    def load(cls, path: Path, *, clock: Clock = wall_clock.now) -> Self:
        """The site of a soc.yaml. What this process makes from here on its group may change, where it may change the site's data.

        Raises: SocError, FaultsError.
        """
        config = load(path)
        _let_group(config.data)
        if (
            config.formats or "collectors.parse.registry" in sys.modules
        ):  # else there are none of another site to forget
            from collectors.parse.registry import use

            use(partial(_formats, config.formats))
        if config.iso.law is not None or "iso27001.legal" in sys.modules:  # likewise
            from iso27001.legal import use as use_law

            use_law(config.iso.law)
        return cls(config, path, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close whatever was opened."""
        self._open.close()

    def at_close(self, close: Callable[[], object]) -> None:
        """Call this when the site is closed, before what was opened earlier is."""
        self._open.callback(close)

    @property
    def read_only(self) -> bool:
        """Whether the site's data is there and cannot be written: an auditor's copy, looked at as it stands."""
        return self.config.data.is_dir() and not os.access(self.config.data, os.W_OK)

    # --- files

    @property
    def model_path(self) -> Path:
        """Where the log-on model's file is."""
        return self.config.data / "models" / "logon.json"

    @property
    def public_key_path(self) -> Path:
        """The key by which anyone can check the ledger's heads."""
        return self.config.data / "keys" / "ledger.pub"

    @property
    def ledger_path(self) -> Path:
        """The ledger's file."""
        return self.config.data / "ledger" / "ledger.db"

    @property
    def anchor_path(self) -> Path:
        """Where signed heads are written a second time; a site puts this on another host."""
        return self.config.data / "anchor" / "heads.txt"

    @property
    def state_path(self) -> Path:
        """What correlations remember, with the offset that it belongs to."""
        return self.config.data / "state" / "correlations"

    @property
    def journal_folder(self) -> Path:
        """Where the journal is, or the lock of who writes it with the brokers."""
        return self.config.data / "journal"

    @property
    def journal_config(self) -> JournalConfig | KafkaJournalConfig:
        """What opens the journal, here or with the brokers."""
        from collectors.journal import JournalConfig

        journal = self.config.journal
        return JournalConfig(self.journal_folder) if journal.kind == "local" else journal

    @property
    def _store_folder(self) -> Path:
        folder = self.config.data / "store"
        try:
            if not folder.is_dir():
                folder.mkdir(parents=True)
        except OSError as error:
            raise SocError(f"{folder} cannot be made: {error.strerror}") from error
        return folder

    # --- rooms

    @cached_property
    def journal(self) -> Journal:
        """The journal to write; one process at a time. Raises: JournalError."""
        from collectors.journal import open_journal

        journal = open_journal(self.journal_config, self.journal_folder)
        self._open.callback(journal.close)
        return journal

    @cached_property
    def journal_reader(self) -> JournalReader:
        """The journal to read, also while another process writes it; the writer itself where this process has it open."""
        if "journal" in self.__dict__:
            return self.journal
        if self.config.journal.kind == "local" and not self.journal_folder.is_dir():
            return self.journal
        from collectors.journal import open_reader

        reader = open_reader(self.journal_config)
        self._open.callback(reader.close)
        return reader

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, signed with the site's key, which is made at first use."""
        from iso27001.ledger.signing import Signer
        from iso27001.ledger.store import Ledger

        if self.read_only:
            ledger = Ledger.open(self.ledger_path, read_only=True)
        else:
            ledger = Ledger.open(
                self.ledger_path, signer=Signer.load_or_create(self.config.data / "keys" / "ledger.key")
            )
        self._open.callback(ledger.close)
        return ledger

    @cached_property
    def vault(self) -> Vault:
        """Files that people handed in: evidence, proofs."""
        from iso27001.vault import Vault

        return Vault(self.config.data / "vault")

    @cached_property
    def public_key(self) -> PublicKey:
        """The public key of the ledger. Raises: SigningError."""
        from iso27001.verifier.notes import PublicKey

        return PublicKey.load(self.public_key_path)

    @cached_property
    def events(self) -> EventStore:
        """The event store."""
        from soc.app.audit import is_heartbeat
        from soc.app.keeping import Keeping
        from soc.store.opening import open_events

        config = self.config.store
        keep = Keeping(config, self.inventory) if config.hosts and config.retention_of else None
        store = open_events(
            config, self.journal_reader, self._store_folder / "events", is_heartbeat, keep.key if keep else None
        )
        self._open.callback(store.close)
        return store

    @cached_property
    def projections(self) -> Projections:
        """Alerts and incidents as the ledger tells them; see `catch_up`."""
        from soc.store.opening import open_projections

        projections = open_projections(self.config.store, self._store_folder / "projections.db")
        self._open.callback(projections.close)
        return projections

    @cached_property
    def inventory(self) -> Inventory:
        """The systems of the data centre, with the machines of `enrich.machines`. Raises: FaultsError, CollectorError."""
        return self.inventory_now()

    def inventory_now(self) -> Inventory:
        """The same with the machines as their files are now. Raises: FaultsError, CollectorError."""
        if not self.config.enrich.machines:
            return self._systems
        from collectors.enrich.machine_files import read_machines

        known = [asset.id for asset in self._systems.assets]
        return self._systems.with_machines(read_machines(self.config.enrich.machines, known))

    @cached_property
    def _systems(self) -> Inventory:
        from soc.inventory import load_inventory

        return load_inventory(self.config.inventory)

    @cached_property
    def playbooks(self) -> dict[str, Playbook]:
        """Playbooks by id. Raises: FaultsError."""
        from soc.respond.playbooks import load as load_playbooks

        return load_playbooks(self.config.playbooks, self.config.respond)

    def rules(self, folders: Sequence[Path] = ()) -> RuleSet:
        """The rules under these folders (default: the site's), compiled or from the cache. Raises: FaultsError with every fault."""
        return self.rule_set(self.content(folders))

    def rule_set(
        self, content: Sequence[tuple[str, ir.Content]], recall: Recall | None = None, after: RuleSet | None = None
    ) -> RuleSet:
        """The rules of this content with the site's lateness; `recall` and `after` as RuleSet takes them. Raises: FaultsError."""
        from soc.detect.correlation import Lateness
        from soc.detect.ruleset import RuleSet

        detect = self.config.detect
        return RuleSet(content, lateness=Lateness(detect.lateness, detect.lateness_of), recall=recall, after=after)

    @cached_property
    def recall(self) -> JournalRecall:
        """What gives the events of offsets to what detects on the journal, in its order and in one thread."""
        from soc.app.recall import JournalRecall

        return JournalRecall(self.journal_reader)

    def content(self, folders: Sequence[Path] = ()) -> list[tuple[str, ir.Content]]:
        """What `rules` is made of: each rule, correlation and filter with its path. Raises: FaultsError with every fault."""
        from soc.detect.sigma import load as load_content

        return load_content(
            folders or self.config.rules, cache=self.config.data / "cache", placeholders=self.placeholders
        )

    @property
    def placeholders(self) -> dict[str, list[str]]:
        """Values of Sigma's `expand`, as the loader takes them."""
        return {name: list(values) for name, values in self.config.detect.placeholders.items()}

    def detectors(self, content: Sequence[tuple[str, ir.Content]] | None = None) -> list[Detector]:
        """All that looks at events: the rules (of this content, default: the site's), and the log-on model where one was trained."""
        rules = self.rule_set(self.content() if content is None else content, self.recall)
        model = self.logon_model()
        return [rules] if model is None else [rules, model]

    def logon_model(self) -> LogonModel | None:
        """The log-on model, where one was trained and is to be used. Raises: ModelError."""
        if not (self.config.detect.models and self.model_path.exists()):
            return None
        from soc.detect.anomaly import LogonModel

        return LogonModel(self.model_path)

    def rule_count(self, detectors: Sequence[Detector]) -> int:
        """How many rules and models these detectors are."""
        from soc.detect.ruleset import RuleSet

        return sum(len(detector) if isinstance(detector, RuleSet) else 1 for detector in detectors)

    def catch_up(self) -> None:
        """Fold what the ledger holds and the projections do not; of a site that cannot be written they stand as they are.

        Raises: UnreachableError.
        """
        if self.read_only:
            return
        self.projections.apply(self.ledger.entries(after=self.projections.applied() - 1))
