"""Files that end users send to an app."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import PurePosixPath

from llmflow.apps import queries
from llmflow.apps.types import AppFile, EndUser
from llmflow.errors import Forbidden, NotFound, TooLarge
from llmflow.knowledge.documents import clean_name
from llmflow.knowledge.originals import Originals
from llmflow.ports.blobs import Blobs
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_WORD = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}(?:; ?charset=[A-Za-z0-9_.:-]{{1,40}})?")


class AppFiles:
    def __init__(self, database: Database, originals: Originals, blobs: Blobs, *, max_bytes: int) -> None:
        self._database = database
        self._originals = originals
        self._blobs = blobs
        self.max_bytes = max_bytes

    async def upload(self, user: EndUser, name: str, chunks: AsyncIterator[bytes], *, media_type: str = "") -> AppFile:
        """`media_type`: what the sender says; "" is guessed from the name. Raises UsageError for a name that is none,
        and TooLarge (file_too_large)."""
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
                    await queries.insert_file(connection, file)
        except TooLarge as error:
            megabytes = self.max_bytes // (1024 * 1024)
            raise TooLarge(f"File size exceeded: at most {megabytes} MB.", code="file_too_large") from error
        return file

    async def get(self, app_id: str, file_id: str) -> AppFile:
        """Raises NotFound (file_not_found) and, for a file of another app, Forbidden (file_access_denied)."""
        async with self._database.read() as connection:
            found = (await queries.files_by_id(connection, [file_id])).get(file_id)
        if found is None:
            raise NotFound("The requested file was not found.", code="file_not_found")
        if found.app_id != app_id:
            raise Forbidden("Access to the requested file is denied.", code="file_access_denied")
        return found

    async def of(self, user: EndUser, ids: Sequence[str]) -> dict[str, AppFile]:
        """Those of these files that this user sent to this app."""
        if not ids:
            return {}
        async with self._database.read() as connection:
            found = await queries.files_by_id(connection, ids)
        return {key: file for key, file in found.items() if file.end_user_id == user.id}

    def read(self, file: AppFile) -> AsyncIterator[bytes]:
        return self._blobs.read(file.digest)


def _checked(media_type: str) -> str:
    """As a header can carry it; what is no media type is bytes."""
    return media_type.lower() if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
