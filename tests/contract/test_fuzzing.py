"""Every operation of the OpenAPI document is fuzzed by schemathesis, through the WSGI application.

Whatever is sent, valid or not: no 5xx, and a status, a content type and a body that the document describes.
"""

import json
import os
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from config.api.gateway import Gateway
from config.api.renderers import dumps
from credentials.middleware import governed_answer, is_api_path
from credentials.scopes import Scope
from credentials.services.tokens import token_issue
from tests.contract.access import World
from tests.factories import make_key
from tests.people import make_member

# HUB_FUZZ_EXAMPLES=200 looks further, by hand.
EXAMPLES = int(os.environ.get("HUB_FUZZ_EXAMPLES", "6"))
SECTION_D = "/api/v1/"
NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def operations():
    load_all_checks()
    document = dumps(SchemaGenerator().get_schema(request=None, public=True))
    schema = schemathesis.openapi.from_dict(json.loads(document))
    schema.app = Gateway(get_wsgi_application(), is_api_path=is_api_path, answer=governed_answer)
    schema.config.update(base_url="http://hub.example")
    return [found.ok() for found in schema.get_all_operations()]


class Fuzzed:
    """Calls the operations, about rows that there are, and keeps what is not as the document says."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def operation(self, operation: Any, *, world: World, headers: dict[str, str]) -> None:
        names = {parameter.name for parameter in operation.path_parameters}
        ids = {name: value for name, value in world.ids["own"].items() if name in names}
        cases = st.one_of(
            operation.as_strategy(generation_mode=mode, path_parameters=ids or None)
            for mode in GenerationMode
        )

        @seed(20261127)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def fuzz(case: Any) -> None:
            response = case.call(headers=headers)
            try:
                case.validate_response(response, checks=CHECKS.get_by_names(NAMES))
            except BaseExceptionGroup as failures:
                told = "; ".join(str(failure).replace("\n", " ")[:900] for failure in failures.exceptions)
                self.found.append(f"{operation.label}: {told} for {case.as_curl_command()[:600]}")

        fuzz()


def test_section_d_answers_what_the_document_says(operations):
    mine = [operation for operation in operations if operation.path.startswith(SECTION_D)]
    assert len(mine) >= 31
    fuzzed = Fuzzed()
    world = World(targets=["own"])
    for operation in mine:
        if operation.method.upper() == "DELETE":
            world = World(targets=["own"])
        token = token_issue(
            user=make_member("owner", world.mine), label="fuzzing", valid_for=timedelta(minutes=30)
        )
        fuzzed.operation(operation, world=world, headers={"Authorization": f"Bearer {token}"})
    assert not fuzzed.found, "\n\n".join(fuzzed.found)


def test_the_partner_api_answers_what_the_document_says(operations, organization):
    key = make_key(organization, scopes=list(Scope), requests_per_minute=100_000)
    headers = {"Authorization": f"Bearer {key.raw}"}
    fuzzed = Fuzzed()
    world = World(targets=["own"])
    for operation in operations:
        if operation.path.startswith("/api/partner/v1/"):
            fuzzed.operation(operation, world=world, headers=headers)
    assert not fuzzed.found, "\n\n".join(fuzzed.found)
