"""Rule folders in, one verdict a sample out: every rule's own lines and sequences, parsed and matched by what runs in production.

Beside `NAME.yml` stands `NAME.test.yml`:

    format: syslog                     # a parser of collectors.parse
    received: 2026-11-22T00:00:00Z     # optional: when the lines came in; a syslog time without a year is read against it
    given: {event.action: approve}     # optional: fields that every sample given as fields shares
    match:                             # each of these must fire the rule
      - 'Nov 20 02:14:07 jump-01 sshd[2231]: Accepted password for root from 203.0.113.45 port 41022 ssh2'
    near_miss:                         # each of these must not, although it nearly does
      - 'Nov 20 02:14:07 jump-01 sshd[2231]: Failed password for root from 203.0.113.45 port 41022 ssh2'

A sample is a raw line or, where the format is `json`, the fields of an event: they are laid over `given` (null takes a field away) and
written as one line of JSON before they are parsed, so that both ways go through the parser. A correlation is tested by sequences, samples
with `events` (.document); a filter by what it must hide and what it must leave (`hidden`, `kept`). A rule needs samples of both kinds.
Enrichment takes no part: a rule must stand on what the record says.
"""

from soc.detect.rule_tests.document import (
    RECEIVED,
    SUFFIX,
    Kind,
    Record,
    RuleTest,
    Sample,
    Subject,
    discover,
)
from soc.detect.rule_tests.reading import Reading, read_samples
from soc.detect.rule_tests.verdict import Result, run

__all__ = [
    "RECEIVED",
    "SUFFIX",
    "Kind",
    "Reading",
    "Record",
    "Result",
    "RuleTest",
    "Sample",
    "Subject",
    "discover",
    "read_samples",
    "run",
]
