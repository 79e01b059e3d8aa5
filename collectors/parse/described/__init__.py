"""Formats that are only patterns: a description in plain data (of a YAML file) in, a `Format` or `Message` out, as a Python parser gives.

    title: transfers of vsftpd and ProFTPD
    about: xferlog(5)                             # where the form is documented
    dataset: ftp.xferlog                          # event.dataset
    patterns:                                     # or columns:, pairs:, json:
      - match: '(?P<when>\\S+ \\S+) (?P<host>\\S+) (?P<size>\\d+) (?P<file>.+) (?P<way>[iod])'
        set: {event.category: file}               # constants of what fits this pattern
    time: {from: when, form: '%Y-%m-%d %H:%M:%S'}
    fields:
      host: {host: source}                        # source.ip, or source.domain where it is no address
      size: file.size
      file: file.path
      way: {values: {i: {event.action: upload}, o: {event.action: download}, d: {event.action: delete}}}
    samples:
      - line: '2026-11-22 10:00:00 192.0.2.7 512 /ho-so/a.pdf i'
        time: 2026-11-22T10:00:00Z
        fields: {event.category: file, source.ip: 192.0.2.7, file.size: 512, file.path: /ho-so/a.pdf, event.action: upload}

The file's name is the format's. With `behind: {programs: [...], openings: [...]}` it reads what programs write after a syslog header.
Expressions run in RE2: time linear in the record, whatever an admin writes. Who reads the YAML says where faults stand: they are told
by their path in the data. docs/reference.md lists the keys.
"""

from collectors.parse.described.description import Described, Sample, Wrong
from collectors.parse.described.making import describe

__all__ = ["Described", "Sample", "Wrong", "describe"]
