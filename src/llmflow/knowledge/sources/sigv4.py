"""AWS Signature Version 4 for requests without a body, as S3 and what speaks its protocol want it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote

_EMPTY = hashlib.sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"


def signed(
    method: str,
    host: str,
    path: str,
    query: dict[str, str],
    *,
    access_key: str,
    secret_key: str,
    region: str,
    at: datetime,
    token: str = "",
    headers: dict[str, str] | None = None,
) -> dict[str, str]:
    """The headers to send, `Authorization` among them. `path`: not yet encoded. `token`: of temporary credentials;
    `headers`: further ones, by small letters, that are signed too."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp, **(headers or {})}
    if token:
        sent["x-amz-security-token"] = token
    names = ";".join(sorted(sent))
    canonical = "\n".join(
        [
            method,
            encoded(path, safe="/"),
            canonical_query(query),
            *(f"{name}:{' '.join(sent[name].split())}" for name in sorted(sent)),
            "",
            names,
            _EMPTY,
        ]
    )
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret_key}".encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={access_key}/{scope}"
    return {**sent, "authorization": f"{_ALGORITHM} {credential},SignedHeaders={names},Signature={signature}"}


def canonical_query(query: dict[str, str]) -> str:
    return "&".join(f"{encoded(name)}={encoded(query[name])}" for name in sorted(query))


def encoded(text: str, *, safe: str = "") -> str:
    return quote(text, safe=f"{safe}-_.~")
