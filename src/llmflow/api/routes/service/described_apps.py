"""What operations for app keys take."""

from __future__ import annotations

from llmflow.api.routes.service.annotation import AnnotationCreatePayload, AnnotationReplyActionPayload
from llmflow.api.routes.service.audio import TextToAudioPayload
from llmflow.api.routes.service.chat import ChatRequestPayload
from llmflow.api.routes.service.conversations import ConversationRenamePayload, MessageFeedbackPayload
from llmflow.api.routes.service.described import FILE, LIMIT, TEXT, TIME, WHOLE, YES, Described, one_of
from llmflow.api.routes.service.forms import HumanInputFormSubmitPayload
from llmflow.api.routes.service.workflows import WorkflowRunPayload

_PAGES = {"page": WHOLE, "limit": LIMIT}
_VALUE = {"type": "object", "required": ["value"], "properties": {"value": {}, "user": TEXT}}
_USER = {"type": "object", "required": ["user"], "properties": {"user": TEXT}}
_PERHAPS_USER = {"type": "object", "properties": {"user": TEXT}}
_UPLOAD = {"type": "object", "required": ["file"], "properties": {"file": FILE, "user": TEXT}}
_SWITCH = one_of("enable", "disable")

DESCRIBED = Described(
    key="app",
    with_user=True,
    unnamed={ConversationRenamePayload, TextToAudioPayload, AnnotationCreatePayload, AnnotationReplyActionPayload},
    bodies={
        ("POST", "/chat-messages"): ChatRequestPayload,
        ("POST", "/chat-messages/{task_id}/stop"): _USER,
        ("POST", "/workflows/run"): WorkflowRunPayload,
        ("POST", "/workflows/{workflow_id}/run"): WorkflowRunPayload,
        ("POST", "/workflows/tasks/{task_id}/stop"): _USER,
        ("POST", "/workflows/{task_id}/stop"): _USER,
        ("POST", "/form/human_input/{form_token}"): HumanInputFormSubmitPayload,
        ("DELETE", "/conversations/{conversation_id}"): _PERHAPS_USER,
        ("POST", "/conversations/{conversation_id}/name"): ConversationRenamePayload,
        ("PUT", "/conversations/{conversation_id}/variables/{variable_id}"): _VALUE,
        ("POST", "/messages/{message_id}/feedbacks"): MessageFeedbackPayload,
        ("POST", "/text-to-audio"): TextToAudioPayload,
        ("POST", "/apps/annotations"): AnnotationCreatePayload,
        ("PUT", "/apps/annotations/{annotation_id}"): AnnotationCreatePayload,
        ("POST", "/apps/annotation-reply/{action}"): AnnotationReplyActionPayload,
    },
    forms={("POST", "/files/upload"): _UPLOAD, ("POST", "/audio-to-text"): _UPLOAD},
    queries={
        ("GET", "/messages/{message_id}/suggested"): {"user": TEXT},
        ("GET", "/workflow/{run_id}/events"): {
            "user": TEXT,
            "include_state_snapshot": YES,
            "continue_on_pause": YES,
        },
        ("GET", "/workflows/logs"): {
            **_PAGES,
            "keyword": TEXT,
            "status": one_of("succeeded", "failed", "stopped", "partial-succeeded"),
            "created_at__before": TIME,
            "created_at__after": TIME,
            "created_by_end_user_session_id": TEXT,
            "created_by_account": TEXT,
        },
        ("GET", "/conversations"): {
            "user": TEXT,
            "last_id": TEXT,
            "limit": LIMIT,
            "sort_by": one_of("created_at", "-created_at", "updated_at", "-updated_at"),
        },
        ("GET", "/conversations/{conversation_id}/variables"): {
            "user": TEXT,
            "last_id": TEXT,
            "limit": LIMIT,
            "variable_name": TEXT,
        },
        ("GET", "/messages"): {"conversation_id": TEXT, "user": TEXT, "first_id": TEXT, "limit": LIMIT},
        ("GET", "/app/feedbacks"): _PAGES,
        ("GET", "/files/{file_id}/preview"): {"as_attachment": YES, "user": TEXT},
        ("GET", "/apps/annotations"): {"page": WHOLE, "limit": WHOLE, "keyword": TEXT},
    },
    needed={
        ("GET", "/messages/{message_id}/suggested"): {"user"},
        ("GET", "/workflow/{run_id}/events"): {"user"},
        ("GET", "/messages"): {"conversation_id"},
    },
    places={
        "/apps/annotation-reply/{action}": _SWITCH,
        "/apps/annotation-reply/{action}/status/{job_id}": _SWITCH,
    },
    older={("POST", "/workflows/{task_id}/stop")},
)
