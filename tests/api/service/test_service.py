"""The rest of the Service API: keys, conversations, files."""

from __future__ import annotations

import httpx
import pytest

from tests.api.chat_server import QUESTION, ChatServer

NOBODY = "00000000-0000-0000-0000-000000000000"


def _ask(client: httpx.Client, user: str) -> dict[str, str]:
    found: dict[str, str] = client.post("/chat-messages", json={"inputs": {}, "query": QUESTION, "user": user}).json()
    return found


def test_an_app_key_opens_no_datasets_and_a_dataset_key_no_app(chat_server: ChatServer, service: httpx.Client) -> None:
    assert service.get("/datasets").status_code == 401
    for key in (chat_server.dataset, chat_server.model, chat_server.live.token):
        with chat_server.client(key) as client:
            answer = client.get("/info")
            assert answer.status_code == 401
            assert answer.json()["message"] == "Access token is invalid"


def test_a_completion_is_refused_for_a_chat_app(service: httpx.Client) -> None:
    answer = service.post("/completion-messages", json={"inputs": {}, "user": "a"})
    assert (answer.status_code, answer.json()["code"]) == (400, "app_unavailable")


def test_a_conversation_is_renamed_by_hand_and_by_itself(service: httpx.Client) -> None:
    asked = _ask(service, "namer")
    path = f"/conversations/{asked['conversation_id']}/name"
    answer = service.post(path, json={"name": "휴가 이야기", "user": "namer"})
    assert answer.json()["name"] == "휴가 이야기"
    assert service.post(path, json={"auto_generate": True, "user": "namer"}).json()["name"] == QUESTION
    answer = service.post(path, json={"name": " ", "user": "namer"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_param")


def test_conversations_are_paged_by_the_last_id(service: httpx.Client) -> None:
    ids = [_ask(service, "pager")["conversation_id"] for _ in range(3)][::-1]
    first = service.get("/conversations", params={"user": "pager", "limit": 2}).json()
    assert [c["id"] for c in first["data"]] == ids[:2]
    assert first["has_more"] is True
    rest = service.get("/conversations", params={"user": "pager", "last_id": ids[1]}).json()
    assert [c["id"] for c in rest["data"]] == ids[2:]
    answer = service.get("/conversations", params={"user": "pager", "last_id": NOBODY})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    no_numbers = ({"limit": given} for given in ("0", "101", "x", "--5", "²", "٣", "5\n", "1" * 5000))
    for wrong in (*no_numbers, {"sort_by": "name"}, {"last_id": "x"}):
        answer = service.get("/conversations", params={"user": "pager", **wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_param")


def test_chat_apps_have_no_conversation_variables(service: httpx.Client) -> None:
    asked = _ask(service, "ann")
    answer = service.get(f"/conversations/{asked['conversation_id']}/variables", params={"user": "ann"})
    assert answer.json() == {"limit": 20, "has_more": False, "data": []}
    answer = service.get(f"/conversations/{NOBODY}/variables", params={"user": "ann"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_messages_of_a_conversation_are_only_its_users(service: httpx.Client) -> None:
    asked = _ask(service, "owner")
    answer = service.get("/messages", params={"user": "thief", "conversation_id": asked["conversation_id"]})
    assert answer.status_code == 404
    answer = service.get("/messages", params={"user": "owner"})
    assert answer.json()["message"] == "Missing required parameter: conversation_id"
    answer = service.post(f"/messages/{asked['message_id']}/feedbacks", json={"rating": "like", "user": "thief"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_uploaded_file_comes_back_and_harmless_ones_are_shown(service: httpx.Client) -> None:
    for name, media_type, shown in (("사진.png", "image/png", "inline"), ("a.html", "text/html", "attachment")):
        up = service.post("/files/upload", files={"file": (name, b"bytes", media_type)}, data={"user": "u"}).json()
        assert up["name"] == name
        back = service.get(f"/files/{up['id']}/preview")
        assert back.content == b"bytes"
        assert back.headers["content-disposition"].startswith(shown)
        assert back.headers["x-content-type-options"] == "nosniff"
        forced = service.get(f"/files/{up['id']}/preview", params={"as_attachment": "true"})
        assert forced.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("wanted", "status", "content", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-9", 200, b"0123456789", None),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_a_part_of_a_file_is_given(
    service: httpx.Client, wanted: str, status: int, content: bytes, told: str | None
) -> None:
    up = service.post("/files/upload", files={"file": ("소리.mp3", b"0123456789", "audio/mpeg")}).json()
    part = service.get(f"/files/{up['id']}/preview", headers={"Range": wanted})
    assert (part.status_code, part.content, part.headers.get("content-range")) == (status, content, told)
    assert part.headers["content-length"] == str(len(content))


def test_an_upload_never_runs_as_a_page_of_ours(service: httpx.Client) -> None:
    for media_type in ("text/html", "image/svg+xml", "text/javascript", "image/png+xml", "text/plainer", "odd"):
        up = service.post("/files/upload", files={"file": ("a", b"<script>alert(1)</script>", media_type)}).json()
        back = service.get(f"/files/{up['id']}/preview")
        assert back.headers["content-disposition"].startswith("attachment"), media_type
        assert back.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert back.headers["x-content-type-options"] == "nosniff"


def test_files_that_cannot_be_taken_or_given_are_coded_errors(chat_server: ChatServer, service: httpx.Client) -> None:
    big = service.post("/files/upload", files={"file": ("big.bin", b"x" * (15 * 1024 * 1024 + 1))})
    assert (big.status_code, big.json()["code"]) == (413, "file_too_large")
    two = service.post("/files/upload", files=[("file", ("a", b"a")), ("file", ("b", b"b"))])
    assert (two.status_code, two.json()["code"]) == (400, "too_many_files")
    gone = service.get(f"/files/{NOBODY}/preview")
    assert (gone.status_code, gone.json()["code"]) == (404, "file_not_found")
    mine = service.post("/files/upload", files={"file": ("a.txt", b"a")}).json()
    with chat_server.client(chat_server.plain) as other:
        denied = other.get(f"/files/{mine['id']}/preview")
    assert (denied.status_code, denied.json()["code"]) == (403, "file_access_denied")


def test_a_file_sent_with_a_question_is_listed_with_its_message(service: httpx.Client) -> None:
    up = service.post("/files/upload", files={"file": ("a.txt", b"a")}, data={"user": "filer"}).json()
    files = [{"type": "document", "transfer_method": "local_file", "upload_file_id": up["id"]}]
    wanted = {"inputs": {}, "query": QUESTION, "user": "filer", "files": files}
    asked = service.post("/chat-messages", json=wanted).json()
    params = {"user": "filer", "conversation_id": asked["conversation_id"]}
    (message,) = service.get("/messages", params=params).json()["data"]
    assert message["message_files"][0]["filename"] == "a.txt"


def test_an_end_user_is_told_by_the_id_answers_name(service: httpx.Client) -> None:
    up = service.post("/files/upload", files={"file": ("a.txt", b"a")}, data={"user": "someone"}).json()
    user = service.get(f"/end-users/{up['created_by']}").json()
    assert (user["session_id"], user["is_anonymous"]) == ("someone", False)
    answer = service.get(f"/end-users/{NOBODY}")
    assert (answer.status_code, answer.json()["code"]) == (404, "end_user_not_found")


@pytest.mark.parametrize("path", ["/conversations/xyz", "/messages/xyz/suggested", "/files/xyz/preview", "/info/"])
def test_a_malformed_id_is_an_unknown_page(service: httpx.Client, path: str) -> None:
    answer = service.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
