"""Organs that are built at their first call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

_STREAMS = ("stream", "speak")  # methods of organs that stream


class Late:
    """Stands for an organ until its first call. Methods may be called at once; properties only after one returned."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._organ: Any = None
        self._loading: asyncio.Future[Any] | None = None

    @property
    def is_loaded(self) -> bool:
        return self._organ is not None

    async def loaded(self) -> Any:
        """The organ itself. Raises what building it raises, each time anew: a mended cause needs no restart."""
        if self._organ is None:
            if self._loading is None:
                self._loading = asyncio.ensure_future(asyncio.to_thread(self._build))
            loading = self._loading
            try:
                self._organ = await asyncio.shield(loading)
            finally:
                if loading.done():
                    self._loading = None
        return self._organ

    def __getattr__(self, name: str) -> Any:
        if self._organ is not None:
            return getattr(self._organ, name)
        if name.startswith("__"):
            raise AttributeError(name)
        return self._later_stream(name) if name in _STREAMS else self._later_call(name)

    def _later_call(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await getattr(await self.loaded(), name)(*args, **kwargs)

        return call

    def _later_stream(self, name: str) -> Callable[..., Any]:
        async def stream(*args: Any, **kwargs: Any) -> Any:
            async with aclosing(getattr(await self.loaded(), name)(*args, **kwargs)) as pieces:
                async for piece in pieces:
                    yield piece

        return stream

    async def close(self) -> None:
        if self._organ is not None:
            await self._organ.close()
