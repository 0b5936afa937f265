"""Uploads, the trail, agreements and the token itself, in the API."""

from uuid import uuid4

import pytest

from audit.actions import Action
from audit.models import AuditEvent
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import sign_in
from tests.imaging.api_client import UID, problem, program
from tests.imaging.incoming import begin, bundle, instance, patch, upload
from tests.imaging.sharing import history


def test_an_upload_and_what_became_of_its_files(northside: Tenant, bob: User) -> None:
    url = begin(sign_in(bob), len(data := bundle({"a.dcm": instance(1), "b.txt": b"no image"})), "bundle")
    caller = program(bob, "store")
    begun = caller.get("/uploads").json()

    assert patch(sign_in(bob), url, data).status_code == 204
    [found] = caller.get("/uploads").json()["results"]
    files = caller.get(f"/uploads/{found['id']}/files", limit=1).json()
    rest = caller.get(f"/uploads/{found['id']}/files", cursor=files["next_cursor"]).json()

    assert begun["results"][0]["state"] == "receiving"
    assert begun["creation_url"].endswith("/t/northside/uploads/")
    assert begun["store_url"].endswith("/t/northside/dicomweb/studies")
    assert (found["state"], found["offset"], found["location"].endswith(url)) == ("done", len(data), True)
    assert caller.get(f"/uploads/{found['id']}").json() == found
    told = [(each["name"], each["outcome"]) for each in files["results"] + rest["results"]]
    assert told == [("a.dcm", "stored"), ("b.txt", "refused")]
    assert files["results"][0]["study_instance_uid"] == UID
    assert (Action.UPLOAD_FOLLOWED, bob.email) in history(northside)


def test_uploads_are_their_members_own(northside: Tenant, alice: User, bob: User) -> None:
    upload(sign_in(bob), instance(1))
    own = program(bob).get("/uploads").json()["results"][0]["id"]

    others = program(alice).get("/uploads").json()["results"]
    theirs, nobodys = (program(alice).get(f"/uploads/{each}") for each in (own, uuid4()))

    assert others == []
    assert (
        problem(theirs)
        == problem(nobodys)
        == problem(program(alice).get(f"/uploads/{own}/files"))
        == (404, "not_found")
    )
    assert (Action.ACCESS_DENIED, alice.email) in history(northside)


def test_the_trail_comes_in_pages_and_reading_it_is_in_it(northside: Tenant, alice: User, bob: User) -> None:
    upload(sign_in(bob), instance(1))
    caller = program(alice, "audit")

    page = caller.get("/audit", limit=1).json()
    rest = caller.get("/audit", cursor=page["next_cursor"]).json()

    numbers = [event["seq"] for event in page["results"] + rest["results"]]
    assert numbers == list(range(len(numbers), 0, -1))
    with tenant_scope(northside.id):
        newest = AuditEvent.objects.latest("seq")
        assert rest["results"][-1]["digest"] == bytes(AuditEvent.objects.get(seq=1).digest).hex()
    assert (newest.action, newest.details) == (Action.AUDIT_VIEWED, {"events": len(rest["results"]), "filters": []})


def test_the_trail_is_filtered(northside: Tenant, alice: User, bob: User) -> None:
    upload(sign_in(bob), instance(1))
    caller = program(alice)

    received = caller.get("/audit", action="instances.received", actor="bob@", study_instance_uid=UID).json()

    assert [event["actor_label"] for event in received["results"]] == [bob.email]
    assert caller.get("/audit", until="2001-01-01T00:00:00Z").json()["results"] == []


@pytest.mark.parametrize("parameters", [
    {"action": "nothing"}, {"since": "yesterday"}, {"cursor": "x"}, {"cursor": 2**70}, {"limit": 0}, {"limit": 9999},
    {"actor": "\x00"}, {"study_instance_uid": "1;DROP"}, {"since": "0001-01-01T00:00:00+14:00"}, {"cursor": -1},
])  # fmt: skip
def test_a_parameter_that_cannot_be_used_is_named(parameters: dict, alice: User) -> None:
    answer = program(alice).get("/audit", **parameters)

    assert problem(answer) == (400, "invalid_parameters")
    assert [error["field"] for error in answer.json()["errors"]] == list(parameters)


def test_agreements_say_whether_one_is_in_force(northside: Tenant, southside: Tenant, alice: User) -> None:
    caller = program(alice, "agreements")
    before = caller.get("/agreements").json()
    Agreement.objects.filter(tenant=northside).update(status=Status.TERMINATED)
    after = caller.get("/agreements").json()

    assert (before["in_force"], before["reason"], len(before["results"])) == (True, "", 1)
    assert (after["in_force"], "terminated" in after["reason"]) == (False, True)


def test_a_token_learns_what_it_may(northside: Tenant, nora: User) -> None:
    found = program(nora, "read", "share").get("/token").json()

    assert (found["slug"], found["member"], found["role"]) == ("northside", nora.email, "viewer")
    assert (found["scopes"], found["may"]) == (["read", "share"], ["read"])
    assert found["dicomweb_url"].endswith("/t/northside/dicomweb")
