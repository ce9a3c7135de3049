"""Nouns of access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KeyKind = Literal["app", "dataset", "model", "admin"]
PREFIXES: dict[KeyKind, str] = {"app": "app-", "dataset": "dataset-", "model": "sk-", "admin": "adm-"}
Role = Literal["owner", "admin", "editor", "member"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, proved by a key or a session. `groups` open documents; a request's own words never do."""

    workspace_id: str
    kind: Literal["app", "dataset", "model", "admin", "session"]
    key_id: str | None = None
    app_id: str | None = None
    account_id: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown: `hint` is its first letters; the key itself is shown once, when made."""

    id: str
    workspace_id: str
    kind: KeyKind
    app_id: str | None
    name: str
    hint: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    workspace_id: str
    email: str
    name: str
    role: Role
    must_change_password: bool
    created_at: int
