"""The vendor's regions page and the practice's list of what a region lacks."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.actions import Action
from audit.actor import SYSTEM
from audit.services import record
from imaging.models import FailoverOrder, VaultObject
from imaging.services import active_region, failover
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, add_person, sign_in
from tests.imaging.library import events
from tests.imaging.protecting import add_study

WANTED = {"to_region": "2", "reason": "Region 1 does not answer since noon."}
PAGE = "vendor_regions"


@pytest.fixture(autouse=True)
def _asked_anew():
    active_region.forget()
    yield
    active_region.forget()


@pytest.fixture
def victor(db: None) -> User:
    """The vendor's other administrator."""
    return add_person("Victor", None, is_vendor_admin=True)


@pytest.fixture
def requested(vera: User) -> FailoverOrder:
    return failover.request_failover(actor(vera), 2, WANTED["reason"], timezone.now())


def states() -> list[tuple[bool, bool]]:
    rows = FailoverOrder.objects.order_by("id")
    return [(row.approved_at is not None, row.withdrawn_at is not None) for row in rows]


def test_two_people_order_in_the_browser(vera: User, victor: User) -> None:
    first, second = sign_in(vera), sign_in(victor)
    first.post(reverse(PAGE), WANTED)
    order = FailoverOrder.objects.get()

    mine = first.get(reverse(PAGE)).content.decode()
    theirs = second.get(reverse(PAGE)).content.decode()
    second.post(reverse("failover_approve", args=[order.pk]))

    assert 'data-dialog-open="approve"' not in mine
    assert 'data-dialog-open="approve"' in theirs
    assert states() == [(True, False)]
    assert "manage.py failover --to 2" in first.get(reverse(PAGE)).content.decode()


def test_the_browser_of_whoever_asked_cannot_approve(vera: User, requested: FailoverOrder) -> None:
    browser = sign_in(vera)

    browser.post(reverse("failover_approve", args=[requested.pk]))

    assert states() == [(False, False)]
    assert "A second person must approve" in browser.get(reverse(PAGE)).content.decode()


def test_an_order_is_withdrawn_and_stands_in_the_history(victor: User, requested: FailoverOrder) -> None:
    browser = sign_in(victor)

    browser.post(reverse("failover_withdraw", args=[requested.pk]))

    page = browser.get(reverse(PAGE)).content.decode()
    assert states() == [(False, True)]
    assert "Earlier orders" in page
    assert "withdrawn" in page


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"reason": "short"}, {"to_region": "3"}, {"to_region": "x"}])
def test_a_malformed_request_is_refused(vera: User, wrong: dict[str, str]) -> None:
    assert sign_in(vera).post(reverse(PAGE), WANTED | wrong).status_code == 200
    assert states() == []


def test_a_switch_to_where_it_serves_is_told_not_done(vera: User) -> None:
    answer = sign_in(vera).post(reverse(PAGE), WANTED | {"to_region": "1"}, follow=True)

    assert "serves already" in answer.content.decode()
    assert states() == []


@pytest.mark.parametrize("name", ["failover_approve", "failover_withdraw"])
def test_an_unknown_order_is_a_404(vera: User, name: str) -> None:
    assert sign_in(vera).post(reverse(name, args=[999])).status_code == 404


def test_the_page_counts_per_practice_and_names_no_patient(vera: User, northside: Tenant) -> None:
    add_study(northside, images=3, mirrored=1, patient_name="DOE^JANE", study_description="Knee")

    page = sign_in(vera).get(reverse(PAGE)).content.decode()

    assert "Northside Dental" in page
    assert "2 images" in page
    assert "DOE" not in page
    assert "Knee" not in page


def test_the_page_tells_of_a_late_copy(vera: User, northside: Tenant) -> None:
    browser = sign_in(vera)
    now = timezone.now()
    add_study(northside, images=1, mirrored=0, received=now - timezone.timedelta(minutes=14))
    early = browser.get(reverse(PAGE)).content.decode()
    add_study(northside, images=1, mirrored=0, received=now - timezone.timedelta(minutes=16))

    assert 'badge--bad">16' in browser.get(reverse(PAGE)).content.decode().replace("\xa0", " ")
    assert "badge--bad" not in early


def test_the_page_shows_what_reconciling_left(vera: User, northside: Tenant) -> None:
    with tenant_scope(northside.id):
        record(Action.INSTANCE_CONFLICT, SYSTEM, study_instance_uid="1.2", details={"kept": "a", "refused": "b"})
        record(
            Action.RECONCILED, SYSTEM, details={"copied": 7, "adopted": 0, "unreadable": 0, "lost": 1, "objects": []}
        )

    page = sign_in(vera).get(reverse(PAGE)).content.decode()

    assert "7 copied" in page
    assert "1 conflict" in page
    assert "1 object lost" in page


def test_the_runbook_is_there_to_read(vera: User) -> None:
    browser = sign_in(vera)

    answer = browser.get(reverse("failover_runbook"))

    assert reverse("failover_runbook") in browser.get(reverse(PAGE)).content.decode()
    assert answer["Content-Type"].startswith("text/plain")
    assert b"manage.py failover --to 2" in b"".join(answer.streaming_content)


def vendor_urls(order: FailoverOrder) -> list[tuple[str, str]]:
    return [
        ("get", reverse(PAGE)),
        ("post", reverse(PAGE)),
        ("get", reverse("failover_runbook")),
        ("post", reverse("failover_approve", args=[order.pk])),
        ("post", reverse("failover_withdraw", args=[order.pk])),
    ]


@pytest.mark.parametrize("who", ["alice", "carol", "eve"])
def test_for_anyone_else_the_vendors_pages_are_not_there(
    request: pytest.FixtureRequest, requested: FailoverOrder, who: str
) -> None:
    browser = sign_in(request.getfixturevalue(who))

    answers = [getattr(browser, method)(url, WANTED).status_code for method, url in vendor_urls(requested)]

    assert answers == [404] * 5
    assert states() == [(False, False)]


def test_strangers_and_the_unverified_get_no_further(client: Client, victor: User, requested: FailoverOrder) -> None:
    answers = [getattr(client, method)(url).status_code for method, url in vendor_urls(requested)]
    client.force_login(victor, backend="django.contrib.auth.backends.ModelBackend")
    unverified = {getattr(client, method)(url).url for method, url in vendor_urls(requested)}

    assert answers == [302, 401, 302, 401, 401]
    assert unverified == {reverse("second_factor")}
    assert states() == [(False, False)]


@pytest.mark.parametrize("who", ["alice", "bob", "nora"])
def test_members_see_which_studies_a_region_lacks_and_the_trail_says_so(
    request: pytest.FixtureRequest, northside: Tenant, who: str
) -> None:
    person = request.getfixturevalue(who)
    add_study(northside, images=3, mirrored=1, patient_name="DOE^JANE")
    add_study(northside, images=2, patient_name="ROE^RICHARD")

    page = sign_in(person).get(reverse("region_missing", args=["northside", 2])).content.decode()

    assert "DOE, JANE" in page
    assert "2 of 3" in page
    assert "All in region 1" in page
    assert "ROE" not in page
    (event,) = events(northside, "studies.searched")
    assert (event.actor_label, event.details) == (person.email, {"fields": ["missing-in-region-2"], "rows": 1})


def test_members_see_what_no_region_has(nora: User, northside: Tenant) -> None:
    add_study(northside, images=1, mirrored=0, patient_name="DOE^JANE")
    with tenant_scope(northside.id):
        VaultObject.objects.update(in_1_at=None)

    page = sign_in(nora).get(reverse("region_missing", args=["northside", 1])).content.decode()

    assert "Not confirmed in region 2 either" in page


def test_a_region_that_there_is_not_is_a_404(nora: User) -> None:
    assert sign_in(nora).get(reverse("region_missing", args=["northside", 3])).status_code == 404


@pytest.mark.parametrize("who", ["carol", "eve", "vera"])
def test_others_do_not_see_a_practices_studies(request: pytest.FixtureRequest, northside: Tenant, who: str) -> None:
    browser = sign_in(request.getfixturevalue(who))

    assert browser.get(reverse("region_missing", args=["northside", 1])).status_code == 404
    assert events(northside, "access.denied")


def test_strangers_get_the_login(client: Client, northside: Tenant) -> None:
    assert client.get(reverse("region_missing", args=["northside", 1])).url.startswith(reverse("login"))
