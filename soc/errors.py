"""The errors of the trunk and the exit codes that they end with (docs/reference.md, "Exit codes")."""

from __future__ import annotations

from dataclasses import dataclass

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_INTERRUPTED = 130


class SocError(Exception):
    """Base of every error that the trunk raises on purpose; `exit_code` is what the command ends with."""

    exit_code = EXIT_USAGE


class UnreachableError(SocError):
    """A service does not answer (Elasticsearch down, address refused): worth a retry."""

    exit_code = EXIT_UNREACHABLE


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a file that a person wrote: place (line and column from 1; 0 where unknown), message and the length to underline."""

    path: str
    line: int
    column: int
    message: str
    source: str = ""
    length: int = 1

    def __str__(self) -> str:
        """`rules/sshd.yml:14:9: unknown modifier "contian"; did you mean "contains"?`, then the line with a caret."""
        head = f"{self.path}:{self.line}:{self.column}: {self.message}" if self.line else f"{self.path}: {self.message}"
        if not self.source:
            return head
        pad = "".join("\t" if c == "\t" else " " for c in self.source[: self.column - 1])
        return f"{head}\n{self.line:5} | {self.source}\n      | {pad}{'^' * max(1, self.length)}"


class FaultsError(SocError):
    """Configuration, rules or playbooks that cannot be used: all faults at once, so that one edit mends them all."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults
