"""Word and PowerPoint from before 2007: LibreOffice saves them anew, and the readers of today's formats go on."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmflow.errors import DocumentError, Unsupported
from llmflow.organs.parser import office
from llmflow.organs.parser.source import Source

_SECONDS = 120
#: A profile of its own that runs no macro and renews no link. Pictures from elsewhere would be fetched all the same: it
#: is the reading process, and LibreOffice with it, that has no network.
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
</item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update">
<prop oor:name="Link" oor:op="fuse"><value>2</value></prop>
</item>
</oor:items>
"""


def read_doc(source: Source) -> int | None:
    with _saved(source, ".doc", ".docx") as path:
        return office.read_docx(dataclasses.replace(source, path=path))


def read_ppt(source: Source) -> int:
    with _saved(source, ".ppt", ".pptx") as path:
        return office.read_pptx(dataclasses.replace(source, path=path))


@contextmanager
def _saved(source: Source, suffix: str, better: str) -> Iterator[Path]:
    """The document in today's format, for as long as the block runs. Raises Unsupported without LibreOffice."""
    program = shutil.which("soffice")
    if program is None:
        raise Unsupported(
            f"The file has the format before 2007 ({suffix}): LibreOffice reads it, which is not installed.",
            code="unsupported_type",
            hint=f"Save it as {better[1:].upper()} or PDF and upload that; or where LLMFlow runs: apt-get install "
            "libreoffice-writer-nogui libreoffice-impress-nogui",
        )
    with tempfile.TemporaryDirectory(prefix="llmflow-office-") as name:
        folder = Path(name)
        (folder / "user").mkdir()
        (folder / "user" / "registrymodifications.xcu").write_text(_SETTINGS, "utf-8")
        (folder / f"document{suffix}").write_bytes(source.path.read_bytes())
        command = [program, f"-env:UserInstallation={folder.as_uri()}", "--headless", "--norestore", "--convert-to"]
        command += [better[1:], "--outdir", name, f"document{suffix}"]
        environ = {"HOME": name, "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environ,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DocumentError(f"LibreOffice took more than {_SECONDS} s.", code="document_timeout") from error
        saved = folder / f"document{better}"
        if not saved.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it does not say why"]
            raise DocumentError(f"LibreOffice cannot open the document ({said[-1]}).")
        yield saved
