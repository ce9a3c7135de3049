"""Files that end users send to an app."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from llmflow.apps.chat import file_queries, queries
from llmflow.apps.types import AppFile, EndUser
from llmflow.errors import Forbidden, NotFound, TooLarge, UsageError
from llmflow.knowledge.names import clean_name
from llmflow.knowledge.originals import Originals
from llmflow.ports.blobs import Blobs
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow.files import make_file
from llmflow.workflow.nodes.start import InputVariable

_UNUSED_MS = 86_400_000
_WORD = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}(?:; ?charset=[A-Za-z0-9_.:-]{{1,40}})?")


class AppFiles:
    def __init__(self, database: Database, originals: Originals, blobs: Blobs, *, max_bytes: int) -> None:
        self._database = database
        self._originals = originals
        self._blobs = blobs
        self.max_bytes = max_bytes

    async def upload(
        self, user: EndUser, name: str, chunks: AsyncIterator[bytes], *, media_type: str = "", used_by: str = ""
    ) -> AppFile:
        """A file, kept for a day, and as long as something uses it. `media_type`: what the sender says; "" is guessed
        from the name. `used_by`: a message or a run. Raises UsageError for a name that is none, and TooLarge
        (file_too_large)."""
        name = clean_name(name)
        try:
            async with self._originals.kept(chunks, max_bytes=self.max_bytes) as info:
                file = AppFile(
                    id=new_id(),
                    workspace_id=user.workspace_id,
                    app_id=user.app_id,
                    end_user_id=user.id,
                    name=name,
                    extension=PurePosixPath(name).suffix.lstrip(".").lower()[:20],
                    media_type=_checked(media_type or mimetypes.guess_type(name)[0] or ""),
                    size=info.size,
                    digest=info.digest,
                    created_at=now_ms(),
                )
                async with self._database.write() as connection:
                    await file_queries.insert_file(connection, file)
                    if used_by:
                        uses = file_queries.uses(file.workspace_id, file.app_id, [file.id], used_by)
                        await file_queries.insert_uses(connection, uses)
        except TooLarge as error:
            megabytes = self.max_bytes // (1024 * 1024)
            raise TooLarge(f"File size exceeded: at most {megabytes} MB.", code="file_too_large") from error
        return file

    async def keep(self, user: EndUser, name: str, body: bytes, *, media_type: str, used_by: str) -> AppFile:
        """A file that the app itself made for `user`. Raises as `upload`."""

        async def whole() -> AsyncIterator[bytes]:
            yield body

        return await self.upload(user, name, whole(), media_type=media_type, used_by=used_by)

    async def get(self, app_id: str, file_id: str) -> AppFile:
        """One that an API caller sent. Raises NotFound (file_not_found) and, for a file of another app or one that came
        another way, Forbidden (file_access_denied)."""
        async with self._database.read() as connection:
            found = (await file_queries.files_by_id(connection, [file_id])).get(file_id)
            if found is None:
                raise NotFound("The requested file was not found.", code="file_not_found")
            sender = await queries.end_user_by_id(connection, app_id, "api", found.end_user_id)
        if found.app_id != app_id or sender is None:
            raise Forbidden("Access to the requested file is denied.", code="file_access_denied")
        return found

    async def settle(self, file: AppFile, media_type: str) -> AppFile:
        """Under the media type that its bytes turned out to have."""
        async with self._database.write() as connection:
            await file_queries.update_file(connection, file.id, media_type=media_type)
        return replace(file, media_type=media_type)

    async def remove(self, file: AppFile) -> None:
        async with self._database.write() as connection:
            await file_queries.delete_files(connection, [file.id])
        await self._originals.remove([file.digest])

    async def remove_unused(self) -> None:
        """Those that came more than a day ago and were never asked about."""
        async with self._database.write() as connection:
            digests = await file_queries.delete_unused_files(connection, now_ms() - _UNUSED_MS)
        await self._originals.remove(digests)

    async def own(self, user: EndUser, file_id: str) -> AppFile:
        """Raises NotFound (file_not_found), also for one of somebody else."""
        found = (await self.of(user, [file_id])).get(file_id)
        if found is None:
            raise NotFound("The requested file was not found.", code="file_not_found")
        return found

    async def of(self, user: EndUser, ids: Sequence[str]) -> dict[str, AppFile]:
        """Those of these files that this user sent to this app."""
        if not ids:
            return {}
        async with self._database.read() as connection:
            found = await file_queries.files_by_id(connection, ids)
        return {key: file for key, file in found.items() if file.end_user_id == user.id}

    async def values(self, user: EndUser, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Dify's file objects as values of a workflow. Raises UsageError for one that is none, or not this user's."""
        checked = [file_object(item) for item in given]
        ids = [item["upload_file_id"] for item in checked if "upload_file_id" in item]
        known = await self.of(user, ids)
        found = []
        for item in checked:
            kind = "" if item["type"] == "custom" else item["type"]
            if "url" in item:
                name = PurePosixPath(urlsplit(item["url"]).path).name
                found.append(make_file(name=name, transfer_method="remote_url", url=item["url"], type=kind))
                continue
            file = known.get(item["upload_file_id"])
            if file is None:
                raise UsageError(f"There is no uploaded file {item['upload_file_id']} of this user.", param="files")
            found.append(make_file(name=file.name, media_type=file.media_type, size=file.size, id=file.id, type=kind))
        return found

    async def in_inputs(
        self, user: EndUser, form: Sequence[InputVariable], inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The inputs with values for the file objects that the form's file fields were given. Raises as `values`."""
        found = dict(inputs)
        for field in form:
            given = inputs.get(field.variable)
            if field.type == "file" and isinstance(given, dict):
                found[field.variable] = (await self.values(user, [given]))[0]
            elif field.type == "file-list" and isinstance(given, list):
                found[field.variable] = await self.values(user, given)
        return found

    def read(self, file: AppFile) -> AsyncIterator[bytes]:
        return self._blobs.read(file.digest)


def kept_value(kept: AppFile) -> dict[str, Any]:
    """A kept file as a value of a workflow that made or was sent it."""
    return make_file(
        name=kept.name,
        media_type=kept.media_type,
        size=kept.size,
        id=kept.id,
        transfer_method="tool_file",
        url=f"/v1/files/{kept.id}/preview",
    )


def file_object(item: Any) -> dict[str, Any]:
    """A file as a request names it: {"type", "transfer_method", "upload_file_id" or "url"}. Raises UsageError."""
    method = item.get("transfer_method") if isinstance(item, Mapping) else None
    key = {"local_file": "upload_file_id", "remote_url": "url"}.get(str(method))
    if key is None or not isinstance(item.get(key), str):
        raise UsageError("A file needs transfer_method local_file with upload_file_id, or remote_url with url.")
    return {"type": str(item.get("type", "custom")), "transfer_method": method, key: item[key]}


def _checked(media_type: str) -> str:
    """As a header can carry it; what is no media type is bytes."""
    return media_type.lower() if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
