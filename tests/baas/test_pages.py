"""The vendor's pages and the practice's own."""

import datetime as dt
import re
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tenants.baas.models import Agreement
from tenants.models import Invitation, StorageNode, Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import add_tenant, sign_in

PRACTICE = {
    "name": "Westside Orthopaedics", "slug": "westside", "kind": "orthopaedic", "language": "en",
    "time_zone": "America/Denver", "owner_name": "Wanda", "owner_email": "wanda@westside.example",
}  # fmt: skip
SIGNERS = {"practice_signer": "Alice", "vendor_signer": "Vera"}


@pytest.fixture
def browser(vera: User) -> Client:
    return sign_in(vera)


@pytest.fixture
def draft(northside: Tenant) -> Agreement:
    begins = dt.date(2030, 1, 1)
    return Agreement.objects.create(tenant=northside, effective_on=begins, expires_on=begins + dt.timedelta(days=365))


def statuses(tenant: Tenant) -> list[str]:
    return sorted(Agreement.objects.filter(tenant=tenant).values_list("status", flat=True))


def test_the_list_shows_every_practice_and_those_without_any(
    browser: Client, northside: Tenant, southside: Tenant
) -> None:
    add_tenant("westside", "Westside Orthopaedics", agreed=False)

    page = browser.get(reverse("vendor_agreements")).content.decode()

    assert all(name in page for name in ("Northside Dental", "Southside Imaging"))
    assert "Without any agreement:</strong> Westside Orthopaedics" in page


def test_an_agreement_goes_from_draft_to_execution_to_termination(browser: Client) -> None:
    tenant = add_tenant("westside", "Westside", agreed=False)
    span = {"effective_on": "2026-01-01", "expires_on": "2099-01-01"}
    browser.post(reverse("vendor_agreements"), {"tenant": tenant.pk} | span)
    agreement = Agreement.objects.get(tenant=tenant)

    seen = [agreement.status]
    for name in ("agreement_send", "agreement_execute", "agreement_terminate"):
        browser.post(reverse(name, args=[agreement.pk]), SIGNERS)
        agreement.refresh_from_db()
        seen.append(agreement.status)

    assert seen == ["drafted", "sent", "executed", "terminated"]
    assert (agreement.practice_signer, agreement.vendor_signer) == ("Alice", "Vera")
    with tenant_scope(tenant.id):
        assert set(AuditEvent.objects.values_list("actor_label", flat=True)) == {"vera@collimate.example"}


@pytest.mark.parametrize(
    "wrong", [{"expires_on": "2026-01-01"}, {"expires_on": "soon"}, {"tenant": str(uuid4())}, {"tenant": "x"}]
)
def test_a_malformed_draft_is_refused(browser: Client, northside: Tenant, wrong: dict[str, str]) -> None:
    data = {"tenant": northside.pk, "effective_on": "2026-01-01", "expires_on": "2027-01-01"} | wrong

    assert browser.post(reverse("vendor_agreements"), data).status_code == 200
    assert statuses(northside) == ["executed"]


@pytest.mark.parametrize("missing", ["practice_signer", "vendor_signer"])
def test_execution_takes_both_signers(browser: Client, northside: Tenant, draft: Agreement, missing: str) -> None:
    browser.post(reverse("agreement_execute", args=[draft.pk]), SIGNERS | {missing: " "})

    assert statuses(northside) == ["drafted", "executed"]


def test_an_illegal_move_is_told_not_done(browser: Client, northside: Tenant, draft: Agreement) -> None:
    browser.post(reverse("agreement_terminate", args=[draft.pk]))

    browser.post(reverse("agreement_execute", args=[draft.pk]), SIGNERS)

    assert statuses(northside) == ["executed", "terminated"]
    assert "Someone else changed" in browser.get(reverse("vendor_agreements")).content.decode()


@pytest.mark.parametrize("name", ["agreement_send", "agreement_execute", "agreement_terminate"])
def test_an_unknown_agreement_is_a_404(browser: Client, db: None, name: str) -> None:
    assert browser.post(reverse(name, args=[uuid4()]), SIGNERS).status_code == 404


def test_opening_a_practice_gives_it_nodes_and_invites_its_owner(
    browser: Client, client: Client, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post(reverse("vendor_create_tenant"), PRACTICE)

    tenant = Tenant.objects.get(slug="westside")
    link = re.search(r"http://[^/]+(/join/\S+)", mail.outbox[0].body)[1]
    assert answer.url == reverse("vendor_agreements")
    assert StorageNode.objects.filter(tenant=tenant).count() == 2
    assert mail.outbox[0].to == ["wanda@westside.example"]
    assert client.get(link).context["offer"].role == "Owner"
    with tenant_scope(tenant.id):
        actions = list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))
    assert actions == ["tenant.created", "member.invited"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "northside"},
        {"slug": "a b"},
        {"slug": "NORTHSIDE"},
        {"owner_email": "x"},
        {"time_zone": "Moon"},
        {"language": "tlh"},
        {"kind": "zoo"},
    ],
)
def test_a_malformed_practice_is_refused(browser: Client, northside: Tenant, wrong: dict[str, str]) -> None:
    assert browser.post(reverse("vendor_create_tenant"), PRACTICE | wrong).status_code == 200
    assert Tenant.objects.count() == 1


def test_without_a_free_port_nothing_is_created(browser: Client, settings: object) -> None:
    settings.NODE_PORT_RANGE = (1, 1)

    page = browser.post(reverse("vendor_create_tenant"), PRACTICE)

    assert "no room for another practice" in page.content.decode()
    assert not Tenant.objects.exists()


def test_the_vendor_sees_no_practices_people_or_trail(browser: Client, alice: User) -> None:
    for name in ("people", "audit", "tenant_agreement"):
        assert browser.get(reverse(name, args=["northside"])).status_code == 404


def test_the_owner_reads_the_state_in_plain_words(alice: User) -> None:
    page = sign_in(alice).get(reverse("tenant_agreement", args=["northside"])).content.decode()

    assert "In force until" in page


def test_the_owner_is_warned_of_the_end(alice: User, northside: Tenant) -> None:
    Agreement.objects.update(expires_on=dt.datetime.now(dt.UTC).date() + dt.timedelta(days=9))

    page = sign_in(alice).get(reverse("tenant_agreement", args=["northside"])).content.decode()

    assert "ends in 9 days" in page


def test_the_owner_sees_no_other_practices_agreement(alice: User, southside: Tenant) -> None:
    browser = sign_in(alice)

    assert "Southside" not in browser.get(reverse("tenant_agreement", args=["northside"])).content.decode()
    assert browser.get(reverse("tenant_agreement", args=["southside"])).status_code == 404


@pytest.mark.parametrize("who", ["bob", "nora", "carol", "eve"])
def test_the_practices_page_is_its_owners(request: pytest.FixtureRequest, northside: Tenant, who: str) -> None:
    browser = sign_in(request.getfixturevalue(who))

    assert browser.get(reverse("tenant_agreement", args=["northside"])).status_code == 404


def vendor_urls(agreement: Agreement) -> list[tuple[str, str]]:
    moves = ("agreement_send", "agreement_execute", "agreement_terminate")
    return [
        ("get", reverse("vendor_agreements")),
        ("post", reverse("vendor_agreements")),
        ("get", reverse("vendor_create_tenant")),
        ("post", reverse("vendor_create_tenant")),
        *(("post", reverse(name, args=[agreement.pk])) for name in moves),
    ]


@pytest.mark.parametrize("who", ["alice", "carol", "eve"])
def test_for_anyone_else_the_vendors_pages_are_not_there(
    request: pytest.FixtureRequest, draft: Agreement, northside: Tenant, who: str
) -> None:
    browser = sign_in(request.getfixturevalue(who))

    answers = [getattr(browser, method)(url, SIGNERS | PRACTICE).status_code for method, url in vendor_urls(draft)]

    assert answers == [404] * 7
    assert statuses(northside) == ["drafted", "executed"]


def test_strangers_and_the_unverified_get_no_further(client: Client, vera: User, draft: Agreement) -> None:
    answers = [getattr(client, method)(url).status_code for method, url in vendor_urls(draft)]
    client.force_login(vera, backend="django.contrib.auth.backends.ModelBackend")
    unverified = {getattr(client, method)(url).url for method, url in vendor_urls(draft)}

    assert answers == [302, 401, 302, 401, 401, 401, 401]
    assert unverified == {reverse("second_factor")}


def test_an_invitation_of_a_new_practice_stands_behind_its_wall(browser: Client, northside: Tenant) -> None:
    browser.post(reverse("vendor_create_tenant"), PRACTICE)

    with tenant_scope(northside.id):
        assert not Invitation.objects.exists()
