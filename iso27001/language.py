"""The languages that the catalogue and the reports speak."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """BCP 47 tags."""

    ENGLISH = "en"
    VIETNAMESE = "vi"
