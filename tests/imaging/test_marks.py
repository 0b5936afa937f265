"""Keeping and reading marks: what becomes of them, who may, and what is refused."""

import copy
import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable

import pydicom
import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.dicom.marks.reading import read_document
from imaging.dicom.part10 import split_part10
from imaging.forms.marks import MOST_BYTES, MOST_KEY_IMAGES, MOST_MARKS, MOST_VIEWS
from imaging.models import Instance, Series, Study
from imaging.services import mark_versions
from imaging.services.packing import pack_series
from tenants.baas.models import Agreement, Status
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance, read_back, take_in
from tests.imaging.library import CT, UNKNOWN, body_of, events, keep, real_file
from tests.imaging.marking import SHAPES, sent_all, sent_mark
from tests.imaging.sharing import redeem, send_invitation, send_link
from tests.imaging.test_stow import token_of

UID = f"{ROOT}.1"
SERIES, SOP = f"{UID}.1", f"{UID}.1.1"
URL = f"/t/northside/studies/{UID}/marks"
Save = Callable[..., HttpResponse]


@pytest.fixture
def study(northside: Tenant, bob: User) -> str:
    """Two slices and another study of the practice."""
    files = {"a.dcm": instance(1), "b.dcm": instance(2), "c.dcm": instance(1, study=2)}
    take_in(actor(bob), northside, files)
    return UID


@pytest.fixture
def bobs(study: str, bob: User, browser_of) -> Client:
    return browser_of(bob)


def save(client: Client, body: object, url: str = URL, **headers: str) -> HttpResponse:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(url, text, content_type="application/json", headers=headers)


def versions(client: Client, url: str = URL) -> list[dict]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return answer.json()["versions"]


def stored(tenant: Tenant, modality: str) -> list[pydicom.Dataset]:
    with tenant_scope(tenant.id):
        found = Instance.objects.filter(series__modality=modality).order_by("received_at", "sop_instance_uid")
        uids = list(found.values_list("sop_instance_uid", flat=True))
    return [pydicom.dcmread(io.BytesIO(read_back(tenant, uid))) for uid in uids]


# --- What becomes of it ---------------------------------------------------------------------------------------


def test_what_is_saved_is_read_again_as_it_was(bobs: Client) -> None:
    sent = sent_all(SOP)

    answer = save(bobs, sent)

    assert answer.status_code == 200, answer.content
    (version,) = versions(bobs)
    assert version["id"] == answer.json()["id"]
    assert (version["author"], version["ours"], version["left_out"]) == ("Bob", True, 0)
    image = {"series": SERIES, "sop": SOP, "frame": 1}
    for found, drawn in zip(version["marks"], sent["marks"], strict=True):
        assert (found["kind"], found["label"], found["image"]) == (drawn["kind"], drawn["label"], image)
        assert found["points"] == drawn["points"]
        assert sorted(found["values"], key=str) == sorted(drawn["values"], key=str)
        assert found["tracking_uid"]
    assert (version["key_images"], version["key_note"]) == ([image], "For the surgeon")
    assert version["views"] == [{
        "images": [image], "window": [40, 400], "inverted": True, "rotation": 90, "flipped": True,
        "area": [2, 3, 12, 14],
    }]  # fmt: skip


def test_each_kind_of_object_is_in_a_series_of_its_own_in_the_same_study(bobs: Client, northside: Tenant) -> None:
    save(bobs, sent_all(SOP))

    with tenant_scope(northside.id):
        found = Study.objects.get(study_instance_uid=UID)
        rows = {row.modality: row.instance_count for row in Series.objects.filter(study=found)}
    assert rows == {"CT": 2, "SR": 1, "KO": 1, "PR": 1}
    assert (found.series_count, found.instance_count) == (4, 5)
    assert found.modalities == "CT\\KO\\PR\\SR"


def test_nothing_stored_is_altered_and_a_later_version_names_the_earlier(bobs: Client, northside: Tenant) -> None:
    first = save(bobs, sent_all(SOP)).json()
    before = {uid: read_back(northside, uid) for uid in first["instances"]}

    second = save(bobs, {"marks": [sent_mark("length", SOP)], "replaces": first["id"]}).json()

    assert {uid: read_back(northside, uid) for uid in first["instances"]} == before
    assert not set(first["instances"]) & set(second["instances"])
    newest, oldest = versions(bobs)
    assert (newest["id"], newest["replaces"], oldest["id"]) == (second["id"], [first["id"]], first["id"])


def test_a_version_may_take_everything_back(bobs: Client) -> None:
    first = save(bobs, sent_all(SOP)).json()

    assert save(bobs, {"marks": [], "replaces": first["id"]}).status_code == 200

    assert versions(bobs)[0]["marks"] == []


def test_a_tracked_thing_stays_the_same_from_version_to_version(bobs: Client) -> None:
    save(bobs, {"marks": [sent_mark("length", SOP, tracking_uid="2.25.77")]})
    assert versions(bobs)[0]["marks"][0]["tracking_uid"] == "2.25.77"


def test_only_what_there_is_becomes_an_object(bobs: Client, northside: Tenant) -> None:
    save(bobs, {"key_images": [{"sop": SOP}]})
    assert [len(stored(northside, modality)) for modality in ("SR", "KO", "PR")] == [0, 1, 0]
    save(bobs, {"views": [{"series": SERIES, "inverted": True}]})
    assert [len(stored(northside, modality)) for modality in ("SR", "KO", "PR")] == [0, 1, 1]


def test_a_view_of_a_series_is_about_each_of_its_images(bobs: Client) -> None:
    save(bobs, {"views": [{"series": SERIES, "window": [1, 2]}]})
    (version,) = versions(bobs)
    assert {image["sop"] for image in version["views"][0]["images"]} == {SOP, f"{SERIES}.2"}
    assert version["views"][0]["area"] is None


def test_a_grey_and_a_coloured_image_get_a_state_each(northside: Tenant, bob: User, browser_of) -> None:
    grey, colour = keep(northside, bob, real_file(CT), real_file("examples_rgb_color.dcm"))
    for header in (grey, colour):
        url = f"/t/northside/studies/{header.StudyInstanceUID}/marks"
        assert save(browser_of(bob), sent_all(header.SOPInstanceUID), url).status_code == 200
    names = {each.SOPClassUID.name for each in stored(northside, "PR")}
    assert names == {"Grayscale Softcopy Presentation State Storage", "Color Softcopy Presentation State Storage"}


def test_the_objects_are_in_the_patients_zip(bobs: Client, northside: Tenant, bob: User) -> None:
    made = save(bobs, sent_all(SOP)).json()["instances"]
    invitation = send_invitation(northside, bob, UID)

    archive = zipfile.ZipFile(io.BytesIO(body_of(redeem(invitation).get(f"{invitation.page}download"))))

    files = {archive.read(name) for name in archive.namelist()}
    assert {read_back(northside, uid) for uid in made} <= files


def test_the_objects_are_found_and_packed_like_all_others(bobs: Client, northside: Tenant) -> None:
    save(bobs, sent_all(SOP))
    with tenant_scope(northside.id):
        series = {row.modality: row for row in Series.objects.exclude(modality="CT")}
    for row in series.values():
        pack_series(northside.id, row.id, timezone.now() + dt.timedelta(minutes=1))

    root = f"/t/northside/dicomweb/studies/{UID}/series"
    found = bobs.get(root, {"Modality": "SR"}).json()
    assert [each["0020000E"]["Value"][0] for each in found] == [series["SR"].series_instance_uid]
    metadata = json.loads(body_of(bobs.get(f"{root}/{series['SR'].series_instance_uid}/metadata")))
    assert metadata[0]["0040A730"]["Value"]


def test_the_time_is_when_it_was_received(bobs: Client) -> None:
    save(bobs, sent_all(SOP))
    at = dt.datetime.fromisoformat(versions(bobs)[0]["at"])
    assert abs((timezone.now() - at).total_seconds()) < 600


def test_a_report_of_another_program_is_a_version_too(bobs: Client, northside: Tenant, bob: User) -> None:
    save(bobs, {"marks": [sent_mark("ellipse", SOP), sent_mark("length", SOP)]})
    (report,) = stored(northside, "SR")
    report.Manufacturer, report.SOPInstanceUID, report.SeriesInstanceUID = "Elsewhere", f"{UID}.8.1", f"{UID}.8"
    report.file_meta.MediaStorageSOPInstanceUID = report.SOPInstanceUID
    # One of its measurements is about an image that never came here.
    group = report.ContentSequence[-1].ContentSequence[0]
    scoord = next(item for item in group.ContentSequence if item.ValueType == "SCOORD")
    scoord.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID = UNKNOWN
    buffer = io.BytesIO()
    report.save_as(buffer, enforce_file_format=True)
    take_in(actor(bob), northside, {"foreign.dcm": buffer.getvalue()})

    foreign = next(each for each in versions(bobs) if not each["ours"])

    assert [mark["kind"] for mark in foreign["marks"]] == ["length"]
    assert (foreign["left_out"], foreign["title"]) == (1, "Imaging Measurement Report")


def test_more_versions_than_are_read_are_said_to_be_there(bobs: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark_versions, "MOST_DOCUMENTS", 1)
    save(bobs, {"marks": [sent_mark("length", SOP)]})
    assert bobs.get(URL).json()["more"] is False
    save(bobs, {"marks": [sent_mark("angle", SOP)]})
    answer = bobs.get(URL).json()
    assert (len(answer["versions"]), answer["more"]) == (1, True)


# --- Who may --------------------------------------------------------------------------------------------------


def test_an_owner_and_a_token_that_stores_may_save(study: str, alice: User, bob: User, northside, browser_of) -> None:
    assert save(browser_of(alice), sent_all(SOP)).status_code == 200
    token = token_of(bob, northside, "store")
    answer = save(Client(enforce_csrf_checks=True), sent_all(SOP), Authorization=f"Bearer {token}")
    assert answer.status_code == 200


def test_a_viewer_may_read_and_not_save(bobs: Client, nora: User, northside: Tenant, browser_of) -> None:
    save(bobs, sent_all(SOP))
    client = browser_of(nora)

    answer = client.get(URL).json()

    assert (len(answer["versions"]), answer["may_save"]) == (1, False)
    assert bobs.get(URL).json()["may_save"] is True
    assert save(client, sent_all(SOP)).status_code == 404
    assert len(stored(northside, "SR")) == 1
    assert events(northside, Action.ACCESS_DENIED)


def test_guests_may_read_and_not_save(bobs: Client, northside: Tenant, bob: User) -> None:
    save(bobs, sent_all(SOP))
    for guest in (redeem(send_link(northside, bob, UID)), redeem(send_invitation(northside, bob, UID))):
        answer = guest.get(URL).json()
        assert (len(answer["versions"]), answer["may_save"]) == (1, False)
        assert save(guest, sent_all(SOP)).status_code == 401
        assert guest.get(URL.replace(UID, f"{ROOT}.2")).status_code == 404


def test_another_practice_can_neither_read_nor_save(bobs: Client, carol: User, browser_of, northside: Tenant) -> None:
    save(bobs, sent_all(SOP))
    client = browser_of(carol)
    for url in (URL, URL.replace("northside", "southside")):
        assert client.get(url).status_code == 404
        assert save(client, sent_all(SOP), url).status_code == 404
    assert len(stored(northside, "SR")) == 1


def test_a_stranger_can_neither_read_nor_save(study: str, northside: Tenant) -> None:
    assert Client().get(URL).status_code == 401
    assert save(Client(), sent_all(SOP)).status_code == 401
    assert save(Client(), sent_all(SOP), Authorization="Bearer wrong").status_code == 401


def test_a_token_that_reads_cannot_save(study: str, bob: User, northside: Tenant) -> None:
    token = token_of(bob, northside, "read")
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get(URL).status_code == 200
    assert save(client, sent_all(SOP)).status_code == 401


def test_a_session_needs_its_csrf_token(study: str, bob: User, browser_of, northside: Tenant) -> None:
    client = browser_of(bob)
    client.handler.enforce_csrf_checks = True
    assert save(client, sent_all(SOP)).status_code == 403
    assert stored(northside, "SR") == []


@pytest.mark.parametrize("uid", [UNKNOWN, "x", "1" * 65])
def test_a_study_that_is_not_there_is_not_found(uid: str, bobs: Client) -> None:
    url = f"/t/northside/studies/{uid}/marks"
    assert bobs.get(url).status_code == 404
    assert save(bobs, sent_all(SOP), url).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_there_is_no_other_method(method: str, bobs: Client) -> None:
    assert getattr(bobs, method)(URL).status_code == 405


def test_no_agreement_no_saving(bobs: Client, northside: Tenant) -> None:
    Agreement.objects.filter(tenant=northside).update(status=Status.TERMINATED, terminated_at=timezone.now())
    assert save(bobs, sent_all(SOP)).status_code == 403
    assert stored(northside, "SR") == []
    assert events(northside, Action.GATE_REFUSED)


def test_saving_and_reading_are_in_the_trail(bobs: Client, northside: Tenant) -> None:
    made = save(bobs, sent_all(SOP)).json()
    bobs.get(URL)

    (saved,) = events(northside, Action.MARKS_SAVED)
    assert (saved.study_instance_uid, saved.subject_id) == (UID, made["id"][:40])
    assert saved.details == {"objects": 3, "marks": len(SHAPES), "views": 1, "key_images": 1}
    (read,) = events(northside, Action.MARKS_VIEWED)
    assert (read.study_instance_uid, read.actor_label) == (UID, "bob@northside.example")
    assert len(events(northside, Action.INSTANCES_RECEIVED)) == 2 + 3


# --- What is refused ------------------------------------------------------------------------------------------


def spoiled(**more: object) -> dict[str, object]:
    """A length that is sound but for what is given."""
    return {"marks": [sent_mark("length", SOP) | more]}


def with_value(**more: object) -> dict[str, object]:
    return spoiled(values=[{"name": "length", "value": 1, "unit": "mm"} | more])


BAD = {
    "not JSON": "{", "not an object": "[]", "infinite": json.dumps(with_value()).replace('"value": 1', '"value": NaN'),
    "deep": "[" * 100_000, "huge number": with_value(value=10**400), "true": with_value(value=True),
    "text": with_value(value="1"), "another unit": with_value(unit="furlong"), "unit of pixels": with_value(unit="HU"),
    "another name": with_value(name="mean"),
    "twice": spoiled(values=[{"name": "length", "value": 1, "unit": "mm"}] * 2),
    "another kind": spoiled(kind="circle"), "kind is a list": spoiled(kind=["length"]), "no points": spoiled(points=[]),
    "one point": spoiled(points=[[1, 1]]), "three points": spoiled(points=[[1, 1]] * 3),
    "flat points": spoiled(points=[1, 2, 3, 4]), "points in space": spoiled(points=[[1, 2, 3], [4, 5, 6]]),
    "no image": spoiled(image=None), "frame 0": spoiled(image={"sop": SOP, "frame": 0}),
    "half a frame": spoiled(image={"sop": SOP, "frame": 1.5}), "no UID": spoiled(image={"sop": "x", "frame": 1}),
    "a UID of words": spoiled(tracking_uid="../../x"), "long label": spoiled(label="x" * 201),
    "label is a number": spoiled(label=7), "marks are an object": {"marks": {}}, "mark is a number": {"marks": [7]},
    "too many": {"marks": [sent_mark("length", SOP)] * (MOST_MARKS + 1)},
    "too many points": {"marks": [sent_mark("freehand", SOP, points=[[1, 1]] * 2001)]},
    "too many key images": {"key_images": [{"sop": SOP}] * (MOST_KEY_IMAGES + 1)},
    "too many views": {"views": [{"series": SERIES}] * (MOST_VIEWS + 1)},
    "a series twice": {"views": [{"series": SERIES}] * 2},
    "a crooked view": {"views": [{"series": SERIES, "rotation": 45}]},
    "a view of nothing": {"views": [{"rotation": 90}]}, "no window": {"views": [{"series": SERIES, "window": [1, 0]}]},
    "inside out": {"views": [{"series": SERIES, "area": [9, 9, 1, 1]}]},
    "inverted by word": {"views": [{"series": SERIES, "inverted": "yes"}]}, "nothing": {},
    "too large": " " * (MOST_BYTES + 1),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_no_viewer_sends_is_refused_with_a_reason(name: str, bobs: Client, northside: Tenant) -> None:
    answer = save(bobs, BAD[name])

    assert answer.status_code == 400
    assert answer.json()["reason"]
    assert stored(northside, "SR") == stored(northside, "KO") == stored(northside, "PR") == []


ELSEWHERE = {
    "an image of another study": spoiled(image={"sop": f"{ROOT}.2.1.1", "frame": 1}),
    "an unknown image": spoiled(image={"sop": UNKNOWN, "frame": 1}),
    "a frame that is not there": spoiled(image={"sop": SOP, "frame": 2}),
    "left of the image": spoiled(points=[[-1, 1], [2, 2]]), "below the image": spoiled(points=[[1, 1], [2, 16.5]]),
    "an unknown key image": {"key_images": [{"sop": UNKNOWN}]}, "an unknown series": {"views": [{"series": UNKNOWN}]},
    "an image for a predecessor": {"marks": [sent_mark("length", SOP)], "replaces": SOP},
    "an unknown predecessor": {"marks": [sent_mark("length", SOP)], "replaces": UNKNOWN},
}  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_about_something_else_is_refused(name: str, bobs: Client, northside: Tenant) -> None:
    assert save(bobs, ELSEWHERE[name]).status_code == 409
    assert stored(northside, "SR") == stored(northside, "KO") == stored(northside, "PR") == []


def test_a_report_is_no_image_to_draw_on(bobs: Client) -> None:
    report = save(bobs, sent_all(SOP)).json()["id"]
    assert save(bobs, spoiled(image={"sop": report, "frame": 1})).status_code == 409


def test_markup_and_controls_in_a_label_stay_text_without_them(bobs: Client, northside: Tenant) -> None:
    label = "<img src=x onerror=alert(1)>\u202e\x00\x1b hip"
    save(bobs, spoiled(label=label))
    assert versions(bobs)[0]["marks"][0]["label"] == "<img src=x onerror=alert(1)> hip"


def test_a_broken_report_in_the_study_costs_only_itself(bobs: Client, northside: Tenant, bob: User) -> None:
    save(bobs, sent_all(SOP))
    (report,) = stored(northside, "SR")
    broken = copy.deepcopy(report)
    broken.SOPInstanceUID = broken.file_meta.MediaStorageSOPInstanceUID = f"{UID}.9.1"
    broken.SeriesInstanceUID, broken.Manufacturer = f"{UID}.9", "Elsewhere"
    for group in broken.ContentSequence[-1].ContentSequence:
        del group.ContentSequence
    buffer = io.BytesIO()
    broken.save_as(buffer, enforce_file_format=True)
    take_in(actor(bob), northside, {"broken.dcm": buffer.getvalue()})

    found = {version["ours"]: version for version in versions(bobs)}

    assert len(found[True]["marks"]) == len(SHAPES)
    assert (found[False]["marks"], found[False]["left_out"]) == ([], len(SHAPES))


def test_the_stored_bytes_are_what_the_gate_passes_and_the_reader_understands(bobs: Client, northside: Tenant) -> None:
    for uid in save(bobs, sent_all(SOP)).json()["instances"]:
        assert read_document(split_part10(read_back(northside, uid))[1], "1.2.840.10008.1.2.1").ours
