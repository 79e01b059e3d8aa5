"""The control tracker: catalogue, ledger, measures, evidence, status, reports. A leaf: knows nothing of a SOC."""
