"""Downloads a GGUF model: resumed where it broke off, checked against its SHA-256, in place only when whole."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, cast

from yarl import URL

from llmflow.errors import NotFound, OrganError, UsageError
from llmflow.net.client import HttpClient, StreamedResponse

#: (bytes there, bytes in all or None where the server does not say)
Progress = Callable[[int, int | None], None]

_HF = "https://huggingface.co"
#: Open models (Apache-2.0) that read Korean and English, smallest first: 0.5, 1.1, 2.5 and 5 GB.
KNOWN: dict[str, str] = {
    "qwen2.5-0.5b": f"{_HF}/Qwen/Qwen2.5-0.5B-Instruct-GGUF/resolve/main/qwen2.5-0.5b-instruct-q4_k_m.gguf",
    "qwen2.5-1.5b": f"{_HF}/Qwen/Qwen2.5-1.5B-Instruct-GGUF/resolve/main/qwen2.5-1.5b-instruct-q4_k_m.gguf",
    "qwen3-4b": f"{_HF}/unsloth/Qwen3-4B-Instruct-2507-GGUF/resolve/main/Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
    "qwen3-8b": f"{_HF}/Qwen/Qwen3-8B-GGUF/resolve/main/Qwen3-8B-Q4_K_M.gguf",
}
_REDIRECTS = 5
_ATTEMPTS = 4  # a broken connection is taken up again where it broke
_PAUSE_S = 0.5  # before the second attempt; longer before each further one
_SILENT_S = 60.0
_REDIRECT = (301, 302, 303, 307, 308)
_REFUSED = {
    401: "The model asks for an account; download it by hand and name its path in llmflow.yaml.",
    403: "The model asks for an account; download it by hand and name its path in llmflow.yaml.",
    404: "Check the address.",
}
_CHOOSE = "Choose a folder you may write to."
_SHA256 = re.compile(r"[0-9a-f]{64}")


async def pull(
    name_or_url: str, *, into: Path, http: HttpClient, progress: Progress, sha256: str | None = None
) -> Path:
    """The file, whole and checked. `http` has no guard: the operator named the address, https or loopback only.

    The checksum is `sha256`, else the one the server sends (Hugging Face does). A file that is there is not fetched
    again. Raises NotFound for an unknown name, OrganError (download_failed, checksum_mismatch, disk_full) and
    UsageError for an address that is neither https nor loopback.
    """
    address = _address(name_or_url)
    wanted = _digest(sha256)
    target = into / _file_name(address)
    if await asyncio.to_thread(target.is_file) and (
        wanted is None or await asyncio.to_thread(_sha256, target) == wanted
    ):
        return target
    await asyncio.to_thread(_make_folder, into)
    download = _Download(http=http, part=target.with_name(target.name + ".part"), progress=progress)
    served = await _with_patience(download, address)
    expected = wanted or served
    if expected and (found := await asyncio.to_thread(_sha256, download.part)) != expected:
        await asyncio.to_thread(download.part.unlink)
        message = f"{target.name} has the SHA-256 {found}, not {expected}; it was thrown away."
        raise OrganError(message, code="checksum_mismatch")
    await asyncio.to_thread(download.part.replace, target)
    return target


async def _with_patience(download: _Download, address: URL) -> str | None:
    """Takes a broken download up again; returns the SHA-256 that the server gave, if it gave one."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await download.run(address)
        except _BrokenOff as broken:
            reason = str(broken)
        if attempt < _ATTEMPTS:
            await asyncio.sleep(_PAUSE_S * attempt)
    message = f"{_shown(address)} broke off {_ATTEMPTS} times: {reason}. What came is kept for the next try."
    raise OrganError(message, code="download_failed")


class _BrokenOff(Exception):
    """The connection ended before the file did."""


@dataclass(frozen=True, slots=True)
class _Download:
    http: HttpClient
    part: Path
    progress: Progress

    async def run(self, address: URL) -> str | None:
        """Fetches what is missing of `part`; returns the SHA-256 that the server gave, if one. Raises _BrokenOff."""
        first = address
        digest: str | None = None
        for hop in range(_REDIRECTS + 1):
            have = await asyncio.to_thread(_size, self.part)
            headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
            opened = False
            try:
                async with self.http.stream("GET", str(address), headers=headers, timeout_s=_SILENT_S) as response:
                    opened = True
                    if hop == 0:  # the storage behind a redirect names its files by other digests
                        digest = _etag_digest(response)
                    if response.status not in _REDIRECT:
                        await self._receive(response, have)
                        return digest
                    address = _allowed(address.join(URL(response.headers.get("Location", ""))))
            except OrganError as error:
                if error.code not in ("organ_unavailable", "model_timeout"):
                    raise
                if opened:
                    raise _BrokenOff(error.message) from error
                raise OrganError(f"Nothing answers: {error.message}", code="download_failed") from error
        raise OrganError(f"{_shown(first)} redirects more than {_REDIRECTS} times.", code="download_failed")

    async def _receive(self, response: StreamedResponse, have: int) -> None:
        """Appends the body to what is there, or begins anew where the server does not resume."""
        if response.status == 416:
            if _total(response) == have:
                return  # nothing was missing
            await asyncio.to_thread(self.part.unlink)
            raise _BrokenOff("the part kept from earlier does not fit")
        if response.status not in (200, 206):
            message = f"The server answered {response.status} instead of the file."
            raise OrganError(message, code="download_failed", hint=_REFUSED.get(response.status))
        have = have if response.status == 206 else 0
        total = _total(response)
        file = await asyncio.to_thread(_open, self.part, "ab" if have else "wb")
        try:
            async for piece in response.pieces():
                await asyncio.to_thread(_write, file, piece)
                have += len(piece)
                self.progress(have, total)
        finally:
            await asyncio.to_thread(file.close)
        if total is not None and have < total:
            raise _BrokenOff(f"{have} of {total} bytes came")


def _address(name_or_url: str) -> URL:
    if "://" in name_or_url:
        return _allowed(URL(name_or_url))
    known = KNOWN.get(name_or_url.lower())
    if known:
        return URL(known)
    near = get_close_matches(name_or_url.lower(), KNOWN, 1)
    guess = f" Did you mean '{near[0]}'?" if near else ""
    message = f"There is no model '{name_or_url}' in the list.{guess} It has {', '.join(KNOWN)}."
    raise NotFound(message, code="model_unknown", hint="Name one of these, or give the https address of a GGUF file.")


def _allowed(address: URL) -> URL:
    """Weights are code's kin: they come over https, or from this machine."""
    if address.scheme == "https" or (address.scheme == "http" and address.host in ("127.0.0.1", "::1", "localhost")):
        return address
    message = f"{_shown(address)} is not an https address."
    raise UsageError(message, hint="Give an https:// address, or download the file and name its path in llmflow.yaml.")


def _file_name(address: URL) -> str:
    name = re.sub(r"[^\w.-]+", "-", address.name).strip(".-") or "model"
    return name if name.lower().endswith(".gguf") else f"{name}.gguf"


def _digest(sha256: str | None) -> str | None:
    if sha256 is None:
        return None
    digest = sha256.strip().lower().removeprefix("sha256:")
    if not _SHA256.fullmatch(digest):
        raise UsageError("--sha256 is not 64 hexadecimal digits.", param="sha256")
    return digest


def _etag_digest(response: StreamedResponse) -> str | None:
    """Hugging Face sends the file's SHA-256 as its (linked) entity tag."""
    tag = response.headers.get("X-Linked-ETag") or response.headers.get("ETag") or ""
    tag = tag.removeprefix("W/").strip('"').lower()
    return tag if _SHA256.fullmatch(tag) else None


def _total(response: StreamedResponse) -> int | None:
    """Size of the whole file in bytes, where the server says."""
    after = response.headers.get("Content-Range", "").rpartition("/")[2]
    if response.status in (206, 416):
        return int(after) if after.isdigit() else None
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OrganError(f"{folder} cannot be made: {error.strerror}.", code="download_failed", hint=_CHOOSE) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _open(path: Path, mode: str) -> BinaryIO:
    try:
        return cast(BinaryIO, path.open(mode))
    except OSError as error:
        raise OrganError(
            f"{path} cannot be written: {error.strerror}.", code="download_failed", hint=_CHOOSE
        ) from error


def _write(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as error:
        code = "disk_full" if error.errno == errno.ENOSPC else "download_failed"
        raise OrganError(f"{file.name} cannot be written: {error.strerror}.", code=code) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(address: URL) -> str:
    """The address without user and query, which may hold signatures."""
    return str(address.with_user(None).with_query(None).with_fragment(None)) if address.host else str(address)
