"""A server of the S3 protocol in this process: it checks signatures with its own arithmetic, lists in pages, and hands
out objects."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from aiohttp import web

ACCESS, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@dataclass
class S3Server:
    objects: dict[str, bytes] = field(default_factory=dict)
    page: int = 2
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        if not self._is_signed(request):
            return web.Response(status=403, body=_error("SignatureDoesNotMatch", "The signature is wrong."))
        if request.path == "/docs":
            return self._listed(request)
        key = unquote(request.raw_path.partition("?")[0]).removeprefix("/docs/")
        if key not in self.objects:
            return web.Response(status=404, body=_error("NoSuchKey", "The specified key does not exist."))
        return web.Response(body=self.objects[key])

    def _listed(self, request: web.Request) -> web.Response:
        keys = sorted(key for key in self.objects if key.startswith(request.query["prefix"]))
        start = int(request.query.get("continuation-token", "0"))
        rows = "".join(
            f"<Contents><Key>{quote(key, safe='/')}</Key>"
            f"<ETag>&quot;{_mark(self.objects[key])}&quot;</ETag>"
            f"<Size>{len(self.objects[key])}</Size></Contents>"
            for key in keys[start : start + self.page]
        )
        more = start + self.page < len(keys)
        token = f"<NextContinuationToken>{start + self.page}</NextContinuationToken>" if more else ""
        body = f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rows}{token}</ListBucketResult>'
        return web.Response(body=body.encode(), content_type="application/xml")

    def _is_signed(self, request: web.Request) -> bool:
        """Over what came over the wire, as a server sees it."""
        given = request.headers.get("Authorization", "")
        scheme, _, rest = given.partition(" ")
        parts = dict(part.split("=", 1) for part in rest.split(",")) if rest else {}
        if scheme != "AWS4-HMAC-SHA256" or not parts.get("Credential", "").startswith(f"{ACCESS}/"):
            return False
        scope = parts["Credential"].removeprefix(f"{ACCESS}/")
        names = parts["SignedHeaders"].split(";")
        path, _, query = request.raw_path.partition("?")
        pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if pair)
        canonical = "\n".join(
            [
                request.method,
                path,
                "&".join(f"{name}={value}" for name, value in pairs),
                *(f"{name}:{request.headers[name]}" for name in names),
                "",
                ";".join(names),
                hashlib.sha256(b"").hexdigest(),
            ]
        )
        text = "\n".join([scheme, request.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), "sha256").digest()
        return hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), parts["Signature"])


def _mark(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _error(code: str, message: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
