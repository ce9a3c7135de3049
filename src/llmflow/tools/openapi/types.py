"""Nouns of OpenAPI tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Where = Literal["path", "query", "header", "cookie"]
BodyKind = Literal["json", "form", "multipart", "text", "binary"]
AuthKind = Literal["none", "api_key", "bearer", "basic"]


class Parameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """`argument`: what a caller gives it by; `name`: what the server reads. `style`, `explode`: OpenAPI's. `is_json`:
    written as JSON."""

    argument: str
    name: str
    where: Where
    style: str
    explode: bool
    is_json: bool = False
    keeps_reserved: bool = False


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """`argument`: that holds all of it; or `fields`: argument to property. `files`: properties that are files."""

    media_type: str
    kind: BodyKind
    argument: str = ""
    fields: dict[str, str] = {}
    files: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`id`: as the document calls it; `name`: unique in it, as a model may call it. `server`: where it is asked, if not
    where the others are. `schema`: JSON schema of the arguments."""

    id: str
    name: str
    method: str
    path: str
    schema: dict[str, Any]
    summary: str = ""
    description: str = ""
    server: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None

    @property
    def is_safe(self) -> bool:
        """It only reads, if the server keeps to HTTP."""
        return self.method in ("get", "head", "options")


class Scheme(msgspec.Struct, frozen=True):
    """How a server wants to be shown a credential. `name`, `where`: of an API key's header, parameter or cookie."""

    kind: AuthKind = "none"
    name: str = ""
    where: Literal["header", "query", "cookie"] = "header"


@dataclass(frozen=True, slots=True)
class Skipped:
    """`what`: an operation as METHOD /path; `why`: a sentence."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Described:
    """What a document describes. `base_url` "": it names no address."""

    title: str
    description: str
    version: str
    base_url: str
    operations: tuple[Operation, ...]
    skipped: tuple[Skipped, ...]
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Credential:
    """`secret`: a key, a token, or the password of `user`. Never shown, not even by repr."""

    scheme: Scheme
    secret: str = ""
    user: str = ""

    def __repr__(self) -> str:
        return f"Credential({self.scheme.kind})"


@dataclass(frozen=True, slots=True)
class Collection:
    """A document that was made tools. `source_url` "": it was uploaded."""

    id: str
    workspace_id: str
    name: str
    description: str
    source_url: str
    base_url: str
    scheme: Scheme
    has_secret: bool
    created_at: int
    updated_at: int
