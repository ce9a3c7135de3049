"""A webhook's secret, and whether a request knows it: as a bearer token, or by a signature over time and body.

The signature is that of the Standard Webhooks specification: `webhook-id`, `webhook-timestamp` and `webhook-signature`,
"v1," and the base64 of HMAC-SHA256 over "id.timestamp.body"; several may stand there, with spaces between.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from llmflow.errors import Unauthorized

PREFIX = "whsec_"
ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
#: Headers that carry proofs; a run is not told them.
PROOFS = ("authorization", SIGNATURE)


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check(secret: str, headers: Mapping[str, str], body: bytes, *, now_s: float, tolerance_s: float) -> None:
    """Raises Unauthorized (webhook_refused), saying what is wrong. `headers`: names in small letters."""
    if SIGNATURE in headers:
        _check_signature(secret, headers, body, now_s, tolerance_s)
        return
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise refused("The call has neither a signature nor the webhook's secret as a bearer token.")
    if not hmac.compare_digest(token.strip().encode(), secret.encode()):
        raise refused("The bearer token is not this webhook's secret.")


def signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """What `webhook-signature` must hold."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _check_signature(secret: str, headers: Mapping[str, str], body: bytes, now_s: float, tolerance_s: float) -> None:
    id, timestamp = headers.get(ID, ""), headers.get(TIME, "")
    if not id or not timestamp:
        raise refused(f"A signed call needs the headers {ID} and {TIME}.")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise refused(f"{TIME} must be seconds since 1970.")
    if abs(now_s - int(timestamp)) > tolerance_s:
        raise refused(f"{TIME} is more than {tolerance_s:g} s away from the time here.")
    expected = signature(secret, id, timestamp, body).encode()
    given = headers[SIGNATURE].split()[:10]
    if not any(hmac.compare_digest(one.encode("utf-8", "replace"), expected) for one in given):
        raise refused("The signature does not fit the secret, the id, the time and the body.")


def refused(message: str) -> Unauthorized:
    return Unauthorized(message, code="webhook_refused")
