"""human-input, version 2: as the first, with its recipients by what they are to the workspace."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from llmflow.workflow.context import Context, Letter, Recipient
from llmflow.workflow.data import Lenient
from llmflow.workflow.form import FIELDS, OUTPUTS, FormData, ask, handles, letter, reads
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.template import selectors
from llmflow.workflow.types import Selector, Words

#: What Dify's editor keeps in every node's data, which a node may hold beside its own fields.
_EDITORS = frozenset(
    "selected width height isInIteration isInLoop iteration_id loop_id parentId position positionAbsolute"
    " sourcePosition targetPosition zIndex".split()
)


class ByContact(Lenient):
    type: Literal["contact"]
    contact_id: str


class ByVariable(Lenient):
    type: Literal["dynamic_email"]
    selector: list[str]


class ByAddress(Lenient):
    type: Literal["onetime_email"]
    email: str


class ByRole(Lenient):
    type: Literal["initiator", "all_workspace_contacts"]


RecipientSpec = Annotated[ByContact | ByVariable | ByAddress | ByRole, Field(discriminator="type")]


class MessageTemplate(Lenient):
    subject: str = ""
    body: str = ""


class DebugMode(Lenient):
    """For Dify's own debugger: its run goes to whoever debugs."""

    enabled: bool = False
    channels: list[Literal["email", "feishu", "slack", "ding_talk", "ms_teams", "we_com", "lark"]] = Field(
        default_factory=list
    )


class HumanInput2Data(FormData):
    """Keys that Dify does not know there are refused there, and here."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, coerce_numbers_to_str=True)

    version: Literal["2"] = "2"
    recipients_spec: list[RecipientSpec]
    message_template: MessageTemplate
    debug_mode: DebugMode

    @model_validator(mode="before")
    @classmethod
    def _without_the_editors(cls, data: Any) -> Any:
        return {name: value for name, value in data.items() if name not in _EDITORS} if isinstance(data, dict) else data

    def letters(self, context: Context) -> tuple[Letter, ...]:
        to = tuple(found for spec in self.recipients_spec for found in _specified(spec, context))
        return (letter(context, self.message_template.subject, self.message_template.body, to),) if to else ()

    def is_in_app(self) -> bool:
        return any(spec.type == "initiator" for spec in self.recipients_spec)

    def read_by_letters(self) -> list[Selector]:
        named = [spec.selector for spec in self.recipients_spec if isinstance(spec, ByVariable)]
        template = self.message_template
        return [*named, *selectors(template.subject), *selectors(template.body)]


def _specified(spec: ByContact | ByVariable | ByAddress | ByRole, context: Context) -> list[Recipient]:
    match spec:
        case ByContact():
            return [Recipient("member", spec.contact_id)]
        case ByAddress():
            return [Recipient("address", spec.email)]
        case ByVariable():
            value = context.get(spec.selector)
            given = value if isinstance(value, list) else [value]
            return [Recipient("address", item) for item in given if isinstance(item, str) and item]
    return [Recipient("initiator" if spec.type == "initiator" else "everybody")]


KIND = Kind(
    type="human-input",
    version="2",
    role="branch",
    data=HumanInput2Data,
    run=ask,
    handles=handles,
    reads=reads,
    outputs=OUTPUTS,
    words=Words("Human input", "사람 확인", "Waits for a person's answer.", "담당자의 답을 기다립니다."),
    fields={
        **FIELDS,
        "recipients_spec": Words("Recipients", "받는 사람", "Who is told.", "알림을 받을 사람입니다."),
        "message_template": Words("Message", "알림 글", "What they are told.", "알림에 담을 글입니다."),
        "debug_mode": Words("Debugging", "디버그", "Of Dify's editor; not used here.", "여기서는 쓰지 않습니다."),
    },
)
