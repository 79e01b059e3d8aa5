"""Bytes in, Events out, durably journalled, shipped. A leaf: imports neither `soc` nor `iso27001`."""
