"""Sigma files in, a matcher of single events out: `load(paths) -> content`, `Matcher(rules).match(batch)`, `Matcher.explain`.

Source of truth: Sigma specification 2.1. How it runs: a file is checked (.check) and parsed (.parse) once into our own form (.ir), which is
cached (.cache). The taxonomy (.taxonomy) says which kinds of events a rule reads (.routing). The rules of a logsource that ask nothing of
the kind are one unit (.unit), indexed by what must be present (.index); what a kind decides of the others is folded away (.program): every
distinct value is matched once, and a tree is evaluated only on rows that have what it needs, on all of them at once.

What an absent field means: a detection item on it is false, unless it asks for absence (`null`, `exists: false`); `not` negates that, so
`not (field = x)` is true where the field is absent. This is the specification's two-valued logic, the same for every field and modifier.
"""

from soc.detect.sigma import ir
from soc.detect.sigma.explain import Part
from soc.detect.sigma.load import load
from soc.detect.sigma.matcher import Matcher

__all__ = ["Matcher", "Part", "ir", "load"]
