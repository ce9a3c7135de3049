"""Secrets at rest: AES-256-GCM under the home's master key; keys and tokens kept only as digests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from llmflow.errors import ConfigError

_NONCE = 12


def digest(token: str) -> str:
    """SHA-256, hex. Tokens are 256 random bits, so no salt or slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(prefix: str = "") -> str:
    """A secret of 256 random bits in URL-safe letters."""
    return prefix + secrets.token_urlsafe(32)


class Cipher:
    """Encrypts small secrets. `purpose` is bound in: a ciphertext moved to another row does not open."""

    def __init__(self, master_key: str) -> None:
        """`master_key`: 32 bytes in base64, or any passphrase of 16 characters or more."""
        try:
            raw = base64.b64decode(master_key, validate=True)
        except ValueError:
            raw = b""
        if len(raw) != 32:
            if len(master_key) < 16:
                raise ConfigError("The master key is shorter than 16 characters.", code="master_key_wrong")
            raw = hashlib.scrypt(master_key.encode(), salt=b"llmflow master key", n=2**14, r=8, p=1, dklen=32)
        self._aead = AESGCM(raw)
        self._tokens = hmac.digest(raw, b"llmflow tokens", "sha256")

    def token(self, purpose: str) -> str:
        """A secret that is always the same for a purpose, so that a link can be shown again and is stored nowhere."""
        raw = hmac.digest(self._tokens, purpose.encode(), "sha256")
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def encrypt(self, plain: str, purpose: str) -> str:
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._aead.encrypt(nonce, plain.encode(), purpose.encode())).decode()

    def decrypt(self, sealed: str, purpose: str) -> str:
        """Raises ConfigError (master_key_wrong) when the key is not the one it was encrypted with."""
        raw = base64.b64decode(sealed)
        try:
            return self._aead.decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
        except InvalidTag as error:
            raise ConfigError("The master key does not open what is stored.", code="master_key_wrong") from error


def master_key(home: Path, given: str) -> str:
    """The key from the environment, else the home's master.key, made (0600) at the first start."""
    if given:
        return given
    path = home / "master.key"
    if not path.exists():
        fresh = base64.b64encode(secrets.token_bytes(32)).decode()
        draft = home / "master.key.new"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(fresh + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)  # whole or not there
    return path.read_text("ascii").strip()
