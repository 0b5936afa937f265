"""The study page: what it shows, to whom, and what is written down about it."""

import datetime as dt
import re
import uuid
from dataclasses import replace
from zoneinfo import ZoneInfo

import pydicom
import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.models import Instance, Series, Study
from imaging.selectors.history import PAGE_SIZE
from imaging.selectors.names import display_name
from imaging.selectors.states import get_state
from imaging.services.openings import open_history, open_study
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import instance
from tests.imaging.library import CT, UNKNOWN, body_of, events, keep, page_url, real_file

PAGES = ["/", "/state", "/history", "/viewer", "/download"]


@pytest.fixture
def ct(northside: Tenant, bob: User) -> pydicom.Dataset:
    return keep(northside, bob, real_file(CT))[0]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_answers_an_uploader(page: str, ct: pydicom.Dataset, bob: User, browser_of) -> None:
    response = browser_of(bob).get(page_url(ct, page))
    assert response.status_code == 200
    assert body_of(response)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_answers_another_practice(page: str, ct, northside, carol: User, browser_of) -> None:
    client = browser_of(carol)
    assert client.get(page_url(ct, page)).status_code == 404
    assert client.get(page_url(ct, page, "southside")).status_code == 404
    assert len(events(northside, Action.ACCESS_DENIED)) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_sent_to_sign_in(page: str, ct: pydicom.Dataset) -> None:
    assert Client().get(page_url(ct, page)).status_code == 302


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("uid", [UNKNOWN, "x", "1" * 65])
def test_a_study_that_is_not_there_is_not_found(page: str, uid: str, ct, bob, browser_of) -> None:
    assert browser_of(bob).get(f"/t/northside/studies/{uid}{page}").status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_changed_by_a_post(page: str, ct: pydicom.Dataset, bob: User, browser_of) -> None:
    assert browser_of(bob).post(page_url(ct, page)).status_code == 405


def test_the_page_shows_patient_series_and_state(ct: pydicom.Dataset, nora: User, browser_of) -> None:
    page = browser_of(nora).get(page_url(ct)).content.decode()
    assert "CompressedSamples, CT1" in page
    assert "1CT1" in page
    assert "19 Jan 2004" in page
    assert re.search(r"CT[^<]* · 1 image", page)
    assert 'data-settled="false"' in page


def test_the_title_and_the_addresses_name_nobody(ct: pydicom.Dataset, bob: User, browser_of) -> None:
    for path in ("/", "/history", "/viewer"):
        page = browser_of(bob).get(page_url(ct, path)).content.decode()
        spoken = re.findall(r"<title>.*?</title>|(?:href|src|action|data-\w*url)=\"[^\"]*\"", page)
        assert not [each for each in spoken if re.search("Compressed|1CT1", each)]


def test_a_look_is_recorded_once_in_a_quarter_of_an_hour(ct, northside: Tenant, nora: User, browser_of) -> None:
    client = browser_of(nora)
    client.get(page_url(ct))
    client.get(page_url(ct))

    (event,) = events(northside, Action.STUDY_VIEWED)

    assert (event.actor_label, event.study_instance_uid) == (nora.email, ct.StudyInstanceUID)


def test_a_viewer_cannot_share_nor_read_the_history(ct: pydicom.Dataset, nora: User, bob, browser_of) -> None:
    share = page_url(ct, "/share")
    assert share in browser_of(bob).get(page_url(ct)).content.decode()
    assert share not in browser_of(nora).get(page_url(ct)).content.decode()
    assert browser_of(nora).get(page_url(ct, "/history")).status_code == 404


def test_no_way_leads_a_viewer_to_the_history(ct: pydicom.Dataset, northside: Tenant, nora: User) -> None:
    with tenant_scope(northside.id), pytest.raises(StudyNotFound):
        open_history(actor(nora), ct.StudyInstanceUID, 1)


def test_a_series_with_a_thumbnail_shows_it(ct: pydicom.Dataset, northside, nora: User, browser_of) -> None:
    address = f"/series/{ct.SeriesInstanceUID}/thumbnail"
    assert address not in browser_of(nora).get(page_url(ct)).content.decode()
    with tenant_scope(northside.id):
        Series.objects.update(thumbnail=uuid.uuid4())
    assert address in browser_of(nora).get(page_url(ct)).content.decode()


# --- State --------------------------------------------------------------------------------------------------------


@pytest.fixture
def study(northside: Tenant, bob: User) -> Study:
    keep(northside, bob, *(instance(number) for number in range(1, 5)))
    with tenant_scope(northside.id):
        return Study.objects.get()


def state(study: Study) -> dict[str, tuple[str, str]]:
    found = get_state(study)
    return {name: (step.state, step.text) for name, step in vars(found).items() if name != "refused"}


def mark(count: int, **fields: object) -> None:
    some = Instance.objects.order_by("instance_number").values_list("id", flat=True)[:count]
    Instance.objects.filter(id__in=list(some)).update(**fields)


def test_each_step_is_counted(study: Study, northside: Tenant) -> None:
    now = timezone.now()
    with tenant_scope(northside.id):
        mark(4, sealed_at=now)
        mark(2, stored_at=now)

        assert state(study) == {
            "received": ("done", "4 images"), "in_pacs": ("doing", "2 of 4"), "sealed": ("done", ""),
            "mirrored": ("waiting", "0 of 4"),
        }  # fmt: skip


def test_what_the_pacs_refuses_is_said_and_settles(study: Study, northside, nora: User, browser_of) -> None:
    now = timezone.now()
    with tenant_scope(northside.id):
        mark(4, sealed_at=now, mirrored_at=now, store_refusal="no")
        mark(3, stored_at=now, store_refusal="")
        assert state(study)["in_pacs"] == ("failed", "3 of 4")

    fragment = browser_of(nora).get(f"/t/northside/studies/{study.study_instance_uid}/state").content.decode()

    assert 'data-settled="true"' in fragment
    assert "does not take 1 of the images" in fragment


def test_asking_for_the_state_is_no_look(ct: pydicom.Dataset, northside, nora: User, browser_of) -> None:
    browser_of(nora).get(page_url(ct, "/state"))
    assert not events(northside, Action.STUDY_VIEWED)


# --- History ------------------------------------------------------------------------------------------------------


def test_the_history_says_who_did_what_from_where(ct, bob: User, alice: User, nora, browser_of) -> None:
    browser_of(nora).get(page_url(ct))

    page = browser_of(alice).get(page_url(ct, "/history")).content.decode()

    entries = re.findall(r"timeline__title\">(.*?)</span><span class=\"timeline__text\">(.*?)</span>", page)
    assert [what for what, _ in entries] == ["Audit trail viewed", "Study opened", "Images received"]
    assert entries[1][1] == f"{nora.email} · 127.0.0.1"
    assert bob.email in entries[2][1]


def test_the_history_is_paged(ct: pydicom.Dataset, northside: Tenant, bob: User, browser_of) -> None:
    with tenant_scope(northside.id):
        for number in range(PAGE_SIZE):
            open_study(replace(actor(bob), address=f"10.0.0.{number}"), ct.StudyInstanceUID)
    client = browser_of(bob)
    first, second = (client.get(page_url(ct, f"/history?page={number}")).content.decode() for number in (1, 2))
    assert first.count("timeline__item ") == PAGE_SIZE
    assert second.count("timeline__item ") == 2
    assert client.get(page_url(ct, "/history?page=-1")).status_code == 200


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Doe^Jane^A^Dr", "Doe, Jane A Dr"), ("^Jane", "Jane"), ("Doe", "Doe"), ("", "No name"), ("^^^^", "No name"),
     ("=山田^太郎", "山田 太郎"), ("Yamada^Tarou=山田^太郎", "Yamada, Tarou (山田 太郎)"),
     ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎)"), ("==やまだ^たろう", "やまだ たろう"),
     ("Hong^Gildong=洪^吉洞=홍^길동", "Hong, Gildong (洪 吉洞)"), ("Doe^Jane==", "Doe, Jane"), ("Doe=Doe", "Doe")],
)  # fmt: skip
def test_a_name_is_shown_as_people_write_it(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_a_series_without_images_says_what_it_is(northside: Tenant, bob: User, browser_of) -> None:
    (report,) = keep(northside, bob, real_file("reportsi.dcm"))

    page = browser_of(bob).get(page_url(report)).content.decode()

    tile = page[page.index('<li class="tile">') : page.index("</ul>", page.index('<li class="tile">'))]
    assert "SR · Structured report" in re.sub(r"\s+", " ", tile)
    assert "icons.svg#report" in tile
    assert "image" not in tile.replace("/static/img", "")


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Pacific/Kiritimati"])
def test_the_device_s_dates_never_shift_but_our_times_do(
    zone: str, ct: pydicom.Dataset, northside: Tenant, bob: User, browser_of
) -> None:
    """DICOM dates are days on the device's own calendar; when a study was received is an instant of ours."""
    received = dt.datetime(2026, 7, 4, 11, 0, tzinfo=dt.UTC)
    with tenant_scope(northside.id):
        Study.objects.update(received_at=received)
    Tenant.objects.update(time_zone=zone)

    page = browser_of(bob).get(page_url(ct)).content.decode()

    assert "19 Jan 2004" in page
    assert f"{received.astimezone(ZoneInfo(zone)):%-d %b %Y %H:%M}" in page
