"""What the actions on alerts and incidents say of themselves (soc.incident.actions), in Vietnamese. A test asks that nothing is missing."""

from __future__ import annotations

VIETNAMESE: dict[str, str] = {
    # alerts
    "Say that you look at these alerts.": "Báo rằng bạn đang xem các cảnh báo này.",
    "In your words, for the next analyst and the auditor.": "Bằng lời của bạn, cho người trực sau và kiểm toán viên.",
    "Decide on alerts, with the reason.": "Kết luận cảnh báo, kèm lý do.",
    "What it turned out to be.": "Thực chất là gì.",
    "Put alerts back to new; the history keeps both decisions. A duplicate stands for itself again.": (
        "Đưa cảnh báo về trạng thái mới; lịch sử giữ cả hai quyết định. Bản trùng lại đứng riêng."
    ),
    "Say whose these alerts are.": "Giao các cảnh báo này cho ai.",
    "Who looks after them (default: you; an empty text: nobody).": "Ai phụ trách (mặc định: bạn; để trống: không ai).",
    "Add a comment.": "Thêm bình luận.",
    "What there is to say.": "Nội dung.",
    "Add or remove labels of your own; a rule's tags stay.": "Thêm hoặc bỏ nhãn riêng; thẻ của luật giữ nguyên.",
    "A label to add.": "Nhãn cần thêm.",
    "A label to remove.": "Nhãn cần bỏ.",
    "Say with whom these alerts may be shared (Traffic Light Protocol 2.0).": (
        "Được chia sẻ các cảnh báo này với ai (Traffic Light Protocol 2.0)."
    ),
    "How far, and no further.": "Đến mức nào, không hơn.",
    "Put alerts to sleep: lists count them and do not show them until the time is over or their risk rises.": (
        "Tạm ẩn cảnh báo: danh sách vẫn đếm, chỉ hiện lại khi hết giờ hoặc khi rủi ro tăng."
    ),
    "How long: 30m, 8h, 2d.": "Bao lâu: 30m, 8h, 2d.",
    "Wake alerts that sleep.": "Hiện lại cảnh báo đang tạm ẩn.",
    "Say that these alerts repeat another one: they are closed as its duplicates, and it names them.": (
        "Báo rằng các cảnh báo này lặp lại một cảnh báo khác: chúng được đóng là trùng lặp, và cảnh báo kia nêu tên chúng."
    ),
    "The alert that they repeat.": "Cảnh báo mà chúng lặp lại.",
    "Make an incident of these alerts, or add them to one.": "Lập sự cố từ các cảnh báo này, hoặc thêm vào một sự cố.",
    "The incident that they belong to (default: a new one).": "Sự cố mà chúng thuộc về (mặc định: sự cố mới).",
    "Do not show what the rules of these alerts find on the same entities for a time; it is written and counted.": (
        "Không hiện những gì các luật này thấy trên cùng đối tượng trong một thời gian; vẫn ghi và đếm."
    ),
    "End what `suppress` began on the rules and entities of these alerts.": (
        "Kết thúc việc `suppress` đã bắt đầu với luật và đối tượng của các cảnh báo này."
    ),
    "How long: 8h, 2d.": "Bao lâu: 8h, 2d.",
    # incidents
    "It is no incident: no notice is due.": "Không phải sự cố: không phải thông báo.",
    "Move incidents to a phase of ISO/IEC 27035.": "Chuyển sự cố sang một giai đoạn của ISO/IEC 27035.",
    "The phase.": "Giai đoạn.",
    "End incidents: assessed, without open tasks, and of the two highest classes with their review.": (
        "Kết thúc sự cố: đã đánh giá, không còn việc mở, và hai mức cao nhất phải có rút kinh nghiệm."
    ),
    "Go on with closed incidents.": "Mở lại sự cố đã đóng.",
    "Say whose these incidents are.": "Giao các sự cố này cho ai chủ trì.",
    "Who leads them (default: you; an empty text: nobody).": "Ai chủ trì (mặc định: bạn; để trống: không ai).",
    "Add or remove labels of your own.": "Thêm hoặc bỏ nhãn riêng.",
    "Say with whom these incidents may be shared (Traffic Light Protocol 2.0).": (
        "Được chia sẻ các sự cố này với ai (Traffic Light Protocol 2.0)."
    ),
    "Say how grave incidents are, of what sort, and what makes legal notices due.": (
        "Sự cố nghiêm trọng đến đâu, thuộc loại nào, và điều gì khiến phải thông báo theo luật."
    ),
    "M1 (gravest) to M4.": "M1 (nặng nhất) đến M4.",
    "N1 malicious code to N9 other.": "N1 mã độc đến N9 loại khác.",
    "What it is besides, in the law's sense.": "Ngoài ra là gì, theo nghĩa của luật.",
    "Set a task.": "Giao việc.",
    "What is to be done.": "Việc cần làm.",
    "By whom.": "Ai làm.",
    "In what time: 2h, 3d.": "Trong bao lâu: 2h, 3d.",
    "Say that a task is done.": "Báo việc đã xong.",
    "Its id, T-...": "Mã của nó, T-...",
    "Say that a task will not be done.": "Báo việc sẽ không làm.",
    "Take a thing into evidence: its chain of custody begins.": "Thu giữ chứng cứ: chuỗi bảo quản bắt đầu.",
    "The file; the vault keeps a copy.": "Tệp; kho giữ một bản sao.",
    "Or: the hash of what lies elsewhere, such as a disk image.": "Hoặc: mã băm của vật ở nơi khác, như ảnh đĩa.",
    "What that is called.": "Tên của vật đó.",
    "Where it was found, or lies.": "Tìm thấy ở đâu, hoặc đang ở đâu.",
    "Why it is evidence.": "Vì sao là chứng cứ.",
    "Add a line to an evidence item's chain of custody; its file is hashed anew.": (
        "Thêm một dòng vào chuỗi bảo quản chứng cứ; tệp được băm lại."
    ),
    "Its id, E-...": "Mã của nó, E-...",
    "What was done.": "Đã làm gì.",
    "In whose hands or where it is now.": "Đang ở đâu hoặc trong tay ai.",
    "Why.": "Vì sao.",
    "Record that a legal notice was sent, with its proof.": "Ghi nhận đã gửi thông báo theo luật, kèm bằng chứng.",
    "Which notice: its id in `soc incidents clocks`.": "Thông báo nào: mã trong `soc incidents clocks`.",
    "To whom.": "Gửi ai.",
    "The notice as it was sent.": "Thông báo như đã gửi.",
    "What proves it: a receipt, a stamped copy.": "Bằng chứng: biên nhận, bản có dấu.",
    "When (default: now).": "Khi nào (mặc định: bây giờ).",
    "Record the post-incident review.": "Ghi nhận rút kinh nghiệm sau sự cố.",
    "What caused it.": "Nguyên nhân.",
    "What was learnt.": "Bài học.",
    "What will be changed, by whom and when.": "Sẽ thay đổi gì, ai làm, khi nào.",
    "Say that these incidents are part of another one, which then has all that they hold.": (
        "Các sự cố này là một phần của sự cố khác, sự cố đó sẽ có mọi thứ của chúng."
    ),
    "The incident that they are part of.": "Sự cố mà chúng là một phần.",
    "Take alerts out of an incident, as one of their own.": "Tách cảnh báo khỏi sự cố thành sự cố riêng.",
    "An alert to take out.": "Cảnh báo cần tách.",
}
"""English to Vietnamese; what is not here reads English."""
