"""The errors of this package: one base, a subclass only where someone catches it. Messages are for the person at the desk."""

from __future__ import annotations


class IsoError(Exception):
    """Base of every error that the tracker raises on purpose."""


class CatalogueError(IsoError):
    """A control, measure or legal id that the catalogue does not hold, or a catalogue file that cannot be used."""


class MeasureError(IsoError):
    """Numbers that cannot be a sample: an unknown name, not a number, a period that ends before it begins."""


class EvidenceError(IsoError):
    """Evidence that cannot be linked: an unknown control, an effective period that ends before it begins."""


class VaultError(IsoError):
    """A file that cannot be kept or named; nothing was half-kept."""


class RecordError(IsoError):
    """A record of the tracker that cannot be made or changed: unknown, not whole, not in this state, or somebody was faster."""


class LedgerError(IsoError):
    """The ledger cannot be opened, written or read; nothing was half-written."""


class SigningError(IsoError):
    """A key or a signed head that cannot be read or used."""


class ProofError(IsoError):
    """A Merkle proof that does not prove what it should, or sizes for which no proof exists."""


class PackError(IsoError):
    """An evidence pack that cannot be made, or what is no pack at all."""


class ReportError(IsoError):
    """A report that cannot be made: the library of its format is not installed, or nothing is known of what it is asked for."""
