"""Calls every operation of an OpenAPI document with what it allows, by schemathesis, in a process of its own.

Every second call names things that are there: ids and users are taken from the given JSON. Prints what was called and
what was wrong as one JSON document.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

KEPT = ("/datasets/{dataset_id}", "/datasets/{dataset_id}/documents/{document_id}")  # what later calls are about
TIMES = 8  # calls of one operation
document, url, key, only, known = sys.argv[1:]
KNOWN: dict[str, str] = json.loads(known)
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
HEADERS = {"Authorization": f"Bearer {key}"}


def with_known(case: Any) -> None:
    """Puts what is there into the places named for it."""
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            for name in place.keys() & KNOWN.keys():
                place[name] = KNOWN[name]


def call(operation: Any, seen: Counter[str]) -> str:
    """What was wrong, "" for nothing."""
    count = 0

    @seed(20)
    @settings(
        max_examples=TIMES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        nonlocal count
        count += 1
        if count % 2 and not (operation.method.upper() == "DELETE" and operation.path in KEPT):
            with_known(case)
        response = case.call(base_url=url, headers=HEADERS)
        seen[f"{response.status_code}"] += 1
        case.validate_response(response, checks=CHECKS)

    try:
        one()
    except BaseExceptionGroup as group:
        return "\n".join(str(error) for error in group.exceptions)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return f"{type(error).__name__}: {error}"
    return ""


schema = schemathesis.openapi.from_dict(json.loads(Path(document).read_text("utf-8")))
called: dict[str, Counter[str]] = {}
failures: dict[str, str] = {}
for found in schema.get_all_operations():
    operation = found.ok()
    if not re.search(only, operation.path):
        continue
    label = f"{operation.method.upper()} {operation.path}"
    called[label] = Counter()
    wrong = call(operation, called[label])
    if wrong:
        failures[label] = wrong
print(json.dumps({"called": called, "failures": failures}))
