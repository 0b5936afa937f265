"""The tokens page: a member makes and ends their own, an owner ends anyone's, and nothing shows a secret twice."""

import re
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.models import AccessToken
from imaging.services.tokens import LastsTooLong, ScopeBeyondRole, create_own_token
from tenants.models import Membership, Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, sign_in
from tests.imaging.api_client import Program, give_token
from tests.imaging.sharing import history

PAGE = "/t/northside/connections/"
WANTED = {"name": "Gateway in room 2", "scopes": ["read"], "days": "30"}


def create(user: User, **change: object):
    return sign_in(user).post(PAGE, WANTED | change)


def shown(answer: object) -> str:
    return re.search(r'id="token">([^<]+)<', answer.content.decode()).group(1)


def rows(tenant: Tenant) -> list[AccessToken]:
    with tenant_scope(tenant.id):
        return list(AccessToken.objects.order_by("created_at"))


def revoke(browser: Client, token_id: UUID) -> int:
    return browser.post(f"{PAGE}tokens/{token_id}/revoke").status_code


@pytest.mark.parametrize("who", ["alice", "bob", "nora"])
def test_a_member_makes_a_token_that_works_and_is_shown_once(
    who: str, northside: Tenant, request: pytest.FixtureRequest
) -> None:
    user = request.getfixturevalue(who)

    answer = create(user)

    secret = shown(answer)
    assert Program(secret).get("/studies").status_code == 200
    [row] = rows(northside)
    assert (row.user, row.name, row.scopes) == (user, WANTED["name"], ["read"])
    assert (row.expires_at - row.created_at).days == 30
    assert f"Bearer {secret}" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    again = sign_in(user).get(PAGE).content.decode()
    assert WANTED["name"] in again
    assert secret not in again
    assert (Action.TOKEN_ISSUED, user.email) in history(northside, row.id)


@pytest.mark.parametrize(("who", "scopes"), [
    ("nora", ["read", "store"]), ("nora", ["audit"]), ("bob", ["agreements"]), ("alice", ["purge"]), ("alice", []),
])  # fmt: skip
def test_no_token_is_wider_than_its_members_role(
    who: str, scopes: list[str], northside: Tenant, request: pytest.FixtureRequest
) -> None:
    user = request.getfixturevalue(who)

    assert b"data-dialog-auto" in create(user, scopes=scopes).content
    with tenant_scope(northside.id), pytest.raises(ScopeBeyondRole):
        create_own_token(actor(user), user, name="x", scopes=scopes, days=1, now=timezone.now())
    assert rows(northside) == []


@pytest.mark.parametrize("days", [0, 366, -1])
def test_no_token_lasts_longer_than_a_year(days: int, northside: Tenant, bob: User) -> None:
    assert b"data-dialog-auto" in create(bob, days=str(days)).content
    with tenant_scope(northside.id), pytest.raises(LastsTooLong):
        create_own_token(actor(bob), bob, name="x", scopes=["read"], days=days, now=timezone.now())
    assert rows(northside) == []


def test_a_member_sees_their_own_tokens_and_an_owner_everyones(alice: User, bob: User, nora: User) -> None:
    create(bob, name="Bob's script")
    create(nora, name="Nora's viewer")

    pages = {user.name: sign_in(user).get(PAGE).content.decode() for user in (alice, bob, nora)}

    found = {name: ("Bob&#x27;s script" in page, "Nora&#x27;s viewer" in page) for name, page in pages.items()}
    assert found == {"Alice": (True, True), "Bob": (True, False), "Nora": (False, True)}


def test_members_end_their_own_tokens_and_owners_all(northside: Tenant, alice: User, bob: User, nora: User) -> None:
    first, second = shown(create(bob)), shown(create(bob))
    ids = [row.id for row in rows(northside)]

    assert revoke(sign_in(nora), ids[0]) == 404
    assert Program(first).get("/token").status_code == 200
    assert (revoke(sign_in(bob), ids[0]), revoke(sign_in(alice), ids[1])) == (302, 302)

    assert [Program(secret).get("/token").status_code for secret in (first, second)] == [401, 401]
    assert (Action.TOKEN_REVOKED, alice.email) in history(northside, ids[1])
    assert "Revoked" in sign_in(bob).get(PAGE).content.decode()


def test_another_practices_token_is_not_there(northside: Tenant, southside: Tenant, alice: User, carol: User) -> None:
    secret = give_token(southside, carol, "read")
    [row] = rows(southside)

    assert revoke(sign_in(alice), row.id) == 404
    assert sign_in(carol).get(PAGE).status_code == 404
    assert Program(secret).get("/token").status_code == 200


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}tokens/00000000-0000-4000-8000-000000000000/revoke"])
def test_nobody_gets_to_the_page_without_signing_in(path: str, northside: Tenant) -> None:
    assert Client().post(path, WANTED).status_code == 401


def test_a_token_whose_member_left_is_listed_as_ended(northside: Tenant, alice: User, bob: User) -> None:
    create(bob)
    Membership.objects.filter(user=bob).delete()
    Membership.objects.create(user=bob, tenant=northside, role=Role.UPLOADER)

    assert "Ended: left the practice" in sign_in(alice).get(PAGE).content.decode()
