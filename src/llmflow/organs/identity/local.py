"""Local accounts: passwords hashed with argon2id, guessing slowed down. Where accounts are kept, wiring says."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from llmflow.errors import NotFound, TooMany, Unauthorized, UsageError
from llmflow.ports.health import Health
from llmflow.ports.identity import Person

MIN_PASSWORD = 10
_MAX_PASSWORD = 1024  # characters; longer ones only cost us time
_FREE_FAILURES = 5  # before the first pause
_LONGEST_PAUSE_S = 900.0
_REMEMBERED = 10_000  # addresses with failures
#: Of the passwords that are long enough, those that everybody tries first; the last are Korean words typed in Latin.
_WORST_FIRST = """
1234567890 0123456789 0987654321 12345678910 123456789a 1q2w3e4r5t q1w2e3r4t5 qwertyuiop asdfghjkl1 qwerty12345
qwerty123456 password12 password123 password1234 password12345 passw0rd123 p@ssw0rd123 administrator changeme123
letmein123 welcome123 welcome1234 iloveyou123 abcdefghij abcd123456 llmflow123 dkssudgktpdy sarangheyo qlalfqjsgh
"""
_WORST = frozenset(_WORST_FIRST.split())


class StoredAccount(Protocol):
    """An account with its password's hash, as its keeper returns it."""

    @property
    def id(self) -> str: ...

    @property
    def email(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def password_hash(self) -> str: ...

    @property
    def must_change_password(self) -> bool: ...


class Accounts(Protocol):
    """Where accounts are kept. E-mail addresses come trimmed and in lower case."""

    async def find(self, email: str) -> StoredAccount | None: ...

    async def insert(self, *, email: str, name: str, password_hash: str, must_change_password: bool) -> StoredAccount:
        """Raises Conflict for a known address."""

    async def set_password(self, email: str, password_hash: str, *, must_change_password: bool) -> None:
        """An unknown address is no error."""


class LocalIdentity:
    """One hash at a time costs about 64 MB and 50 ms; two threads do them. Failures are counted in this process."""

    def __init__(self, *, accounts: Accounts, hasher: PasswordHasher | None = None) -> None:
        self._accounts = accounts
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")
        self._guesses = Guesses()
        self._decoy = ""

    async def sign_in(self, email: str, password: str) -> Person:
        """Raises Unauthorized (wrong_credentials) and, after five failures for an address, TooMany."""
        return _person(await self._proved(_plain(email), password))

    async def create(self, email: str, name: str, password: str, *, must_change_password: bool = False) -> Person:
        email = _plain(email)
        if "@" not in email.strip("@") or len(email) > 320 or any(letter.isspace() for letter in email):
            raise UsageError(f"'{email}' is not an e-mail address.", param="email")
        check_password(password, email)
        stored = await self._accounts.insert(
            email=email, name=name, password_hash=await self._hash(password), must_change_password=must_change_password
        )
        return _person(stored)

    async def change_password(self, email: str, old: str, new: str) -> None:
        """Raises also TooMany: the old password may be guessed here as well."""
        email = _plain(email)
        await self._proved(email, old)
        check_password(new, email)
        if new == old:
            raise UsageError("The new password is the old one.", param="new", code="password_unchanged")
        await self._accounts.set_password(email, await self._hash(new), must_change_password=False)

    async def set_password(self, email: str, new: str, *, must_change_password: bool) -> None:
        email = _plain(email)
        check_password(new, email)
        if await self._accounts.find(email) is None:
            raise NotFound(f"There is no account for {email}.", param="email")
        await self._accounts.set_password(email, await self._hash(new), must_change_password=must_change_password)
        self._guesses.forget(email)

    async def health(self) -> Health:
        return Health(ok=True, where="the database", version=f"argon2-cffi {version('argon2-cffi')}")

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _proved(self, email: str, password: str) -> StoredAccount:
        self._guesses.begin(email)
        stored = await self._accounts.find(email)
        # An unknown address costs a verification too, so that its answer takes as long.
        known = stored.password_hash if stored else await self._decoy_hash()
        fits = await self._verify(known, password[:_MAX_PASSWORD]) and len(password) <= _MAX_PASSWORD
        if stored is None or not fits:
            raise Unauthorized("The e-mail address or the password is wrong.", code="wrong_credentials")
        self._guesses.forget(email)
        if self._hasher.check_needs_rehash(stored.password_hash):
            must_change = stored.must_change_password
            await self._accounts.set_password(email, await self._hash(password), must_change_password=must_change)
        return stored

    async def _decoy_hash(self) -> str:
        if not self._decoy:
            self._decoy = await self._hash("nobody's password")
        return self._decoy

    async def _hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def _verify(self, known: str, password: str) -> bool:
        def fits() -> bool:
            try:
                return self._hasher.verify(known, password)
            except (VerificationError, InvalidHashError):
                return False

        return await asyncio.get_running_loop().run_in_executor(self._threads, fits)


class Guesses:
    """Guesses for each address: after five wrong ones, a pause that doubles with each further one, up to 15 minutes.

    A guess counts as wrong from its beginning until it is forgotten, so that many at once get no further than one
    after the other.
    """

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and until when it pauses

    def begin(self, email: str) -> None:
        """Raises TooMany while the pause lasts."""
        wait = self.wait_s(email)
        if wait > 0:
            error = TooMany(
                f"Too many wrong passwords for this account. Try again in {math.ceil(wait)} s.", code="sign_in_paused"
            )
            error.wait_s = math.ceil(wait)
            raise error
        count = self._wrong.get(email, (0, 0.0))[0]
        over = min(count + 1 - _FREE_FAILURES, 20)
        pause = min(2.0**over, _LONGEST_PAUSE_S) if over >= 0 else 0.0
        self._wrong[email] = (count + 1, self._clock() + pause)
        self._wrong.move_to_end(email)
        while len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)

    def wait_s(self, email: str) -> float:
        """Seconds until the next guess may be made."""
        return max(0.0, self._wrong.get(email, (0, 0.0))[1] - self._clock())

    def __len__(self) -> int:
        """Addresses with wrong guesses."""
        return len(self._wrong)

    def forget(self, email: str) -> None:
        self._wrong.pop(email, None)


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds that only grow."""


def check_password(password: str, email: str) -> None:
    """Raises UsageError for one that is short, the address itself, or among the first that anybody tries."""
    lowered = password.strip().lower()
    if len(password) < MIN_PASSWORD or len(password) > _MAX_PASSWORD:
        message = f"The password has {len(password)} characters; it needs {MIN_PASSWORD} to {_MAX_PASSWORD}."
    elif lowered in (email, email.partition("@")[0]):
        message = "The password is the e-mail address."
    elif lowered in _WORST or len(set(lowered)) < 3:
        message = "The password is one of the first that anybody tries."
    else:
        return
    raise UsageError(message, param="password", code="password_weak")


def _plain(email: str) -> str:
    return email.strip().lower()


def _person(stored: StoredAccount) -> Person:
    return Person(
        subject=stored.id, email=stored.email, name=stored.name, must_change_password=stored.must_change_password
    )
