"""Every address of Studio, as a reader would open it: what the matrix of rooms goes through."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.live import LiveServer

ROUTER = Path(__file__).resolve().parents[3] / "studio" / "src" / "router.tsx"


@dataclass(frozen=True, slots=True)
class Room:
    """`route`: its path in router.tsx. `name`: of its screenshots. `address`: a good example of it on a server.
    `rests`: it shows no skeleton or spinner once it has loaded.
    """

    route: str
    name: str
    address: Callable[[LiveServer], str]
    signed_in: bool = True
    rests: bool = True


def _at(path: str) -> Callable[[LiveServer], str]:
    return lambda _: path


def _document(server: LiveServer) -> str:
    with server.client() as client:
        listed = client.get("/api/v1/knowledge/demo/documents").json()["documents"]
    [found] = [one["id"] for one in listed if one["name"] == "복리후생 및 출장 안내.pdf"]
    return f"/knowledge/demo/documents/{found}"


ROOMS = (
    Room("/sign-in", "sign-in", _at("/sign-in"), signed_in=False),
    Room("/password", "password", _at("/password")),
    Room("/gallery", "gallery", _at("/gallery"), rests=False),
    Room("/", "home", _at("/")),
    Room("/chat", "chat-start", _at("/chat")),
    Room("/chat/$app", "chat", _at("/chat/demo")),
    Room("/apps", "apps", _at("/apps")),
    Room("/apps/$app", "app-settings", _at("/apps/demo")),
    Room("/apps/$app/publish", "app-publish", _at("/apps/demo/publish")),
    Room("/apps/$app/api", "app-api", _at("/apps/demo/api")),
    Room("/knowledge", "knowledge", _at("/knowledge")),
    Room("/knowledge/$base", "base", _at("/knowledge/demo")),
    Room("/knowledge/$base/retrieval", "retrieval", _at("/knowledge/demo/retrieval?query=연차는 며칠인가요?")),
    Room("/knowledge/$base/documents/$document", "document", _document),
    Room("/settings", "settings-organs", _at("/settings")),
    Room("/settings/keys", "settings-keys", _at("/settings/keys")),
    Room("/settings/members", "settings-members", _at("/settings/members")),
    Room("/settings/values", "settings-values", _at("/settings/values")),
)


def routes() -> set[str]:
    """The paths that router.tsx declares."""
    return set(re.findall(r'\bpath: "([^"]+)"', ROUTER.read_text("utf-8")))
