"""What is compiled of rules, by content: tests of leaves and indexes of columns, shared by all units and kept over a change of rules."""

from __future__ import annotations

import weakref

from soc.detect.sigma.index import ColumnIndex, Memory, Wanted
from soc.detect.sigma.ir import Leaf
from soc.detect.sigma.leaf import Test


class Tests:
    """The tests of leaves, one for each set of patterns, as long as someone holds it."""

    __test__ = False

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._tests: weakref.WeakValueDictionary[bytes, Test] = weakref.WeakValueDictionary()

    def of(self, leaf: Leaf) -> Test:
        """What decides a leaf."""
        found = self._tests.get(leaf.key)
        if found is None:
            found = self._tests[leaf.key] = Test(leaf.patterns, self.memory.spend)
            self.memory.add(found)
        return found


class Store:
    """Tests and indexes, each made when first asked for."""

    def __init__(self, memory: Memory | None = None, tests: Tests | None = None) -> None:
        self.memory = memory or Memory()
        self.tests = tests or Tests(self.memory)
        self._indexes: dict[object, ColumnIndex] = {}
        self._before: dict[object, ColumnIndex] = {}

    def next(self) -> Store:
        """The store of a changed rule set: what is asked for again is kept, what neither set asks for is forgotten at the next change."""
        store = Store(self.memory, self.tests)
        store._before = self._indexes
        return store

    def index(self, wanted: Wanted) -> ColumnIndex:
        """The index of a column on which these leaves are wanted."""
        key = tuple((leaf.key, rules) for leaf, rules in wanted)
        found = self._indexes.get(key)
        if found is None:
            found = self._before.get(key) or ColumnIndex(wanted, self.tests.of, self.memory)
            self._indexes[key] = found
        return found
