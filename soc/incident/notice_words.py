"""The words of a legal notice in English and Vietnamese."""

from __future__ import annotations

from iso27001.language import Language

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Notice of a cybersecurity incident", "Báo cáo sự cố an ninh mạng"),
    "to": ("To", "Kính gửi"),
    "from": ("From", "Đơn vị báo cáo"),
    "authority": ("Authority in charge", "Cơ quan chủ quản"),
    "due": ("Due by", "Thời hạn báo cáo"),
    "made": ("Made at", "Thời điểm lập"),
    "incident": ("The incident", "Thông tin sự cố"),
    "id": ("Id", "Mã số"),
    "what": ("What", "Nội dung"),
    "class": ("Class", "Mức độ"),
    "group": ("Sort", "Nhóm sự cố"),
    "proposed": ("proposed by the severity matrix, not yet assessed", "theo ma trận mức độ, chưa đánh giá"),
    "detected": ("Detected", "Thời điểm phát hiện"),
    "began": ("First and last trace", "Dấu vết đầu tiên và cuối cùng"),
    "phase": ("Phase", "Giai đoạn xử lý"),
    "closed": ("Closed", "Kết thúc"),
    "open": ("not yet", "chưa"),
    "scope": ("Scope of impact", "Phạm vi ảnh hưởng"),
    "system": ("System", "Hệ thống thông tin"),
    "level": ("Level", "Cấp độ"),
    "owner": ("Owner", "Đơn vị phụ trách"),
    "personal": ("Personal data", "Dữ liệu cá nhân"),
    "yes": ("yes", "có"),
    "no": ("no", "không"),
    "kind": ("Kind", "Loại"),
    "value": ("Value", "Giá trị"),
    "found": ("What was found", "Diễn biến ghi nhận"),
    "time": ("Time", "Thời gian"),
    "times": ("Times", "Số lần"),
    "cause": ("Cause", "Nguyên nhân"),
    "cause_unknown": (
        "Not known yet; it follows with the next report.",
        "Chưa xác định; sẽ bổ sung trong báo cáo tiếp theo.",
    ),
    "measures": ("Remediation", "Biện pháp khắc phục"),
    "state": ("State", "Trạng thái"),
    "done": ("done", "đã thực hiện"),
    "dropped": ("dropped", "không thực hiện"),
    "none_yet": ("None recorded yet", "Chưa ghi nhận"),
    "evidence": ("Evidence kept", "Chứng cứ được lưu giữ"),
    "ledger": ("Ledger of facts, size and root", "Sổ cái dữ kiện, số mục và mã gốc"),
    "unknown": ("not known", "chưa xác định"),
    "detect-and-report": ("detect and report", "phát hiện và báo cáo"),
    "assess-and-decide": ("assess and decide", "đánh giá và quyết định"),
    "respond": ("respond", "ứng phó"),
    "learn-lessons": ("learn lessons", "rút kinh nghiệm"),
}


def words(language: Language) -> dict[str, str]:
    """By key, the words of a language."""
    column = 1 if language is Language.VIETNAMESE else 0
    return {key: both[column] for key, both in _WORDS.items()}
