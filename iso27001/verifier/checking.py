"""Entries, leaf hashes, signed heads and anchors in, a `Verdict` out. Nothing that a ledger says of itself is believed.

Four independent things are held against each other: the entries' bytes, the tree's leaves, the signed heads and the anchors. Entries
against leaves tells an edit from an insertion, a deletion or another order; leaves against heads tells a tree that was built anew;
leaves against anchors tells an older copy of it all. One pass in constant memory; only where entries and leaves differ both are read
again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from iso27001.errors import ProofError, SigningError
from iso27001.verifier import canonical, merkle
from iso27001.verifier.align import align
from iso27001.verifier.custody import KINDS
from iso27001.verifier.notes import Head, PublicKey, read_note, read_notes, rfc3339
from iso27001.verifier.rotation import ROTATED, Rotation, Term, read_rotation, terms
from iso27001.verifier.timestamp import read_token, verify_token
from iso27001.verifier.verdict import AT_THE_END, CUTS, Completeness, Fault, FaultKind, Integrity, Verdict

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

LEAVES = 10_000
"""Leaves that are hashed together."""
FAULTS_LISTED = 20
"""Of each kind: who sees twenty edited entries needs no list of the rest, but their number."""

_LOOKED_INTO = frozenset({ROTATED, *KINDS})
"""Kinds of facts whose bodies are looked into: rotations of keys, and those of evidence."""

Nodes = Callable[[list[tuple[int, int, list[bytes]]]], None]
Group = tuple[Sequence[int], Sequence[bytes]]
"""Entries that are checked together: their sequence numbers and their bytes."""


class Found(NamedTuple):
    """What is in the bytes of some entries; places are those in the group."""

    hashes: list[bytes]
    bad: dict[int, str]
    rotations: list[tuple[int, dict[str, Any]]]
    evidence: list[tuple[int, dict[str, Any]]]
    facts: list[tuple[str, str, str] | None]


Examined = Callable[[Iterable[Group]], Iterator[tuple[Group, Found]]]


def examine(raws: Sequence[bytes]) -> Found:
    """The part of checking entries that needs nothing but their bytes."""
    facts, bad = canonical.read(raws)
    rows = [_row(fact) for fact in facts]
    named = [(n, facts[n], row[1]) for n, row in enumerate(rows) if row is not None and row[1] in _LOOKED_INTO]
    rotations = [(n, fact) for n, fact, kind in named if kind == ROTATED and n not in bad]
    evidence = [(n, fact) for n, fact, kind in named if kind != ROTATED]
    return Found(merkle.leaf_hashes(raws), bad, rotations, evidence, rows)


def _row(fact: Any) -> tuple[str, str, str] | None:
    try:
        row = (fact["id"], fact["kind"], fact["time"])
    except (TypeError, KeyError):
        return None
    return row if all(isinstance(text, str) for text in row) else None


def in_this_process(groups: Iterable[Group]) -> Iterator[tuple[Group, Found]]:
    """`examine` of each group, in their order."""
    return ((group, examine(group[1])) for group in groups)


@dataclass
class Check:
    """One verification. Heads and anchors are handed over before the entries, `verdict` is asked for last."""

    key: PublicKey
    origin: str
    heads: list[Head] = field(default_factory=list)
    anchors: list[Head] | None = None
    printed: list[tuple[int, bytes]] = field(default_factory=list)
    tokens: list[tuple[str, bytes, Certificate]] = field(default_factory=list)
    rotations: list[Rotation] = field(default_factory=list)
    evidence: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    size: int = 0
    disclosed: int = 0
    root: bytes = merkle.EMPTY_ROOT
    roots: dict[int, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    counts: dict[FaultKind, int] = field(default_factory=dict)
    checked: dict[str, int] = field(default_factory=dict)

    def fault(self, kind: FaultKind, text: str, seq: int | None = None) -> None:
        """Tell a fault; all are counted, the first of each kind are listed."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= FAULTS_LISTED:
            self.faults.append(Fault(kind, text, seq))

    # --- what is signed, read only: who may have signed it is known when the entries were read

    def head(self, note: str) -> None:
        """One of the ledger's own heads, in their order."""
        try:
            self.heads.append(read_note(note))
        except SigningError:
            self.fault(FaultKind.HEAD_UNREADABLE, f"a head is no signed note: {note[:60]!r}")

    def anchor(self, text: str) -> None:
        """The heads of an anchor file."""
        heads, foreign = read_notes(text)
        for part in foreign:
            self.fault(FaultKind.ANCHOR_DAMAGED, f"the anchor holds what is no signed head: {part[:60]!r}")
        self.anchors = [*(self.anchors or ()), *heads]

    def token(self, name: str, answer: bytes, authority: Certificate) -> None:
        """A time stamp over the note of a head, from this authority."""
        self.tokens.append((name, answer, authority))

    # --- entries and tree

    def entries(
        self,
        groups: Iterable[Group],
        leaves: Iterator[bytes],
        seen: Callable[[list[tuple[str, str, str] | None]], None] = lambda _: None,
        examined: Examined = in_this_process,
    ) -> bool:
        """Read the entries beside the leaves they should have; whether they are one to one.

        `seen` gets the facts of a group as (id, kind, time), None for what is none. `examined`: who calls `examine`.
        """
        alike = True
        for (seqs, raws), found in examined(groups):
            alike = alike and found.hashes == list(islice(leaves, len(raws)))
            for place, reason in found.bad.items():
                self.fault(FaultKind.NOT_CANONICAL, f"entry {seqs[place]}: {reason}", seqs[place])
            for place, fact in found.rotations:
                self._rotation(seqs[place], fact)
            self.evidence += [(seqs[place], fact) for place, fact in found.evidence]
            seen(found.facts)
            self.disclosed += len(raws)
        return alike and next(leaves, None) is None

    def differences(self, found: Sequence[tuple[int, bytes]], leaves: Sequence[bytes]) -> None:
        """What was done to entries (sequence number, leaf hash) that are not one to one with their leaves."""
        for fault in align(found, leaves):
            self.fault(fault.kind, fault.text, fault.seq)

    def tree(self, leaves: Iterator[bytes], nodes: Nodes = lambda _: None) -> None:
        """The tree anew from its leaves: its roots at the sizes of all heads. `nodes` gets all stored nodes, group by group."""
        sizes = {head.size for head in (*self.heads, *(self.anchors or ()))} | {size for size, _ in self.printed}
        self.roots[0] = merkle.EMPTY_ROOT
        edge = merkle.Frontier()
        for stop in [*sorted(size for size in sizes if size), sys.maxsize]:
            while group := list(islice(leaves, min(LEAVES, stop - edge.size))):
                nodes(edge.extend(group))
            if edge.size == stop:
                self.roots[stop] = edge.root()
        self.size, self.root = edge.size, edge.root()

    def _rotation(self, seq: int, fact: dict[str, Any]) -> None:
        try:
            rotation = read_rotation(seq, self.origin, fact["time"], fact["body"])
        except ValueError as error:
            self.fault(FaultKind.BAD_ROTATION, f"entry {seq}: {error}", seq)
            return
        if not rotation.sound:
            self.fault(FaultKind.BAD_ROTATION, f"entry {seq}: the two keys did not both sign it", seq)
        self.rotations.append(rotation)

    # --- heads against keys, order and tree

    def verdict(self) -> Verdict:
        """What all of this says."""
        chain = self.chain()
        heads = self._borne_out([head for head in self.heads if self._trusted(head, "head", chain)])
        anchors = None
        if self.anchors is not None:
            anchors = self._anchored([head for head in self.anchors if self._trusted(head, "anchored head", chain)])
        stamped = self._stamped([*heads, *(anchors or ())])
        printed = self._printed()
        proven = [head.size for head in (*heads, *(anchors or ()))]
        outside = [*(head.size for head in anchors or ()), *(head.size for head, _ in stamped), *printed]
        consulted = self.anchors is not None or bool(self.tokens or self.printed)
        signed = min(self.size, max(proven, default=0))
        kinds = self.counts.keys()
        broken = kinds - AT_THE_END
        if kinds & CUTS:
            completeness = Completeness.CUT
        elif not proven:
            completeness = Completeness.UNPROVEN
        else:
            completeness = Completeness.UNSIGNED_TAIL if self.size > signed else Completeness.COMPLETE
        last = [*(anchors or ()), *(head for head, _ in stamped)]
        return Verdict(
            integrity=Integrity.BROKEN if broken else Integrity.INTACT if proven else Integrity.UNPROVEN,
            completeness=completeness,
            faults=tuple(self.faults),
            more=sum(self.counts.values()) - len(self.faults),
            size=self.size,
            root=self.root,
            signed=signed,
            anchored=min(self.size, max(outside, default=0)) if consulted else None,
            heads=len(heads),
            last_head=heads[-1] if heads else None,
            last_anchored=max(last, key=lambda head: head.time, default=None),
            origin=self.origin,
            key=self.key.fingerprint,
            disclosed=self.disclosed,
            stamped=max((time for _, time in stamped), default=None),
            checked=tuple(self.checked.items()),
        )

    def chain(self) -> list[Term]:
        """The keys that are believed, by the rotations among the entries; ask when those were read."""
        return terms(self.key, self.rotations)

    def _trusted(self, head: Head, what: str, chain: Sequence[Term]) -> bool:
        where = f"the {what} of size {head.size} of {rfc3339(head.time)}"
        if head.origin != self.origin:
            told = f'{where} speaks of the ledger "{head.origin}", this one is "{self.origin}"'
            self.fault(FaultKind.OTHER_ORIGIN, told)
            return False
        term = next((term for term in chain if term.key.key_id(head.origin) == head.key_id), None)
        if term is None or head.size < term.since:
            self.fault(FaultKind.FOREIGN_KEY, f"{where} was signed by another key ({head.key_id.hex()})")
        elif not term.key.signed(head):
            self.fault(FaultKind.BAD_SIGNATURE, f"{where} was changed after it was signed, or never was")
        elif term.until is not None and head.size > term.until:
            self.fault(FaultKind.RETIRED_KEY, f"{where} was signed by a key that was retired at size {term.until}")
        else:
            return True
        return False

    def _borne_out(self, heads: list[Head]) -> list[Head]:
        """The heads up to the first that the tree contradicts; a fault for each that is out of order."""
        for last, head in pairwise(heads):
            if head.time < last.time:
                told = f"the head of {rfc3339(head.time)} was made after that of {rfc3339(last.time)}"
                self.fault(FaultKind.CLOCK_BACK, told)
            if head.size < last.size:
                self.fault(FaultKind.SIZE_BACK, f"a head of size {head.size} was made after one of size {last.size}")
        good: list[Head] = []
        for head in heads:
            when = f"the head of size {head.size} of {rfc3339(head.time)}"
            if head.size > self.size:
                kind = FaultKind.TAIL_CUT if self.size else FaultKind.EMPTIED
                self.fault(kind, f"{when} covers more than the {self.size} entries that are there", self.size)
                break
            if self.roots.get(head.size) != head.root:
                since = good[-1].size if good else 0
                self.fault(FaultKind.REWRITTEN, f"history from entry {since} on is not what {when} signed", since)
                break
            good.append(head)
        return good

    def _anchored(self, anchors: list[Head]) -> list[Head]:
        """The anchored heads that the tree bears out."""
        kept = {(head.size, head.time) for head in self.heads}
        good: list[Head] = []
        for head in anchors:
            when = f"the anchored head of size {head.size} of {rfc3339(head.time)}"
            if self._outside(head.size, head.root, when):
                good.append(head)
                if (head.size, head.time) not in kept:
                    self.fault(FaultKind.HEAD_MISSING, f"{when} is not among this ledger's heads")
        return good

    def _printed(self) -> list[int]:
        """The sizes of printed roots that the tree bears out."""
        return [size for size, root in self.printed if self._outside(size, root, f"the printed root of size {size}")]

    def _outside(self, size: int, root: bytes, when: str) -> bool:
        """Whether the tree bears out what was kept outside of it."""
        if size > self.size:
            kind = FaultKind.ROLLED_BACK if self.size else FaultKind.EMPTIED
            self.fault(kind, f"{when} covers more than the {self.size} entries that are there", self.size)
        elif self.roots.get(size) != root:
            self.fault(FaultKind.SPLIT_VIEW, f"{when} tells another history than this ledger")
        else:
            return True
        return False

    def _stamped(self, heads: list[Head]) -> list[tuple[Head, datetime]]:
        """The heads that a time stamp attests, with its time."""
        found = []
        for name, answer, authority in self.tokens:
            try:
                token = read_token(answer)
                head = next((head for head in heads if _imprint(head) == token.imprint), None)
                if head is not None:
                    found.append((head, verify_token(token, head.note.encode(), authority)))
                else:
                    self.fault(FaultKind.BAD_TOKEN, f"{name}: it attests no head of this ledger")
            except ProofError as error:
                self.fault(FaultKind.BAD_TOKEN, f"{name}: {error}")
        return found


def _imprint(head: Head) -> bytes:
    return sha256(head.note.encode()).digest()
