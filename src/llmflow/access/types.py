"""Nouns of access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KeyKind = Literal["app", "dataset", "model", "admin"]
PREFIXES: dict[KeyKind, str] = {"app": "app-", "dataset": "dataset-", "model": "sk-", "admin": "adm-"}
Role = Literal["owner", "admin", "editor", "member"]
#: Each may do what those after it may. member: chat and read; editor: also knowledge and apps; admin: also members,
#: keys, models, settings; owner: also other owners.
ROLES: tuple[Role, ...] = ("owner", "admin", "editor", "member")


def reaches(role: Role | None, needed: Role) -> bool:
    """Whether a role is at least another; None, a key of an app, reaches none."""
    return role is not None and ROLES.index(role) <= ROLES.index(needed)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, proved by a key or a session. `groups` open documents; a request's own words never do.

    `role`: a person's; an admin key has "admin", the command line's own key of this home "owner", other keys None.
    """

    workspace_id: str
    kind: Literal["app", "dataset", "model", "admin", "session"]
    key_id: str | None = None
    app_id: str | None = None
    account_id: str | None = None
    role: Role | None = None
    groups: tuple[str, ...] = ()

    @property
    def sees_all(self) -> bool:
        """Owners and admins, who could give themselves any group, see every document."""
        return reaches(self.role, "admin")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown: `hint` is its first letters; the key itself is shown once, when made."""

    id: str
    workspace_id: str
    kind: KeyKind
    app_id: str | None
    name: str
    hint: str
    groups: list[str]
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
    groups: list[str]
    created_at: int
    last_seen_at: int | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as it may be shown: the token of its link is shown once, when made."""

    id: str
    workspace_id: str
    email: str
    role: Role
    created_at: int
    expires_at: int
    accepted_at: int | None
