"""Members, and the invitations that make them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from llmflow.access.members import may_give
from llmflow.access.types import Account, Invitation, Role
from llmflow.api import auth

router = APIRouter(tags=["members"])


class NewInvitation(BaseModel):
    email: str = Field(min_length=1, max_length=320)
    role: Role = "member"


class Member(BaseModel):
    """What is left out stays as it is."""

    role: Role | None = None
    groups: list[str] | None = Field(None, description="Which documents the member sees beside those of everybody")


class Link(BaseModel):
    token: str = Field(max_length=200, description="The last part of the link")


class Accept(Link):
    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)


@dataclass(frozen=True, slots=True)
class NewSignIn:
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class MadeInvitation:
    invitation: Invitation
    token: str  # shown this once; the link is /invite/ and this
    url: str  # the link, where server.public_url is set; else only its path


@router.get("/members")
async def members(request: Request) -> list[Account]:
    caller = await auth.console_caller(request, needs="admin")
    return await auth.platform_of(request).members.all(caller.workspace_id)


@router.patch("/members/{member}")
async def change_member(member: str, body: Member, request: Request) -> Account:
    """Gives a role, groups or both, by id or e-mail address; they hold from the member's next request on. The last
    owner stays one."""
    caller = await auth.console_caller(request, needs="admin")
    people = auth.platform_of(request).members
    account = await people.get(caller.workspace_id, member)
    if body.role is not None:
        account = await people.change_role(account, body.role, by=caller.role)
    return account if body.groups is None else await people.set_groups(account, body.groups)


@router.get("/groups")
async def groups(request: Request) -> list[str]:
    """Names of groups that members and keys are in."""
    caller = await auth.console_caller(request, needs="editor")
    return await auth.platform_of(request).members.groups(caller.workspace_id)


@router.delete("/members/{member}", status_code=204)
async def remove_member(member: str, request: Request) -> None:
    """Ends the account and its sessions at once. What the member made stays; their conversations are kept, and open to
    nobody in Studio."""
    caller = await auth.console_caller(request, needs="admin")
    people = auth.platform_of(request).members
    await people.remove(await people.get(caller.workspace_id, member), by=caller.role)


@router.post("/members/{member}/password")
async def reset_password(member: str, request: Request) -> NewSignIn:
    """A new password for somebody who lost theirs, shown this once and changed at the next sign-in."""
    caller = await auth.console_caller(request, needs="admin")
    people = auth.platform_of(request).members
    account = await people.get(caller.workspace_id, member)
    return NewSignIn(account.email, await people.reset_password(account, by=caller.role))


@router.get("/invitations")
async def invitations(request: Request) -> list[Invitation]:
    """Those that nobody accepted yet, expired ones too."""
    caller = await auth.console_caller(request, needs="admin")
    return await auth.platform_of(request).invitations.open(caller.workspace_id)


@router.post("/invitations", status_code=201)
async def invite(body: NewInvitation, request: Request) -> MadeInvitation:
    """A link that makes an account once, within seven days; an earlier one to this address ends."""
    caller = await auth.console_caller(request, needs="admin")
    may_give(body.role, caller.role)
    platform = auth.platform_of(request)
    made, token = await platform.invitations.create(caller.workspace_id, body.email, body.role)
    return MadeInvitation(made, token, f"{platform.settings.server.public_url.rstrip('/')}/invite/{token}")


@router.delete("/invitations/{invitation_id}", status_code=204)
async def withdraw(invitation_id: str, request: Request) -> None:
    """The link works no longer."""
    caller = await auth.console_caller(request, needs="admin")
    platform = auth.platform_of(request)
    await platform.invitations.withdraw(await platform.invitations.get(caller.workspace_id, invitation_id))


@router.post("/invitations/look")
async def look(body: Link, request: Request) -> Invitation:
    """The invitation of a link; needs no sign-in, the token is the proof."""
    platform = auth.platform_of(request)
    with auth.attempt(request):
        return await platform.invitations.look(body.token)


@router.post("/invitations/accept")
async def accept(body: Accept, request: Request, response: Response) -> Account:
    """Makes the account and signs it in; needs no sign-in, the token is the proof."""
    platform = auth.platform_of(request)
    with auth.attempt(request):
        accepted = await platform.invitations.accept(body.token, body.name, body.password)
    account, token = await platform.people.sign_in(accepted.email, body.password)
    auth.set_cookie(request, response, token)
    return account
