"""A dozen pictures to scrub through, from a series of any length."""

from django.test import Client

from audit.actions import Action
from imaging.services.strips import MOST_POSITIONS, sample
from tenants.models import Tenant, User
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance
from tests.imaging.library import events, keep, real_file

URL = f"/t/northside/studies/{ROOT}.1/series/{ROOT}.1.1/strip"


def test_places_lie_evenly_from_the_first_to_the_last() -> None:
    assert sample(0) == []
    assert sample(3) == [0, 1, 2]
    long = sample(2000)
    assert (long[0], long[-1], len(long)) == (0, 1999, MOST_POSITIONS)
    steps = [after - before for before, after in zip(long, long[1:], strict=False)]
    assert max(steps) - min(steps) <= 1


def test_stacks_and_frames_of_an_instance_are_sampled(northside: Tenant, bob: User, nora: User, browser_of) -> None:
    keep(northside, bob, *(instance(n, study=1) for n in range(1, 31)))
    (header,) = keep(northside, bob, real_file("examples_ybr_color.dcm"))
    client = browser_of(nora)

    stack = client.get(URL).json()["frames"]
    of = f"/t/northside/studies/{header.StudyInstanceUID}/series/{header.SeriesInstanceUID}/strip"
    frames = client.get(of).json()["frames"]

    assert len(stack) == len(frames) == MOST_POSITIONS
    assert f"instances/{ROOT}.1.1.1/frames/1/" in stack[0] and f"instances/{ROOT}.1.1.30/frames/1/" in stack[-1]
    assert "/frames/1/" in frames[0] and f"/frames/{header.NumberOfFrames}/" in frames[-1]
    assert all(url.endswith("/thumbnail?viewport=160,160") for url in [*stack, *frames])
    assert len(events(northside, Action.THUMBNAIL_VIEWED)) == 2
    picture = client.get(frames[0], headers={"Accept": "image/*"})
    assert (picture.status_code, picture["Content-Type"].split("/")[0]) == (200, "image")


def test_another_practice_and_strangers_get_nothing(northside: Tenant, bob: User, carol: User, browser_of) -> None:
    keep(northside, bob, instance(1, study=1))
    assert browser_of(carol).get(URL).status_code == 404
    assert browser_of(bob).get(URL.replace(f"{ROOT}.1.1", "1.2.404")).status_code == 404
    assert Client().get(URL, headers={"Sec-Fetch-Mode": "cors"}).status_code == 401
