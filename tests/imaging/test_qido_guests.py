"""Guests search through the same routes and see exactly the studies that they were let into."""

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.services.sharing import revoke_link
from tenants.baas.models import Agreement
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, sign_in
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.incoming import instance, take_in
from tests.imaging.library import events
from tests.imaging.sharing import redeem, send_invitation, send_link

WEB = "/t/northside/dicomweb"
TAGS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}


@pytest.fixture(autouse=True)
def archive(northside: Tenant, bob: User, southside: Tenant, carol: User) -> None:
    """Four studies, each of two instances, at both practices."""
    files = {f"{s}{n}.dcm": instance(n, study=s) for s in range(1, 5) for n in (1, 2)}
    take_in(actor(bob), northside, files)
    take_in(actor(carol), southside, files)


def found(client: Client, level: str = "studies", slug: str = "northside", **parameters: object) -> list[str]:
    response = client.get(f"/t/{slug}/dicomweb/{level}", parameters)
    assert response.status_code == 200, response
    return sorted(each[TAGS[level]]["Value"][0] for each in response.json())


@pytest.fixture
def guest(northside: Tenant, bob: User) -> Client:
    """A browser with a share link to study 1 and a patient's invitation to study 2."""
    client = redeem(send_link(northside, bob, f"{ROOT}.1"))
    return redeem(send_invitation(northside, bob, f"{ROOT}.2"), client)


def test_a_guest_sees_every_study_that_they_were_let_into_and_no_other(guest: Client) -> None:
    assert found(guest) == [f"{ROOT}.1", f"{ROOT}.2"]
    assert found(guest, "series") == [f"{ROOT}.1.1", f"{ROOT}.2.1"]
    assert found(guest, "instances") == [f"{ROOT}.{s}.1.{n}" for s in (1, 2) for n in (1, 2)]


@pytest.mark.parametrize(
    "parameters",
    [{"StudyInstanceUID": f"{ROOT}.3"}, {"PatientName": "*", "StudyInstanceUID": [f"{ROOT}.3", f"{ROOT}.4"]},
     {"StudyInstanceUID": f"{ROOT}.4\\{ROOT}.3", "includefield": "all"}, {"SeriesInstanceUID": f"{ROOT}.3.1"},
     {"offset": "5"}],
)  # fmt: skip
def test_no_key_leads_a_guest_further(parameters: dict, guest: Client) -> None:
    for level in TAGS:
        # A key below the level is ignored: the guest's own studies are found, and no more.
        assert not {uid for uid in found(guest, level, **parameters) if uid.startswith((f"{ROOT}.3", f"{ROOT}.4"))}


def test_a_guest_sees_nothing_of_another_practice(guest: Client) -> None:
    for level in TAGS:
        assert guest.get(f"/t/southside/dicomweb/{level}").status_code == 404


def test_what_was_revoked_is_gone_with_the_next_search(northside: Tenant, bob: User, archive: None) -> None:
    first, second = (send_link(northside, bob, f"{ROOT}.{n}") for n in (1, 2))
    client = redeem(second, redeem(first))
    for link, left in ((second, [f"{ROOT}.1"]), (first, None)):
        with tenant_scope(northside.id):
            revoke_link(actor(bob), link.id, timezone.now())
        if left:
            assert found(client) == left
        else:
            assert client.get(f"{WEB}/studies").status_code == 404


def test_a_guest_of_two_practices_sees_each_for_itself(guest: Client, southside: Tenant, carol: User) -> None:
    redeem(send_link(southside, carol, f"{ROOT}.3"), guest)

    assert found(guest) == [f"{ROOT}.1", f"{ROOT}.2"]
    assert found(guest, slug="southside") == [f"{ROOT}.3"]


def test_a_search_of_a_guest_is_in_the_trail_before_it_is_answered(guest: Client, northside: Tenant) -> None:
    found(guest, PatientName="*doe*")

    recorded = events(northside, Action.STUDIES_SEARCHED)
    assert {each.actor_kind for each in recorded} == {"share", "patient"}
    assert all(each.details["fields"] == ["PatientName"] for each in recorded)


def test_nothing_leaves_without_an_agreement(guest: Client, northside: Tenant) -> None:
    Agreement.objects.filter(tenant=northside).delete()

    assert guest.get(f"{WEB}/studies").status_code == 403


@pytest.mark.parametrize("level", TAGS)
def test_strangers_find_nothing_at_any_level(level: str, carol: User, eve: User) -> None:
    assert Client().get(f"{WEB}/{level}").status_code == 401
    for stranger in (carol, eve):
        assert sign_in(stranger).get(f"{WEB}/{level}").status_code == 404


def test_lists_of_uids_do_not_reach_over_the_wall(
    northside: Tenant, southside: Tenant, nora: User, carol: User
) -> None:
    take_in(actor(carol), southside, {"a.dcm": instance(1, study=9)})

    for level, uid in (("studies", f"{ROOT}.9"), ("series", f"{ROOT}.9.1"), ("instances", f"{ROOT}.9.1.1")):
        keys = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID", "instances": "SOPInstanceUID"}
        assert found(sign_in(nora), level, **{keys[level]: uid}) == []
        assert found(sign_in(carol), level, "southside", **{keys[level]: uid}) == [uid]
