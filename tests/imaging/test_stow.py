"""STOW-RS: every part is answered for on its own (PS3.18 §10.5)."""

import datetime as dt
from collections.abc import Callable
from io import BytesIO

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.adapters.vault import Batch, VaultUnavailable
from imaging.models import Instance
from imaging.services.tokens import issue_token
from imaging.views import stow
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import STOW_TYPE, bad_files, instance, multipart, read_back

URL = "/t/northside/dicomweb/studies"


def token_of(user: User, tenant: Tenant, *scopes: str) -> str:
    now = timezone.now()
    with tenant_scope(tenant.id):
        return issue_token(actor(user), user, list(scopes or ["store"]), now + dt.timedelta(hours=1), now)


@pytest.fixture
def bobs_token(bob: User, northside: Tenant) -> str:
    return token_of(bob, northside)


def store(
    token: str, body: bytes, url: str = URL, content_type: str = STOW_TYPE, client: Client | None = None
):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return (client or Client(enforce_csrf_checks=True)).post(
        url, body, content_type=content_type, headers=headers
    )


def count(tenant: Tenant) -> int:
    with tenant_scope(tenant.id):
        return Instance.objects.count()


def test_instances_are_stored_and_referred_to(bobs_token: str, northside: Tenant) -> None:
    first, second = instance(1), instance(2)

    answer = store(bobs_token, multipart(first, second))

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/dicom+json")
    study = f"http://testserver{URL}/{ROOT}.1"
    found = answer.json()
    assert found["00081190"]["Value"] == [study]
    assert "00081198" not in found
    assert "0008119A" not in found
    reference = found["00081199"]["Value"][1]
    assert reference["00081155"]["Value"] == [f"{ROOT}.1.1.2"]
    assert reference["00081150"]["Value"] == ["1.2.840.10008.5.1.4.1.1.2"]
    assert reference["00081190"]["Value"] == [f"{study}/series/{ROOT}.1.1/instances/{ROOT}.1.1.2"]
    assert read_back(northside, f"{ROOT}.1.1.1") == first
    assert read_back(northside, f"{ROOT}.1.1.2") == second


def test_the_same_again_is_no_failure(bobs_token: str, northside: Tenant) -> None:
    store(bobs_token, multipart(instance(1)))
    assert store(bobs_token, multipart(instance(1))).status_code == 200
    assert count(northside) == 1


def test_bad_parts_cost_their_neighbours_nothing(bobs_token: str, northside: Tenant) -> None:
    bad = [data for data, _ in bad_files().values()]

    answer = store(bobs_token, multipart(instance(1), *bad, instance(2)))

    assert answer.status_code == 202
    assert count(northside) == 2
    failures = answer.json()["0008119A"]["Value"]
    assert len(failures) == len(bad)
    assert failures[0]["00081197"]["Value"] == [0xC000]
    assert failures[0]["00000902"]["Value"] == ["This is a text file, not a DICOM file."]


def test_when_nothing_was_stored_it_is_a_conflict(bobs_token: str) -> None:
    assert store(bobs_token, multipart(b"x", b"")).status_code == 409


def test_other_bytes_under_a_known_uid_are_a_failure_with_a_reason(bobs_token: str) -> None:
    store(bobs_token, multipart(instance(1)))

    answer = store(bobs_token, multipart(instance(1, PatientComments="x")))

    (failure,) = answer.json()["00081198"]["Value"]
    assert answer.status_code == 409
    assert failure["00081155"]["Value"] == [f"{ROOT}.1.1.1"]
    assert failure["00081197"]["Value"] == [0x0111]


def test_a_patient_that_differs_is_a_warning(bobs_token: str) -> None:
    store(bobs_token, multipart(instance(1)))

    answer = store(bobs_token, multipart(instance(2, PatientID="P2")))

    assert answer.status_code == 202
    assert answer.json()["00081199"]["Value"][0]["00081196"]["Value"] == [0xB007]


def test_instances_of_another_study_than_the_addressed_are_failures(
    bobs_token: str, northside: Tenant
) -> None:
    answer = store(bobs_token, multipart(instance(1), instance(1, study=2)), f"{URL}/{ROOT}.1")

    assert answer.status_code == 202
    assert count(northside) == 1
    assert answer.json()["00081190"]["Value"] == [f"http://testserver{URL}/{ROOT}.1"]
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA900]


@pytest.mark.parametrize("uid", ["abc", "1.2..3", "1" * 65, "1.2.3 "])
def test_a_malformed_study_uid_is_a_bad_request(bobs_token: str, uid: str) -> None:
    assert store(bobs_token, multipart(instance(1)), f"{URL}/{uid}").status_code == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "application/dicom",
        'multipart/related; type="application/dicom+xml"; boundary=x',
        "multipart/related; boundary=x",
        'multipart/form-data; type="application/dicom"; boundary=x',
        "",
    ],
)
def test_another_media_type_is_unsupported(bobs_token: str, content_type: str) -> None:
    assert store(bobs_token, multipart(instance(1)), content_type=content_type).status_code == 415


@pytest.mark.parametrize("body", [b"\r\n", b"no boundary", multipart(instance(1))[:-20]])
def test_a_body_that_cannot_be_parsed_is_a_bad_request(
    bobs_token: str, northside: Tenant, body: bytes
) -> None:
    answer = store(bobs_token, body)
    assert answer.status_code == 400
    assert answer.json()["reason"]
    assert count(northside) == 0


def test_a_body_without_boundary_parameter_is_a_bad_request(bobs_token: str) -> None:
    content_type = 'multipart/related; type="application/dicom"'
    assert store(bobs_token, multipart(instance(1)), content_type=content_type).status_code == 400


def test_a_body_without_parts_is_a_bad_request(bobs_token: str) -> None:
    assert store(bobs_token, multipart()).status_code == 400


def test_parts_that_came_whole_before_the_break_are_kept(bobs_token: str, northside: Tenant) -> None:
    assert store(bobs_token, multipart(instance(1), instance(2))[:-20]).status_code == 400
    assert count(northside) == 1


def test_a_body_beyond_the_limit_is_too_large(bobs_token: str, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    assert store(bobs_token, multipart(instance(1))).status_code == 413


def test_a_chunked_body_is_read_to_its_end_and_not_beyond_the_limit(bobs_token: str, settings) -> None:
    def send(body: bytes) -> int:
        headers = {"Authorization": f"Bearer {bobs_token}"}
        server = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True}
        extra = server | {"CONTENT_LENGTH": "", "CONTENT_TYPE": STOW_TYPE}
        return Client().generic("POST", URL, headers=headers, **extra).status_code

    assert send(multipart(instance(1))) == 200
    settings.UPLOAD_MAX_BYTES = 1000
    assert send(multipart(instance(2))) == 413


def test_a_body_of_too_many_parts_is_too_large(bobs_token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stow, "MOST_PARTS", 2)
    assert store(bobs_token, multipart(b"1", b"2", b"3")).status_code == 413


def test_without_an_agreement_nothing_is_stored(bobs_token: str, northside: Tenant) -> None:
    Agreement.objects.update(status=Status.TERMINATED)

    answer = store(bobs_token, multipart(instance(1)))

    assert answer.status_code == 403
    assert "terminated" in answer.json()["reason"]
    assert count(northside) == 0
    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action=Action.GATE_REFUSED).exists()


def test_a_disk_that_fails_is_unavailable(bobs_token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Batch) -> None:
        raise VaultUnavailable("disk")

    monkeypatch.setattr(Batch, "publish", fail)
    answer = store(bobs_token, multipart(instance(1)))
    assert answer.status_code == 503
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA700]


# --- Who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [URL, "/t/nowhere/dicomweb/studies"])
@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_credentials_it_is_unauthorised(northside: Tenant, url: str, token: str) -> None:
    answer = store(token, multipart(instance(1)), url)
    assert answer.status_code == 401
    assert "Bearer" in answer["WWW-Authenticate"]


def test_a_token_to_read_does_not_store(bob: User, northside: Tenant) -> None:
    assert store(token_of(bob, northside, "read"), multipart(instance(1))).status_code == 401


def test_a_token_of_another_tenant_does_not_store(carol: User, northside: Tenant, southside: Tenant) -> None:
    assert store(token_of(carol, southside), multipart(instance(1))).status_code == 401
    assert count(northside) == count(southside) == 0


def test_a_viewers_token_does_not_store(nora: User, northside: Tenant) -> None:
    assert store(token_of(nora, northside), multipart(instance(1))).status_code == 404
    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action=Action.ACCESS_DENIED).exists()


@pytest.mark.parametrize(
    ("name", "status"), [("bob", 200), ("alice", 200), ("nora", 404), ("carol", 404), ("eve", 404)]
)
def test_a_session_stores_as_its_role_allows(
    name: str,
    status: int,
    northside: Tenant,
    browser_of: Callable[[User], Client],
    request: pytest.FixtureRequest,
) -> None:
    client = browser_of(request.getfixturevalue(name))
    assert store("", multipart(instance(1)), client=client).status_code == status


def test_a_session_needs_the_csrf_token(
    bob: User, northside: Tenant, browser_of: Callable[[User], Client]
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser_of(bob).cookies

    assert store("", multipart(instance(1)), client=strict).status_code == 403

    strict.cookies["csrftoken"] = "a" * 32
    headers = {"X-CSRFToken": "a" * 32}
    answer = strict.post(URL, multipart(instance(1)), content_type=STOW_TYPE, headers=headers)
    assert answer.status_code == 200


def test_the_actor_is_the_member_behind_the_token(bob: User, bobs_token: str, northside: Tenant) -> None:
    store(bobs_token, multipart(instance(1)))
    with tenant_scope(northside.id):
        assert AuditEvent.objects.get(action=Action.INSTANCES_RECEIVED).actor_id == str(bob.pk)


def test_reading_on_the_same_paths_goes_to_its_own_views(bob: User, northside: Tenant) -> None:
    token = token_of(bob, northside, "store", "read")
    store(token, multipart(instance(1)))
    headers = {"Authorization": f"Bearer {token}"}

    found = Client().get(URL, headers=headers | {"Accept": "application/dicom+json"})
    retrieved = Client().get(f"{URL}/{ROOT}.1", headers=headers)

    assert [each["0020000D"]["Value"] for each in found.json()] == [[f"{ROOT}.1"]]
    assert instance(1) in b"".join(retrieved.streaming_content)
    assert Client().get(URL).status_code == 401
    assert Client().get(f"{URL}/not-a-uid", headers=headers).status_code == 404


def test_other_methods_are_refused(bobs_token: str) -> None:
    answer = Client().delete(URL, headers={"Authorization": f"Bearer {bobs_token}"})
    assert answer.status_code == 405
    assert "POST" in answer["Allow"]
