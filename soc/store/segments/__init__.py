"""Events in, columnar files out, and searched again: the embedded store. See docs/architecture.md, "The embedded store"."""
