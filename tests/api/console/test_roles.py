"""Who may do what: every operation of the console, tried by every role. An operation without a line here fails."""

from __future__ import annotations

from typing import Any, cast

import httpx
import pytest

from llmflow.access.types import ROLES, Role, reaches
from llmflow.api.routes.console.app import console
from llmflow.wiring import Platform
from tests.live import LiveServer

#: Needs no sign-in: each has a proof of its own, or gives one.
OPEN = {
    "POST /session",
    "DELETE /session",
    "POST /invitations/look",
    "POST /invitations/accept",
}
#: Is about whoever is signed in, of any role.
OWN = {
    "GET /session",
    "POST /session/password",
    "GET /session/preferences",
    "PATCH /session/preferences",
}
NEEDS: dict[Role, set[str]] = {
    "member": {
        "GET /models/routes",
        "GET /models/deployments",
        "GET /models/servers",
        "GET /knowledge",
        "GET /knowledge/{base}",
        "GET /knowledge/{base}/documents",
        "POST /knowledge/{base}/search",
        "GET /knowledge/{base}/progress",
        "POST /knowledge/{base}/compare",
        "GET /knowledge/{base}/retrieval",
        "GET /knowledge/{base}/retrieval/choices",
        "GET /knowledge/{base}/embedding",
        "GET /documents/{document_id}",
        "GET /documents/{document_id}/original",
        "GET /documents/{document_id}/pages/{page}",
        "GET /documents/{document_id}/pages/{page}/words",
        "GET /documents/{document_id}/passages",
        "GET /knowledge/{base}/chunking",
        "GET /knowledge/{base}/pipeline",
        "GET /knowledge/{base}/fields",
        "GET /knowledge-tags",
        "GET /documents/{document_id}/passages/{passage_id}/parts",
        "GET /apps",
        "GET /apps/{app}",
        "GET /apps/{app}/contents",
        "GET /apps/{app}/site",
        "GET /sites",
        "POST /apps/{app}/ask",
        "POST /apps/{app}/runs",  # of the draft or an older version: editor
        "POST /tasks/{task_id}/stop",
        "GET /forms",  # those they were told of; editors see all
        "GET /forms/waiting",
        "GET /forms/{form_id}",
        "POST /forms/{form_id}",
        "POST /forms/{form_id}/files",
        "GET /apps/{app}/files",
        "POST /apps/{app}/files",
        "GET /apps/{app}/files/{file_id}",
        "GET /apps/{app}/messages/{message_id}/events",
        "POST /apps/{app}/messages/{message_id}/forms/{form_id}",
        "POST /apps/{app}/messages/{message_id}/forms/{form_id}/files",
        "PUT /apps/{app}/messages/{message_id}/feedback",
        "DELETE /apps/{app}/messages/{message_id}/feedback",
        "GET /apps/{app}/conversations",
        "GET /apps/{app}/conversations/{conversation_id}",
        "PATCH /apps/{app}/conversations/{conversation_id}",
        "DELETE /apps/{app}/conversations/{conversation_id}",
        "GET /apps/{app}/conversations/{conversation_id}/export",
        "GET /models",
        "GET /tools",
        "GET /workflow/nodes",
    },
    "editor": {
        "GET /external-knowledge",
        "POST /external-knowledge/{api}/bases",
        "POST /external-knowledge/{api}/try",
        "POST /knowledge-tags",
        "PATCH /knowledge-tags/{tag_id}",
        "DELETE /knowledge-tags/{tag_id}",
        "PUT /knowledge/{base}/tags",
        "GET /knowledge/{base}/access",
        "POST /tools/try",
        "POST /models/chat",
        "GET /tools/collections",
        "POST /knowledge",
        "POST /knowledge/{base}/questions",
        "GET /knowledge/{base}/evaluations",
        "POST /knowledge/{base}/evaluations",
        "GET /knowledge/{base}/evaluations/{evaluation}",
        "DELETE /knowledge/{base}/evaluations/{evaluation}",
        "GET /knowledge/{base}/evaluations/{evaluation}/questions",
        "POST /knowledge/{base}/evaluations/{evaluation}/stop",
        "PATCH /knowledge/{base}",
        "PUT /knowledge/{base}/retrieval",
        "PUT /knowledge/{base}/groups",
        "POST /knowledge/{base}/open",
        "GET /groups",
        "GET /knowledge/{base}/sources",
        "POST /sources/{source_id}/synchronise",
        "GET /sources/{source_id}/files",
        "POST /knowledge/{base}/embedding",
        "DELETE /knowledge/{base}/embedding",
        "DELETE /knowledge/{base}",
        "POST /knowledge/{base}/remove",
        "POST /knowledge/{base}/mark",
        "PATCH /documents/{document_id}",
        "POST /knowledge/{base}/fields",
        "PATCH /knowledge/{base}/fields/{field_id}",
        "DELETE /knowledge/{base}/fields/{field_id}",
        "POST /documents/{document_id}/passages",
        "PUT /knowledge/{base}/chunking",
        "PUT /knowledge/{base}/pipeline/inputs",
        "POST /knowledge/{base}/chunking/apply",
        "POST /documents/{document_id}/chunking/preview",
        "PATCH /documents/{document_id}/passages/{passage_id}",
        "DELETE /documents/{document_id}/passages/{passage_id}",
        "POST /documents/{document_id}/passages/remove",
        "POST /documents/{document_id}/passages/switch",
        "POST /documents/{document_id}/passages/merge",
        "POST /documents/{document_id}/passages/{passage_id}/split",
        "POST /documents/{document_id}/passages/{passage_id}/parts",
        "POST /knowledge/{base}/retry",
        "PUT /knowledge/{base}/documents/{name}",
        "POST /documents/{document_id}/retry",
        "DELETE /documents/{document_id}",
        "POST /apps",
        "PATCH /apps/{app}",
        "PUT /apps/{app}/site",
        "POST /apps/{app}/site/code",
        "DELETE /apps/{app}",
        "POST /apps/import",
        "POST /apps/{app}/import",
        "GET /apps/{app}/export",  # with secrets: admin
        "GET /apps/{app}/draft",
        "PUT /apps/{app}/draft",
        "POST /apps/{app}/publish",
        "GET /apps/{app}/versions",
        "GET /apps/{app}/versions/{number}",
        "PATCH /apps/{app}/versions/{number}",
        "DELETE /apps/{app}/versions/{number}",
        "POST /apps/{app}/versions/{number}/restore",
        "GET /apps/{app}/diff",
        "GET /apps/{app}/triggers",
        "PATCH /apps/{app}/triggers/{trigger_id}",
        "POST /apps/{app}/triggers/{trigger_id}/secret",
        "POST /apps/{app}/triggers/{trigger_id}/address",
        "POST /apps/{app}/triggers/{trigger_id}/run",
        "GET /apps/{app}/triggers/{trigger_id}/deliveries",
        "GET /apps/{app}/runs",
        "GET /apps/{app}/runs/{run_id}",
        "GET /apps/{app}/runs/{run_id}/events",
        "POST /apps/{app}/runs/{run_id}/stop",
        "POST /apps/{app}/runs/{run_id}/resume",
        "POST /apps/{app}/runs/{run_id}/fork",
        "POST /apps/{app}/runs/{run_id}/answer",
    },
    "admin": {
        "POST /external-knowledge",
        "POST /external-knowledge/try",
        "POST /knowledge/{base}/access/look",
        "PATCH /external-knowledge/{api}",
        "DELETE /external-knowledge/{api}",
        "POST /tools/collections/preview",
        "POST /tools/collections",
        "PATCH /tools/collections/{collection}",
        "DELETE /tools/collections/{collection}",
        "POST /knowledge/{base}/sources",
        "PATCH /sources/{source_id}",
        "DELETE /sources/{source_id}",
        "GET /apps/{app}/feedback",
        "GET /members",
        "PATCH /members/{member}",
        "DELETE /members/{member}",
        "POST /members/{member}/password",
        "GET /invitations",
        "POST /invitations",
        "DELETE /invitations/{invitation_id}",
        "GET /keys",
        "GET /quotas",
        "PUT /quotas",
        "DELETE /quotas/{quota_id}",
        "GET /spend",
        "GET /spend.csv",
        "GET /prices",
        "PUT /prices/{model}",
        "DELETE /prices/{model}",
        "POST /keys",
        "DELETE /keys/{key_id}",
        "PATCH /keys/{key_id}",
        "PUT /models/routes/{name}",
        "DELETE /models/routes/{name}",
        "GET /models/connections",
        "POST /models/connections",
        "POST /models/connections/test",
        "PATCH /models/connections/{connection}",
        "DELETE /models/connections/{connection}",
        "GET /organs/managed",
        "GET /organs/managed/{name}/events",
        "POST /organs/managed/{name}/install",
        "POST /organs/managed/{name}/start",
        "POST /organs/managed/{name}/stop",
        "DELETE /organs/managed/{name}",
        "GET /organs/managed/{name}/log",
        "PUT /organs/managed/{name}/adapters/{adapter}",
        "DELETE /organs/managed/{name}/adapters/{adapter}",
        "GET /doctor",
        "GET /settings",
    },
}
DOCUMENT: dict[str, Any] = console(cast(Platform, None)).openapi()
#: For values that a schema alone makes ones with an effect; nothing listens at port 9.
SAMPLES: dict[str, Any] = {"url": "http://127.0.0.1:9/v1", "email": "nobody@role.example", "kind": "model"}


def operations() -> list[str]:
    return [
        f"{method.upper()} {path}"
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
        if method != "parameters"
    ]


def sample(schema: dict[str, Any], name: str = "") -> Any:
    """The smallest value that a schema takes."""
    if "$ref" in schema:
        return sample(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], name)
    if name in SAMPLES and SAMPLES[name] in schema.get("enum", [SAMPLES[name]]):
        return SAMPLES[name]
    if "enum" in schema:
        return schema["enum"][0]
    for alternatives in ("anyOf", "oneOf", "allOf"):
        if alternatives in schema:
            return sample(schema[alternatives][0], name)
    match schema.get("type"):
        case "object":
            required = schema.get("required", [])
            return {key: sample(value, key) for key, value in schema.get("properties", {}).items() if key in required}
        case "array":
            return [sample(schema["items"], name)] * int(schema.get("minItems", 0))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return "none"


def ask(client: httpx.Client, operation: str) -> httpx.Response:
    """The operation on things that do not exist, with the smallest body it takes."""
    method, _, path = operation.partition(" ")
    about = DOCUMENT["paths"][path][method.lower()]
    for parameter in about.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(sample(parameter["schema"])))
    query = {
        p["name"]: sample(p["schema"], p["name"])
        for p in about.get("parameters", [])
        if p.get("required") and p["in"] == "query"
    }
    content = about.get("requestBody", {}).get("content", {})
    body = {"json": sample(content["application/json"]["schema"])} if "application/json" in content else {}
    return client.request(method, f"/api/v1{path}", params=query, **body)


def test_every_operation_has_a_decision() -> None:
    decided = [*OPEN, *OWN, *(operation for group in NEEDS.values() for operation in group)]
    assert sorted(decided) == sorted(set(decided)), "decided twice"
    assert sorted(operations()) == sorted(decided), "decide who may do it: a line in this file, `needs` in its route"


@pytest.mark.parametrize("operation", sorted(set(operations()) - OPEN))
def test_without_a_sign_in_nothing_is_done(fake_model_server: LiveServer, operation: str) -> None:
    with httpx.Client(base_url=fake_model_server.url, trust_env=False) as anonymous:
        assert ask(anonymous, operation).status_code == 401


@pytest.mark.parametrize("operation", sorted(operation for group in NEEDS.values() for operation in group))
def test_a_role_does_what_it_may_and_no_more(by_role: dict[Role, httpx.Client], operation: str) -> None:
    (needed,) = (role for role, group in NEEDS.items() if operation in group)
    for role in ROLES:
        answer = ask(by_role[role], operation)
        refused = answer.status_code == 403 and answer.json()["error"]["code"] == "role_insufficient"
        assert refused is not reaches(role, needed), (role, answer.status_code, answer.text[:300])
        assert answer.status_code < 500 or answer.json()["error"]["code"].startswith("model_"), answer.text[:300]


@pytest.mark.parametrize("operation", sorted(OWN - {"POST /session/password"}))
def test_what_is_ones_own_is_open_to_every_role(by_role: dict[Role, httpx.Client], operation: str) -> None:
    for role in ROLES:
        assert ask(by_role[role], operation).status_code == 200


def test_an_admin_key_is_an_administrator_and_the_homes_own_an_owner(
    fake_model_server: LiveServer, by_role: dict[Role, httpx.Client]
) -> None:
    with fake_model_server.client() as home:
        token = home.post("/api/v1/keys", json={"kind": "admin"}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=fake_model_server.url, trust_env=False, headers=headers) as key:
            assert key.get("/api/v1/members").status_code == 200
            for answer in (
                key.delete("/api/v1/members/owner@role.example"),
                key.patch("/api/v1/members/owner@role.example", json={"role": "member"}),
                key.post("/api/v1/members/owner@role.example/password"),
                key.patch("/api/v1/members/member@role.example", json={"role": "owner"}),
                key.post("/api/v1/invitations", json={"email": "new@role.example", "role": "owner"}),
            ):
                assert answer.json()["error"]["code"] == "role_insufficient"
        assert home.patch("/api/v1/members/owner@role.example", json={"role": "owner"}).json()["role"] == "owner"
