"""The receiver's side: opening spends nothing, the code redeems, and a redeemed browser sees its study and no other."""

import datetime as dt
import io
import re
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.models import PatientInvitation, ShareLink
from imaging.services.patients import revoke_invitation
from imaging.services.sharing import revoke_link
from tenants.baas.models import Agreement
from tenants.models import Role, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, add_tenant, sign_in
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance, take_in
from tests.imaging.library import ANY, body_of, get_parts
from tests.imaging.sharing import BORN, Sent, history, proof, redeem, send_invitation, send_link

UID = f"{ROOT}.1"
SERIES = f"/t/northside/dicomweb/studies/{UID}/series/{UID}.1"
FRAME = f"{SERIES}/instances/{UID}.1.1/frames/1"
KINDS = {"share": (send_link, ShareLink), "patient": (send_invitation, PatientInvitation)}
BOTS = [
    "Slackbot-LinkExpanding 1.0", "WhatsApp/2.23", "facebookexternalhit/1.1 Facebot Twitterbot/1.0", "Discordbot/2.0",
    "TelegramBot (like TwitterBot)", "LinkedInBot/1.0", "SkypeUriPreview", "Microsoft Office/16.0 (Microsoft Outlook)",
    "Barracuda Sentinel (EE)", "Mozilla/5.0 (compatible; bingbot/2.0)",
]  # fmt: skip
PHI = ("Doe", "Jane", "DOE", "JANE", "1970")


@pytest.fixture(autouse=True)
def cheap_codes(settings: object) -> None:
    """Argon2 is slow on purpose; that it is used is a test of tests/imaging/test_sharing.py."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def study(northside: Tenant, bob: User) -> str:
    take_in(actor(bob), northside, {"a.dcm": instance(1), "b.dcm": instance(1, study=2)})
    return UID


@pytest.fixture(params=KINDS)
def sent(request: pytest.FixtureRequest, study: str, northside: Tenant, bob: User) -> Sent:
    """A share link that may download, and a patient's invitation: the same rules hold for both."""
    send, _ = KINDS[request.param]
    return send_link(northside, bob, study, may_download=True) if send is send_link else send(northside, bob, study)


@pytest.fixture
def link(study: str, northside: Tenant, bob: User) -> Sent:
    """A share link for looking only."""
    return send_link(northside, bob, study)


def change(sent: Sent, tenant: Tenant, **fields: object) -> None:
    model = PatientInvitation if sent.path.startswith("/records") else ShareLink
    with tenant_scope(tenant.id):
        assert model.objects.filter(id=sent.id).update(**fields) == 1


def row(sent: Sent, tenant: Tenant) -> ShareLink | PatientInvitation:
    model = PatientInvitation if sent.path.startswith("/records") else ShareLink
    with tenant_scope(tenant.id):
        return model.objects.get(id=sent.id)


def actions(tenant: Tenant, sent: Sent) -> list[str]:
    return [action.partition(".")[2] for action, _ in history(tenant, sent.id)]


def image_urls(sent: Sent) -> list[str]:
    """Everything a redeemed browser that may download can reach."""
    return [sent.page, f"{sent.page}viewer", FRAME, f"{SERIES}/metadata", f"{sent.page}download"]


def get(client: Client, url: str) -> int:
    return client.get(url, headers={"Accept": ANY} if "/frames/" in url else {}).status_code


# --- Before the code ------------------------------------------------------------------------------------------


def test_the_right_code_moves_the_browser_to_a_page_without_a_secret(sent: Sent, northside: Tenant) -> None:
    client = redeem(sent)

    page = client.get(sent.page)

    assert page.status_code == 200
    assert b"DOE, JANE" in page.content or b"Doe, Jane" in page.content
    assert sent.path.rpartition("/")[2] not in page.content.decode()
    assert client.get(sent.page).status_code == 200
    assert row(sent, northside).failed_tries == 0


def test_whoever_only_opens_the_link_learns_nothing_of_the_patient(sent: Sent) -> None:
    for agent in BOTS:
        answer = Client(headers={"User-Agent": agent}).get(sent.path)

        assert answer.status_code == 200
        assert not [word for word in (*PHI, UID) if word in answer.content.decode()]
        assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex, nofollow")


def test_the_secret_is_in_no_referrer(sent: Sent) -> None:
    for answer in (Client().get(sent.path), Client().post(sent.path), Client().post(sent.path, proof(sent))):
        assert answer["Referrer-Policy"] == "strict-origin"


def test_opening_a_hundred_times_in_every_way_spends_nothing(sent: Sent, northside: Tenant) -> None:
    scanner = Client()
    for number in range(25):
        scanner.get(sent.path, headers={"Sec-Purpose": "prefetch"} if number % 2 else {})
        scanner.head(sent.path)
        scanner.post(sent.path)
        scanner.post(sent.path, proof(sent, "test"))

    assert row(sent, northside).failed_tries == 0
    assert set(actions(northside, sent)) <= {"created", "invited", "opened"}
    redeem(sent)


def test_a_form_without_the_sites_own_token_is_refused_and_spends_nothing(sent: Sent, northside: Tenant) -> None:
    scanner = Client(enforce_csrf_checks=True)

    assert scanner.post(sent.path, proof(sent, sent.wrong_code)).status_code == 403
    assert row(sent, northside).failed_tries == 0


def test_nothing_can_be_reached_before_the_code(sent: Sent) -> None:
    client = Client()
    client.get(sent.path)

    assert [get(client, url) for url in image_urls(sent)] == [404, 404, 401, 401, 404]


def test_the_fifth_wrong_code_locks_and_the_right_one_is_then_wrong_too(sent: Sent, northside: Tenant) -> None:
    answers = [Client().post(sent.path, proof(sent, sent.wrong_code)) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [422] * 4 + [404]
    assert [f"{4 - place} tr" in answer.content.decode() for place, answer in enumerate(answers[:4])] == [True] * 4
    assert Client().post(sent.path, proof(sent)).status_code == 404
    assert row(sent, northside).locked_at
    assert actions(northside, sent)[1:] == ["code-wrong"] * 5 + ["locked"]


def test_four_wrong_codes_and_the_right_one_open_it(sent: Sent, northside: Tenant) -> None:
    for _ in range(4):
        Client().post(sent.path, proof(sent, sent.wrong_code))
    redeem(sent)
    assert row(sent, northside).failed_tries == 0


@pytest.mark.parametrize("end", ["unknown", "revoked", "expired", "locked"])
def test_every_link_that_does_not_work_has_one_answer(end: str, sent: Sent, northside: Tenant) -> None:
    now = timezone.now()
    ends = {
        "revoked": {"revoked_at": now}, "locked": {"locked_at": now},
        "expired": {"created_at": now - dt.timedelta(days=2), "expires_at": now},
    }  # fmt: skip
    path = sent.path if end in ends else sent.path[:-4] + "AAAA"
    if end in ends:
        change(sent, northside, **ends[end])

    answers = [Client().get(path), Client().post(path, proof(sent)), Client().get(f"/s/{'x' * 43}")]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.content for answer in answers}) == 1
    assert b"Northside" not in answers[0].content
    assert Client().head(path).status_code == 404


def test_one_kind_of_secret_does_not_open_the_other(sent: Sent) -> None:
    swapped = sent.path.replace("/s/", "/records/") if "/s/" in sent.path else sent.path.replace("/records/", "/s/")
    assert Client().get(swapped).status_code == 404


@pytest.mark.parametrize("token", ["x", "open", "%00", "%F0%28", "é", "x" * 3000])
def test_a_malformed_secret_is_one_that_is_not_there(token: str, db: None) -> None:
    assert Client().get(f"/s/{token}").status_code == 404
    assert Client().get(f"/records/{token}").status_code == 404


def test_only_reading_and_posting_is_allowed(sent: Sent) -> None:
    assert Client().put(sent.path).status_code == 405
    assert redeem(sent).post(sent.page).status_code == 405


def test_a_practice_without_agreement_gives_nothing_out(sent: Sent, northside: Tenant) -> None:
    client = redeem(sent)
    Agreement.objects.all().delete()

    assert Client().get(sent.path).status_code == 404
    assert Client().post(sent.path, proof(sent)).status_code == 404
    assert [get(client, url) for url in image_urls(sent)] == [404, 404, 403, 403, 404]
    assert [action for action, _ in history(northside)].count(Action.GATE_REFUSED) == 7


# --- Five tries, whatever the clock -----------------------------------------------------------------------------


@pytest.mark.usefixtures("live_db")
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_wrong_codes_at_once_count_as_five(kind: str, settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # a wide window for a race
    northside = add_tenant("northside", "Northside Dental")
    bob = add_person("Bob", northside, Role.UPLOADER)
    take_in(actor(bob), northside, {"a.dcm": instance(1)})
    sent = KINDS[kind][0](northside, bob, UID)

    def attempt(_: int) -> int:
        try:
            return Client().post(sent.path, proof(sent, sent.wrong_code)).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(attempt, range(20)))

    assert answers == [404] * 16 + [422] * 4
    assert row(sent, northside).failed_tries == 5
    assert actions(northside, sent)[1:] == ["code-wrong"] * 5 + ["locked"]


# --- After the code -------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("url", [
    "/t/northside/dicomweb/studies",
    f"/t/northside/dicomweb/studies/{ROOT}.2/series",
    f"/t/northside/dicomweb/studies/{ROOT}.2/series/{ROOT}.2.1/thumbnail",
    f"/t/northside/dicomweb/studies/{ROOT}.2/series/{ROOT}.2.1/instances/{ROOT}.2.1.1/frames/1",
    f"/t/northside/dicomweb/studies/{UID}/series/{ROOT}.2.1/thumbnail",
    f"/t/northside/dicomweb/studies/{UID}/series/{ROOT}.2.1/metadata",
    "/t/nowhere/dicomweb/studies",
])  # fmt: skip
def test_a_guest_finds_no_other_study_and_no_list(url: str, sent: Sent, northside: Tenant) -> None:
    client = redeem(sent)

    assert client.get(url).status_code == 404
    assert "nowhere" in url or Action.ACCESS_DENIED in {action for action, _ in history(northside)}


@pytest.mark.parametrize("url", ["/", f"/studies/{UID}/", f"/studies/{UID}/share", f"/studies/{UID}/download", "/upload"])
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


# --- Patients -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code_right", "born"), [(True, BORN + dt.timedelta(days=1)), (False, BORN)])
def test_a_patient_needs_both_and_is_not_told_which_was_wrong(
    code_right: bool, born: dt.date, study: str, northside: Tenant, bob: User
) -> None:
    sent = send_invitation(northside, bob, study)

    answer = Client().post(sent.path, proof(sent, sent.code if code_right else sent.wrong_code, born))

    assert answer.status_code == 422
    assert b"Birth date and code do not match. 4 tries left." in answer.content


def test_the_birth_date_may_come_as_month_day_and_year(study: str, northside: Tenant, bob: User) -> None:
    sent = send_invitation(northside, bob, study)
    parts = {"birth_date_month": "1", "birth_date_day": "31", "birth_date_year": "1970", "code": sent.code}

    assert Client().post(sent.path, parts).status_code == 302


@pytest.mark.parametrize("born", ["", "31.1.1970", "2999-01-01", "1800-01-01", "1970-02-30"])
def test_what_cannot_be_a_birth_date_is_no_try(born: str, study: str, northside: Tenant, bob: User) -> None:
    sent = send_invitation(northside, bob, study)

    assert Client().post(sent.path, {"code": sent.code, "birth_date": born}).status_code == 422
    assert row(sent, northside).failed_tries == 0


def test_a_patient_sees_who_looked_and_no_names_of_staff(
    study: str, northside: Tenant, bob: User, link: Sent
) -> None:
    sign_in(bob).get(f"/t/northside/studies/{UID}/")
    redeem(link).get(link.page)
    sent = send_invitation(northside, bob, study)
    client = redeem(sent)
    client.get(f"{sent.page}download")

    page = client.get(sent.page).content.decode()

    rows = re.findall(r"<strong>(.*?)</strong><span class=\"sub\">(.*?)</span>", page)
    assert set(rows) == {
        ("You", "Looked at the images"), ("You", "Downloaded the files"),
        ("Referring office (Rita Ross)", "Looked at the images"), ("Practice staff", "Looked at the images"),
    }  # fmt: skip
    assert "bob" not in page.lower()


def test_a_referring_office_does_not_see_who_else_looked(link: Sent) -> None:
    assert b"Who has looked" not in redeem(link).get(link.page).content
