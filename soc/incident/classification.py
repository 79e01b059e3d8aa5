"""How grave an incident is and of what sort: the classes and groups of the legal scheme, and the matrix that proposes a class. Pure.

Names in Vietnamese as iso27001/catalogue/vn_legal.yaml has them (a test holds it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from soc.detect import Level

CLASSES: Mapping[str, tuple[str, str]] = {
    "M1": ("Exceptionally serious", "Đặc biệt nghiêm trọng"),
    "M2": ("Serious", "Nghiêm trọng"),
    "M3": ("Medium", "Trung bình"),
    "M4": ("Low, or an event", "Thấp / sự kiện"),
}
"""Class -> its name in English and Vietnamese, the gravest first."""

GRAVE = ("M1", "M2")
"""The two highest classes: they are serious in the law's sense unless the site says otherwise, and end with a review."""

GROUPS: Mapping[str, tuple[str, str]] = {
    "N1": ("Malicious code", "Mã độc"),
    "N2": ("Intrusion, taking control", "Xâm nhập, chiếm quyền"),
    "N3": ("Denial of service", "Từ chối dịch vụ"),
    "N4": ("Data leaked, exposed or lost", "Lộ, lọt, mất dữ liệu"),
    "N5": ("Content changed or destroyed", "Thay đổi, phá hoại nội dung"),
    "N6": ("Fraud, impersonation", "Lừa đảo, giả mạo"),
    "N7": ("From a supplier or the supply chain", "Sự cố từ nhà cung cấp/chuỗi cung ứng"),
    "N8": ("Violation from inside", "Vi phạm nội bộ"),
    "N9": ("Other", "Khác"),
}
"""Group -> its name in English and Vietnamese."""

PERSONAL_DATA_GROUP = "N4"
"""The group in which personal data may have left, where a system with personal data is hit."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The class of an incident by the level of its gravest alert and the criticality (1 to 5) of its most critical system.

    `serious`: the classes whose notice is that of a serious incident: the decree leaves the criteria to the organisation.
    `at_once_level`: legal level of a system from which an incident of class M1 is told at once. `warn_before`: how long before a notice is
    due the SOC warns.
    """

    rows: Mapping[Level, tuple[str, ...]] = field(
        default_factory=lambda: {
            Level.CRITICAL: ("M3", "M3", "M2", "M1", "M1"),
            Level.HIGH: ("M3", "M3", "M3", "M2", "M2"),
            Level.MEDIUM: ("M4", "M4", "M3", "M3", "M3"),
            Level.LOW: ("M4", "M4", "M4", "M4", "M3"),
            Level.INFORMATIONAL: ("M4", "M4", "M4", "M4", "M4"),
        }
    )
    serious: tuple[str, ...] = GRAVE
    at_once_level: int = 4
    warn_before: timedelta = timedelta(hours=6)

    def __post_init__(self) -> None:
        """Raises: ValueError for a row that is not five known classes, or a level that is missing."""
        for level in Level:
            row = self.rows.get(level, ())
            if len(row) != 5 or not set(row) <= set(CLASSES):
                raise ValueError(f"matrix: {level.value} needs five of {', '.join(CLASSES)}, by criticality 1 to 5")
        if not set(self.serious) <= set(CLASSES):
            raise ValueError(f"matrix: serious holds what is none of {', '.join(CLASSES)}")

    def propose(self, level: Level, criticality: int) -> str:
        """The class, for an alert's level and a system's criticality."""
        return self.rows[level][criticality - 1]
