"""What comes out of archives, and what never does."""

from __future__ import annotations

import gzip
import resource
from pathlib import Path

import msgspec
import pytest

from llmflow.errors import DocumentError
from llmflow.knowledge.unpack import MOST_LEVELS, Opened, Opening, may_be, unpack
from tests.knowledge.archives_made import link, locked, tarred, zipped

_MB = 1 << 20


def opened(tmp_path: Path, data: bytes, *, name: str = "a.zip", files: int = 20, size: int = 64 * _MB) -> Opened:
    """What `unpack` says; the files are in tmp_path / "out"."""
    path, out = tmp_path / "archive", tmp_path / "out"
    path.write_bytes(data)
    out.mkdir()
    asked = Opening(str(path), name, str(out), files, size, (".txt", ".docx"))
    return msgspec.msgpack.decode(unpack(msgspec.msgpack.encode(asked), lambda done, total: None), type=Opened)


def came(tmp_path: Path, told: Opened) -> dict[str, bytes]:
    return {member.path: (tmp_path / "out" / member.file).read_bytes() for member in told.members}


@pytest.mark.parametrize("way", ["", "gz", "bz2", "xz"])
def test_a_tar_gives_its_files_however_it_is_packed(tmp_path: Path, way: str) -> None:
    told = opened(tmp_path, tarred({"보고서/1월.txt": "일월".encode(), "b.md": b"two"}, way=way))
    assert told.media_type == "application/x-tar"
    assert came(tmp_path, told) == {"보고서 › 1월.txt": "일월".encode(), "b.md": b"two"}
    assert told.refused == ()


def test_a_file_packed_alone_is_one_file(tmp_path: Path) -> None:
    told = opened(tmp_path, gzip.compress("기록".encode()), name="서버.log.gz")
    assert came(tmp_path, told) == {"서버.log": "기록".encode()}


@pytest.mark.parametrize(("encoding", "says_utf8"), [("utf-8", True), ("utf-8", False), ("cp949", False)])
def test_korean_names_in_a_zip_are_read_as_they_were_written(tmp_path: Path, encoding: str, says_utf8: bool) -> None:
    data = zipped({"인사/휴가 규정.txt": b"1", "인사/뷁 똠방각하.txt": b"2"}, encoding=encoding, says_utf8=says_utf8)
    assert set(came(tmp_path, opened(tmp_path, data))) == {"인사 › 휴가 규정.txt", "인사 › 뷁 똠방각하.txt"}


def test_folders_and_what_systems_leave_behind_are_passed_over(tmp_path: Path) -> None:
    data = zipped({"d/": b"", "__MACOSX/._a.txt": b"x", "d/.DS_Store": b"x", "Thumbs.db": b"x", "d/a.txt": b"1"})
    told = opened(tmp_path, data)
    assert came(tmp_path, told) == {"d › a.txt": b"1"}
    assert told.refused == ()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\secret.txt", "a/../../b.txt"])
def test_a_path_that_leads_out_is_refused_and_the_rest_comes(tmp_path: Path, name: str) -> None:
    told = opened(tmp_path, zipped({name: b"evil", "good.txt": b"good"}))
    assert came(tmp_path, told) == {"good.txt": b"good"}
    assert told.refused == (f"{name}: Its path leads out of the archive.",)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["1", "archive", "out"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    told = opened(tmp_path, tarred({"a.txt": b"1"}, links={"shadow.txt": "/etc/shadow"}))
    assert came(tmp_path, told) == {"a.txt": b"1"}
    assert told.refused == ("shadow.txt: It is a link or a device and no file.",)


def test_a_zip_with_nothing_but_a_link_fails_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="a link") as caught:
        opened(tmp_path, link("passwd.txt", "/etc/passwd"))
    assert caught.value.code == "document_empty"


def test_a_locked_zip_is_called_locked(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        opened(tmp_path, locked({"a.txt": b"1"}))
    assert caught.value.code == "document_locked"


def test_archives_inside_are_opened_to_a_depth(tmp_path: Path) -> None:
    data = zipped({"text.txt": b"deep"})
    for level in range(MOST_LEVELS):
        data = zipped({f"{level}.zip": data, f"{level}.txt": b"%d" % level})
    told = opened(tmp_path, data)
    assert came(tmp_path, told) == {"2.txt": b"2", "2.zip › 1.txt": b"1", "2.zip › 1.zip › 0.txt": b"0"}
    assert told.refused == ("2.zip › 1.zip › 0.zip: Archives are opened 3 deep, and this is one more.",)


def test_a_document_that_is_a_zip_inside_stays_whole(tmp_path: Path) -> None:
    word = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})
    told = opened(tmp_path, zipped({"a.docx": word, "no ending": word}))
    assert came(tmp_path, told) == {"a.docx": word, "no ending": word}


def test_an_office_document_is_no_archive(tmp_path: Path) -> None:
    assert opened(tmp_path, zipped({"[Content_Types].xml": b"<Types/>"})).media_type == ""


def test_two_files_of_one_name_are_one_and_a_sentence(tmp_path: Path) -> None:
    told = opened(tmp_path, tarred({"a.txt": b"1", "./a.txt": b"2"}))
    assert came(tmp_path, told) == {"a.txt": b"1"}
    assert told.refused == ("a.txt: Another file of the archive has this name.",)


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    data = gzip.compress(bytes(200 * _MB), 1)
    with pytest.raises(DocumentError) as caught:
        opened(tmp_path, data, size=1 << 40)
    assert caught.value.code == "document_too_large"
    written = sum(p.stat().st_size for p in (tmp_path / "out").iterdir())
    assert written <= max(20 * _MB, 200 * len(data)) < 200 * _MB


def test_a_bomb_of_archives_in_archives_is_counted_together(tmp_path: Path) -> None:
    data = zipped({"x.bin": bytes(2 * _MB)})
    for _ in range(2):
        data = zipped({f"{n}.zip": data for n in range(8)})
    with pytest.raises(DocumentError) as caught:
        opened(tmp_path, data, files=1000)
    assert caught.value.code == "document_too_large"


def test_a_zip_that_lies_about_sizes_is_counted_as_it_comes(tmp_path: Path) -> None:
    data = zipped({"a.txt": bytes(30 * _MB)})
    size = (30 * _MB).to_bytes(4, "little")
    assert data.count(size) == 2
    with pytest.raises(DocumentError):
        opened(tmp_path, data.replace(size, (10).to_bytes(4, "little")), size=_MB)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_too_many_files_are_refused_whole(tmp_path: Path, kind: str) -> None:
    many = {f"{n}.txt": b"x" for n in range(30)}
    with pytest.raises(DocumentError, match="more than 20 files") as caught:
        opened(tmp_path, zipped(many) if kind == "zip" else tarred(many))
    assert caught.value.code == "document_too_large"
    assert "archive_files" in caught.value.hint


@pytest.mark.parametrize("data", [b"PK\x03\x04" + b"\x00" * 60, tarred({"a": b"1" * 4000}, way="gz")[:60]])
def test_a_damaged_archive_fails_with_words(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        opened(tmp_path, data)
    assert caught.value.code == "document_unreadable"


def test_one_damaged_file_does_not_cost_the_others(tmp_path: Path) -> None:
    data = zipped({"bad.txt": b"a line of text that is packed " * 20, "good.txt": b"good"})
    told = opened(tmp_path, data.replace(data[37:45], b"\xff" * 8, 1))
    assert came(tmp_path, told) == {"good.txt": b"good"}
    assert [line.partition(":")[0] for line in told.refused] == ["bad.txt"]


def test_every_mutation_of_an_archive_comes_or_fails_with_words(tmp_path: Path) -> None:
    whole = [zipped({"가.txt": b"one " * 50, "b/c.txt": b"two " * 50}), tarred({"가.txt": b"one " * 50}, way="gz")]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(300):
        data = bytearray(whole[number % 2])
        for step in range(1 + number % 5):
            data[(number * 7919 + step * 104_729) % len(data)] ^= 1 << (number + step) % 8
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            told = opened(folder, bytes(data))
        except DocumentError as error:
            assert error.message
        else:
            assert all(name for name in came(folder, told))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


def test_what_may_be_an_archive_is_told_by_its_first_bytes() -> None:
    assert may_be(zipped({"a": b"1"}))
    assert may_be(tarred({"a": b"1"}))
    assert may_be(tarred({"a": b"1"}, way="xz"))
    assert not may_be("가나다".encode())
    assert not may_be(b"%PDF-1.7")
