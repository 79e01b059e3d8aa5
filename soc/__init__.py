"""The trunk: detection, alerts, incidents, response, stores and their faces (command line, terminal UI, metrics)."""
