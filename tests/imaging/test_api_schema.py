"""schemathesis calls every operation as the OpenAPI document allows, and otherwise, with a token of each role.

Half of the calls carry ids that exist. What comes back must be declared, fit its schema, and never be a server error.
"""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from imaging.models import Upload
from imaging.views.api.docs import _document
from portal.wsgi import application
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.architecture.test_guards import ROUTES
from tests.cast import actor
from tests.imaging.api_client import UID, program
from tests.imaging.incoming import instance, take_in
from tests.imaging.sharing import send_link

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
DOCUMENT = json.loads(_document("json"))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.app = application
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}
ROLES = {"alice": 8, "bob": 4, "nora": 3}  # calls of each operation; an owner gets furthest


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """Requests that bypass Django's test client leave the test's transaction open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def known(one_connection: None, northside: Tenant, bob: User, settings: object) -> dict[str, str]:
    """Ids that exist, by the name of the path's parameter."""
    settings.API_RATES = {"read": 10**6, "write": 10**6}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    take_in(actor(bob), northside, {"a.dcm": instance(1)})
    now = timezone.now()
    with tenant_scope(northside.id):
        upload = Upload.objects.create(
            created_by=bob, batch=uuid4(), kind="file", length=9, created_at=now, expires_at=now + timezone.timedelta(1)
        )
    link = send_link(northside, bob, UID)
    return {"study_instance_uid": UID, "link_id": str(link.id), "upload_id": str(upload.id)}


def call(label: str, known: dict[str, str], secret: str, examples: int) -> set[int]:
    """Call the operation that often; the statuses that came."""
    seen: set[int] = set()

    @seed(20260115)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=OPERATIONS[label].as_strategy(), real=st.booleans())
    def run(case: schemathesis.Case, real: bool) -> None:
        if real:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS)
        seen.add(answer.status_code)

    run()
    return seen


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_call_that_the_document_allows_fails(
    label: str, known: dict[str, str], request: pytest.FixtureRequest
) -> None:
    for name, examples in ROLES.items():
        seen = call(label, known, program(request.getfixturevalue(name)).secret, examples)

        assert seen <= {200, 201, 202, 400, 403, 404, 409, 422}, (name, seen)


@pytest.mark.full
@pytest.mark.parametrize("label", OPERATIONS)
def test_a_great_many_calls_find_no_failure(label: str, known: dict[str, str], request: pytest.FixtureRequest) -> None:
    for name in ROLES:
        call(label, known, program(request.getfixturevalue(name)).secret, 500)


def test_the_document_describes_every_address_of_the_api() -> None:
    routes = {"/" + route for route, pattern in ROUTES if pattern.callback.guard == "api"}
    undescribed = {"/api/v1/", "/api/v1/<path:rest>"}
    described = {path.replace("{", "<").replace("}", ">") for path in DOCUMENT["paths"]}

    assert described == {without_types(route) for route in routes - undescribed}
    assert len(OPERATIONS) == 17


def without_types(route: str) -> str:
    return route.replace("<uid:", "<").replace("<uuid:", "<")


def test_every_operation_wants_a_token_and_says_what_can_go_wrong() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            assert operation["security"] == [{"token": []}], path
            assert operation["summary"], path
            assert {"401", "404", "429"} <= set(operation["responses"]), path
            assert all(answer["description"] for answer in operation["responses"].values()), path
    assert DOCUMENT["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.parametrize(("asked", "kind"), [
    ({}, "json"), ({"Accept": "application/json"}, "json"), ({"Accept": "application/yaml"}, "yaml"),
])  # fmt: skip
def test_the_document_is_public_and_not_sent_twice(asked: dict, kind: str, db: None) -> None:
    answer = Client().get("/api/schema/", headers=asked)
    again = Client().get("/api/schema/", headers=asked | {"If-None-Match": answer["ETag"]})

    assert (answer.status_code, kind in answer["Content-Type"]) == (200, True)
    assert (again.status_code, again.content) == (304, b"")
    assert Client().get("/api/schema/?format=yaml")["Content-Type"] == "application/yaml"


def test_the_reference_loads_nothing_inline_and_nothing_from_elsewhere(db: None) -> None:
    answer = Client().get("/api/docs/")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "http" not in page.replace("http-equiv", "")
