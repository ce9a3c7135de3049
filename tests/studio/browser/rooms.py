"""Every address of Studio, as a reader would open it: what the matrix of rooms goes through."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

from tests.flow_apps import dsl, end, schedule, start, template, webhook
from tests.live import LiveServer
from tests.studio.browser.asking import waiting_form
from tests.studio.browser.spending import spend_for_two_months

ROUTER = Path(__file__).resolve().parents[3] / "studio" / "src" / "router.tsx"


#: Where a room is on a server, for the one who is signed in to a page.
Address = Callable[[LiveServer, Page], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Room:
    """`route`: its path in router.tsx. `name`: of its screenshots. `address`: a good example of it.
    `rests`: it shows no skeleton or spinner once it has loaded.
    """

    route: str
    name: str
    address: Address
    signed_in: bool = True
    rests: bool = True


def _at(path: str) -> Address:
    async def address(server: LiveServer, page: Page) -> str:
        return path

    return address


async def _document(server: LiveServer, page: Page) -> str:
    with server.client() as client:
        listed = client.get("/api/v1/knowledge/demo/documents").json()["documents"]
    [found] = [one["id"] for one in listed if one["name"] == "복리후생 및 출장 안내.pdf"]
    return f"/knowledge/demo/documents/{found}"


async def _conversation(server: LiveServer, page: Page) -> str:
    """The demo's own, asked and answered for the first administrator."""
    listed = await (await page.request.get("/api/v1/apps/demo/conversations")).json()
    return f"/chat/demo/{listed['conversations'][-1]['id']}"


async def _invitation(server: LiveServer, page: Page) -> str:
    with server.client() as client:
        body = {"email": f"{uuid.uuid4().hex[:8]}@example.com", "role": "editor"}
        made = client.post("/api/v1/invitations", json=body).raise_for_status().json()
    return f"/invite/{made['token']}"


def triggered(server: LiveServer, name: str) -> str:
    """The id of a workflow that a webhook and two schedules start, one of which cannot be read; made once."""
    hook = webhook(
        title="주문 접수",
        headers=[{"name": "X-Shop"}],
        body=[{"name": "이름", "type": "string", "required": True}, {"name": "수량", "type": "number"}],
    )
    weekly = {"mode": "visual", "frequency": "weekly", "visual_config": {"time": "9:00 AM", "weekdays": ["mon", "fri"]}}
    nodes = [
        hook,
        schedule("weekly", title="주간 보고", timezone="Asia/Seoul", **weekly),
        schedule("broken", title="Broken", cron_expression="every day"),
        end(out="hook.이름"),
    ]
    with server.client() as client:
        made = {app["name"]: app["id"] for app in client.get("/api/v1/apps").json()}
        if name in made:
            return str(made[name])
        edges = [(node["id"], "end") for node in nodes[:-1]]
        body = {"document": dsl(name, nodes, edges), "publish": True}
        return str(client.post("/api/v1/apps/import", json=body).raise_for_status().json()["app_id"])


async def _triggers(server: LiveServer, page: Page) -> str:
    return f"/apps/{triggered(server, '주문 처리')}/triggers"


async def _spend(server: LiveServer, page: Page) -> str:
    spend_for_two_months(server)
    return "/settings/spend"


async def _routes(server: LiveServer, page: Page) -> str:
    """A canary, a server that is not there, another model to fall back to, and a shadow."""
    route = {
        "deployments": [
            {"server": "default", "weight": 95},
            {"server": "gpu-2", "model": "새 모델", "weight": 5},
            {"server": "provider", "model": "gpt-5-mini", "priority": 1},
        ],
        "fallbacks": ["scripted"],
        "context_fallback": "long",
        "shadow": {"server": "default", "percent": 10},
    }
    with server.client() as client:
        client.put("/api/v1/models/routes/smart", json=route).raise_for_status()
    return "/models"


async def _budgets(server: LiveServer, page: Page) -> str:
    """Limits that hold nobody up."""
    with server.client() as client:
        wide = {"subject": "workspace", "budget_usd": 1_000_000, "tokens_per_minute": 10_000_000_000}
        group = {"subject": "group", "subject_id": "연구", "models": ["gpt-5*"], "budget_usd": 0, "period": "day"}
        for quota in (wide, group):
            client.put("/api/v1/quotas", json=quota).raise_for_status()
    return "/settings/budgets"


def ran(server: LiveServer) -> tuple[str, str]:
    """The ids of a workflow that ran well and badly, and of its last run, which failed; made once."""
    name = "주문 검사"
    check = template("t", "{{ 10 // (amount | int) }}건 확인", amount="start.수량")
    with server.client() as client:
        made = {app["name"]: app["id"] for app in client.get("/api/v1/apps").json()}
        if name not in made:
            body = {"document": dsl(name, [start("수량"), check, end(out="t.output")]), "publish": True}
            made[name] = client.post("/api/v1/apps/import", json=body).raise_for_status().json()["app_id"]
            for amount in ("3", "열"):
                client.post(f"/api/v1/apps/{made[name]}/runs", json={"inputs": {"수량": amount}}).raise_for_status()
        runs = client.get(f"/api/v1/apps/{made[name]}/runs").json()["runs"]
    return str(made[name]), str(runs[0]["id"])


async def _runs(server: LiveServer, page: Page) -> str:
    return f"/apps/{ran(server)[0]}/runs"


async def _run(server: LiveServer, page: Page) -> str:
    app, run = ran(server)
    return f"/apps/{app}/runs/{run}"


async def _form(server: LiveServer, page: Page) -> str:
    return f"/inbox/{waiting_form(server)}"


ROOMS = (
    Room("/sign-in", "sign-in", _at("/sign-in"), signed_in=False),
    Room("/invite/$token", "invite", _invitation, signed_in=False),
    Room("/password", "password", _at("/password")),
    Room("/gallery", "gallery", _at("/gallery"), rests=False),
    Room("/", "home", _at("/")),
    Room("/chat", "chat-start", _at("/chat")),
    Room("/chat/$app", "chat", _at("/chat/demo")),
    Room("$conversation", "conversation", _conversation),
    Room("/inbox", "inbox", _at("/inbox")),
    Room("/inbox/$form", "inbox-form", _form),
    Room("/apps", "apps", _at("/apps")),
    Room("/apps/$app", "app-settings", _at("/apps/demo")),
    Room("/apps/$app/triggers", "app-triggers", _triggers),
    Room("/apps/$app/runs", "app-runs", _runs),
    Room("/apps/$app/runs/$run", "app-run", _run),
    Room("/apps/$app/publish", "app-publish", _at("/apps/demo/publish")),
    Room("/apps/$app/api", "app-api", _at("/apps/demo/api")),
    Room("/knowledge", "knowledge", _at("/knowledge")),
    Room("/external-knowledge", "external-knowledge", _at("/external-knowledge")),
    Room("/knowledge/$base", "base", _at("/knowledge/demo")),
    Room("/knowledge/$base/retrieval", "retrieval", _at("/knowledge/demo/retrieval?query=연차는 며칠인가요?")),
    Room("/knowledge/$base/sources", "sources", _at("/knowledge/demo/sources")),
    Room("/knowledge/$base/access", "access", _at("/knowledge/demo/access")),
    Room("/knowledge/$base/settings", "base-settings", _at("/knowledge/demo/settings")),
    Room("/knowledge/$base/evaluation", "evaluation", _at("/knowledge/demo/evaluation")),
    Room("/knowledge/$base/documents/$document", "document", _document),
    Room("/tools", "tools", _at("/tools")),
    Room("/models", "models", _routes),
    Room("/models/playground", "playground", _at("/models/playground?models=scripted,smart")),
    Room("/settings", "settings-organs", _at("/settings")),
    Room("/settings/models", "settings-models", _at("/settings/models")),
    Room("/settings/keys", "settings-keys", _at("/settings/keys")),
    Room("/settings/budgets", "settings-budgets", _budgets),
    Room("/settings/spend", "settings-spend", _spend),
    Room("/settings/members", "settings-members", _at("/settings/members")),
    Room("/settings/values", "settings-values", _at("/settings/values")),
)


def routes() -> set[str]:
    """The paths that router.tsx declares."""
    return set(re.findall(r'\bpath: "([^"]+)"', ROUTER.read_text("utf-8")))
