"""Sign-in, sign-out, the password, members."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from llmflow.access.types import Account
from llmflow.api import auth

router = APIRouter(tags=["session"])


class SignIn(BaseModel):
    email: str = Field(max_length=320)
    password: str = Field(max_length=1000)


class NewPassword(BaseModel):
    old: str = Field(max_length=1000)
    new: str = Field(max_length=1000)


@dataclass(frozen=True, slots=True)
class NewSignIn:
    email: str
    password: str


@router.post("/session")
async def sign_in(body: SignIn, request: Request, response: Response) -> Account:
    """Signs a person in; the session is a cookie that scripts cannot read."""
    platform = auth.platform_of(request)
    account, token = await platform.people.sign_in(body.email, body.password)
    _set_cookie(request, response, token)
    return account


@router.get("/session")
async def who(request: Request) -> Account:
    return (await auth.signed_in(request))[0]


@router.delete("/session", status_code=204)
async def sign_out(request: Request, response: Response) -> None:
    token = request.cookies.get(auth.COOKIE)
    if token:
        await auth.platform_of(request).people.sign_out(token)
    response.delete_cookie(auth.COOKIE, path="/")


@router.post("/session/password")
async def change_password(body: NewPassword, request: Request, response: Response) -> Account:
    """Changes the password, ends every session of the account, and signs in anew."""
    platform = auth.platform_of(request)
    account, _ = await auth.signed_in(request)
    await platform.people.change_password(account, body.old, body.new)
    account, token = await platform.people.sign_in(account.email, body.new)
    _set_cookie(request, response, token)
    return account


@router.post("/members/{email}/password")
async def reset_password(email: str, request: Request) -> NewSignIn:
    """A new password for somebody who lost theirs, shown this once. Needs an admin key."""
    caller = await auth.caller(request, ("admin",))
    people = auth.platform_of(request).people
    return NewSignIn(email, await people.reset_password(caller.workspace_id, email))


@router.get("/members")
async def members(request: Request) -> list[Account]:
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).people.members(caller.workspace_id)


def _set_cookie(request: Request, response: Response, token: str) -> None:
    settings = auth.platform_of(request).settings.server
    secure = request.url.scheme == "https" or settings.public_url.startswith("https:")
    response.set_cookie(
        auth.COOKIE,
        token,
        max_age=settings.session_hours * 3600,
        httponly=True,
        secure=secure,
        samesite="strict",
        path="/",
    )
