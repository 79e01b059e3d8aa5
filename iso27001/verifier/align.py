"""The entries as found and the leaves that the tree remembers in, what was done to the entries out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iso27001.verifier.verdict import Fault, FaultKind


def align(found: Sequence[tuple[int, bytes]], leaves: Sequence[bytes]) -> Iterator[Fault]:
    """Why (sequence number, leaf hash) of the entries and the leaves are not one to one, walking both side by side.

    What stands on neither other side was edited; what only the tree knows was deleted, what only the entries know was inserted; what both
    know, elsewhere, was moved.
    """
    if not found and leaves:
        yield Fault(FaultKind.EMPTIED, f"all {len(leaves)} entries are gone")
        return
    in_tree, in_entries = set(leaves), {leaf for _, leaf in found}
    i = j = 0
    renumbered: int | None = None
    while i < len(found) and j < len(leaves):
        seq, leaf = found[i]
        if leaf == leaves[j]:
            renumbered = seq if renumbered is None and i == j != seq else renumbered
            i, j = i + 1, j + 1
        elif leaf in in_tree and leaves[j] in in_entries:
            yield Fault(FaultKind.REORDERED, f"entry {seq} stands in another's place", seq)
            i, j = i + 1, j + 1
        elif leaf in in_tree:
            yield Fault(FaultKind.DELETED_INSIDE, f"what was entry {j} is gone", j)
            j += 1
        elif leaves[j] in in_entries:
            yield Fault(FaultKind.INSERTED, f"entry {seq} is not in the tree", seq)
            i += 1
        else:
            yield Fault(FaultKind.EDITED, f"entry {seq} is not what was written", seq)
            i, j = i + 1, j + 1
    for seq, _ in found[i:]:
        yield Fault(FaultKind.INSERTED, f"entry {seq} is not in the tree", seq)
    if j < len(leaves):
        yield Fault(FaultKind.TAIL_CUT, f"entries {j} to {len(leaves) - 1} are gone", j)
    if renumbered is not None:
        yield Fault(
            FaultKind.COLUMN_CHANGED, f"entries from {renumbered} on carry another number than their place", renumbered
        )
