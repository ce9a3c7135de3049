"""human-input: asks people by a form and takes the branch of the button they press, or that of no answer in time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.workflow.context import Context, Letter, Recipient
from llmflow.workflow.data import Lenient
from llmflow.workflow.form import FIELDS, OUTPUTS, FormData, ask, handles, letter, reads
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.template import selectors
from llmflow.workflow.types import Selector, Words


class MailTo(Lenient):
    """Dify names a member by `user_id`, and later by `reference_id`."""

    type: Literal["member", "external"] = "external"
    email: str = ""
    user_id: str = ""
    reference_id: str = ""


class MailRecipients(Lenient):
    whole_workspace: bool = False
    include_bound_group: bool = False
    items: list[MailTo] = Field(default_factory=list)


class MailConfig(Lenient):
    recipients: MailRecipients = MailRecipients()
    subject: str = ""
    body: str = ""


class Delivery(Lenient):
    type: str
    enabled: bool = True
    config: MailConfig = MailConfig()

    @field_validator("config", mode="before")
    @classmethod
    def _no_config(cls, value: Any) -> Any:
        return value or {}


class HumanInputData(FormData):
    delivery_methods: list[Delivery] = Field(default_factory=list)

    @field_validator("delivery_methods", mode="before")
    @classmethod
    def _nowhere(cls, value: Any) -> Any:
        return value or []

    def letters(self, context: Context) -> tuple[Letter, ...]:
        mails = [each.config for each in self.delivery_methods if each.enabled and each.type == "email"]
        return tuple(letter(context, mail.subject, mail.body, _mailed(mail.recipients)) for mail in mails)

    def is_in_app(self) -> bool:
        return any(each.enabled and each.type == "webapp" for each in self.delivery_methods)

    def read_by_letters(self) -> list[Selector]:
        texts = [text for each in self.delivery_methods for text in (each.config.subject, each.config.body)]
        return [selector for text in texts for selector in selectors(text)]


def _mailed(recipients: MailRecipients) -> tuple[Recipient, ...]:
    if recipients.whole_workspace or recipients.include_bound_group:
        return (Recipient("everybody"), *_outsiders(recipients.items))
    members = [item.reference_id or item.user_id for item in recipients.items if item.type == "member"]
    return (*(Recipient("member", id) for id in members if id), *_outsiders(recipients.items))


def _outsiders(items: Iterable[MailTo]) -> list[Recipient]:
    return [Recipient("address", item.email) for item in items if item.type == "external" and item.email]


KIND = Kind(
    type="human-input",
    role="branch",
    data=HumanInputData,
    run=ask,
    handles=handles,
    reads=reads,
    outputs=OUTPUTS,
    words=Words("Human input", "사람 확인", "Waits for a person's answer.", "담당자의 답을 기다립니다."),
    fields={
        **FIELDS,
        "delivery_methods": Words(
            "Delivery", "전달 방법", "In the app, by e-mail.", "앱 안에서, 또는 메일로 알립니다."
        ),
    },
)
