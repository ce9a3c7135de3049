"""Who sees a knowledge base, and how it looks to somebody else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.access.groups import clean_groups
from llmflow.access.types import Account, ApiKey, reaches
from llmflow.api import auth
from llmflow.errors import NotFound, UsageError
from llmflow.knowledge.rule import kept_rule
from llmflow.knowledge.sight import looking_as, may_ask
from llmflow.knowledge.types import Found, KnowledgeBase, Note
from llmflow.wiring import Platform

router = APIRouter(tags=["knowledge"])


@dataclass(frozen=True, slots=True)
class Insider:
    """A member or a key. `about`: an e-mail address, or the first letters of the key."""

    id: str
    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Circle:
    """A group. `of_base`: the base is open to it; `documents`: how many name it themselves. `members`, `keys`: those in
    it, told to administrators; others get their counts alone."""

    name: str
    of_base: bool
    documents: int
    member_count: int
    key_count: int
    members: list[Insider]
    keys: list[Insider]


@dataclass(frozen=True, slots=True)
class BaseAccess:
    """`groups`: whom the base is open to, none: everybody in the workspace. `documents`: how many whoever asks sees;
    `own`: of these, how many name groups themselves. `circles`: every group that the base, a document, a member or a
    key names, those of the base first."""

    groups: list[str]
    documents: int
    own: int
    circles: list[Circle]


class Look(BaseModel):
    """As whom: a group, a member or a key; none of them: somebody in no group. `query`: what is searched for, ""
    nothing."""

    group: str | None = Field(None, max_length=100)
    member: str | None = Field(None, max_length=320, description="Id or e-mail address")
    key: str | None = Field(None, max_length=100, description="Id")
    query: str = Field("", max_length=8000)
    top_k: int = Field(10, ge=1, le=100)


@dataclass(frozen=True, slots=True)
class Sight:
    """How a base looks to somebody. `groups`: theirs; `sees_all`: an owner, an administrator or a key that may
    everything. `documents` of `total` are seen, whatever was searched for. `found`: in the order of their scores;
    `withheld`: what whoever asks finds and they may not see."""

    groups: list[str]
    sees_all: bool
    documents: int
    total: int
    found: list[Found]
    withheld: list[Found]
    notes: list[Note]


@router.get("/knowledge/{base}/access")
async def get_access(base: str, request: Request) -> BaseAccess:
    caller = await auth.console_caller(request, needs="editor")
    platform = auth.platform_of(request)
    found = await platform.knowledge.bases.get(caller.workspace_id, base)
    named = await platform.knowledge.permissions.named(found)
    members = await platform.members.all(caller.workspace_id)
    keys = await platform.keys.all(caller.workspace_id)
    everybodys = {group for one in members for group in one.groups}.union(*(key.groups for key in keys))
    others = everybodys.union(*(groups for groups, _ in named)).difference(found.groups)
    is_told = reaches(caller.role, "admin")
    circles = [_circle(name, found, named, members, keys, is_told=is_told) for name in [*found.groups, *sorted(others)]]
    own = sum(count for groups, count in named if groups)
    return BaseAccess(found.groups, sum(count for _, count in named), own, circles)


@router.post("/knowledge/{base}/access/look")
async def look(base: str, body: Look, request: Request) -> Sight:
    """What somebody else sees and finds in the base, by its own rule of searching."""
    caller = await auth.console_caller(request, needs="admin")
    platform = auth.platform_of(request)
    found = await platform.knowledge.bases.get(caller.workspace_id, base)
    groups, sees_all = await _looker(platform, caller.workspace_id, body)
    room = platform.knowledge
    rule = dataclasses.replace(kept_rule(found.retrieval), top_k=body.top_k)
    own = await room.retriever.search([found], body.query, rule)
    with looking_as(groups, sees_all=sees_all):
        seen, total = await room.permissions.seen(found)
        theirs = await room.retriever.search([found], body.query, rule)
        there = {one.id for one in await room.documents.by_ids(found, [hit.document_id for hit in own.found])}
        is_open = may_ask(found)
    withheld = [hit for hit in own.found if not (is_open if found.is_external else hit.document_id in there)]
    return Sight(groups, sees_all, seen, total, theirs.found, withheld, theirs.notes)


async def _looker(platform: Platform, workspace_id: str, as_whom: Look) -> tuple[list[str], bool]:
    """Groups, and whether everything is seen. Raises NotFound, and UsageError for more than one."""
    if sum(one is not None for one in (as_whom.group, as_whom.member, as_whom.key)) > 1:
        raise UsageError("Look as one group, one member or one key.")
    if as_whom.member is not None:
        account = await platform.members.get(workspace_id, as_whom.member)
        return account.groups, reaches(account.role, "admin")
    if as_whom.key is not None:
        for key in await platform.keys.all(workspace_id):
            if key.id == as_whom.key:
                return key.groups, key.kind == "admin"
        raise NotFound(f"There is no key {as_whom.key}.", param="key")
    return clean_groups([] if as_whom.group is None else [as_whom.group]), False


def _circle(
    name: str,
    base: KnowledgeBase,
    named: Iterable[tuple[list[str], int]],
    members: Sequence[Account],
    keys: Sequence[ApiKey],
    *,
    is_told: bool,
) -> Circle:
    people = [Insider(one.id, one.name, one.email) for one in members if name in one.groups]
    programs = [Insider(one.id, one.name, one.hint) for one in keys if name in one.groups]
    return Circle(
        name,
        of_base=name in base.groups,
        documents=sum(count for groups, count in named if name in groups),
        member_count=len(people),
        key_count=len(programs),
        members=people if is_told else [],
        keys=programs if is_told else [],
    )
