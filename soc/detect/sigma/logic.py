"""A rule's tree in, what can be said of it without any event out: what it gives where nothing matches.

Sound, not complete: what is said is always true, and what cannot be decided in bounded time is not said.
"""

from __future__ import annotations

from soc.detect.sigma.ir import And, Leaf, Node, Not


def without_a_match(node: Node) -> bool:
    """What a tree gives on an event on which no leaf is true."""
    if isinstance(node, Leaf):
        return False
    if isinstance(node, Not):
        return not without_a_match(node.item)
    return (all if isinstance(node, And) else any)(without_a_match(item) for item in node.items)
