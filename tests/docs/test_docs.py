"""The documentation says what the code does, and every link in it leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from scripts.write_docs import PAGES, codes_in_use

from llmflow import errors

ROOT = Path(__file__).resolve().parents[2]
#: Every page for people. Data of the demo and of tests is none.
PAGES_FOR_PEOPLE = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_the_generated_pages_are_those_of_this_code() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "write_docs.py", "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, f"run `make docs`. {done.stderr}"


def test_check_finds_a_page_out_of_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts import write_docs

    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(write_docs, "ROOT", tmp_path)
    monkeypatch.setattr(write_docs, "PAGES", {"settings.md": PAGES["settings.md"]})
    monkeypatch.setattr(sys, "argv", ["write_docs.py", "--check"])
    assert write_docs.main() == 1
    assert list((tmp_path / "docs").iterdir()) == []
    monkeypatch.setattr(sys, "argv", ["write_docs.py"])
    assert write_docs.main() == 0
    monkeypatch.setattr(sys, "argv", ["write_docs.py", "--check"])
    assert write_docs.main() == 0


@pytest.mark.parametrize("page", PAGES_FOR_PEOPLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_or_heading(page: Path) -> None:
    text = _FENCE.sub("", page.read_text("utf-8"))
    broken = []
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = unquote(link).partition("#")
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            broken.append(link)
    assert broken == []


def _anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_code_that_is_raised_is_documented() -> None:
    assert sorted({code for code, _ in codes_in_use()} - errors.CODES.keys()) == []


def test_every_documented_code_is_raised_somewhere() -> None:
    source = "".join(
        path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py") if path != ROOT / "src/llmflow/errors.py"
    )
    defaults = {
        cls.default_code for cls in vars(errors).values() if isinstance(cls, type) and hasattr(cls, "default_code")
    }
    unused = [code for code in errors.CODES if code not in defaults and not re.search(f"['\"]{code}['\"]", source)]
    assert unused == []


def test_every_code_says_what_to_do() -> None:
    assert [code for code, hint in errors.CODES.items() if not hint.strip().endswith(".")] == []


@pytest.mark.parametrize("page", PAGES_FOR_PEOPLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_a_page_exists(page: Path) -> None:
    """Lines of shell blocks that call `llmflow` name a command and options it has."""
    from llmflow.cli.main import COMMANDS, load_command

    wrong = []
    for block in re.findall(r"^```(?:sh|bash)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            called = re.search(r"(?:^|\$\()\S*\bllmflow ([^#)]*)", line)
            if called is None:
                continue
            words = ["llmflow", *called[1].split()]
            command = load_command(words[1]) if words[1] in COMMANDS else None
            for inner in words[2:3]:
                command = getattr(command, "commands", {}).get(inner, None if hasattr(command, "commands") else command)
            options = {option for p in command.params for option in (*p.opts, *p.secondary_opts)} if command else set()
            used = {word.split("=")[0] for word in words if word.startswith("--")}
            if command is None or not used <= options | {"--help"}:
                wrong.append(line)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES_FOR_PEOPLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_yaml_block_is_a_configuration_that_loads(page: Path, tmp_path: Path) -> None:
    from llmflow.config.load import load

    for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        file = tmp_path / "llmflow.yaml"
        file.write_text(block, "utf-8")
        names = re.findall(r"\$\{(\w+)\}", block)
        load(home=tmp_path, file=file, environ=dict.fromkeys(names, "x"))
