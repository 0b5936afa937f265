"""What lies where in a study's mount: kept by those who may change the study, seen by whoever may look at it."""

import json

import pytest
from django.http import HttpResponse
from django.test import Client

from audit.actions import Action, Outcome
from imaging.forms.mounts import BadMount, read_mount
from imaging.models import Mount
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import UID, cheap_codes, sent, study  # noqa: F401  fixtures
from tests.imaging.library import UNKNOWN, events
from tests.imaging.sharing import Sent, redeem

FILM = {"position": "bw-r-molar", "series": f"{UID}.1", "instance": f"{UID}.1.1", "rotate": 90, "flip": True}
MOUNT = {"template": "bitewings-4", "films": [FILM], "revision": 0}


def url(uid: str = UID, slug: str = "northside", rest: str = "") -> str:
    return f"/t/{slug}/studies/{uid}/mount{rest}"


def keep(client: Client, mount: object = MOUNT, **where: str) -> HttpResponse:
    return client.post(url(rest="/keep", **where), json.dumps(mount), content_type="application/json")


def test_what_is_kept_is_shown_to_everyone_who_may_look(study: str, bob: User, nora: User, browser_of) -> None:
    assert browser_of(nora).get(url()).json() == {"template": "", "films": [], "revision": 0}

    kept = keep(browser_of(bob))

    assert kept.status_code == 200
    assert kept.json() == browser_of(nora).get(url()).json() == MOUNT | {"revision": 1}


def test_guests_see_the_mount_and_cannot_change_it(sent: Sent, bob: User, browser_of) -> None:
    keep(browser_of(bob))
    guest = redeem(sent)

    assert guest.get(url()).json()["films"] == [FILM]
    assert keep(guest).status_code == 401
    assert guest.get(url(uid=f"{ROOT}.2")).status_code == 404


def test_it_is_changed_only_from_what_its_changer_saw(study: str, alice: User, bob: User, browser_of) -> None:
    keep(browser_of(bob))
    late = keep(browser_of(alice), MOUNT | {"films": []})

    assert late.status_code == 409
    assert late.json() == MOUNT | {"revision": 1}
    assert keep(browser_of(alice), MOUNT | {"films": [], "revision": 1}).json()["revision"] == 2


def test_keeping_is_in_the_trail_and_names_no_patient(study: str, northside: Tenant, bob: User, browser_of) -> None:
    keep(browser_of(bob))

    (event,) = events(northside, Action.MOUNT_CHANGED)
    assert event.study_instance_uid == UID
    assert event.details == {"template": "bitewings-4", "films": 1, "revision": 1}


def test_looking_is_in_the_trail(study: str, northside: Tenant, nora: User, browser_of) -> None:
    browser_of(nora).get(url())
    assert [event.actor_label for event in events(northside, Action.METADATA_VIEWED)] == [nora.email]


def test_a_viewer_may_not_change_it(study: str, northside: Tenant, nora: User, browser_of) -> None:
    assert keep(browser_of(nora)).status_code == 404
    assert [each.outcome for each in events(northside, Action.ACCESS_DENIED)] == [Outcome.DENIED]
    with tenant_scope(northside.id):
        assert not Mount.objects.exists()


@pytest.mark.parametrize("where", [{"slug": "southside"}, {"slug": "northside"}])
def test_another_practice_finds_nothing(where: dict, study: str, bob: User, carol: User, browser_of) -> None:
    keep(browser_of(bob))
    assert browser_of(carol).get(url(**where)).status_code == 404
    assert keep(browser_of(carol), **where).status_code == 404


def test_strangers_are_asked_who_they_are(study: str) -> None:
    assert Client().get(url()).status_code == 401
    assert keep(Client()).status_code == 401


@pytest.mark.parametrize("uid", [UNKNOWN, "1.2..3"])
def test_what_is_not_there_is_not_found(uid: str, study: str, bob: User, browser_of) -> None:
    assert browser_of(bob).get(url(uid=uid)).status_code == 404
    assert keep(browser_of(bob), uid=uid).status_code == 404


def test_a_film_of_another_study_is_refused(study: str, northside: Tenant, bob: User, browser_of) -> None:
    foreign = FILM | {"series": f"{ROOT}.2.1", "instance": f"{ROOT}.2.1.1"}
    assert keep(browser_of(bob), MOUNT | {"films": [foreign]}).status_code == 400
    with tenant_scope(northside.id):
        assert not Mount.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"template": "<b>"}, {"template": None}, {"films": {}}, {"films": [FILM, FILM]}, {"films": [FILM] * 61},
        {"revision": -1}, {"revision": True}, {"films": [FILM | {"rotate": 45}]}, {"films": [FILM | {"flip": 1}]},
        {"films": [FILM | {"position": "a b"}]}, {"films": [FILM | {"instance": "x"}]}, {"films": [7]},
    ],
)  # fmt: skip
def test_what_is_no_mount_is_refused(change: dict) -> None:
    read_mount(json.dumps(MOUNT).encode())
    with pytest.raises(BadMount):
        read_mount(json.dumps(MOUNT | change).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 20_000, b" " * 40_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadMount):
        read_mount(body)
