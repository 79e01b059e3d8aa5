"""Lines in which several records come between each other in, which lines make which record out. Pure.

    type=SYSCALL msg=audit(1795316400.123:871): ...
    type=SYSCALL msg=audit(1795316400.124:872): ...       (of another processor)
    type=PROCTITLE msg=audit(1795316400.123:871): ...

A place in the stream between records is one where none is open: only from there can the stream be read again without losing a part
of one record or giving another one twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from collectors.record import Woven

MOST_OPEN = 16
"""Whole records whose lines may come between each other; the bytes of what is open are bounded by so many times the limit of one."""


def unwoven(
    lines: Sequence[bytes], woven: Woven, most_lines: int, most_bytes: int, *, over: bool = False
) -> tuple[list[list[int]], int]:
    """Which lines make a record, by their numbers, records in the order in which they began; and how many lines these records take.

    The lines after those belong to records that are still open, or began after one that is. Where they become more than `most_lines` or
    `most_bytes`, or the stream is `over`, what is open is given as it is.
    """
    groups: list[list[int]] = []
    waiting: dict[bytes, tuple[int, list[int]]] = {}
    taken = given = size = 0
    for at, line in enumerate(lines):
        size += len(line)
        found = woven.strand(line)
        if found is None:
            groups.append([at])
        else:
            name, second, ends = found
            while waiting and next(iter(waiting.values()))[0] + woven.apart_s < second:
                groups.append(waiting.pop(next(iter(waiting)))[1])
            _, group = waiting.setdefault(name, (second, []))
            group.append(at)
            if ends:
                groups.append(waiting.pop(name)[1])
        if waiting and (at + 1 - taken >= most_lines or size >= most_bytes or (over and at + 1 == len(lines))):
            groups += [group for _, group in waiting.values()]
            waiting.clear()
        if not waiting:
            taken, given, size = at + 1, len(groups), 0
    return sorted(groups[:given]), taken
