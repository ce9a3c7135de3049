"""Invitations: a link that works once and not for ever, handed over by people; no mail server is needed."""

from __future__ import annotations

from llmflow.access import queries
from llmflow.access.types import Invitation, Role
from llmflow.errors import Conflict, LLMFlowError, NotFound, UsageError
from llmflow.ports.identity import Identity
from llmflow.store.crypto import digest, new_token
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_LASTS_MS = 7 * 86_400_000


class Invitations:
    """Makes, shows, withdraws, accepts. A token is looked up by its digest: how long that takes tells nothing of it."""

    def __init__(self, database: Database, identity: Identity) -> None:
        self._database = database
        self._identity = identity

    async def create(self, workspace_id: str, email: str, role: Role) -> tuple[Invitation, str]:
        """The invitation and its link's token, which nobody can see again; an earlier one to this address ends.
        Raises UsageError for what is no address, Conflict for a member."""
        email = email.strip().lower()
        if "@" not in email.strip("@") or any(letter.isspace() for letter in email):
            raise UsageError(f"'{email}' is not an e-mail address.", param="email")
        token, now = new_token(), now_ms()
        invitation = Invitation(new_id(), workspace_id, email, role, now, now + _LASTS_MS, None)
        async with self._database.write() as connection:
            if await queries.account_by_email(connection, email) is not None:
                raise Conflict(
                    f"{email} is a member already.", param="email", hint="Change the role in the list of members."
                )
            await queries.delete_open_invitations(connection, workspace_id, email)
            await queries.insert_invitation(connection, invitation, digest(token))
        return invitation, token

    async def open(self, workspace_id: str) -> list[Invitation]:
        """Those that were not accepted, expired ones too, newest first."""
        async with self._database.read() as connection:
            return await queries.open_invitations(connection, workspace_id)

    async def get(self, workspace_id: str, invitation_id: str) -> Invitation:
        """One that was not accepted. Raises NotFound."""
        found = next((one for one in await self.open(workspace_id) if one.id == invitation_id), None)
        if found is None:
            raise NotFound(f"There is no invitation {invitation_id}.")
        return found

    async def withdraw(self, invitation: Invitation) -> None:
        async with self._database.write() as connection:
            await queries.delete_open_invitations(connection, invitation.workspace_id, invitation.email)

    async def look(self, token: str) -> Invitation:
        """The invitation of a link. Raises NotFound (invitation_unknown) and Conflict (invitation_expired,
        invitation_used)."""
        async with self._database.read() as connection:
            found = await queries.invitation_by_digest(connection, digest(token))
        if found is None:
            raise NotFound("There is no invitation with this link.", code="invitation_unknown")
        if found.accepted_at is not None:
            raise Conflict("This invitation was accepted already.", code="invitation_used")
        if found.expires_at <= now_ms():
            raise Conflict("This invitation has expired.", code="invitation_expired")
        return found

    async def accept(self, token: str, name: str, password: str) -> Invitation:
        """Makes the account; its keeper gives it the invitation's role and closes the invitation in one transaction.
        Raises what `look` raises, and UsageError for a name or password that will not do."""
        found = await self.look(token)
        if not name.strip():
            raise UsageError("The name is empty.", param="name", hint="Say how colleagues know you.")
        try:
            await self._identity.create(found.email, name.strip(), password)
        except Conflict as error:
            raise _used() from error
        return found


def _used() -> LLMFlowError:
    return Conflict("This invitation was accepted already.", code="invitation_used")
