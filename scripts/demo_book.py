"""A demo handbook's source, read into blocks that every format is written from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

NAVY = "1F3A5F"
GREY = "5B6673"
RULE = "AAB4BF"
SHADE = "E9EEF4"
LABELS = {
    "ko": {"number": "문서 번호", "version": "판", "date": "시행일", "owner": "담당", "company": "하늘로보틱스"},
    "en": {"number": "Document", "version": "Version", "date": "In force from", "owner": "Owner"}
    | {"company": "Haneul Robotics"},
}


@dataclass(frozen=True, slots=True)
class Block:
    """`text`: one item, but of a list its items and of a table its cells, rows of equal length, the header first."""

    kind: Literal["heading", "paragraph", "list", "table"]
    text: str = ""
    level: int = 0
    items: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Handbook:
    output: str
    language: str
    title: str
    subtitle: str
    number: str
    version: str
    date: datetime
    owner: str
    body: str
    blocks: tuple[Block, ...]

    def facts(self) -> list[tuple[str, str]]:
        """What stands below the title: (label, value)."""
        label = LABELS[self.language]
        return [
            (label["number"], self.number),
            (label["version"], self.version),
            (label["date"], self.date.strftime("%Y-%m-%d")),
            (label["owner"], self.owner),
        ]


def read(path: Path) -> Handbook:
    """One source file. Raises KeyError for a missing line of the front matter."""
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    meta = dict(line.split(": ", 1) for line in front.strip().splitlines())
    return Handbook(
        output=meta["output"],
        language=meta["output"].split("/")[0],
        title=meta["title"],
        subtitle=meta["subtitle"],
        number=meta["number"],
        version=meta["version"],
        date=datetime.fromisoformat(meta["date"]),
        owner=meta["owner"],
        body=body.strip(),
        blocks=tuple(parse(chunk) for chunk in body.strip().split("\n\n")),
    )


def parse(chunk: str) -> Block:
    """One block of a source; blocks are parted by an empty line."""
    lines = chunk.splitlines()
    if chunk.startswith("#"):
        marks, text = chunk.split(" ", 1)
        return Block("heading", text=text, level=len(marks))
    if chunk.startswith("- "):
        return Block("list", items=tuple(line.removeprefix("- ") for line in lines))
    if chunk.startswith("|"):
        rows = tuple(tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines)
        return Block("table", rows=(rows[0], *rows[2:]))
    return Block("paragraph", text=" ".join(lines))
