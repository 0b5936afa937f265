"""The list of first steps: live, for owners, until all are done or it is put away."""

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from audit.scope import tenant_scope
from imaging.models import Instance
from imaging.selectors.first_steps import FirstSteps, find_first_steps
from tenants.models import Tenant, User
from tests.cast import actor, add_tenant, sign_in
from tests.imaging.dicom.hostile import tiny_instance
from tests.imaging.incoming import take_in
from tests.imaging.sharing import send_link

pytestmark = pytest.mark.django_db
STUDY = "1.2.826.0.1.3680043.8.498.42"


def steps(tenant: Tenant, agreed: bool = True) -> FirstSteps | None:
    with tenant_scope(tenant.id):
        return find_first_steps(tenant, agreed=agreed, now=timezone.now())


def list_page(user: User) -> str:
    return sign_in(user).get(reverse("worklist", args=["northside"])).content.decode()


def test_a_new_practice_has_them_all_before_it(alice: User, northside: Tenant) -> None:
    assert steps(northside, agreed=False) == FirstSteps(False, False, False, False, False)
    assert "First steps" in list_page(alice)


def test_ticks_follow_what_happens(alice: User, bob: User, northside: Tenant, empty_vaults: None) -> None:
    take_in(actor(alice), northside, {"a.dcm": tiny_instance(StudyInstanceUID=STUDY)})
    assert steps(northside) == FirstSteps(True, True, True, False, False)

    with tenant_scope(northside.id):
        Instance.objects.update(mirrored_at=timezone.now())
    assert steps(northside) == FirstSteps(True, True, True, False, True)

    send_link(northside, alice, STUDY)
    assert steps(northside) is None


def test_a_neighbour_s_doings_tick_nothing(alice: User, northside: Tenant, carol: User, southside: Tenant) -> None:
    assert steps(northside).invited is False
    assert steps(southside).uploaded is False


@pytest.mark.parametrize("who", ["bob", "nora"])
def test_only_owners_see_them(request: pytest.FixtureRequest, who: str) -> None:
    assert "First steps" not in list_page(request.getfixturevalue(who))


def test_an_owner_puts_them_away_for_good(alice: User, northside: Tenant) -> None:
    browser = sign_in(alice)

    answer = browser.post(reverse("hide_first_steps", args=["northside"]))

    assert answer.url == reverse("worklist", args=["northside"])
    assert "First steps" not in list_page(alice)
    with tenant_scope(northside.id):
        assert AuditEvent.objects.get(action="tenant.changed").details == {"first_steps": "hidden"}
    browser.post(reverse("hide_first_steps", args=["northside"]))
    with tenant_scope(northside.id):
        assert AuditEvent.objects.filter(action="tenant.changed").count() == 1


def test_other_practices_keep_theirs(alice: User, db: None) -> None:
    other = add_tenant("westside", "Westside")

    sign_in(alice).post(reverse("hide_first_steps", args=["northside"]))

    other.refresh_from_db()
    assert other.first_steps_hidden_at is None
