"""An upload belongs to who began it, and nothing comes in without an agreement."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.test import Client

from audit.actions import Action
from audit.models import AuditEvent
from imaging.models import Upload
from tenants.baas.models import Agreement, Status
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import sign_in
from tests.imaging.incoming import begin, instance, patch, upload
from tests.imaging.uploading import URL, VERSION, bobs, offset_of, rows, sealed_objects  # noqa: F401


def ask_all(client: Client, url: str) -> list[int]:
    """The statuses of every request there is about an upload."""
    return [
        client.head(url, headers=VERSION).status_code,
        patch(client, url, b"12").status_code,
        client.delete(url, headers=VERSION).status_code,
        client.get(f"{url}result").status_code,
    ]


@pytest.mark.parametrize("name", ["alice", "nora", "carol", "eve", "vera"])
def test_an_upload_is_there_for_its_creator_only(
    name: str,
    bobs: Client,
    northside: Tenant,
    browser_of: Callable[[User], Client],
    request: pytest.FixtureRequest,
) -> None:
    url = begin(bobs, 10)
    stranger = browser_of(request.getfixturevalue(name))

    assert ask_all(stranger, url) == [404] * 4
    assert offset_of(bobs, url) == "0"
    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action=Action.ACCESS_DENIED).count() == 4


@pytest.mark.parametrize("name", ["nora", "carol", "eve", "vera"])
@pytest.mark.parametrize("path", ["upload", "uploads/", f"uploads/batches/{UUID(int=7)}"])
def test_others_find_no_way_in(
    name: str,
    path: str,
    northside: Tenant,
    browser_of: Callable[[User], Client],
    request: pytest.FixtureRequest,
) -> None:
    client = browser_of(request.getfixturevalue(name))
    assert client.get(f"/t/northside/{path}", headers=VERSION).status_code == 404
    assert client.post(f"/t/northside/{path}", headers=VERSION | {"Upload-Length": "1"}).status_code == 404
    assert not rows(northside, Upload)


def test_who_is_not_signed_in_is_sent_away(bobs: Client) -> None:
    url = begin(bobs, 10)
    client = Client()
    assert ask_all(client, url)[:3] == [401] * 3
    assert client.post(URL, headers=VERSION | {"Upload-Length": "1"}).status_code == 401
    assert client.get(f"{url}result", headers={"Sec-Fetch-Mode": "cors"}).status_code == 401


def test_a_request_forged_by_another_site_is_refused(bob: User, bobs: Client, northside: Tenant) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = bobs.cookies
    assert strict.post(URL, headers=VERSION | {"Upload-Length": "1"}).status_code == 403
    assert not rows(northside, Upload)


def test_unknown_and_malformed_uploads_are_not_there(bobs: Client) -> None:
    assert ask_all(bobs, f"{URL}{uuid4()}/") == [404] * 4
    assert bobs.head(f"{URL}7/", headers=VERSION).status_code == 404
    assert bobs.get(f"{URL}batches/{uuid4()}").status_code == 404


def test_other_methods_are_refused(bobs: Client) -> None:
    assert bobs.put(URL, headers=VERSION).status_code == 405
    assert bobs.put(begin(bobs, 1), headers=VERSION).status_code == 405


def test_without_an_agreement_no_verb_brings_a_byte_in(bobs: Client, northside: Tenant) -> None:
    url = begin(bobs, 10)
    Agreement.objects.update(status=Status.TERMINATED)

    answers = [
        bobs.post(URL, headers=VERSION | {"Upload-Length": "1"}),
        bobs.head(url, headers=VERSION),
        patch(bobs, url, b"12"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert "terminated" in answers[2].json()["reason"]
    assert not sealed_objects(northside)
    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action=Action.GATE_REFUSED).count() == 3


def test_a_role_that_was_taken_away_counts_at_once(bob: User, bobs: Client) -> None:
    url = begin(bobs, 10)
    Membership.objects.filter(user=bob).update(role="viewer")
    assert patch(bobs, url, b"12").status_code == 404


def test_the_page_tells_where_to_send_and_why_not(bobs: Client) -> None:
    answer = bobs.get("/t/northside/upload")
    assert answer.context["uploads_url"] == URL
    assert answer.context["gate_reason"] == ""

    Agreement.objects.update(status=Status.TERMINATED)
    assert "terminated" in bobs.get("/t/northside/upload").content.decode()


def test_following_an_upload_is_in_the_trail_once(northside: Tenant, bob: User) -> None:
    client, batch = sign_in(bob), uuid4()
    upload(client, instance(1), batch=batch)

    for _ in range(3):
        assert client.get(f"/t/northside/uploads/batches/{batch}").status_code == 200

    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action=Action.UPLOAD_FOLLOWED).count() == 1
