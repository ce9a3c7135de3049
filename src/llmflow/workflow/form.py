"""Forms that nodes ask people by: their fields and buttons as a design has them, how they are asked, what an answer
becomes."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from llmflow.errors import NodeFailed
from llmflow.workflow.context import Context, Letter, Question, Recipient
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.templates.template import fill_markdown, selectors
from llmflow.workflow.types import Outcome, Selector, Waiting, Words

#: The branch that is taken when nobody answers in time.
TIMEOUT = "__timeout"

_SECONDS = {"hour": 3600, "day": 86_400}
_LONGEST_S = 400 * 86_400
_PLACE = re.compile(r"\{\{#\$output\.([A-Za-z_][A-Za-z0-9_]{0,29})#\}\}")
_MARKS = re.compile(r"[#*_`|>\[\]]+|-{3,}|\(https?:[^)\s]*\)")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Source(Lenient):
    """A text as it stands, or a variable's."""

    type: Literal["constant", "variable"] = "constant"
    selector: list[str] = Field(default_factory=list)
    value: str = ""

    @field_validator("selector", "value", mode="before")
    @classmethod
    def _nothing(cls, value: Any, info: Any) -> Any:
        return value if value is not None else ([] if info.field_name == "selector" else "")


class Options(Source):
    """What there is to choose: a list as it stands, or a variable's."""

    value: list[str] = Field(default_factory=list)  # type: ignore[assignment]

    @field_validator("selector", "value", mode="before")
    @classmethod
    def _nothing(cls, value: Any, info: Any) -> Any:
        return value or []


class FormInput(Lenient):
    """One field of the form; `default` of a paragraph, `option_source` of a select, the others of files."""

    type: Literal["paragraph", "select", "file", "file-list"]
    output_variable_name: str
    default: Source | None = None
    option_source: Options = Options()
    allowed_file_types: list[str] = Field(default_factory=list)
    allowed_file_extensions: list[str] = Field(default_factory=list)
    allowed_file_upload_methods: list[str] = Field(default_factory=list)
    number_limits: int = 0

    @model_validator(mode="before")
    @classmethod
    def _older(cls, data: Any) -> Any:
        """Before `default`, Dify wrote `placeholder`; before paragraphs there were lines."""
        if not isinstance(data, Mapping):
            return data
        known = dict(data)
        if known.get("type") in ("text-input", "text_input"):
            known["type"] = "paragraph"
        if "default" not in known and "placeholder" in known:
            known["default"] = known.pop("placeholder")
        for name, empty in (("option_source", {}), ("number_limits", 0)):
            known[name] = known.get(name) or empty
        for name in ("allowed_file_types", "allowed_file_extensions", "allowed_file_upload_methods"):
            known[name] = known.get(name) or []
        return known


class Action(Lenient):
    """A button. `id`: its branch."""

    id: str
    title: str = ""
    button_style: str = "default"

    @field_validator("id")
    @classmethod
    def _identifier(cls, value: str) -> str:
        if not _IDENTIFIER.fullmatch(value):
            raise ValueError("an action's id has letters, digits and _, and begins with no digit")
        return value


class FormData(NodeData):
    """What every version of the node has; how people are told is the version's own."""

    form_content: str = ""
    inputs: list[FormInput] = Field(default_factory=list)
    user_actions: list[Action] = Field(default_factory=list)
    timeout: int = Field(default=36, ge=1)
    timeout_unit: Literal["hour", "day"] = "hour"

    @field_validator("form_content", mode="before")
    @classmethod
    def _no_words(cls, value: Any) -> Any:
        return value or ""

    @field_validator("inputs", "user_actions", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return value or []

    @field_validator("inputs")
    @classmethod
    def _each_once(cls, value: list[FormInput]) -> list[FormInput]:
        return _unique(value, lambda item: item.output_variable_name)

    @field_validator("user_actions")
    @classmethod
    def _each_button_once(cls, value: list[Action]) -> list[Action]:
        return _unique(value, lambda item: item.id)

    @property
    def seconds(self) -> int:
        return min(self.timeout * _SECONDS[self.timeout_unit], _LONGEST_S)

    @abstractmethod
    def letters(self, context: Context) -> tuple[Letter, ...]:
        """Who is told of the form, and how."""

    @abstractmethod
    def is_in_app(self) -> bool:
        """May whoever uses the app answer?"""

    @abstractmethod
    def read_by_letters(self) -> list[Selector]: ...


def _unique(items: list[Any], name_of: Callable[[Any], str]) -> list[Any]:
    names = [name_of(item) for item in items]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"there twice: {', '.join(sorted(twice))}")
    return items


def letter(context: Context, subject: str, body: str, to: Sequence[Recipient]) -> Letter:
    """Filled, but for the link."""
    return Letter(" ".join(context.fill(subject).split()), context.fill(body), tuple(to))


async def ask(data: FormData, context: Context) -> Outcome | Waiting:
    """What the node does: asks, or goes on with what was answered. Raises NodeFailed."""
    if context.reply is not None:
        return _answered(context.reply)
    if not data.user_actions:
        raise NodeFailed("The form has no button, so nobody could answer it.", code="node_invalid")
    question = Question(
        id=context.execution_id,
        node_id=context.node.id,
        title=context.node.title,
        content=fill_markdown(data.form_content, context.pool),
        inputs=[_shown(field, context) for field in data.inputs],
        actions=[action.model_dump(include={"id", "title", "button_style"}) for action in data.user_actions],
        defaults=_defaults(data.inputs, context),
        seconds=data.seconds,
        in_app=data.is_in_app(),
        letters=data.letters(context),
        at=context.at,
    )
    expires_at = await context.outside.ask(question)
    return Waiting(
        {
            "form_id": question.id,
            "form_content": question.content,
            "inputs": list(question.inputs),
            "actions": list(question.actions),
            "display_in_ui": question.in_app,
            "resolved_default_values": dict(question.defaults),
            "expiration_time": expires_at // 1000,
        }
    )


def filled_in(content: str, values: Mapping[str, Any]) -> str:
    """The form's text with what was said where its fields stood; files by their number, as Dify does."""
    return _PLACE.sub(lambda match: _said(values.get(match[1])), content)


def excerpt(content: str, most: int = 140) -> str:
    """The beginning of the form's text, without its fields and the marks of Markdown."""
    words = " ".join(_MARKS.sub(" ", _PLACE.sub(" ", content)).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def _said(value: Any) -> str:
    if isinstance(value, list):
        return f"[{len(value)} files]"
    return "[file]" if isinstance(value, dict) else str("" if value is None else value)


def _answered(reply: Mapping[str, Any]) -> Outcome:
    action = "" if reply.get("timeout") else str(reply.get("action_id", ""))
    inputs = dict(reply.get("submitted_data") or {})
    told = {
        "__action_id": action,
        "__action_value": str(reply.get("action_text", "")),
        "__rendered_content": str(reply.get("rendered_content", "")),
    }
    return Outcome({**inputs, **told}, inputs=inputs, handle=action or TIMEOUT)


def _shown(field: FormInput, context: Context) -> dict[str, Any]:
    """As Dify shows a field, with the options there are now. Raises NodeFailed (node_input_invalid)."""
    found: dict[str, Any] = {"type": field.type, "output_variable_name": field.output_variable_name}
    if field.type == "paragraph":
        return {**found, "default": field.default and field.default.model_dump(include={"type", "selector", "value"})}
    if field.type == "select":
        source = field.option_source.model_dump(include={"type", "selector", "value"})
        if field.option_source.type == "variable":
            source["value"] = _options(field, context)
        return {**found, "option_source": source}
    found |= {
        "allowed_file_types": field.allowed_file_types,
        "allowed_file_extensions": field.allowed_file_extensions,
        "allowed_file_upload_methods": field.allowed_file_upload_methods,
    }
    return found if field.type == "file" else {**found, "number_limits": field.number_limits}


def _options(field: FormInput, context: Context) -> list[str]:
    selector = field.option_source.selector
    value = context.get(selector)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        where = ".".join(selector)
        raise NodeFailed(f"{where} is no list of texts to choose from.", code="node_input_invalid")
    return value


def _defaults(fields: Iterable[FormInput], context: Context) -> dict[str, Any]:
    found = {}
    for field in fields:
        if field.type == "paragraph" and field.default is not None and field.default.type == "variable":
            value = context.get(field.default.selector)
            if value is not None:
                found[field.output_variable_name] = value
    return found


def reads(data: FormData) -> list[Selector]:
    """What the form and what is said about it take from elsewhere."""
    found: list[Selector] = [*selectors(data.form_content), *data.read_by_letters()]
    for field in data.inputs:
        if field.type == "paragraph" and field.default is not None and field.default.type == "variable":
            found.append(field.default.selector)
        if field.type == "select" and field.option_source.type == "variable":
            found.append(field.option_source.selector)
    return found


def handles(data: FormData) -> list[str]:
    return [*(action.id for action in data.user_actions), TIMEOUT]


OUTPUTS = {"__action_id": "string", "__action_value": "string", "__rendered_content": "string"}
FIELDS = {
    "form_content": Words(
        "Form", "양식", "Markdown, with the fields where they belong.", "마크다운 글 안에 입력란을 넣습니다."
    ),
    "inputs": Words("Fields", "입력란", "What people fill in.", "담당자가 채울 항목입니다."),
    "user_actions": Words("Buttons", "버튼", "A branch for each.", "버튼마다 길이 하나씩 생깁니다."),
    "timeout": Words("Time to answer", "답변 기한", "Then the branch for no answer.", "지나면 기한 초과 길로 갑니다."),
    "timeout_unit": Words("Unit", "단위", "Hours or days.", "시간 또는 일입니다."),
}
