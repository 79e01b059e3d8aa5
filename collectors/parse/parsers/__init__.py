"""One module a format, each with its `FORMAT`; formats do not know each other (`syslog`, which chooses between two,
apart).
"""
