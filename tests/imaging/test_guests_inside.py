"""After the code: a redeemed browser sees its study and no other, until the link ends."""


import datetime as dt
import io
import re
import uuid
import zipfile

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils import timezone

from audit.actions import Action
from audit.actor import Actor, ActorKind
from imaging.access import StudyNotFound, study_to_view
from imaging.services.patients import revoke_invitation
from imaging.services.sharing import revoke_link
from imaging.views.guards import find_guest
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, sign_in
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import (  # noqa: F401 - fixtures
    FRAME,
    PHI,
    SERIES,
    UID,
    change,
    cheap_codes,
    get,
    image_urls,
    link,
    sent,
    study,
)
from tests.imaging.incoming import instance, take_in
from tests.imaging.library import body_of, get_parts
from tests.imaging.sharing import Sent, history, proof, redeem, send_link


def test_a_redeemed_browser_reaches_page_viewer_frames_and_download(sent: Sent) -> None:
    client = redeem(sent)

    assert [get(client, url) for url in image_urls(sent)] == [200] * 5
    assert len(get_parts(client, FRAME)[0][1]) == 16 * 16 * 2


def test_a_download_holds_the_original_bytes(sent: Sent) -> None:
    answer = redeem(sent).get(f"{sent.page}download")

    with zipfile.ZipFile(io.BytesIO(body_of(answer))) as archive:
        images = [archive.read(name) for name in archive.namelist() if name.endswith(".dcm")]
    assert images == [instance(1)]
    assert not [word for word in PHI if word in answer["Content-Disposition"]]


def test_a_link_for_looking_offers_and_gives_no_download(link: Sent) -> None:
    client = redeem(link)

    assert b"ZIP" not in client.get(link.page).content
    assert f"{link.page}download" not in client.get(f"{link.page}viewer").content.decode()
    assert client.get(f"{link.page}download").status_code == 404
    assert client.get(f"/t/northside/dicomweb/studies/{UID}").status_code == 404
    assert client.get(f"{SERIES}/instances/{UID}.1.1").status_code == 404
    assert get(client, FRAME) == 200


@pytest.mark.parametrize("end", ["revoked", "expired", "locked"])
def test_an_ended_link_is_refused_on_the_next_request(end: str, sent: Sent, northside: Tenant, bob: User) -> None:
    client = redeem(sent)
    now = timezone.now()
    if end == "revoked":
        revoke = revoke_invitation if "records" in sent.path else revoke_link
        with tenant_scope(northside.id):
            revoke(actor(bob), sent.id, now)
    elif end == "expired":
        change(sent, northside, created_at=now - dt.timedelta(days=2), expires_at=now)
    else:
        change(sent, northside, locked_at=now)

    assert [get(client, url) for url in image_urls(sent)] == [404] * 5
    assert b"Northside" not in client.get(sent.page).content


def test_another_browser_gets_nothing_from_the_page_without_a_secret(sent: Sent) -> None:
    redeem(sent)
    for url in (sent.page, f"{sent.page}viewer", f"{sent.page}download", sent.page.replace("/s/", "/records/")):
        assert Client().get(url).status_code == 404


def test_a_grant_of_one_kind_does_not_open_the_others_pages(sent: Sent) -> None:
    client = redeem(sent)
    page = sent.page.replace("/s/", "/records/") if "/s/" in sent.page else sent.page.replace("/records/", "/s/")
    assert client.get(page).status_code == 404


def test_a_link_that_was_never_redeemed_here_is_not_open_here(
    sent: Sent, study: str, northside: Tenant, bob: User
) -> None:
    client = redeem(sent)
    other = send_link(northside, bob, f"{ROOT}.2")
    assert client.get(other.page).status_code == 404


def test_a_guest_who_searches_finds_their_own_study_alone(sent: Sent) -> None:
    answer = redeem(sent).get("/t/northside/dicomweb/studies")

    assert [found["0020000D"]["Value"] for found in answer.json()] == [[UID]]


@pytest.mark.parametrize("url", [
    f"/t/northside/dicomweb/studies/{ROOT}.2/series",
    f"/t/northside/dicomweb/studies/{ROOT}.2/series/{ROOT}.2.1/thumbnail",
    f"/t/northside/dicomweb/studies/{ROOT}.2/series/{ROOT}.2.1/instances/{ROOT}.2.1.1/frames/1",
    f"/t/northside/dicomweb/studies/{UID}/series/{ROOT}.2.1/thumbnail",
    f"/t/northside/dicomweb/studies/{UID}/series/{ROOT}.2.1/metadata",
    "/t/nowhere/dicomweb/studies",
])  # fmt: skip
def test_a_guest_finds_no_other_study(url: str, sent: Sent, northside: Tenant) -> None:
    client = redeem(sent)

    assert client.get(url).status_code == 404
    assert "nowhere" in url or Action.ACCESS_DENIED in {action for action, _ in history(northside)}


PAGES = ["/", f"/studies/{UID}/", f"/studies/{UID}/share", f"/studies/{UID}/download", "/upload"]


@pytest.mark.parametrize("url", PAGES)
def test_a_guest_is_nobody_on_the_practices_own_pages(url: str, sent: Sent) -> None:
    answer = redeem(sent).get(f"/t/northside{url}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_the_same_uids_elsewhere_stay_closed(sent: Sent, southside: Tenant, carol: User) -> None:
    take_in(actor(carol), southside, {"a.dcm": instance(1, PatientName="Other^One")})
    client = redeem(sent)

    for url in [url.replace("northside", "southside") for url in image_urls(sent) if "northside" in url]:
        assert get(client, url) == 404
    assert client.get(f"/t/southside/dicomweb/studies/{UID}/series").status_code == 404


def test_the_session_names_a_guest_for_their_own_practice_and_study_alone(
    sent: Sent, northside: Tenant, southside: Tenant
) -> None:
    request = RequestFactory().get("/")
    request.session = redeem(sent).session

    assert find_guest(request, northside.id, UID).id == str(sent.id)
    assert find_guest(request, southside.id, UID) is None
    assert find_guest(request, northside.id, f"{ROOT}.2") is None


def test_access_itself_keeps_a_guest_to_their_own_study(sent: Sent, northside: Tenant) -> None:
    kind = ActorKind.PATIENT if "records" in sent.path else ActorKind.SHARE
    guest = Actor(kind, str(sent.id))

    with tenant_scope(northside.id):
        assert study_to_view(guest, UID).study_instance_uid == UID
        with pytest.raises(StudyNotFound):
            study_to_view(guest, f"{ROOT}.2")


def test_links_of_two_practices_open_each_its_own_bytes(sent: Sent, southside: Tenant, carol: User) -> None:
    take_in(actor(carol), southside, {"a.dcm": instance(1, PatientName="Other^One")})
    client = redeem(send_link(southside, carol, UID), redeem(sent))

    here, there = client.get(f"{SERIES}/metadata"), client.get(f"{SERIES}/metadata".replace("northside", "southside"))

    assert (b"Other" in body_of(here), b"Other" in body_of(there)) == (False, True)


def test_a_study_that_arrives_later_is_not_on_the_link(sent: Sent, northside: Tenant, bob: User) -> None:
    client = redeem(sent)
    take_in(actor(bob), northside, {"c.dcm": instance(1, study=3)})
    assert client.get(f"/t/northside/dicomweb/studies/{ROOT}.3/series").status_code == 404


def test_a_second_link_that_ends_leaves_the_first_one_open(link: Sent, northside: Tenant, bob: User) -> None:
    client = redeem(link)
    second = send_link(northside, bob, UID)
    redeem(second, client)

    change(second, northside, revoked_at=timezone.now())

    assert get(client, second.page) == 404
    assert get(client, link.page) == 200
    assert get(client, FRAME) == 200


def test_the_mails_link_leads_straight_in_where_it_was_redeemed(sent: Sent) -> None:
    client = redeem(sent)
    assert client.get(sent.path)["Location"] == sent.page
    assert Client().get(sent.path).status_code == 200


def test_redeeming_gives_the_browser_a_fresh_session(sent: Sent, eve: User) -> None:
    client = sign_in(eve)
    before = client.cookies["session"].value
    redeem(sent, client)
    assert client.cookies["session"].value != before
    assert get(client, FRAME) == 200


@pytest.mark.parametrize(("mark", "limit"), [
    ("seen_at", settings.SESSION_IDLE_SECONDS), ("began_at", settings.SESSION_ABSOLUTE_SECONDS),
])  # fmt: skip
def test_a_guests_session_ends_when_it_idled_or_is_old(mark: str, limit: int, sent: Sent) -> None:
    client = redeem(sent)
    client.get(sent.page)
    session = client.session
    session[mark] -= limit + 1
    session.save()

    assert client.get(sent.page).status_code == 404
    assert get(client, FRAME) == 401


def test_leaving_closes_the_images_in_this_browser_alone(sent: Sent) -> None:
    client, other = redeem(sent), redeem(sent)

    assert client.post(f"/leave/{sent.id}").status_code == 200

    assert [get(client, url) for url in image_urls(sent)] == [404, 404, 401, 401, 404]
    assert get(other, sent.page) == 200


def test_leaving_takes_a_post_with_the_sites_own_token(sent: Sent) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/leave/{sent.id}").status_code == 403
    assert client.get(f"/leave/{sent.id}").status_code == 405


def test_leaving_one_of_two_keeps_the_other(sent: Sent, northside: Tenant, bob: User) -> None:
    other = send_link(northside, bob, f"{ROOT}.2")
    client = redeem(other, redeem(sent))

    client.post(f"/leave/{sent.id}")

    assert (get(client, sent.page), get(client, other.page)) == (404, 200)


def test_leaving_what_is_not_open_is_no_error(db: None) -> None:
    assert Client().post(f"/leave/{uuid.uuid4()}").status_code == 200


def test_everything_is_in_the_history_with_the_link_as_actor(sent: Sent, northside: Tenant) -> None:
    Client().get(sent.path)
    Client().post(sent.path, proof(sent, sent.wrong_code))
    client = redeem(sent)
    for url in image_urls(sent):
        get(client, url)

    label = "Patient" if "records" in sent.path else "rita@ortho.example"
    done = [action for action, actor_label in history(northside) if actor_label == label]
    assert [action.rpartition(".")[2] for action in done] == [
        "opened", "code-wrong", "verified" if "records" in sent.path else "redeemed", "viewed", "frames-viewed",
        "metadata-viewed", "downloaded",
    ]  # fmt: skip


def test_pages_name_no_patient_in_title_or_address(sent: Sent) -> None:
    client = redeem(sent)
    for url in (sent.page, f"{sent.page}viewer"):
        title = re.search(r"<title>(.*?)</title>", client.get(url).content.decode()).group(1)
        assert not [word for word in PHI if word in title + url]
