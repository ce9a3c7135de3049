"""Sign-in, sign-out, the password, and what Studio remembers for an account."""

from __future__ import annotations

from typing import Literal

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


class Preferences(BaseModel):
    """What Studio remembers for an account, whichever browser it is in; null: nothing yet."""

    language: Literal["en", "ko"] | None = None
    theme: Literal["system", "light", "dark"] | None = None
    tour: Literal["begun", "left", "done"] | None = None
    tour_step: int | None = Field(None, ge=0, le=100, description="The step to go on with")
    checklist: Literal["shown", "hidden"] | None = None


@router.post("/session")
async def sign_in(body: SignIn, request: Request, response: Response) -> Account:
    """Signs a person in; the session is a cookie that scripts cannot read. Wrong passwords slow down their account and
    their client's address: 429 with the seconds to wait in Retry-After."""
    platform = auth.platform_of(request)
    with auth.attempt(request):
        account, token = await platform.people.sign_in(body.email, body.password)
    auth.set_cookie(request, response, token)
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
    auth.set_cookie(request, response, token)
    return account


@router.get("/session/preferences")
async def preferences(request: Request) -> Preferences:
    account, _ = await auth.signed_in(request)
    return Preferences.model_validate(await auth.platform_of(request).people.preferences(account.id))


@router.patch("/session/preferences")
async def prefer(body: Preferences, request: Request) -> Preferences:
    """Changes what is given; the whole afterwards."""
    account, _ = await auth.signed_in(request)
    changes = body.model_dump(exclude_unset=True)
    return Preferences.model_validate(await auth.platform_of(request).people.prefer(account.id, changes))
