"""The auditor's words, the third axis: never an indicator of machines, never an implementation status of the organisation."""

from __future__ import annotations

from enum import StrEnum


class Conclusion(StrEnum):
    """What an auditor concludes of one control or clause. ISO 19011 clause 3.10 and the usual grades of certification bodies."""

    CONFORM = "conform"
    MINOR = "minor NC"
    MAJOR = "major NC"
    OBSERVATION = "observation"
    OPPORTUNITY = "opportunity"

    @property
    def nonconformity(self) -> bool:
        """Whether clause 10.2 asks for a cause, a corrective action and a check of its effect."""
        return self in {Conclusion.MINOR, Conclusion.MAJOR}
