"""Everything that dify-client-python offers for apps, unchanged, in a process of its own; prints what it got as JSON.

dify-api-client is a fork with the same methods and classes named DifyClient and AsyncDifyClient, and some of its own:
what only one of the two has is called where it is there.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import dify_client
from dify_client import errors, models

URL, CHAT, FLOW, CHATFLOW, QUESTION = sys.argv[1:]
Client: Any = getattr(dify_client, "DifyClient", None) or dify_client.Client
AsyncClient: Any = getattr(dify_client, "AsyncDifyClient", None) or dify_client.AsyncClient
USER = "typed"
BLOCKING, STREAMING = models.ResponseMode.BLOCKING, models.ResponseMode.STREAMING
STOP = models.StopRequest(user=USER)
found: dict[str, Any] = {}


def code_of(call: Any) -> str:
    try:
        call()
    except errors.DifyAPIError as error:
        return str(error.code)
    return ""


def chats(client: Any) -> None:
    asked = client.chat_messages(models.ChatRequest(query=QUESTION, response_mode=BLOCKING, user=USER))
    found["asked"] = {
        "answer": asked.answer,
        "documents": [r.document_name for r in asked.metadata.retriever_resources],
    }
    again = (
        models.ChatRequest(query=QUESTION, response_mode=STREAMING, user=USER, conversation_id=asked.conversation_id)
        if hasattr(asked, "conversation_id")
        else models.ChatRequest(query=QUESTION, response_mode=STREAMING, user=USER)
    )
    events = list(client.chat_messages(again))
    found["streamed"] = [str(getattr(event.event, "value", event.event)) for event in events]
    found["said"] = "".join(event.answer for event in events[:-1])
    like = models.FeedbackRequest(rating=models.Rating.LIKE, user=USER)
    found["rated"] = client.feedback_messages(asked.message_id, like).result
    found["suggested"] = code_of(
        lambda: client.suggest_messages(asked.message_id, models.ChatSuggestRequest(user=USER))
    )
    uploaded = client.upload_files(("a.txt", b"hello", "text/plain"), models.UploadFileRequest(user=USER))
    found["uploaded"] = [uploaded.name, uploaded.size, uploaded.mime_type]
    found["stopped"] = client.stop_chat_messages(events[0].task_id, STOP).result
    completion = models.CompletionRequest(inputs={"query": "x"}, response_mode=BLOCKING, user=USER)
    found["completion"] = code_of(lambda: client.completion_messages(completion))
    found["stop_completion"] = code_of(lambda: client.stop_completion_messages("x", STOP))
    if hasattr(client, "audio_to_text"):
        heard = models.AudioToTextRequest(user=USER)
        found["heard"] = code_of(lambda: client.audio_to_text(("a.wav", b"a", "audio/wav"), heard))
        found["spoken"] = code_of(lambda: client.text_to_audio(models.TextToAudioRequest(text="x", user=USER)))
    if hasattr(client, "get_conversations"):
        listed = client.get_conversations(models.ConversationRequest(user=USER))
        found["conversations"] = [one.name for one in listed.data]
        wanted = models.ConversationHistoryMessageRequest(conversation_id=listed.data[0].id, user=USER)
        found["history"] = [message.query for message in client.get_conversation_history_messages(wanted).data]


def runs(client: Any) -> None:
    ran = client.run_workflows(models.WorkflowsRunRequest(inputs={"q": "세계"}, response_mode=BLOCKING, user=USER))
    found["ran"] = ran.data.outputs
    streaming = models.WorkflowsRunRequest(inputs={"q": "세계"}, response_mode=STREAMING, user=USER)
    found["run_events"] = [str(getattr(e.event, "value", e.event)) for e in client.run_workflows(streaming)]
    found["run_stopped"] = client.stop_workflows(ran.task_id, STOP).result
    wrong = models.ChatRequest(query="x", response_mode=BLOCKING, user=USER)
    found["wrong_mode"] = code_of(lambda: client.chat_messages(wrong))


def chatflows(client: Any) -> None:
    request = models.ChatRequest(query="안녕", response_mode=STREAMING, user=USER)
    events = list(client.chat_messages(request))
    found["chatflow_events"] = [str(getattr(event.event, "value", event.event)) for event in events]
    gone = models.ChatRequest(
        query="x", response_mode=BLOCKING, user=USER, conversation_id="00000000-0000-0000-0000-000000000000"
    )
    found["gone"] = code_of(lambda: client.chat_messages(gone))


async def asynchronously() -> None:
    client = AsyncClient(api_key=CHAT, api_base=URL)
    asked = await client.achat_messages(models.ChatRequest(query=QUESTION, response_mode=BLOCKING, user=USER))
    like = models.FeedbackRequest(rating=models.Rating.LIKE, user=USER)
    found["async_rated"] = (await client.afeedback_messages(asked.message_id, like)).result
    streaming = await client.achat_messages(models.ChatRequest(query=QUESTION, response_mode=STREAMING, user=USER))
    events = [event async for event in streaming]
    found["async_said"] = "".join(event.answer for event in events[:-1])
    found["async_stopped"] = (await client.astop_chat_messages(events[0].task_id, STOP)).result
    uploaded = await client.aupload_files(("a.txt", b"hello", "text/plain"), models.UploadFileRequest(user=USER))
    found["async_uploaded"] = uploaded.size
    flow = AsyncClient(api_key=FLOW, api_base=URL)
    ran = await flow.arun_workflows(models.WorkflowsRunRequest(inputs={"q": "세계"}, response_mode=BLOCKING, user=USER))
    found["async_ran"] = ran.data.outputs
    found["async_run_stopped"] = (await flow.astop_workflows(ran.task_id, STOP)).result


chats(Client(api_key=CHAT, api_base=URL))
runs(Client(api_key=FLOW, api_base=URL))
chatflows(Client(api_key=CHATFLOW, api_base=URL))
asyncio.run(asynchronously())
found["refused"] = code_of(lambda: runs(Client(api_key="app-wrong", api_base=URL)))
print(json.dumps(found))
