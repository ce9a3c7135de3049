"""Calls of webhooks: checked, accepted once, answered when their run stands in the database.

Who sends the same id twice starts one run and gets the same answer: while the first call is under way the second waits
for it, afterwards what was answered is read. One process serves a database, so nothing slips through between.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from llmflow.access.rates import Rate, Rates
from llmflow.apps.apps import Apps
from llmflow.apps.chat.files import AppFiles, kept_value
from llmflow.apps.designs.plans import Compiled, Plans
from llmflow.apps.runs.runs import Begin, Runs
from llmflow.apps.triggers import secrets
from llmflow.apps.triggers.deliveries import Deliveries
from llmflow.apps.triggers.triggers import Triggers, unknown
from llmflow.apps.triggers.types import Answered, Parts, Sent, Trigger, Upload
from llmflow.apps.types import App, EndUser
from llmflow.config.settings import Triggers as Limits
from llmflow.errors import Forbidden, LLMFlowError, NodeFailed, NotFound, TooMany, Unsupported, WrongMethod
from llmflow.store.crypto import digest
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow.nodes.trigger_webhook import SENT, WebhookData, accepted, answer, outputs_of

SOURCE = "webhook"
_NOTED = Rate(per_minute=6, most=30)  # refused calls of one webhook


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook, and what the version that is run says of it."""

    trigger: Trigger
    app: App
    compiled: Compiled
    data: WebhookData
    of_draft: bool


class Webhooks:
    def __init__(
        self,
        triggers: Triggers,
        deliveries: Deliveries,
        catalogue: Apps,
        plans: Plans,
        runs: Runs,
        files: AppFiles,
        *,
        limits: Limits,
        rates: Rates | None = None,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._triggers = triggers
        self._deliveries = deliveries
        self._catalogue = catalogue
        self._plans = plans
        self._runs = runs
        self._files = files
        self._limits = limits
        self._rates = rates or Rates()
        self._clock_s = clock_s
        self._under_way: dict[tuple[str, str], asyncio.Future[Answered]] = {}

    async def find(self, code: str, *, of_draft: bool = False) -> Hook:
        """Raises NotFound (webhook_unknown), Forbidden (webhook_off), TooMany over its rate, NodeFailed (node_invalid)
        for a node that cannot be read. `of_draft`: as the draft says, also while it is off."""
        trigger = await self._triggers.by_code(code)
        self._rates.take([(trigger.id, Rate.each_minute(self._limits.per_minute))])
        if not trigger.is_on and not of_draft:
            raise Forbidden("This webhook is switched off.", code="webhook_off")
        try:
            app = await self._catalogue.by_id(trigger.workspace_id, trigger.app_id)
            compiled = await (self._plans.draft(app) if of_draft else self._plans.in_force(app))
        except NotFound as error:
            raise unknown() from error
        node = compiled.plan.nodes.get(trigger.node_id)
        if node is None or node.type != "trigger-webhook":
            raise unknown()
        if not isinstance(node.data, WebhookData):
            raise NodeFailed(node.flaw, code="node_invalid")
        return Hook(trigger, app, compiled, node.data, of_draft)

    async def take(self, hook: Hook, sent: Sent) -> Answered:
        """Starts the webhook's run; it is run whatever happens once this returns. Raises WrongMethod, Unauthorized
        (webhook_refused), UsageError for what was sent, TooMany (trigger_busy), OrganError (disk_full)."""
        try:
            self._check(hook, sent)
            key = _key(hook, sent)
            if key is None:
                return await self._start(hook, sent, None)
            return await self._once((hook.trigger.id, key), lambda: self._start_or_recall(hook, sent, key))
        except LLMFlowError as error:
            if error.status < 500:
                await self._note(hook.trigger, error)
            raise

    async def _note(self, trigger: Trigger, error: LLMFlowError) -> None:
        """Who sends what is refused fills no disk."""
        with contextlib.suppress(TooMany):
            self._rates.take([(f"refused {trigger.id}", _NOTED)])
            await self._deliveries.refused(trigger, error)

    async def _once(self, key: tuple[str, str], work: Callable[[], Awaitable[Answered]]) -> Answered:
        while (running := self._under_way.get(key)) is not None:
            await asyncio.wait([running])
            if not running.cancelled() and running.exception() is None:
                return running.result()
        mine = self._under_way[key] = asyncio.ensure_future(work())
        try:
            return await asyncio.shield(mine)
        finally:
            if mine.done():
                self._under_way.pop(key, None)
            else:  # the caller left; the call is accepted all the same
                mine.add_done_callback(lambda _: self._under_way.pop(key, None))
                mine.add_done_callback(_left)

    async def _start_or_recall(self, hook: Hook, sent: Sent, key: str) -> Answered:
        return await self._deliveries.answered(hook.trigger, key) or await self._start(hook, sent, key)

    def _check(self, hook: Hook, sent: Sent) -> None:
        data, trigger = hook.data, hook.trigger
        if sent.method.lower() != data.method:
            raise WrongMethod(f"This webhook takes {data.method.upper()}, not {sent.method}.")
        if trigger.needs_secret:
            secret = self._triggers.secret_of(trigger)
            if secret is None:
                raise secrets.refused("This webhook has no secret yet, so it takes no call.")
            secrets.check(secret, sent.headers, sent.body, now_s=self._clock_s(), tolerance_s=self._limits.tolerance_s)
        if sent.body and sent.media_type != data.content_type:
            raise Unsupported(
                f"This webhook takes {data.content_type}, not {sent.media_type or 'a body without a type'}.",
                hint=f"Send Content-Type: {data.content_type}.",
            )

    async def _start(self, hook: Hook, sent: Sent, key: str | None) -> Answered:
        app, trigger, data = hook.app, hook.trigger, hook.data
        if self._runs.count(trigger.id) >= self._limits.concurrency:
            raise TooMany(f"{self._limits.concurrency} runs of this trigger are under way.", code="trigger_busy")
        self._runs.check_room(app)
        run_id = new_id()
        parts = await sent.parts(data.content_type) if sent.body else Parts({})
        files = {upload.field: await self._kept(app, upload) for upload in parts.uploads}
        fields = {"raw": files.pop("raw", None)} if data.content_type == "application/octet-stream" else parts.fields
        given = accepted(data, headers=_shown(hook, sent), query=sent.query, body=fields, files=files)
        begin = Begin(
            inputs={SENT: given},
            uses=[file["related_id"] for file in (*files.values(), fields.get("raw")) if isinstance(file, dict)],
            source=SOURCE,
            user=SOURCE,
            start=trigger.node_id,
            trigger_id=trigger.id,
            run_id=run_id,
        )
        system: dict[str, Any] = {
            "workflow_run_id": run_id,
            "app_id": app.id,
            "workflow_id": hook.compiled.version.id,
            "user_id": SOURCE,
            "timestamp": now_ms() // 1000,
        }
        body = answer(data, trigger.node_id, outputs_of(data, given), system)
        answered = Answered(data.status_code, body)
        noted = self._deliveries.of_run(trigger, key, run_id, answered)
        await self._runs.start(app, hook.compiled, begin, companion=noted).accepted()
        return answered

    async def _kept(self, app: App, upload: Upload) -> dict[str, Any]:
        """As a value of a workflow; kept for a day, and as long as the run that uses it."""
        nobody = EndUser("", app.workspace_id, app.id, "", 0)
        kept = await self._files.keep(nobody, upload.name, upload.body, media_type=upload.media_type, used_by="")
        return kept_value(kept)


def _left(work: asyncio.Future[Answered]) -> None:
    """Nobody waits any more for what failed."""
    if not work.cancelled():
        work.exception()


def _key(hook: Hook, sent: Sent) -> str | None:
    """Of a call that says which it is."""
    id = sent.headers.get(secrets.ID) or sent.headers.get("idempotency-key")
    return digest(f"{'draft' if hook.of_draft else 'version'} {id}") if id else None


def _shown(hook: Hook, sent: Sent) -> dict[str, str]:
    """The headers without the proofs that were checked here, and without cookies, which are of this server's pages."""
    hidden = {"cookie", *(secrets.PROOFS if hook.trigger.needs_secret else ())}
    return {name: value for name, value in sent.headers.items() if name not in hidden}
