"""How a route's deployments do, over the console's API: in the route's order, also of servers that are not there."""

from __future__ import annotations

from tests.live import LiveServer

ROUTE = {
    "deployments": [
        {"server": "default", "weight": 3},
        {"server": "어디에도 없음", "model": "큰 것", "priority": 1},
    ],
    "shadow": {"server": "default", "percent": 10},
}


def test_a_route_tells_its_deployments_in_order_and_which_are_missing(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as client:
        client.put("/api/v1/models/routes/사내", json=ROUTE).raise_for_status()
        states = client.get("/api/v1/models/deployments", params={"route": "사내"}).raise_for_status().json()
        lost = {"deployments": [{"server": "어디에도 없음", "model": "큰 것"}]}
        client.put("/api/v1/models/routes/사내", json=lost).raise_for_status()
        missing = client.get("/api/v1/models/deployments", params={"route": "사내"}).raise_for_status().json()
        client.delete("/api/v1/models/routes/사내").raise_for_status()
        unknown = client.get("/api/v1/models/deployments", params={"route": "사내"})
        servers = client.get("/api/v1/models/servers").raise_for_status().json()
    assert [(one["server"], one["model"], one["is_connected"]) for one in states] == [
        ("default", "scripted", True),
        ("어디에도 없음", "큰 것", False),
        ("default", "scripted", True),
    ]
    assert {one["phase"] for one in states} == {"closed"}
    assert [one["is_connected"] for one in missing] == [False]
    assert unknown.status_code == 404 and unknown.json()["error"]["code"] == "model_unknown"
    assert {"name": "default", "kind": "organ", "is_default": True} in servers
