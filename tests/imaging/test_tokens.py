"""Bearer tokens: one tenant, some scopes, a time, an end; and the command that issues them."""

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.models import AccessToken
from imaging.services.tokens import NotAMember, issue_token, revoke_token
from tenants.models import Membership, Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import STOW_TYPE, instance, multipart
from tests.imaging.sharing import history

LIST = "/t/northside/dicomweb/studies"


def give_token(tenant: Tenant, user: User, *scopes: str, days: int = 1) -> str:
    now = timezone.now()
    with tenant_scope(tenant.id):
        return issue_token(actor(user), user, list(scopes or ("read",)), now + dt.timedelta(days=days), now)


def read(token: str, url: str = LIST) -> int:
    return Client().get(url, headers={"Authorization": f"Bearer {token}"}).status_code


def store(token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return Client().post(LIST, multipart(instance(1)), content_type=STOW_TYPE, headers=headers).status_code


def test_a_token_acts_for_its_user_and_its_digest_alone_is_kept(northside: Tenant, bob: User) -> None:
    token = give_token(northside, bob)

    assert read(token) == 200
    with tenant_scope(northside.id):
        row = AccessToken.objects.get()
    assert token.encode() not in bytes(row.digest)
    assert row.last_used_at
    assert (Action.TOKEN_ISSUED, bob.email) in history(northside, row.id)
    assert (Action.STUDIES_SEARCHED, bob.email) in history(northside)


@pytest.mark.parametrize(("scopes", "may_read", "may_store"), [
    (("read",), 200, 401), (("store",), 401, 200), (("read", "store"), 200, 200),
])  # fmt: skip
def test_a_token_does_what_its_scopes_say(
    scopes: tuple, may_read: int, may_store: int, northside: Tenant, bob: User
) -> None:
    token = give_token(northside, bob, *scopes)
    assert (read(token), store(token)) == (may_read, may_store)


@pytest.mark.parametrize("end", ["expired", "revoked", "deactivated"])
def test_an_ended_token_is_refused_on_the_next_request(end: str, northside: Tenant, bob: User) -> None:
    token = give_token(northside, bob, "read", "store")
    assert read(token) == 200
    with tenant_scope(northside.id):
        if end == "expired":
            AccessToken.objects.update(expires_at=timezone.now())
        if end == "revoked":
            revoke_token(actor(bob), AccessToken.objects.get().id, timezone.now())
    if end == "deactivated":
        User.objects.filter(id=bob.id).update(is_active=False)

    assert (read(token), store(token)) == (401, 401)


def test_a_token_of_someone_who_left_reads_and_stores_nothing(northside: Tenant, bob: User) -> None:
    token = give_token(northside, bob, "read", "store")
    Membership.objects.filter(user=bob).delete()
    assert (read(token), store(token)) == (401, 401)


def test_a_token_does_not_come_back_to_life_with_its_member(northside: Tenant, bob: User) -> None:
    token = give_token(northside, bob, "read", "store")
    Membership.objects.filter(user=bob).delete()
    Membership.objects.create(user=bob, tenant=northside, role=Role.UPLOADER)
    assert (read(token), store(token)) == (401, 401)


def test_revoking_is_recorded_once(northside: Tenant, bob: User) -> None:
    give_token(northside, bob)
    with tenant_scope(northside.id):
        token_id = AccessToken.objects.get().id
        for _ in range(2):
            revoke_token(actor(bob), token_id, timezone.now())
    assert [action for action, _ in history(northside, token_id)] == [Action.TOKEN_ISSUED, Action.TOKEN_REVOKED]


def test_a_token_opens_its_own_practice_alone(northside: Tenant, southside: Tenant, bob: User) -> None:
    token = give_token(northside, bob)
    assert read(token, LIST.replace("northside", "southside")) == 401
    assert read(token, LIST.replace("northside", "nowhere")) == 401


@pytest.mark.parametrize("token", ["", "x", "é", "x" * 5000])
def test_what_is_no_token_is_refused(token: str, northside: Tenant) -> None:
    assert read(token) == 401


def test_a_token_opens_no_page_of_the_portal(northside: Tenant, bob: User) -> None:
    assert read(give_token(northside, bob), "/t/northside/") == 302


def test_a_token_is_for_members_alone(northside: Tenant, carol: User) -> None:
    with pytest.raises(NotAMember):
        give_token(northside, carol)


# --- manage.py create_token -----------------------------------------------------------------------------------


def create_token(**options: object) -> str:
    out = StringIO()
    defaults = {"tenant": "northside", "user": "bob@northside.example", "scope": ["read", "store"]}
    call_command("create_token", stdout=out, **(defaults | options))
    return out.getvalue().strip()


def test_the_command_prints_a_token_that_works(northside: Tenant, bob: User) -> None:
    token = create_token(days=2, name="Gateway")

    assert (read(token), store(token)) == (200, 200)
    with tenant_scope(northside.id):
        row = AccessToken.objects.get()
    assert (row.expires_at - row.created_at, row.user, row.name) == (dt.timedelta(days=2), bob, "Gateway")
    assert (Action.TOKEN_ISSUED, "Collimate") in history(northside, row.id)


@pytest.mark.parametrize("options", [
    {"tenant": "nowhere"}, {"user": "nobody@northside.example"}, {"user": "carol@southside.example"},
    {"days": 0}, {"days": 4000}, {"scope": ["purge"]},
])  # fmt: skip
def test_the_command_refuses_what_makes_no_sense(options: dict, northside: Tenant, bob: User, carol: User) -> None:
    with pytest.raises(CommandError):
        create_token(**options)
    with tenant_scope(northside.id):
        assert not AccessToken.objects.exists()
