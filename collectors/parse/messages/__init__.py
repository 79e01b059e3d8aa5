"""One module a daemon, each with its `MESSAGE`: what stands after the syslog header."""
