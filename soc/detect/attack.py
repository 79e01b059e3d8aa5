"""ATT&CK's tactics as Sigma's tags name them, in the order of the matrix. Source of truth: ATT&CK Enterprise 19, and what it renamed."""

from __future__ import annotations

OLD_TACTIC = "defense-evasion"
"""Split into stealth and defense-impairment in ATT&CK 19; rules carry either age."""

TACTICS = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "stealth",
    "defense-impairment",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
)

_AT = TACTICS.index("stealth") + 1
OF_ANY_AGE = (*TACTICS[:_AT], OLD_TACTIC, *TACTICS[_AT:])
"""All of them, the old one where it stood."""

IN_VIETNAMESE = {
    "reconnaissance": "trinh sát",
    "resource-development": "chuẩn bị nguồn lực",
    "initial-access": "xâm nhập ban đầu",
    "execution": "thực thi mã",
    "persistence": "duy trì hiện diện",
    "privilege-escalation": "leo thang đặc quyền",
    "stealth": "ẩn mình",
    OLD_TACTIC: "lẩn tránh phòng thủ",
    "defense-impairment": "làm suy yếu phòng thủ",
    "credential-access": "lấy thông tin đăng nhập",
    "discovery": "dò xét hệ thống",
    "lateral-movement": "di chuyển ngang",
    "collection": "thu thập dữ liệu",
    "command-and-control": "điều khiển từ xa",
    "exfiltration": "đưa dữ liệu ra ngoài",
    "impact": "gây tác hại",
}
"""What tactics are called in Vietnamese."""
