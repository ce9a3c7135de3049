"""What an app tells of itself: parameters, info, meta, site, end users; and that this is the API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service import shapes
from llmflow.api.routes.service.dify import HEADERS, Call, answer, operation
from llmflow.wiring import Platform
from llmflow.workflow.dsl.document import mapping

_OFF = {"enabled": False}
_AUTHOR = "LLMFlow"
_SITE_LANGUAGES = {"ko": "ko-KR", "en": "en-US"}


def routes(platform: Platform) -> list[Route]:
    return [
        Route("/", _index, methods=["GET"]),
        operation(platform, "/parameters", "GET", _parameters),
        operation(platform, "/info", "GET", _info),
        operation(platform, "/meta", "GET", _meta),
        operation(platform, "/site", "GET", _site),
        operation(platform, "/end-users/{end_user_id:uuid}", "GET", _end_user),
    ]


async def _index(request: Request) -> Response:
    """For everybody who asks whether this is the API."""
    return answer({"welcome": "LLMFlow", "api_version": "v1", "server_version": HEADERS["X-Version"]})


async def _parameters(call: Call) -> Response:
    """`file_upload` of a chat app is empty: files may be sent and are kept with the message; its model reads text."""
    config, limits = call.app.config, call.platform.settings.limits
    form, upload = list(config.user_input_form), {}
    if call.app.has_graph:
        compiled = await call.platform.apps.plans.in_force(call.app)
        form, upload = compiled.user_input_form, mapping(compiled.document.features.get("file_upload"))
    return answer(
        {
            "opening_statement": config.opening_statement or (None if call.app.mode == "workflow" else ""),
            "suggested_questions": config.suggested_questions,
            "suggested_questions_after_answer": {"enabled": config.suggested_questions_after_answer},
            "speech_to_text": {"enabled": config.speech_to_text},
            "text_to_speech": {"enabled": config.text_to_speech, "voice": config.voice, "language": ""},
            "retriever_resource": {"enabled": config.retriever_resource},
            "annotation_reply": {"enabled": await call.platform.apps.annotation_reply.is_on(call.app)},
            "more_like_this": _OFF,
            "user_input_form": form,
            "sensitive_word_avoidance": _OFF,
            "file_upload": upload,
            "system_parameters": {
                "image_file_size_limit": limits.file_mb,
                "video_file_size_limit": limits.file_mb,
                "audio_file_size_limit": limits.audio_mb,
                "file_size_limit": limits.file_mb,
                "workflow_file_upload_limit": 10,
            },
        }
    )


async def _info(call: Call) -> Response:
    app = call.app
    about = {"name": app.name, "description": app.description, "tags": [], "mode": app.mode, "author_name": _AUTHOR}
    return answer(about)


async def _meta(call: Call) -> Response:
    return answer({"tool_icons": {}})


async def _site(call: Call) -> Response:
    config = call.app.config
    site = await call.platform.apps.sites.of(call.app)
    return answer(
        {
            "title": (site.settings.title if site else "") or call.app.name,
            "chat_color_theme": None,
            "chat_color_theme_inverted": False,
            "icon_type": "emoji",
            "icon": config.icon,
            "icon_background": config.icon_background,
            "description": call.app.description or None,
            "copyright": None,
            "privacy_policy": None,
            "custom_disclaimer": "",
            "default_language": _SITE_LANGUAGES.get(config.language, "en-US"),
            "show_workflow_steps": True,
            "use_icon_as_answer_icon": False,
            "icon_url": None,
        }
    )


async def _end_user(call: Call) -> Response:
    user = await call.platform.apps.conversations.user_by_id(call.app.id, str(call.request.path_params["end_user_id"]))
    return answer(
        {
            **shapes.end_user(user),
            "tenant_id": user.workspace_id,
            "app_id": user.app_id,
            "external_user_id": user.external_id,
            "name": None,
            "created_at": f"{shapes.iso(user.created_at)}Z",
            "updated_at": f"{shapes.iso(user.created_at)}Z",
        }
    )
