"""The one guard of the API: tokens, scopes, roles, rates, and how a refusal is told and recorded."""

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as StoreAway

from audit.actions import Action, Outcome
from audit.models import AuditEvent
from imaging.models import AccessToken
from imaging.services.tokens import revoke_token
from imaging.views.api import rates
from imaging.views.api.guard import Resource, api
from tenants.baas.models import Agreement, Status
from tenants.models import Membership, Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.architecture.test_guards import ROUTES
from tests.cast import actor, sign_in
from tests.imaging.api_client import RITA, ROOT_URL, STUDY, problem, program
from tests.imaging.incoming import instance, take_in

NEEDS = {
    "/studies": "read", STUDY: "read", f"{STUDY}/history": "audit", f"{STUDY}/shares": "share", "/shares": "share",
    "/uploads": "store", "/audit": "audit", "/agreements": "agreements",
}  # fmt: skip


@pytest.fixture
def study(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"a.dcm": instance(1)})


def denials(tenant: Tenant) -> list[tuple[str, dict]]:
    with tenant_scope(tenant.id):
        denied = AuditEvent.objects.filter(outcome=Outcome.DENIED).order_by("seq")
        return list(denied.values_list("action", "details"))


def test_every_address_of_the_api_is_a_guarded_resource() -> None:
    below = [(route, pattern.callback) for route, pattern in ROUTES if route.startswith("api/v1")]

    assert len(below) > 15
    for route, callback in below:
        assert callback.guard == "api", route
        assert issubclass(callback.cls, Resource), route


def test_a_method_without_a_scope_cannot_be_routed() -> None:
    class Careless(Resource):
        scopes = {"GET": AccessToken.Scope.READ}

        def get(self, request: object) -> None: ...

        def delete(self, request: object) -> None: ...

    with pytest.raises(ImproperlyConfigured):
        api(Careless)


@pytest.mark.parametrize("authorization", [
    None, "", "Bearer", "Bearer ", "Bearer x", "Bearer é", "Basic Ym9iOmJvYg==", "Bearer " + "x" * 5000, "Bearer \x00",
])  # fmt: skip
def test_without_a_live_token_nobody_gets_in(authorization: str | None, study: None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    answer = Client().get(f"{ROOT_URL}/studies", headers=headers)

    assert problem(answer)[0] == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_session_opens_nothing(study: None, alice: User) -> None:
    assert problem(sign_in(alice).get(f"{ROOT_URL}/studies")) == (401, "not_authenticated")


@pytest.mark.parametrize("end", ["expired", "revoked", "deactivated", "removed"])
def test_an_ended_token_is_refused_on_the_next_request(end: str, northside: Tenant, bob: User) -> None:
    caller = program(bob)
    assert caller.get("/token").status_code == 200
    with tenant_scope(northside.id):
        if end == "expired":
            AccessToken.objects.update(expires_at=timezone.now())
        if end == "revoked":
            revoke_token(actor(bob), AccessToken.objects.get().id, timezone.now())
    if end == "deactivated":
        User.objects.filter(id=bob.id).update(is_active=False)
    if end == "removed":
        Membership.objects.filter(user=bob).delete()

    assert problem(caller.get("/token")) == (401, "token_invalid")


def test_a_token_does_not_come_back_with_its_member(northside: Tenant, bob: User) -> None:
    caller = program(bob)
    Membership.objects.filter(user=bob).delete()
    Membership.objects.create(user=bob, tenant=northside, role=Role.OWNER)

    assert problem(caller.get("/token")) == (401, "token_invalid")
    assert program(bob).get("/token").status_code == 200


@pytest.mark.parametrize(("path", "scope"), NEEDS.items(), ids=NEEDS)
def test_each_address_wants_its_scope(path: str, scope: str, study: None, northside: Tenant, alice: User) -> None:
    assert program(alice, scope).get(path).status_code == 200
    assert denials(northside) == []

    others = [each for each in AccessToken.Scope.values if each != scope]
    answer = program(alice, *others).get(path)

    assert problem(answer) == (403, "scope_missing")
    [(action, details)] = denials(northside)
    assert (action, details["scope"], details["method"]) == (Action.ACCESS_DENIED, scope, "GET")


@pytest.mark.parametrize(("who", "closed"), [
    ("alice", {}),
    ("bob", {"/agreements": 403, "/audit": 404}),  # an uploader reads a study's history, so the scope itself is his
    ("nora", dict.fromkeys(set(NEEDS) - {"/studies", STUDY}, 403)),
])  # fmt: skip
def test_a_scope_gives_no_more_than_the_members_role(
    who: str, closed: dict, study: None, request: pytest.FixtureRequest
) -> None:
    caller = program(request.getfixturevalue(who))

    answers = {path: caller.get(path).status_code for path in NEEDS}

    assert {path: status for path, status in answers.items() if status != 200} == closed


def test_not_yours_and_not_there_are_the_same_answer(
    study: None, northside: Tenant, southside: Tenant, carol: User
) -> None:
    caller = program(carol)

    theirs, nobodys = caller.get(STUDY), caller.get("/studies/1.2.3.4")

    assert problem(theirs) == (404, "not_found")
    assert theirs.content == nobodys.content
    assert [action for action, _ in denials(southside)] == [Action.ACCESS_DENIED, Action.ACCESS_DENIED]
    assert denials(northside) == []


def test_a_shut_gate_says_why_and_is_recorded(study: None, northside: Tenant, bob: User) -> None:
    Agreement.objects.update(status=Status.TERMINATED)

    answer = program(bob).post(f"{STUDY}/shares", RITA)

    assert problem(answer) == (403, "no_agreement_in_force")
    assert "terminated" in answer.json()["detail"]
    assert [action for action, _ in denials(northside)] == [Action.GATE_REFUSED]


# --- Rates ------------------------------------------------------------------------------------------------------


def test_a_token_that_asks_too_often_is_told_when_to_go_on(bob: User, nora: User, settings: object) -> None:
    settings.API_RATES = {"read": 2, "write": 1}
    caller = program(bob)

    answers = [caller.get("/token") for _ in range(4)]

    late = answers[-1]
    assert problem(late) == (429, "too_many_requests")
    assert 1 <= int(late["Retry-After"]) <= 60
    assert program(nora).get("/token").status_code == 200


def test_reads_and_changes_are_counted_apart(study: None, bob: User, settings: object) -> None:
    settings.API_RATES = {"read": 100, "write": 0}
    caller = program(bob)

    assert caller.post("/studies/search").status_code == 200
    assert caller.post(f"{STUDY}/shares", RITA).status_code == 429


def test_without_the_store_the_api_goes_on_and_says_so_once(
    bob: User, settings: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.API_RATES = {"read": 0, "write": 0}

    def away(*_: object, **__: object) -> None:
        raise StoreAway

    monkeypatch.setattr(cache, "add", away)
    monkeypatch.setattr(rates, "_away", False)
    caller = program(bob)

    assert [caller.get("/token").status_code for _ in range(3)] == [200, 200, 200]
    assert len([each for each in caplog.records if each.name == rates.__name__]) == 1
