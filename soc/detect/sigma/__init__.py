"""Sigma rules in, a detector out: `load(paths) -> RuleSet`, `RuleSet.detect(batch) -> Detections`, `RuleSet.explain(rule, event)`.

Source of truth: Sigma specification 2.1. How it runs: a file is checked (.check) and parsed (.parse) once into our own form (.ir), which is
cached (.cache). The taxonomy (.taxonomy) says which kinds of events a rule reads (.routing). For each kind its rules are bound to columns
(.program) and indexed by what must be present (.index, .group): every distinct value is matched once, and a tree is evaluated only on
events that have what it needs.

What an absent field means: a detection item on it is false, unless it asks for absence (`null`, `exists: false`); `not` negates that, so
`not (field = x)` is true where the field is absent. This is the specification's two-valued logic, the same for every field and modifier.
"""

from soc.detect.sigma.explain import Explanation, Part
from soc.detect.sigma.load import load
from soc.detect.sigma.ruleset import RuleSet

__all__ = ["Explanation", "Part", "RuleSet", "load"]
