"""Names of files and knowledge bases in every spelling, by API and by command line."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.live import LiveServer
from tests.reliability.servers import run

pytestmark = pytest.mark.slow

KOREAN = "휴가 규정 (최종).txt"
APART = unicodedata.normalize("NFD", KOREAN)  # as macOS sends it
FAMILY = "가족 👨‍👩‍👧 행사 🎉.md"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (quote("two words.txt"), "two words.txt"),
        (quote(KOREAN), KOREAN),
        (quote(APART), KOREAN),
        (quote(FAMILY), FAMILY),
        (quote("100% #1 a+b?&=;.txt"), "100% #1 a+b?&=;.txt"),
        ("a%252Fb.txt", "a%2Fb.txt"),
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("%2Ftmp%2Fx.txt", "x.txt"),
        ("..%5C..%5Cboot.ini", "boot.ini"),
        ("a%00b%09.txt", "ab.txt"),
        (quote("invoice\u202efdp.exe"), "invoicefdp.exe"),
        (quote("\u2067ordinary\u2069.txt"), "ordinary.txt"),
        (quote("wide\u3000and\u00a0hard spaces.txt"), "wide and hard spaces.txt"),
        (quote("긴" * 300 + ".txt"), "긴" * 251 + ".txt"),
        (quote("'; DROP TABLE documents; --.txt"), "'; DROP TABLE documents; --.txt"),
        (quote("<img src=x onerror=alert(1)>.txt"), "<img src=x onerror=alert(1)>.txt"),
    ],
)
def test_a_name_is_kept_as_it_looks_without_folders_and_marks(
    small_limits: LiveServer, base: str, sent: str, kept: str
) -> None:
    with small_limits.client() as client:
        answer = client.put(f"/api/v1/knowledge/{base}/documents/{sent}", content=b"some words")
        assert answer.status_code == 202, answer.text
        assert answer.json()["document"]["name"] == kept
        listed = client.get(f"/api/v1/knowledge/{base}/documents").json()
    assert [document["name"] for document in listed["documents"]] == [kept]


@pytest.mark.parametrize("sent", ["%2E%2E", "%00", "%20", "..%2F..", "%E2%80%AE", "%E2%80%8D"])
def test_what_is_no_name_is_refused(small_limits: LiveServer, base: str, sent: str) -> None:
    with small_limits.client() as client:
        answer = client.put(f"/api/v1/knowledge/{base}/documents/{sent}", content=b"some words")
        assert answer.status_code in (400, 404, 405), answer.text
        assert answer.json()["error"]["hint"]
        assert client.get(f"/api/v1/knowledge/{base}/documents").json()["total"] == 0


def test_the_same_visible_name_is_the_same_document(small_limits: LiveServer, base: str) -> None:
    with small_limits.client() as client:
        first = client.put(f"/api/v1/knowledge/{base}/documents/{quote(KOREAN)}", content="첫째".encode()).json()
        second = client.put(f"/api/v1/knowledge/{base}/documents/{quote(APART)}", content="둘째".encode()).json()
    assert second["outcome"] == "replaced"
    assert second["document"]["id"] == first["document"]["id"]


def test_the_command_line_sends_files_of_any_name(small_limits: LiveServer, base: str, tmp_path: Path) -> None:
    names = [
        KOREAN,
        FAMILY,
        "two words.txt",
        "100%25 #1?.txt",
        "-dash.txt",
        "quote'\"`$(x).txt",
        "rtl\u202etxt.md",
    ]
    folder = tmp_path / "자료 모음"
    (folder / "deep" / "안").mkdir(parents=True)
    for number, name in enumerate(names):
        (folder / name).write_text(f"document number {number}")
    (folder / "deep" / "안" / APART).write_text("the same name, apart, in a folder")
    (folder / os.fsdecode(b"broken \xff\xfe name.txt")).write_text("a name that is no UTF-8")
    ended = run("knowledge", "add", base, str(folder), "--wait", "--home", str(small_limits.home))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with small_limits.client() as client:
        listed = client.get(f"/api/v1/knowledge/{base}/documents").json()["documents"]
    kept = {document["name"] for document in listed}
    assert kept >= {*names[:-1], "rtltxt.md"}
    assert len(kept) == len(names) + 2
    assert {document["state"] for document in listed} == {"ready"}
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("name", ["인사 / 총무 #1?", "..", "%2F", "a\u0000b", "x" * 200, "👨‍👩‍👧", "\ud800"])
def test_a_base_of_any_name_can_be_used_by_it_or_is_refused(small_limits: LiveServer, name: str) -> None:
    with small_limits.client() as client:
        body = json.dumps({"name": name}).encode()
        made = client.post("/api/v1/knowledge", content=body, headers={"Content-Type": "application/json"})
        if made.status_code == 400:
            assert made.json()["error"]["hint"]
            return
        assert made.status_code == 201, made.text
        by_id = client.get(f"/api/v1/knowledge/{made.json()['id']}")
        assert by_id.status_code == 200
        listed = {entry["base"]["name"] for entry in client.get("/api/v1/knowledge").json()}
        assert made.json()["name"] in listed
        client.delete(f"/api/v1/knowledge/{made.json()['id']}").raise_for_status()
