"""Every error LLMFlow raises on purpose, each with a stable code, what happened and what to do.

    LLMFlowError
    ├── UsageError            400  the request is wrong and the caller can mend it
    │   ├── ConfigError            llmflow.yaml or the environment is wrong
    │   ├── TooLarge          413  over a size limit
    │   ├── WrongMethod       405  another HTTP method is asked for
    │   └── Unsupported       415  a kind of input nobody here reads
    ├── Unauthorized          401  no key, a wrong key, an expired key
    ├── Forbidden             403  the key is good but not for this
    ├── NotFound              404  no such thing in this workspace
    ├── Conflict              409  it exists already, or it changed meanwhile
    ├── TooMany               429  a rate, a budget or a concurrency limit
    ├── DocumentError         422  a document cannot be read; the document is marked, the job goes on
    ├── NodeFailed            422  a node of a workflow failed; its strategy, or the run's end, follows
    │   └── UnsupportedNode        a node of a type that this version cannot run was reached
    ├── OrganError            503  an organ (model, store, parser ...) does not answer or is not installed
    └── InternalError         500  a fault of ours; the log has the rest under the request id

`code` is for programs and never changes; `CODES` lists them all and `docs/errors.md` is generated from it.
"""

from __future__ import annotations

from typing import Any, ClassVar


class LLMFlowError(Exception):
    """Base of the tree. `message`: what happened. `hint`: what to do. `param`: the input at fault, if one is."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"

    def __init__(
        self, message: str, *, code: str | None = None, hint: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint or CODES.get(self.code, "")
        self.param = param

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[object, ...]:  # errors cross process borders whole
        return (_rebuild, (type(self), self.message, self.code, self.hint, self.param))

    def body(self, request_id: str | None = None) -> dict[str, dict[str, str | None]]:
        """The one JSON shape of the console, the CLI and the OpenAI surface."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "hint": self.hint,
                "param": self.param,
                "request_id": request_id,
            }
        }


def _rebuild(kind: type[LLMFlowError], message: str, code: str, hint: str, param: str | None) -> LLMFlowError:
    return kind(message, code=code, hint=hint, param=param)


class UsageError(LLMFlowError):
    status = 400
    default_code = "invalid_request"


class ConfigError(UsageError):
    default_code = "config_invalid"


class TooLarge(UsageError):
    status = 413
    default_code = "too_large"


class WrongMethod(UsageError):
    status = 405
    default_code = "method_not_allowed"


class Unsupported(UsageError):
    status = 415
    default_code = "unsupported_type"


class Unauthorized(LLMFlowError):
    status = 401
    default_code = "unauthorized"


class Forbidden(LLMFlowError):
    status = 403
    default_code = "forbidden"


class NotFound(LLMFlowError):
    status = 404
    default_code = "not_found"


class Conflict(LLMFlowError):
    status = 409
    default_code = "conflict"


class PreconditionFailed(LLMFlowError):
    status = 412
    default_code = "precondition_failed"


class TooMany(LLMFlowError):
    """`wait_s`: seconds to wait, where they are known; the answer's Retry-After."""

    status = 429
    default_code = "too_many_requests"
    wait_s: int | None = None


class DocumentError(LLMFlowError):
    status = 422
    default_code = "document_unreadable"


class NodeFailed(LLMFlowError):
    """`outputs`: what the node has to show all the same; `process_data`: what it tried."""

    status = 422
    default_code = "node_failed"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        param: str | None = None,
        outputs: dict[str, Any] | None = None,
        process_data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, param=param)
        self.outputs = outputs or {}
        self.process_data = process_data or {}


class UnsupportedNode(NodeFailed):
    default_code = "node_unsupported"


class OrganError(LLMFlowError):
    """`wait_s`: seconds after which it may answer, where they are known."""

    wait_s: int | None = None
    status = 503
    default_code = "organ_unavailable"


class InternalError(LLMFlowError):
    """A fault of ours."""


CODES: dict[str, str] = {
    # general
    "internal_error": "This is a fault of LLMFlow. The server's log has the details under the request id.",
    "invalid_request": "Correct the request and send it again.",
    "invalid_json": "Send a JSON object with Content-Type: application/json.",
    "method_not_allowed": "Use a method that this path documents.",
    "unauthorized": "Send 'Authorization: Bearer KEY'. `llmflow keys create` makes a key.",
    "key_expired": "Make a new key with `llmflow keys create`.",
    "wrong_credentials": "Check both; `llmflow accounts reset-password` makes a new password.",
    "password_change_required": "Change the password first: POST /api/v1/session/password.",
    "password_weak": "Choose a longer one; four words that do not belong together do.",
    "password_unchanged": "Choose another.",
    "sign_in_paused": "Wait that long. A forgotten password: an administrator makes a new one under Settings, Members.",
    "forbidden": "Use a key of a kind that may do this; `llmflow keys create --kind` makes one.",
    "role_insufficient": "Ask an administrator of this LLMFlow to do it, or to give you the role.",
    "last_owner": "Make somebody else an owner first.",
    "invitation_unknown": "Check that the link is whole. An administrator makes a new one under Settings, Members.",
    "invitation_expired": "Ask an administrator for a new link: Settings, Members.",
    "invitation_used": "Sign in with the account that it made.",
    "not_found": "Check the name or id; the list commands show what there is.",
    "conflict": "Choose another name, or change the existing one.",
    "folder_not_allowed": "An operator names the folders that may be read: knowledge.source_folders in llmflow.yaml.",
    "embedding_changed": "Embed the knowledge base anew: `llmflow knowledge reembed KB`.",
    "changed_meanwhile": "Load it again, then make your change on what stands there now.",
    "too_large": "Send less, or raise the limit under `limits` in llmflow.yaml.",
    "model_blind": "Choose a model that sees images for this app, or send the text instead.",
    "unsupported_type": "Convert the file to a supported type; docs/organs.md lists them.",
    "too_many_requests": "Wait a moment and try again.",
    "rate_limited": "Wait for the next minute, or have an administrator raise the limit.",
    "budget_exceeded": "Wait for the next day or month, or have an administrator raise the budget.",
    "model_not_allowed": "Ask for another model, or have an administrator open this one.",
    "not_yet": "This operation is documented but not served by this version.",
    # configuration and start
    "config_invalid": "Correct the setting; `llmflow settings` lists every key, its type and its default.",
    "config_unreadable": "Check that the file exists, is readable and is YAML.",
    "setting_unknown": "`llmflow settings` lists every key.",
    "setting_type": "`llmflow settings` shows the type of every key.",
    "setting_value": "`llmflow settings` shows the meaning of every key.",
    "secret_missing": "Set the variable, or write the secret to one of the files named.",
    "adapter_unknown": "`llmflow settings` lists what each organ can use.",
    "extra_missing": "Install the named package, then start again.",
    "home_in_use": "Stop the other LLMFlow, or start this one with another --home.",
    "home_unwritable": "Choose a folder you may write to with --home or LLMFLOW_HOME.",
    "port_in_use": "Stop the other program, or choose another port with --port.",
    "disk_full": "Free some disk space; what was accepted before is kept and goes on by itself.",
    "server_unreachable": "Start the server with `llmflow up`, or name its home with --home.",
    "master_key_wrong": "Give the master key this home was made with (LLMFLOW_MASTER_KEY or the home's master.key).",
    "needs_postgres": "Set store.url to a PostgreSQL address to run more than one process.",
    # documents
    "document_unreadable": "Open the file in the program that made it, save it anew and upload it again.",
    "document_empty": "The file has no text. Upload one that has.",
    "document_locked": "Remove the password in the program that made the file and upload it again.",
    "document_mislabelled": "Give the file the extension of what it really is.",
    "document_too_large": "Split the document, or raise limits.document_mb.",
    "document_timeout": "Split the document, or raise limits.parse_timeout_s.",
    "document_crashed_reader": "The reader died on this file. Save it anew in the program that made it.",
    "ocr_missing": "Install Tesseract: apt-get install tesseract-ocr tesseract-ocr-kor tesseract-ocr-eng.",
    # knowledge, as clients of the Service API know it
    "archived_document_immutable": "Take the document back out of the archive first.",
    "dataset_name_duplicate": "Choose another name.",
    "dataset_in_use": "Take it out of the apps that use it first.",
    "pipeline_in_use": "Delete the knowledge base; its pipeline goes with it.",
    "pipeline_run_error": "Look at the run of the knowledge base's pipeline, correct it, and read the document again.",
    "external_refused": "Check the address and the key; POST to it ending in /retrieval must be answered.",
    "questions_invalid": "Correct the lines named, or leave them out; docs/evaluation-of-search.md shows a file.",
    "invalid_action": "Use one of the actions named.",
    "invalid_metadata": "Ask for all, only or without.",
    # apps
    "conversation_not_exists": "List the user's conversations, or leave conversation_id out to begin a new one.",
    "last_conversation_not_exists": "Page again from the first conversation, without last_id.",
    "message_not_exists": "List the conversation's messages for their ids.",
    "first_message_not_exists": "Page again from the newest message, without first_id.",
    "no_messages": "Ask something first, or give the name yourself.",
    "end_user_not_found": "Use an id this app's answers named; ids of other apps' users are not found.",
    "file_not_found": "Upload the file first with POST /v1/files/upload.",
    "file_access_denied": "Use the key of the app the file was sent to.",
    "file_too_large": "Send a smaller file, or raise limits.file_mb in llmflow.yaml.",
    "page_not_found": "Ask whoever gave you the address for a new one.",
    "page_failed": "Try again in a moment. If it goes on, tell whoever runs this page.",
    "not_chat_app": "Ask a chat app or a chatflow; a workflow is run: `llmflow apps run` or POST /v1/workflows/run.",
    "interrupted": "LLMFlow stopped while it was answering. Ask again.",
    # apps from files, and their versions
    "dsl_unreadable": "Export the app from Dify anew, or mend the line named.",
    "dsl_too_large": "Split the app, or raise limits.design_mb if the file is that big by right.",
    "dsl_invalid": "Export the app from Dify anew; docs/dify.md says what a file must have.",
    "mode_differs": "Import the file as an app of its own: `llmflow apps import FILE`.",
    "no_design": "Import one with `llmflow apps import`; a chat app made here is changed on its own page.",
    "not_published": "Publish its draft first.",
    "version_not_found": "List the app's versions for their numbers.",
    "version_is_draft": "Publish the draft, or name a published version.",
    "version_in_force": "Publish another version first, then delete this one.",
    "too_many_versions": "Delete versions that nobody needs, or raise limits.app_versions in llmflow.yaml.",
    # workflows
    "node_failed": "Look at the node's inputs in the run; give the node a retry or an error strategy if it may fail.",
    "node_unsupported": "Replace the node, or remove it from the path that is taken.",
    "node_invalid": "Open the node in the editor, correct its settings and publish the workflow again.",
    "node_input_invalid": "Look at what the node before it gave, and correct the selector or the type.",
    "template_failed": "Correct the template; the run shows what it was given.",
    "template_limit": "Make the template smaller, or raise workflow.template_characters or workflow.template_ms.",
    "code_failed": "Correct the code; the message names the line.",
    "code_timeout": "Make the code quicker, or raise the sandbox's seconds in llmflow.yaml.",
    "code_memory": "Make the code need less, or raise the sandbox's memory_mb in llmflow.yaml.",
    "code_output": "Return an object of JSON values, and less where there is too much.",
    "http_failed": "Check the address and what it answers; the run shows the request.",
    "agent_silent": "Ask in other words, allow more rounds, or give it a larger model.",
    "tool_unknown": "Choose one of the tools there are: Studio's page Tools lists them.",
    "tool_input_invalid": "Correct the parameter; the tool's page shows what it takes.",
    "tool_failed": "Look at what the tool says; its page lets you try it.",
    "openapi_unreadable": "Give an OpenAPI document (3.0, 3.1 or Swagger 2.0) as JSON or YAML, in one file.",
    "openapi_too_large": "Take out of the document what no tool is needed for, or raise limits.openapi_mb.",
    "openapi_no_server": "Give the address that the operations are asked at.",
    "workflow_invalid": "Correct the problems that the editor lists.",
    "workflow_limit": "Make the workflow shorter, or raise the limit under `workflow` in llmflow.yaml.",
    "workflow_timeout": "Make the workflow shorter, or raise workflow.seconds in llmflow.yaml.",
    "precondition_failed": "Load it again; it has changed since.",
    "form_not_found": "Check that the link is whole; the inbox in Studio lists the forms that wait.",
    "human_input_form_submitted": "Nothing is left to do: the first answer counts.",
    "human_input_form_expired": "Start the run again if its answer is still needed.",
    "mail_failed": "Check the settings under `mail` in llmflow.yaml; it is tried again by itself.",
    "mail_refused": "Correct the address in the workflow's node.",
    "invalid_form_data": "Correct the field named and send the form again.",
    "run_not_found": "List the app's runs for their ids.",
    "run_not_resumable": "Look at the run's status: failed and stopped runs are resumed, paused ones answered.",
    "variable_not_exists": "List the conversation's variables for their ids.",
    "type_mismatch": "Send a value of the variable's type.",
    "run_paused": "Answer the node that waits.",
    "not_workflow_app": "Ask it with `llmflow ask`; only workflows are run.",
    "run_refused": "Fork the run from an earlier node, or start a new one.",
    "workflow_input_invalid": "Correct the input; the app's parameters list what it takes.",
    # triggers
    "webhook_unknown": "Copy the address from the app's triggers; it changes when somebody renews it.",
    "webhook_off": "Switch it on under the app's triggers.",
    "webhook_refused": "Send its secret as 'Authorization: Bearer', or sign the call; docs/triggers.md shows how.",
    "webhook_input_invalid": "Send what the webhook declares; the message names the part.",
    "trigger_busy": "Wait until runs of it are over, or raise triggers.concurrency in llmflow.yaml.",
    # organs
    "organ_unavailable": "`llmflow doctor` shows every organ and what to do.",
    "organ_unable": "Use another adapter or a newer server for it, or a setting that does without.",
    "sandbox_unavailable": "`llmflow doctor` says what is missing; docs/code.md shows how code is run apart.",
    "organ_unknown": "`llmflow organs list` shows the servers that can be installed.",
    "organ_not_installed": "`llmflow organs install NAME` installs it.",
    "organ_installing": "Wait until that is done; `llmflow organs list` shows how far it is.",
    "organ_running": "Stop it first: `llmflow organs stop NAME`.",
    "organ_stopped": "`llmflow organs start NAME` starts it.",
    "organ_starting": "Try again in a minute; `llmflow organs list` shows how it is.",
    "organ_failed": "Read its log with `llmflow organs logs NAME`, mend the cause, and start it again.",
    "install_failed": "`llmflow organs logs NAME --install` shows all of it. Mend the cause and install it again.",
    "adapter_refused": "Check that the path holds a LoRA adapter of the model that is served.",
    "model_unknown": "`llmflow models list` (or GET /v1/models) shows the models there are.",
    "model_missing": "Name a model file or server in llmflow.yaml under organs.llm; docs/organs.md shows how.",
    "model_failed": "The model server answered with an error; its own message is above.",
    "rerank_missing": "Name a reranker under organs.rerank in llmflow.yaml; docs/organs.md lists them.",
    "model_resting": "Its server failed several times; `llmflow doctor` and Studio's Models page say why.",
    "model_timeout": "Try again, or raise the organ's timeout_s.",
    "model_unreachable": "Start the model server, and check address and port. In a container, 127.0.0.1 is itself.",
    "model_key_wrong": "Give a key that server knows: organs.llm.api_key in llmflow.yaml, or the connection's.",
    "model_address_wrong": "Correct organs.llm.url, or the connection's address: /models must be under it.",
    "address_blocked": "Name an address on the public internet.",
    "context_too_long": "Send fewer or shorter messages, or use a model with a longer context.",
    "speech_missing": "Name a speech server in llmflow.yaml under organs.speech; docs/organs.md shows how.",
    "checksum_mismatch": "Download it again; if it happens again, the source changed.",
    "download_failed": "Check the network, or download the file elsewhere and name its path in llmflow.yaml.",
}
