"""What code does not find here that it found in Dify's sandbox, as far as its text shows."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from llmflow.workflow.dsl.document import Tree, mappings, text
from llmflow.workflow.dsl.reasons import Reason
from llmflow.workflow.nodes.code import CodeData

_NETWORK = frozenset("aiohttp ftplib http.client httpx requests smtplib socket ssl urllib.request urllib3".split())
_PROCESSES = frozenset("concurrent multiprocessing subprocess threading".split())
_NODE_JS = re.compile(
    r"\b(require|fetch|setTimeout|setInterval|Buffer|process|URL|TextEncoder|TextDecoder)\b(?=\s*[(.])"
)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_SHOWN = 5


def code_reasons(data: Tree) -> Iterator[Reason]:
    """Of a code node's data, which its type can read."""
    read = CodeData.model_validate(data)
    if read.code_language == "javascript":
        names = list(dict.fromkeys(_NODE_JS.findall(_COMMENT.sub("", read.code))))
        if names:
            why = f"It uses {_listed(names)} of Node.js, which QuickJS has not."
            yield Reason("code_names", why, name=_listed(names))
    else:
        yield from _imports(read.code)
    if named := [text(each.get("name")) for each in mappings(data.get("dependencies")) if each.get("name")]:
        why = f"Its dependencies are not installed by themselves: {_listed(named)} (organs.sandbox.packages)."
        yield Reason("code_dependencies", why, name=_listed(named))


def _imports(source: str) -> Iterator[Reason]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield Reason("code_invalid", "Its code is no valid Python.")
        return
    found = list(dict.fromkeys(_named(tree)))
    if reaching := [name for name in found if name in _NETWORK or name.split(".")[0] in _NETWORK]:
        why = f"It imports {_listed(reaching)}: code reaches no network here."
        yield Reason("code_no_network", why, name=_listed(reaching))
    if starting := [name for name in found if name.split(".")[0] in _PROCESSES]:
        why = f"It imports {_listed(starting)}: code has one thread and no other process."
        yield Reason("code_one_thread", why, name=_listed(starting))
    tops = dict.fromkeys(name.split(".")[0] for name in found)
    if missing := [top for top in tops if top not in sys.stdlib_module_names and not _is_installed(top)]:
        why = f"It imports {_listed(missing)}, not installed here: install it and name it in organs.sandbox.packages."
        yield Reason("code_package_missing", why, name=_listed(missing))


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _is_installed(top: str) -> bool:
    try:
        return find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name[:80]}`" for name in names[:_SHOWN])
    return f"{shown} …" if len(names) > _SHOWN else shown
