"""A request for a response as a chat: /v1/responses keeps nothing here, so all of it stands in the request."""

from __future__ import annotations

from typing import Any

from llmflow.errors import UsageError

_SAME = (
    "model",
    "temperature",
    "top_p",
    "stream",
    "user",
    "parallel_tool_calls",
    "metadata",
    "prompt_cache_key",
    "seed",
)
_STATEFUL = ("previous_response_id", "conversation", "background")


def refuse_state(body: dict[str, Any]) -> None:
    """Raises UsageError that names what would have to be kept."""
    for name in _STATEFUL:
        if body.get(name):
            raise UsageError(
                f"`{name}` is not served: responses are not kept here.",
                param=name,
                hint="Send the conversation so far in `input`.",
            )


def chat_body(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a chat completion. Raises UsageError that names what cannot be served."""
    messages = _messages(body.get("input"))
    if body.get("instructions"):
        messages.insert(0, {"role": "system", "content": body["instructions"]})
    chat: dict[str, Any] = {name: body[name] for name in _SAME if body.get(name) is not None}
    chat["messages"] = messages
    if body.get("max_output_tokens") is not None:
        chat["max_tokens"] = body["max_output_tokens"]
    if effort := _object(body.get("reasoning"), "reasoning").get("effort"):
        chat["reasoning_effort"] = effort
    if tools := _list(body.get("tools"), "tools"):
        chat["tools"] = [_tool(_object(one, "tools")) for one in tools]
        if body.get("tool_choice") is not None:
            chat["tool_choice"] = _choice(body["tool_choice"])
    wanted = _object(_object(body.get("text"), "text").get("format"), "text")
    if wanted.get("type") == "json_schema":
        schema = {name: wanted[name] for name in ("name", "schema", "strict", "description") if name in wanted}
        chat["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif wanted.get("type") == "json_object":
        chat["response_format"] = {"type": "json_object"}
    if body.get("stream"):
        chat["stream_options"] = {"include_usage": True}
    return chat


def _messages(given: Any) -> list[dict[str, Any]]:
    if isinstance(given, str) and given:
        return [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise UsageError("`input` must be a text or a list of items.", param="input")
    messages: list[dict[str, Any]] = []
    for item in given:
        if not isinstance(item, dict):
            raise UsageError("An item of `input` must be an object.", param="input")
        kind = item.get("type", "message")
        if kind == "message":
            messages.append({"role": item.get("role", "user"), "content": _content(item.get("content"))})
        elif kind == "function_call":
            function = {"name": item.get("name", ""), "arguments": item.get("arguments", "{}")}
            call = {"id": item.get("call_id", ""), "type": "function", "function": function}
            if messages and messages[-1]["role"] == "assistant" and messages[-1].get("tool_calls"):
                messages[-1]["tool_calls"].append(call)
            elif messages and messages[-1]["role"] == "assistant":
                messages[-1]["tool_calls"] = [call]
            else:
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif kind == "function_call_output":
            output = item.get("output")
            text = output if isinstance(output, str) else _text(output)
            messages.append({"role": "tool", "tool_call_id": item.get("call_id", ""), "content": text})
        elif kind != "reasoning":  # what a model thought before is not told to it again
            raise UsageError(f"Items of type `{kind}` are not served.", param="input")
    return messages


def _content(content: Any) -> Any:
    if isinstance(content, str) or content is None:
        return content or ""
    parts = []
    for part in _list(content, "input"):
        part = _object(part, "input")
        kind = part.get("type")
        if kind in ("input_text", "output_text", "text"):
            parts.append({"type": "text", "text": part.get("text", "")})
        elif kind == "input_image":
            image = {"url": part.get("image_url", "")}
            if part.get("detail"):
                image["detail"] = part["detail"]
            parts.append({"type": "image_url", "image_url": image})
        elif kind == "refusal":
            parts.append({"type": "text", "text": part.get("refusal", "")})
        else:
            raise UsageError(f"Parts of type `{kind}` are not served.", param="input")
    if all(part["type"] == "text" for part in parts):
        return "".join(part["text"] for part in parts)
    return parts


def _text(output: Any) -> str:
    return "".join(str(part.get("text") or "") for part in _list(output, "input") if isinstance(part, dict))


def _object(given: Any, name: str) -> dict[str, Any]:
    if not given or isinstance(given, dict):
        return given or {}
    raise UsageError(f"`{name}` has {given!r:.80} where an object belongs.", param=name)


def _list(given: Any, name: str) -> list[Any]:
    if not given or isinstance(given, list):
        return given or []
    raise UsageError(f"`{name}` has {given!r:.80} where a list belongs.", param=name)


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        raise UsageError(
            f"Tools of type `{tool.get('type')}` are not served, only functions.",
            param="tools",
            hint="Give the model a function that does it.",
        )
    function = {
        name: tool[name] for name in ("name", "description", "parameters", "strict") if tool.get(name) is not None
    }
    return {"type": "function", "function": function}


def _choice(choice: Any) -> Any:
    if isinstance(choice, dict) and choice.get("type") == "function":
        return {"type": "function", "function": {"name": choice.get("name", "")}}
    return choice
