"""Threat intelligence: files of indicators in, a set on disk, and what of it events match out.

Doors: `read_file` (STIX 2.1 bundles, MISP JSON, CSV), `IndicatorStore` (the set of a site), `IndicatorMatcher` (adds `threat.*` to events).
"""
