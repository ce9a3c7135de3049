"""What a site lets programs read: its robots.txt (RFC 9309), asked for once in a synchronisation."""

from __future__ import annotations

from urllib.robotparser import RobotFileParser

from yarl import URL

from llmflow.errors import LLMFlowError
from llmflow.net.client import HttpClient

AGENT = "LLMFlow"
_MAX_BYTES = 512 * 1024
_TIMEOUT_S = 20.0
_LONGEST_PAUSE_S = 30.0


class Robots:
    """`pause_s`: between two requests to one site, unless it asks for more."""

    def __init__(self, http: HttpClient, *, pause_s: float) -> None:
        self._http = http
        self._pause_s = pause_s
        self._sites: dict[str, RobotFileParser] = {}

    async def may_read(self, url: URL) -> bool:
        return (await self._site(url)).can_fetch(AGENT, str(url))

    async def pause_s(self, url: URL) -> float:
        asked = (await self._site(url)).crawl_delay(AGENT)
        return min(_LONGEST_PAUSE_S, max(self._pause_s, float(asked or 0)))

    async def _site(self, url: URL) -> RobotFileParser:
        origin = str(url.origin())
        if origin not in self._sites:
            rules = RobotFileParser()
            rules.modified()  # without a time it lets nothing be read
            try:
                answer = await self._http.request(
                    "GET",
                    f"{origin}/robots.txt",
                    headers={"User-Agent": AGENT},
                    timeout_s=_TIMEOUT_S,
                    max_bytes=_MAX_BYTES,
                )
                if answer.status == 200:
                    rules.parse(answer.body.decode("utf-8", "replace").splitlines())
                elif answer.status >= 500:  # as the RFC has it: nothing may be read
                    rules.parse(["User-agent: *", "Disallow: /"])
            except LLMFlowError:  # the site is away; its pages will say so themselves
                pass
            self._sites[origin] = rules
        return self._sites[origin]
