"""Share links by the API: as by the page, with the same rules and the same events."""

import re
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from imaging.models import ShareLink
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.api_client import RITA, STUDY, UID, problem, program
from tests.imaging.incoming import instance, take_in
from tests.imaging.sharing import history


@pytest.fixture(autouse=True)
def study(northside: Tenant, bob: User, settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    take_in(actor(bob), northside, {"a.dcm": instance(1), "b.dcm": instance(1, study=2)})


def path_of(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


def test_a_link_made_by_the_api_opens_with_its_code(northside: Tenant, bob: User) -> None:
    answer = program(bob, "share").post(f"{STUDY}/shares", RITA | {"days": 3, "may_download": True})

    assert answer.status_code == 201, answer.content
    issued = answer.json()
    redeemed = Client().post(path_of(issued["url"]), {"code": issued["code"]})
    assert (redeemed.status_code, redeemed["Location"]) == (302, f"/s/open/{issued['id']}/")
    assert [action for action, _ in history(northside, issued["id"])] == [
        "share.created", "share.redeemed",
    ]  # fmt: skip
    assert ("share.created", bob.email) in history(northside, issued["id"])
    assert mail.outbox == []


def test_the_mail_holds_the_link_and_not_the_code(bob: User, django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        issued = program(bob).post(f"{STUDY}/shares", RITA | {"send_mail": True}).json()

    [sent] = mail.outbox
    assert (sent.to, issued["url"] in sent.body, issued["code"] in sent.body) == (["rita@ortho.example"], True, False)


@pytest.mark.parametrize(("change", "field"), [
    ({"recipient_email": "rita"}, "recipient_email"), ({"days": 0}, "days"), ({"days": 31}, "days"),
    ({"days": "1" * 5000}, "days"), ({"recipient_name": ""}, "recipient_name"),
    ({"recipient_name": "R\x00"}, "recipient_name"), ({"recipient_name": "R\nBcc: x"}, "recipient_name"),
    ({"recipient_name": "\ud800"}, "recipient_name"), ({"note": "\x00"}, "note"),
    ({"may_download": "often"}, "may_download"),
])  # fmt: skip
def test_what_cannot_be_used_is_named(change: dict, field: str, northside: Tenant, bob: User) -> None:
    answer = program(bob).post(f"{STUDY}/shares", RITA | change)

    assert problem(answer) == (422, "invalid_body")
    assert {error["field"] for error in answer.json()["errors"]} == {field}
    with tenant_scope(northside.id):
        assert not ShareLink.objects.exists()


def test_links_are_listed_by_study_and_all_together_in_pages(bob: User) -> None:
    caller = program(bob)
    made = [caller.post(f"/studies/{uid}/shares", RITA).json()["id"] for uid in (UID, UID, UID[:-1] + "2")]

    first = caller.get("/shares", limit=2).json()
    second = caller.get("/shares", limit=2, cursor=first["next_cursor"]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == made[::-1]
    assert second["next_cursor"] is None
    assert {row["id"] for row in caller.get(f"{STUDY}/shares").json()["results"]} == set(made[:2])
    row = first["results"][0]
    assert (row["recipient_email"], row["state"]) == ("rita@ortho.example", "live")
    assert "code" not in row
    assert "url" not in row


def test_a_revoked_link_ends_and_cannot_be_unlocked(northside: Tenant, bob: User) -> None:
    caller = program(bob)
    issued = caller.post(f"{STUDY}/shares", RITA).json()

    ended = caller.post(f"/shares/{issued['id']}/revoke")

    assert (ended.status_code, ended.json()["state"]) == (200, "revoked")
    assert Client().get(path_of(issued["url"])).status_code == 404
    assert problem(caller.post(f"/shares/{issued['id']}/unlock")) == (409, "link_over")
    assert caller.get(f"/shares/{issued['id']}").json()["state"] == "revoked"
    assert ("share.revoked", bob.email) in history(northside, issued["id"])


def test_unlocking_gives_a_fresh_code(northside: Tenant, bob: User) -> None:
    caller = program(bob)
    issued = caller.post(f"{STUDY}/shares", RITA).json()
    with tenant_scope(northside.id):
        ShareLink.objects.update(locked_at=timezone.now(), failed_tries=5)
    assert Client().post(path_of(issued["url"]), {"code": issued["code"]}).status_code == 404

    code = caller.post(f"/shares/{issued['id']}/unlock").json()["code"]

    assert Client().post(path_of(issued["url"]), {"code": code}).status_code == 302
    assert ("share.unlocked", bob.email) in history(northside, issued["id"])


@pytest.mark.parametrize("what", ["", "/revoke", "/unlock"])
def test_anothers_link_is_not_there(what: str, bob: User, carol: User) -> None:
    made = program(bob).post(f"{STUDY}/shares", RITA).json()["id"]
    ask = program(carol).post if what else program(carol).get

    theirs, nobodys = ask(f"/shares/{made}{what}"), ask(f"/shares/{uuid4()}{what}")

    assert problem(theirs) == (404, "not_found")
    assert theirs.content == nobodys.content
    assert program(bob).get(f"/shares/{made}").json()["state"] == "live"


def test_a_viewers_token_shares_nothing(northside: Tenant, nora: User) -> None:
    assert problem(program(nora).post(f"{STUDY}/shares", RITA))[0] in (403, 404)
    with tenant_scope(northside.id):
        assert not ShareLink.objects.exists()
