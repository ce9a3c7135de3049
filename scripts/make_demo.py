"""Write the demo handbooks of src/llmflow/demo from scripts/demo_sources, byte for byte the same every time.

    python scripts/make_demo.py [--check]

A source is a small Markdown: a front matter that names the output, then headings (##, ###), paragraphs, lists (-) and
pipe tables. The output's suffix decides the format.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import sys
import tempfile
import zlib
from pathlib import Path
from typing import assert_never

from demo_book import LABELS, Block, Handbook, read
from demo_docx import write_docx
from demo_pdf import FONTS, write_pdf

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "scripts" / "demo_sources"
DEMO = ROOT / "src" / "llmflow" / "demo"
ZLIB = "1.2.13"  # another deflate makes other bytes of the same content


def write_markdown(book: Handbook) -> bytes:
    facts = "  \n".join(f"{label}: {value}" for label, value in book.facts())
    return f"# {book.title}\n\n{book.subtitle}\n\n{facts}\n\n{book.body}\n".encode()


# HTML

CSS = """
  body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #222;
         font: 16px/1.65 system-ui, "Malgun Gothic", "Apple SD Gothic Neo", sans-serif; }
  header { border-bottom: 3px solid #1f3a5f; margin-bottom: 2rem; }
  h1, h2, h3 { color: #1f3a5f; line-height: 1.3; }
  h2 { margin-top: 2.5rem; border-bottom: 1px solid #aab4bf; }
  table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
  th, td { border: 1px solid #aab4bf; padding: .4rem .6rem; text-align: left; vertical-align: top; }
  th { background: #e9eef4; }
  footer { margin-top: 3rem; border-top: 1px solid #aab4bf; color: #5b6673; font-size: .85rem; }
"""


def write_html(book: Handbook) -> bytes:
    facts = "<br>\n    ".join(f"{html.escape(label)}: {html.escape(value)}" for label, value in book.facts())
    body = "\n".join(html_block(block) for block in book.blocks)
    return f"""<!DOCTYPE html>
<html lang="{book.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(book.title)}</title>
<style>{CSS}</style>
</head>
<body>
<header>
  <h1>{html.escape(book.title)}</h1>
  <p>{html.escape(book.subtitle)}</p>
  <p>{facts}</p>
</header>
<main>
{body}
</main>
<footer><p>{html.escape(book.number)} · {LABELS[book.language]["company"]}</p></footer>
</body>
</html>
""".encode()


def html_block(block: Block) -> str:
    match block.kind:
        case "heading":
            return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
        case "paragraph":
            return f"<p>{html.escape(block.text)}</p>"
        case "list":
            return "<ul>\n" + "\n".join(f"  <li>{html.escape(item)}</li>" for item in block.items) + "\n</ul>"
        case "table":
            head, *rows = [[html.escape(cell) for cell in row] for row in block.rows]
            lines = ["<table>", "<thead>", "<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>", "</thead>"]
            lines += ["<tbody>", *("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)]
            return "\n".join([*lines, "</tbody>", "</table>"])
    assert_never(block.kind)


WRITERS = {".md": write_markdown, ".html": write_html, ".docx": write_docx, ".pdf": write_pdf}


def obstacle() -> str:
    """Why this machine cannot make the very bytes that are committed; "" when it can."""
    for path, digest in FONTS.values():
        if not path.exists():
            return f"{path} is missing; on Debian: apt-get install fonts-nanum"
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            return f"{path} is another version than the one of fonts-nanum 20200506"
    return "" if zlib.ZLIB_RUNTIME_VERSION == ZLIB else f"zlib is {zlib.ZLIB_RUNTIME_VERSION}, not {ZLIB}"


def make(out: Path) -> list[Path]:
    """Writes every handbook below `out`; returns the files."""
    made = []
    for source in sorted(SOURCES.glob("*.md")):
        book = read(source)
        path = out / book.output
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(WRITERS[path.suffix](book))
        made.append(path)
    return made


def check() -> int:
    """0: the committed files are what the sources give, 1: some are not, 3: this machine cannot tell."""
    if why := obstacle():
        print(f"Cannot compare: {why}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as folder:
        made = {path.relative_to(folder): path.read_bytes() for path in make(Path(folder))}
    stale = [
        str(name) for name, data in made.items() if not (DEMO / name).exists() or (DEMO / name).read_bytes() != data
    ]
    for name in stale:
        print(f"{name} is not what scripts/demo_sources gives; run scripts/make_demo.py", file=sys.stderr)
    return 1 if stale else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the demo handbooks.")
    parser.add_argument("--check", action="store_true", help="write nothing; compare with what is committed")
    if parser.parse_args().check:
        return check()
    why = obstacle()
    if "is missing" in why:
        print(why, file=sys.stderr)
        return 1
    if why:
        print(f"Note: the bytes will differ from the committed ones: {why}", file=sys.stderr)
    for path in make(DEMO):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
