"""The vendor's key inventory: what it shows, what its buttons do, and that it is not there for anyone else."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from audit.actions import Action
from audit.models import AuditEvent
from imaging.models import KeyDestruction, KeyRotation
from imaging.services import key_inventory, key_rotation
from imaging.services.key_destruction import carry_out
from imaging.services.regions import get_keyring
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import add_person, add_tenant, sign_in
from tests.imaging.key_vaults import seal_in_both

REASON = {"reason": "The practice has closed.", "slug": "westside"}
NOW = timezone.now()


@pytest.fixture
def practice(empty_vaults: None, db: None) -> Tenant:
    tenant = add_tenant("westside", "Westside Orthopaedics", agreed=False)
    seal_in_both(tenant.id, 3)
    return tenant


@pytest.fixture
def browser(vera: User) -> Client:
    return sign_in(vera)


@pytest.fixture
def second(db: None) -> Client:
    return sign_in(add_person("Victor", None, is_vendor_admin=True))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks) -> list:
    messages: list = []
    monkeypatch.setattr(
        key_rotation.current_app, "send_task", lambda name, args, **_: messages.append((name, args)), raising=False
    )
    return messages


def page_of(client: Client, name: str, *args: object) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def order_of(tenant: Tenant) -> KeyDestruction:
    with tenant_scope(tenant.id):
        return KeyDestruction.objects.get()


def request(browser: Client) -> None:
    browser.post(reverse("key_destruction_request", args=["westside"]), REASON)


def test_the_inventory_shows_every_practice(browser: Client, practice: Tenant, northside: Tenant) -> None:
    page = page_of(browser, "vendor_keys")

    assert "Westside Orthopaedics" in page
    assert "In order" in page
    assert "No key yet" in page  # Northside has not taken anything in


def test_a_practices_page_shows_its_versions_in_both_regions(browser: Client, practice: Tenant) -> None:
    key_rotation.rotate(practice.id, "scheduled", NOW)

    page = page_of(browser, "vendor_practice_keys", "westside")

    for key in get_keyring(1).list_tenant_keys(practice.id):
        assert page.count(str(key.key_id)) >= 2
    assert "Opens only" in page
    assert "Active" in page
    assert "6, both regions together" in page


@pytest.mark.parametrize(
    ("age", "words"),
    [(timedelta(days=1), "In order"), (timedelta(days=340), "Due soon"), (timedelta(days=366), "Overdue")],
)
def test_the_state_tells_when_it_is_due(
    practice: Tenant, age: timedelta, words: str, browser: Client, monkeypatch
) -> None:
    judge = key_inventory._judge
    monkeypatch.setattr(key_inventory, "_judge", lambda *args: judge(*args[:-1], NOW + age))

    assert words in page_of(browser, "vendor_practice_keys", "westside")


def test_a_rotation_under_way_is_shown(browser: Client, practice: Tenant) -> None:
    with tenant_scope(practice.id):
        KeyRotation.objects.create(reason="scheduled", key_id=uuid4(), started_at=NOW, rewrapped=41)

    assert "41 data keys so far" in page_of(browser, "vendor_keys")
    assert "Go on rotating" in page_of(browser, "vendor_practice_keys", "westside")


def test_regions_that_differ_are_shown_as_a_fault(browser: Client, practice: Tenant) -> None:
    get_keyring(1).rotate_tenant_key(practice.id)

    assert "do not hold the same keys" in page_of(browser, "vendor_practice_keys", "westside")


def test_rotate_now_asks_a_worker(
    browser: Client, practice: Tenant, sent: list, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post(reverse("key_rotate", args=["westside"]))

    assert answer.status_code == 302
    assert sent == [("imaging.rotate_keys", [str(practice.id)])]
    with tenant_scope(practice.id):
        assert AuditEvent.objects.get(action=Action.KEY_ROTATED).actor_label == "vera@collimate.example"


def test_two_people_destroy_and_get_a_certificate(browser: Client, second: Client, practice: Tenant) -> None:
    request(browser)
    order = order_of(practice)
    assert "Another administrator must approve" in page_of(browser, "vendor_practice_keys", "westside")
    second.post(reverse("key_destruction_approve", args=["westside", order.id]))
    page = strip_tags(page_of(browser, "vendor_practice_keys", "westside"))
    assert "rotate_keys --destroy --tenant westside" in page

    carry_out(practice.id, NOW)

    page = page_of(browser, "key_certificate", "westside", order.id)
    row = order_of(practice)
    for expected in ("Vera", "Victor", "cryptographic erase", bytes(row.objects_digest).hex(), *row.key_ids):
        assert expected in page
    assert "no longer opens" in page
    assert "Destroyed" in page_of(browser, "vendor_keys")
    assert "Certificate" in page_of(browser, "vendor_practice_keys", "westside")


def test_whoever_asked_cannot_approve(browser: Client, practice: Tenant) -> None:
    request(browser)

    answer = browser.post(reverse("key_destruction_approve", args=["westside", order_of(practice).id]), follow=True)

    assert "Someone other than whoever asked" in answer.content.decode()
    assert order_of(practice).approved_at is None


def test_an_order_can_be_withdrawn(browser: Client, second: Client, practice: Tenant) -> None:
    request(browser)

    second.post(reverse("key_destruction_withdraw", args=["westside", order_of(practice).id]))

    assert order_of(practice).withdrawn_at
    assert "Request destruction" in page_of(browser, "vendor_practice_keys", "westside")


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"reason": "short"}, {"slug": "northside"}, {"reason": "x" * 301}])
def test_a_request_needs_a_reason_and_the_name(browser: Client, practice: Tenant, wrong: dict[str, str]) -> None:
    answer = browser.post(reverse("key_destruction_request", args=["westside"]), REASON | wrong)

    assert answer.status_code == 200
    assert "data-dialog-auto" in answer.content.decode()
    with tenant_scope(practice.id):
        assert not KeyDestruction.objects.exists()


def test_an_agreement_in_force_takes_the_button_away_and_refuses(
    browser: Client, northside: Tenant, empty_vaults
) -> None:
    seal_in_both(northside.id, 1)

    page = page_of(browser, "vendor_practice_keys", "northside")
    answer = browser.post(
        reverse("key_destruction_request", args=["northside"]), REASON | {"slug": "northside"}, follow=True
    )

    assert "Request destruction" not in page
    assert "agreement with the practice is in force" in page
    assert "agreement with the practice is in force" in answer.content.decode()
    with tenant_scope(northside.id):
        assert not KeyDestruction.objects.exists()


@pytest.mark.parametrize("name", ["key_destruction_approve", "key_destruction_withdraw"])
def test_an_unknown_order_or_practice_is_not_found(browser: Client, practice: Tenant, name: str) -> None:
    add_tenant("eastside", "Eastside", agreed=False)
    request(browser)

    for slug, order_id in (("westside", uuid4()), ("eastside", order_of(practice).id), ("nowhere", uuid4())):
        assert browser.post(reverse(name, args=[slug, order_id])).status_code == 404
    assert order_of(practice).withdrawn_at is None


def test_there_is_no_certificate_before_it_is_done(browser: Client, practice: Tenant) -> None:
    request(browser)

    assert browser.get(reverse("key_certificate", args=["westside", order_of(practice).id])).status_code == 404
    assert browser.get(reverse("vendor_practice_keys", args=["nowhere"])).status_code == 404


def test_strangers_find_nothing_and_change_nothing(
    browser: Client, practice: Tenant, alice: User, carol: User, eve: User
) -> None:
    request(browser)
    order = order_of(practice)
    pages = [
        reverse("vendor_keys"), reverse("vendor_practice_keys", args=["westside"]),
        reverse("key_certificate", args=["westside", order.id]),
    ]  # fmt: skip
    posts = [
        reverse("key_rotate", args=["westside"]), reverse("key_destruction_request", args=["westside"]),
        reverse("key_destruction_approve", args=["westside", order.id]),
        reverse("key_destruction_withdraw", args=["westside", order.id]),
    ]  # fmt: skip

    for person in (alice, carol, eve):
        stranger = sign_in(person)
        assert {stranger.get(url).status_code for url in pages} == {404}
        assert {stranger.post(url, REASON).status_code for url in posts} == {404}
    assert {Client().get(url).status_code for url in pages} == {302}
    assert {Client().post(url, REASON).status_code for url in posts} == {401}
    assert {browser.get(url).status_code for url in posts} == {405}
    unchanged = order_of(practice)
    assert (unchanged.approved_at, unchanged.withdrawn_at) == (None, None)
