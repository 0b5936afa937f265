"""Two users with the same disc, and discs that bring more than images."""

from collections.abc import Callable
from uuid import uuid4

from django.test import Client

from imaging.models import Instance
from tenants.models import Tenant, User
from tests.imaging.dicom.hostile import ROOT, tiny_instance
from tests.imaging.incoming import bundle, instance, read_back, upload
from tests.imaging.uploading import URL, bobs, rows  # noqa: F401

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def test_two_users_with_the_same_study_keep_it_once_and_are_both_told(
    bobs: Client,
    alice: User,
    browser_of: Callable[[User], Client],
    northside: Tenant,
) -> None:
    alices = browser_of(alice)
    disc = bundle({f"disc/{number}.dcm": instance(number) for number in (1, 2)})
    batches = {bobs: uuid4(), alices: uuid4()}

    first, second = (upload(client, disc, kind="bundle", batch=batch) for client, batch in batches.items())

    assert [line["outcome"] for line in first["files"]] == ["stored"] * 2
    assert [line["outcome"] for line in second["files"]] == ["already_here"] * 2
    assert {line["study_url"] for line in first["files"] + second["files"]} == {f"/t/northside/studies/{ROOT}.1/"}
    assert len(rows(northside, Instance)) == 2
    for client, batch in batches.items():
        (study,) = client.get(f"{URL}batches/{batch}").json()["studies"]
        assert study["instances"] == 2


def test_one_disc_twice_in_one_drop_is_kept_once(bobs: Client, northside: Tenant) -> None:
    names = ("disc/1.dcm", "copy of disc/1.dcm")

    result = upload(bobs, bundle(dict.fromkeys(names, instance(1))), kind="bundle")

    assert sorted(line["outcome"] for line in result["files"]) == ["already_here", "stored"]
    assert len(rows(northside, Instance)) == 1


def test_a_virus_beside_images_and_one_in_front_of_an_image_stay_out(
    bobs: Client,
    northside: Tenant,
) -> None:
    disc = {"1.dcm": instance(1), "virus.com": EICAR, "2.dcm": tiny_instance(preamble=EICAR)}

    lines = {line["name"]: line for line in upload(bobs, bundle(disc), kind="bundle")["files"]}

    assert {name: lines[name]["reason"] for name in disc} == {
        "1.dcm": "", "virus.com": "NOT_DICOM", "2.dcm": "ACTIVE_PREAMBLE",
    }  # fmt: skip
    assert read_back(northside, f"{ROOT}.1.1.1") == disc["1.dcm"]
