"""The wall over every URL: a furnished practice, and everyone who must not get in, at each address by each method.

The ids in the URLs are real, so a 404 is the wall's and not an accident's; Northside's own people are the control.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from imaging.models import AccessToken, Drill, SavedFilter, Upload
from imaging.services.devices import add_device_with_new_key
from imaging.services.regions import get_vault
from imaging.services.sharing import revoke_link
from imaging.services.tokens import issue_token
from imaging.services.webhooks import add_webhook
from tenants.models import Invitation, Role, SecretKind, Tenant, User
from tenants.scoping import tenant_scope
from tenants.secrets import issue_secret
from tests.architecture.test_guards import ROUTES
from tests.cast import actor, sign_in
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.incoming import instance, take_in
from tests.imaging.regions import drawn  # noqa: F401  fixture
from tests.imaging.sharing import redeem, send_invitation, send_link

METHODS = ["get", "head", "post", "put", "patch", "delete", "options"]
WALLED = [
    (route, pattern)
    for route, pattern in ROUTES
    if pattern.callback.guard not in ("public", "signed-in", "vendor-admin", "secret")
]
# Addresses that a member with the right role gets something from by GET: the control.
OPEN_TO_ALICE = {
    "ohif_config",
    "worklist", "patient_studies", "series_strip", "study", "study_state", "study_history",
    "study_viewer", "study_priors", "study_download", "stow", "upload",
    "retention", "people", "audit", "tenant_agreement", "share_create", "patient_invite",
    "qido_series", "qido_study_instances", "qido_series_instances", "qido_all_series", "qido_all_instances",
    "wado_study_metadata", "wado_series_metadata",
    "wado_instance_metadata", "wado_thumbnail", "rendered_study", "rendered_series", "rendered_instance",
    "rendered_frames", "thumbnail_study", "thumbnail_instance", "thumbnail_frame", "dicomweb_capabilities",
    "protection", "drill_report", "region_missing", "wado_instance", "wado_series", "wado_frames", "audit_export",
    "webhooks", "webhook", "tokens", "devices", "study_mount",
}  # fmt: skip

API = [(route, pattern) for route, pattern in WALLED if pattern.callback.guard == "api"]
OPEN_TO_BOBS_TOKEN = {
    "api_token", "api_studies", "api_study", "api_study_history", "api_study_shares", "api_shares", "api_share",
    "api_uploads",
}  # fmt: skip
API_BODY = {"recipient_name": "Rita", "recipient_email": "rita@ortho.example"}
UNKNOWN = {"study_instance_uid": "1.2.3.4", "link_id": str(uuid4()), "upload_id": str(uuid4())}


@dataclass(frozen=True)
class Furnished:
    """Northside with something behind every address, and the values that stand in its URLs."""

    values: dict[str, str]
    revoked: Client

    def url(self, route: str) -> str:
        return "/" + re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda match: self.values[match.group(1)], route)


@pytest.fixture
def furnished(northside: Tenant, alice: User, bob: User) -> Furnished:
    take_in(actor(bob), northside, {"a.dcm": instance(1)})
    uid = f"{ROOT}.1"
    link, invitation = send_link(northside, bob, uid, may_download=True), send_invitation(northside, bob, uid)
    browser = redeem(link)
    now = timezone.now()
    with tenant_scope(northside.id):
        revoke_link(actor(bob), link.id, now)
        upload = Upload.objects.create(
            created_by=bob, batch=uuid4(), kind="file", length=9, created_at=now, expires_at=now
        )
        _, digest = issue_secret(SecretKind.MEMBER_INVITATION, northside.id)
        invited = Invitation.objects.create(
            email="new@northside.example", name="New", role=Role.VIEWER, digest=digest, invited_by=alice,
            created_at=now, expires_at=now,
        )  # fmt: skip
        saved = SavedFilter.objects.create(owner=alice, name="Mine", wanted={"words": "x"}, created_at=now)
        webhook = add_webhook(actor(alice), "https://hooks.example/a", ["study.received"], now)
        drill = Drill.objects.create(started_at=now, finished_at=now, passed=True, report=uuid4())
        issue_token(actor(bob), bob, ["read"], now + timedelta(days=1), now)
        token = AccessToken.objects.get()
        device, _ = add_device_with_new_key(actor(alice), "CT", "CT1", now)
    get_vault(1).seal(northside.id, drill.report, [b"%PDF-1.7"])
    values = {
        "drill_id": str(drill.id), "region": "2",
        "slug": "northside", "study_instance_uid": uid, "series_instance_uid": f"{uid}.1",
        "sop_instance_uid": f"{uid}.1.1", "frame_list": "1", "tag_path": "00420011", "link_id": str(link.id),
        "grant_id": str(link.id), "invitation_id": str(invitation.id), "upload_id": str(upload.id),
        "batch": str(upload.batch), "membership_id": str(bob.memberships.get().pk), "invited": str(invited.id),
        "webhook_id": str(webhook.id), "device_id": str(device.id),
        "token_id": str(token.id), "rest": "nowhere", "filter_id": str(saved.id),
    }  # fmt: skip
    return Furnished(values, browser)


@pytest.mark.parametrize("method", METHODS)
def test_strangers_and_revoked_links_get_404_or_the_login_on_every_url(
    method: str, furnished: Furnished, carol: User, eve: User
) -> None:
    strangers = {"carol": sign_in(carol), "eve": sign_in(eve), "revoked": furnished.revoked, "anonymous": Client()}
    let_in = [
        (name, method, route, answer.status_code)
        for route, pattern in WALLED
        for name, client in strangers.items()
        if not is_turned_away(answer := call(client, method, furnished.url(route)), pattern)
    ]

    assert let_in == []


def test_northsides_own_people_get_something_from_the_same_addresses(furnished: Furnished, alice: User) -> None:
    browser = sign_in(alice)
    shut_out = [
        (pattern.name, status)
        for route, pattern in WALLED
        if pattern.name in OPEN_TO_ALICE
        if (status := call(browser, "get", furnished.url(route)).status_code) != 200
    ]

    assert shut_out == []
    assert {pattern.name for _, pattern in WALLED} >= OPEN_TO_ALICE


@pytest.mark.parametrize("method", METHODS)
def test_a_token_of_another_practice_finds_northsides_things_no_more_than_unknown_ones(
    method: str, furnished: Furnished, southside: Tenant, carol: User
) -> None:
    client = Client(headers={"Authorization": f"Bearer {token_for_all(southside, carol)}"})
    unknown = replace(furnished, values=furnished.values | {name: UNKNOWN[name] for name in UNKNOWN})
    told = [
        (method, route, answer.status_code)
        for route, pattern in API
        if (answer := call(client, method, furnished.url(route), API_BODY)).status_code < 300
        if "<" in route or any(value in answer.content.decode() for value in secrets_of(furnished))
    ]
    differs = [
        (method, route)
        for route, _ in API
        if "<" in route
        if essence(call(client, method, furnished.url(route), API_BODY))
        != essence(call(client, method, unknown.url(route), API_BODY))
    ]

    assert (told, differs) == ([], [])


def test_northsides_own_token_gets_something_from_the_same_addresses(furnished: Furnished, bob: User) -> None:
    client = Client(headers={"Authorization": f"Bearer {token_for_all(bob.memberships.get().tenant, bob)}"})
    shut_out = [
        (pattern.name, status)
        for route, pattern in API
        if pattern.name in OPEN_TO_BOBS_TOKEN
        if (status := call(client, "get", furnished.url(route)).status_code) != 200
    ]

    assert shut_out == []
    assert {pattern.name for _, pattern in API} >= OPEN_TO_BOBS_TOKEN


def token_for_all(tenant: Tenant, user: User) -> str:
    now = timezone.now()
    with tenant_scope(tenant.id):
        return issue_token(actor(user), user, list(AccessToken.Scope.values), now + timedelta(days=1), now)


def secrets_of(furnished: Furnished) -> list[str]:
    return [furnished.values[name] for name in ("study_instance_uid", "link_id", "upload_id", "batch")]


def essence(answer: object) -> tuple[int, bytes, str]:
    return answer.status_code, answer.content, answer.headers.get("Allow", "")


def call(client: Client, method: str, url: str, body: dict[str, object] | None = None):
    sent = {} if body is None or method in ("get", "head") else {"data": body, "content_type": "application/json"}
    return getattr(client, method)(url, headers={"Accept": "*/*"}, **sent)


def is_turned_away(answer: object, pattern: URLPattern) -> bool:
    if answer.status_code in (401, 404, 405):
        return True
    return answer.status_code == 302 and answer["Location"].startswith("/login")
