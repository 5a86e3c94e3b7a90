"""The API's description of itself, and whether it keeps to it under requests nobody thought of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from gateway.people.api_keys import SCOPES
from tests.gateway.web.running import RunningPage

if TYPE_CHECKING:
    from schemathesis import HookContext

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.positive_data_acceptance,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.missing_required_header,
]
NOTHING_TO_GET_WRONG = {"GET /health", "GET /gateway", "GET /goods"}
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def token(page: RunningPage) -> str:
    page.alert("fridge-1")
    page.publish("odd", {"flavour": 1})
    page.command("consignment", "add", "V-1", "--goods", "vaccines", "--sensor", "fridge-1")
    options = [part for one in SCOPES for part in ("--scope", one)]
    key: str = page.command("key", "add", "all", *options, "--push", "*")["token"]
    return key


def described(page: RunningPage, alert: str, *, numbers: bool = True) -> BaseSchema:
    """The API; among what is asked for are things that are there.

    Without `numbers` those stay as they come: one that cannot be must be refused.
    """
    schema = schemathesis.openapi.from_url(f"{page.url}/api/v1/openapi.json")
    known = {
        "device": "fridge-1",
        "alert": alert,
        "topic": "cargo/site/fridge-1/readings",
        **({"number": "1"} if numbers else {}),
        "consignment": "V-1",
        "name": "vaccines",
    }

    @schema.hook
    def map_path_parameters(
        _context: HookContext, parameters: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        return parameters and {
            name: known.get(name, value) if len(str(value)) % 2 else value
            for name, value in parameters.items()
        }

    return schema


def only_what_a_schema_can_say(schema: BaseSchema) -> None:
    """Leave out what no schema can say: that a cursor is one of ours, that a range has an order."""

    @schema.hook
    def map_query(_context: HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
        return query and {name: v for name, v in query.items() if name not in {"next", "to"}}


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_as_it_is_described(
    page: RunningPage, token: str, mode: GenerationMode
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    (alert,) = httpx.get(f"{page.url}/api/v1/alerts", headers=headers).json()["items"]
    schema = described(page, alert["id"], numbers=mode is GenerationMode.POSITIVE)
    if mode is GenerationMode.POSITIVE:
        only_what_a_schema_can_say(schema)
    operations = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    assert len(operations) >= 40
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and operation.label in NOTHING_TO_GET_WRONG:
            continue

        @given(operation.as_strategy(generation_mode=mode))
        @settings(EXAMPLES)
        def asked(case: Case[Any]) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        asked()


def test_every_operation_says_who_may_and_how_it_refuses(page: RunningPage) -> None:
    described = httpx.get(f"{page.url}/api/v1/openapi.json").json()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
            assert ("security" in operation) == (path != "/health")
            for status, answer in operation["responses"].items():
                if not status.startswith("2"):
                    assert list(answer["content"]) == ["application/problem+json"]
