"""Makes the messages a model is asked with: templates, context, the conversation's memory, images."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.ports.llm import Message
from llmflow.workflow.asking.room import fitting
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient
from llmflow.workflow.files import files_in
from llmflow.workflow.templates.jinja import render_aside
from llmflow.workflow.templates.template import selectors
from llmflow.workflow.types import Selector
from llmflow.workflow.variables import text_of

_LARGEST_IMAGE = 20 << 20
_CONTEXT = "{{#context#}}"
_HISTORIES = "{{#histories#}}"


class PromptMessage(Lenient):
    """`edition_type` "jinja2": `jinja2_text` is the template, over the variables of prompt_config."""

    role: Literal["system", "user", "assistant"] = "user"
    text: str = ""
    jinja2_text: str | None = None
    edition_type: str | None = "basic"

    @field_validator("text", mode="before")
    @classmethod
    def _no_text(cls, value: Any) -> Any:
        return value or ""

    @property
    def is_jinja(self) -> bool:
        return self.edition_type == "jinja2"

    @property
    def template(self) -> str:
        return (self.jinja2_text or self.text) if self.is_jinja else self.text


class JinjaVariable(Lenient):
    variable: str
    value_selector: list[str] = Field(default_factory=list)


class Prompts(Lenient):
    jinja2_variables: list[JinjaVariable] = Field(default_factory=list)

    @field_validator("jinja2_variables", mode="before")
    @classmethod
    def _no_variables(cls, value: Any) -> Any:
        return value or []


class Window(Lenient):
    enabled: bool = False
    size: int | None = None


class RolePrefix(Lenient):
    user: str = "Human"
    assistant: str = "Assistant"


class Memory(Lenient):
    """`window`: how many turns, all where it is off. `query_prompt_template`: what is asked last."""

    window: Window = Window()
    role_prefix: RolePrefix | None = None
    query_prompt_template: str | None = None


class VisionConfigs(Lenient):
    variable_selector: list[str] = Field(default_factory=lambda: ["sys", "files"])
    detail: str = "high"


class Vision(Lenient):
    enabled: bool = False
    configs: VisionConfigs = VisionConfigs()

    @field_validator("configs", mode="before")
    @classmethod
    def _no_configs(cls, value: Any) -> Any:
        return value or {}


@dataclass(slots=True)
class Prompt:
    """`inputs` and `shown`: for people, what went in and what was asked."""

    messages: list[Message]
    inputs: dict[str, Any] = field(default_factory=dict)
    shown: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, text: str) -> None:
        self.messages.append(Message(role="user", content=text))


async def prompt(
    context: Context,
    *,
    messages: Sequence[PromptMessage],
    prompts: Prompts,
    memory: Memory | None,
    vision: Vision,
    context_selector: Selector | None,
    is_completion: bool = False,
    model: str = "",
    answer_tokens: int | None = None,
) -> Prompt:
    """`model`, `answer_tokens`: who shall answer, and how long at most; of the memory what fits beside is kept. Raises
    NodeFailed where nothing is asked."""
    passages = context_text(context.get(context_selector)) if context_selector else ""
    found = Prompt([])
    for message in messages:
        text = await _filled(message, prompts, passages, context, found.inputs)
        if _HISTORIES in text:
            text = text.replace(_HISTORIES, await _as_text(memory, context))
        if text := text.strip():
            found.messages.append(Message(role=message.role, content=text))
    if context_selector:
        found.inputs["#context#"] = passages
    if memory and not is_completion:
        query = _query(memory, context)
        asked = [*found.messages, *([Message(role="user", content=query)] if query else [])]
        found.messages += await fitting(context, model, answer_tokens, asked, await history(context, memory))
        if query:
            found.ask(query)
            found.inputs.setdefault("sys.query", query)
    if vision.enabled:
        await see(found, vision, context)
    if not found.messages:
        raise NodeFailed("The prompt is empty.", code="node_input_invalid")
    found.shown = [_shown(message) for message in found.messages]
    return found


async def prompt_about(
    context: Context,
    selector: Selector,
    *,
    system: str,
    memory: Memory | None,
    vision: Vision,
    model: str = "",
    answer_tokens: int | None = None,
) -> Prompt:
    """A task, `system`, for the value at a selector, which stands between tags. `memory`: earlier turns lie between."""
    text = f"<text>\n{{{{#{'.'.join(selector)}#}}}}\n</text>"
    messages = [PromptMessage(role="system", text=system)]
    if memory is None:
        messages.append(PromptMessage(text=text))
    else:
        memory = memory.model_copy(update={"query_prompt_template": text})
    found = await prompt(
        context,
        messages=messages,
        prompts=Prompts(),
        memory=memory,
        vision=vision,
        context_selector=None,
        model=model,
        answer_tokens=answer_tokens,
    )
    found.inputs = {"query": context.get(selector), "files": found.inputs.get("#files#", [])}
    return found


def context_text(value: Any) -> str:
    """Passages, or any value, as the text that stands for {{#context#}}."""
    if isinstance(value, list):
        return "\n".join(str(item["content"]) if _is_passage(item) else text_of(item) for item in value)
    return text_of(value)


def _is_passage(item: Any) -> bool:
    return isinstance(item, dict) and "content" in item


async def _filled(
    message: PromptMessage, prompts: Prompts, passages: str, context: Context, inputs: dict[str, Any]
) -> str:
    if not message.is_jinja:
        for selector in selectors(message.text):
            inputs["#" + ".".join(selector) + "#"] = context.get(selector)
        return passages.join(context.fill(part) for part in message.text.split(_CONTEXT))
    values = {each.variable: context.get(each.value_selector) for each in prompts.jinja2_variables}
    inputs.update(values)
    source = message.template.replace(_CONTEXT, "{{ __context }}")
    return await render_aside(source, {**values, "__context": passages}, context.limits)


def _query(memory: Memory, context: Context) -> str:
    template = memory.query_prompt_template
    return context.fill(template) if template else text_of(context.get(("sys", "query")))


async def history(context: Context, memory: Memory) -> list[Message]:
    """The turns before the question, oldest first: those the caller keeps itself, and the conversation's."""
    turns = memory.window.size if memory.window.enabled else None
    given = context.get(("sys", "history")) or []
    kept = await context.outside.history(turns)
    found = [*(Message(role=each["role"], content=each["content"]) for each in given), *kept]
    return found if turns is None else found[len(found) - 2 * turns :] if 2 * turns < len(found) else found


async def _as_text(memory: Memory | None, context: Context) -> str:
    """The conversation as lines, for a completion's template."""
    if memory is None:
        return ""
    prefix = memory.role_prefix or RolePrefix()
    names = {"user": prefix.user, "assistant": prefix.assistant}
    turns = await history(context, memory)
    return "\n".join(f"{names.get(turn.role, turn.role)}: {turn.content}" for turn in turns)


async def see(found: Prompt, vision: Vision, context: Context) -> None:
    """Puts the images into the last message of the user's."""
    images = [file for file in files_in(context.get(vision.configs.variable_selector)) if file.get("type") == "image"]
    if not images:
        return
    found.inputs["#files#"] = images
    parts = [
        {"type": "image_url", "image_url": {"url": await _address(image, context), "detail": vision.configs.detail}}
        for image in images
    ]
    last = found.messages[-1] if found.messages else None
    if last is None or last.role != "user":
        found.messages.append(Message(role="user", content=parts))
        return
    text = last.content if isinstance(last.content, str) else ""
    found.messages[-1] = Message(role="user", content=[*parts, {"type": "text", "text": text}])


async def _address(image: dict[str, Any], context: Context) -> str:
    """The image as data. One that lies elsewhere is fetched here, where private addresses are refused: the model's
    server may stand in the company's network, and would fetch whatever a caller names."""
    content = await context.outside.read_file(image)
    if len(content) > _LARGEST_IMAGE:
        raise NodeFailed("The image is larger than 20 MB.", code="node_input_invalid")
    media_type = str(image.get("mime_type") or "")
    media_type = media_type if media_type.startswith("image/") else "image/png"  # an address may not tell
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _shown(message: Message) -> dict[str, Any]:
    if isinstance(message.content, list):
        text = "".join(str(part.get("text") or "") for part in message.content)
        images = [str(part["image_url"]["url"])[:100] for part in message.content if "image_url" in part]
        return {"role": message.role, "text": text, "files": images}
    return {"role": message.role, "text": message.content or "", "files": []}
