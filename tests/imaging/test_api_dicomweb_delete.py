"""DELETE in DICOMweb: the first yes to a purge, by token or by session, and only of whole studies."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.models import PurgeOrder
from imaging.services import retention
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, sign_in
from tests.imaging.api_client import UID, give_token
from tests.imaging.incoming import instance, take_in
from tests.imaging.sharing import history

ROOT_URL = "/t/northside/dicomweb/studies"
STUDY = f"{ROOT_URL}/{UID}"


@pytest.fixture(autouse=True)
def study(northside: Tenant, bob: User) -> None:
    take_in(actor(bob), northside, {"a.dcm": instance(1, PatientBirthDate="19700131")})


@pytest.fixture
def ended(study: None, northside: Tenant) -> None:
    assert retention.mark_ended_retention(northside.id, timezone.now() + timedelta(days=11 * 366)) == 1


def delete(secret: str, url: str = STUDY):
    return Client(enforce_csrf_checks=True).delete(url, headers={"Authorization": f"Bearer {secret}"})


def status(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return list(PurgeOrder.objects.values_list("status", flat=True))


def test_a_token_with_the_scope_asks_for_the_purge(ended: None, northside: Tenant, bob: User) -> None:
    answer = delete(give_token(northside, bob, "delete"))

    assert (answer.status_code, answer.json()["status"]) == (202, "requested")
    assert status(northside) == ["requested"]
    assert (Action.PURGE_REQUESTED, bob.email) in history(northside)


def test_a_session_asks_with_its_csrf_token_alone(ended: None, northside: Tenant, bob: User) -> None:
    browser = sign_in(bob)
    browser.handler.enforce_csrf_checks = True
    assert (browser.delete(STUDY).status_code, status(northside)) == (403, ["marked"])

    browser.get("/t/northside/upload")
    token = browser.cookies["csrftoken"].value
    answer = browser.delete(STUDY, headers={"X-CSRFToken": token})

    assert (answer.status_code, status(northside)) == (202, ["requested"])


def test_what_the_rules_keep_stays_and_the_answer_says_why(northside: Tenant, alice: User) -> None:
    secret = give_token(northside, alice, "delete")
    young = delete(secret)
    with tenant_scope(northside.id):
        retention.place_hold(actor(alice), UID, "A dispute is open.", timezone.now())
    held = delete(secret)

    assert (young.status_code, "retention ends on" in young.json()["reason"]) == (409, True)
    assert (held.status_code, held.json()["reason"]) == (409, "The study is under legal hold.")
    assert status(northside) == []


@pytest.mark.parametrize("scopes", [("read",), ("store",), ("read", "store", "share")])
def test_no_other_scope_will_do(scopes: tuple, ended: None, northside: Tenant, bob: User) -> None:
    assert delete(give_token(northside, bob, *scopes)).status_code == 401
    assert status(northside) == ["marked"]


def test_a_viewer_a_stranger_and_nobody_are_turned_away(
    ended: None, northside: Tenant, southside: Tenant, nora: User, carol: User
) -> None:
    assert delete(give_token(northside, nora, "delete")).status_code == 404
    assert delete(give_token(southside, carol, "delete")).status_code == 401
    assert [sign_in(user).delete(STUDY).status_code for user in (nora, carol)] == [404, 404]
    assert Client().delete(STUDY).status_code == 401
    assert status(northside) == ["marked"]
    assert (Action.ACCESS_DENIED, nora.email) in history(northside)


@pytest.mark.parametrize("uid", ["1.2.3.4", "x", "1..2", "%00", "1" * 65])
def test_what_is_not_there_is_not_found(uid: str, northside: Tenant, bob: User) -> None:
    assert delete(give_token(northside, bob, "delete"), f"{ROOT_URL}/{uid}").status_code == 404


def test_all_studies_at_once_cannot_be_deleted(northside: Tenant, bob: User) -> None:
    answer = delete(give_token(northside, bob, "delete"), ROOT_URL)

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
    assert "whole studies" in answer.json()["reason"]
