"""The practice's people, for its owners."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from audit.actor import SYSTEM
from tenants.models import Invitation, Membership, Role, Tenant, User
from tenants.scoping import tenant_scope
from tenants.services.people import LastOwner, change_role, remove_member
from tests.cast import sign_in
from tests.tenants.steps import actions_of, trail_of

NEWCOMER = {"name": "Dana", "email": "Dana@Northside.example", "role": "uploader"}


@pytest.fixture
def browser(alice: User) -> Client:
    return sign_in(alice)


@pytest.fixture
def invite(browser: Client, django_capture_on_commit_callbacks: object) -> object:
    """`invite()`: Alice invites someone by the page; answers the link of the mail."""

    def send(**changes: str) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            browser.post(reverse("people", args=["northside"]), NEWCOMER | changes)
        return re.search(r"http://[^/]+(/join/\S+)", mail.outbox[-1].body)[1]

    return send


def invitations_of(tenant: Tenant) -> list[Invitation]:
    with tenant_scope(tenant.id):
        return list(Invitation.objects.order_by("created_at"))


def membership_url(name: str, user: User) -> str:
    return reverse(name, args=["northside", Membership.objects.get(user=user).pk])


def test_the_page_shows_members_and_invitations(browser: Client, bob: User, invite: object) -> None:
    invite()

    page = browser.get(reverse("people", args=["northside"])).content.decode()

    assert "bob@northside.example" in page
    assert "dana@northside.example" in page


def test_inviting_mails_a_link_and_is_recorded(invite: object, northside: Tenant) -> None:
    link = invite()

    assert mail.outbox[0].to == ["dana@northside.example"]
    assert len(link) > len("/join/") + 40
    (event,) = trail_of(northside.id)
    assert (event.action, event.details) == ("member.invited", {"role": "uploader"})


def test_the_secret_is_stored_nowhere(invite: object, northside: Tenant) -> None:
    secret = invite().removeprefix("/join/").encode()

    (invitation,) = invitations_of(northside)
    assert secret not in bytes(invitation.digest)
    assert secret.decode() not in str(trail_of(northside.id)[0].content())


def test_a_member_cannot_be_invited_again(browser: Client, bob: User, northside: Tenant) -> None:
    answer = browser.post(reverse("people", args=["northside"]), NEWCOMER | {"email": bob.email.upper()})

    assert "works here already" in answer.content.decode()
    assert invitations_of(northside) == []


def test_inviting_again_voids_the_first_link(client: Client, invite: object) -> None:
    first, second = invite(), invite()

    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200


@pytest.mark.parametrize("wrong", [{"email": "no"}, {"role": "emperor"}, {"name": ""}])
def test_a_malformed_invitation_is_refused(browser: Client, northside: Tenant, wrong: dict[str, str]) -> None:
    assert browser.post(reverse("people", args=["northside"]), NEWCOMER | wrong).status_code == 200
    assert invitations_of(northside) == []


def test_revoking_voids_the_link_and_is_recorded(
    browser: Client, client: Client, invite: object, northside: Tenant
) -> None:
    link = invite()
    (invitation,) = invitations_of(northside)

    browser.post(reverse("invitation_revoke", args=["northside", invitation.pk]))

    assert client.get(link).status_code == 404
    assert actions_of(northside.id) == ["member.invited", "member.invitation-revoked"]


def test_sending_again_gives_a_new_link_and_voids_the_old(
    browser: Client, client: Client, invite: object, northside: Tenant, django_capture_on_commit_callbacks: object
) -> None:
    old = invite()
    (invitation,) = invitations_of(northside)

    with django_capture_on_commit_callbacks(execute=True):
        browser.post(reverse("invitation_resend", args=["northside", invitation.pk]))

    new = re.search(r"http://[^/]+(/join/\S+)", mail.outbox[-1].body)[1]
    assert client.get(old).status_code == 404
    assert client.get(new).status_code == 200
    assert invitations_of(northside)[0].expires_at > invitation.expires_at


def test_a_role_change_takes_effect_and_is_recorded(browser: Client, bob: User, northside: Tenant) -> None:
    browser.post(membership_url("member_role", bob), {"role": "owner"})

    assert Membership.objects.get(user=bob).role == Role.OWNER
    (event,) = trail_of(northside.id)
    assert (event.action, event.subject_id) == ("member.changed", str(bob.pk))
    assert event.details == {"from": "uploader", "to": "owner"}


def test_an_unknown_role_is_refused(browser: Client, bob: User) -> None:
    assert browser.post(membership_url("member_role", bob), {"role": "emperor"}).status_code == 404
    assert Membership.objects.get(user=bob).role == Role.UPLOADER


def test_removal_ends_the_membership_only_and_is_recorded(browser: Client, bob: User, northside: Tenant) -> None:
    browser.post(membership_url("member_remove", bob))

    assert User.objects.filter(pk=bob.pk, is_active=True).exists()
    assert not Membership.objects.filter(user=bob).exists()
    assert actions_of(northside.id) == ["member.removed"]


@pytest.mark.parametrize("name", ["member_role", "member_remove"])
def test_an_owner_cannot_change_or_remove_themselves(browser: Client, alice: User, bob: User, name: str) -> None:
    Membership.objects.filter(user=bob).update(role=Role.OWNER)

    browser.post(membership_url(name, alice), {"role": "viewer"})

    assert Membership.objects.get(user=alice).role == Role.OWNER


def test_the_last_owner_can_be_neither_removed_nor_demoted(
    alice: User, bob: User, northside: Tenant, moment: object
) -> None:
    last = Membership.objects.get(user=alice).pk

    with pytest.raises(LastOwner):
        remove_member(SYSTEM, northside, last, moment)
    with pytest.raises(LastOwner):
        change_role(SYSTEM, northside, last, Role.VIEWER, moment)

    assert Membership.objects.get(pk=last).role == Role.OWNER


def test_an_owner_whose_account_is_closed_does_not_count_as_the_last(
    alice: User, bob: User, northside: Tenant, moment: object
) -> None:
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    User.objects.filter(pk=bob.pk).update(is_active=False)

    with pytest.raises(LastOwner):
        remove_member(SYSTEM, northside, Membership.objects.get(user=alice).pk, moment)


def test_another_practices_member_cannot_be_touched(browser: Client, carol: User) -> None:
    foreign = Membership.objects.get(user=carol)

    for name in ("member_role", "member_remove"):
        answer = browser.post(reverse(name, args=["northside", foreign.pk]), {"role": "viewer"})
        assert answer.status_code == 404

    foreign.refresh_from_db()
    assert foreign.role == Role.OWNER


def test_another_practices_invitation_cannot_be_touched(
    client: Client, invite: object, northside: Tenant, carol: User
) -> None:
    link = invite()
    (invitation,) = invitations_of(northside)
    foreigner = sign_in(carol)

    for name in ("invitation_revoke", "invitation_resend"):
        assert foreigner.post(reverse(name, args=["southside", invitation.pk])).status_code == 404

    assert client.get(link).status_code == 200


def urls(user: User) -> list[tuple[str, str]]:
    uuid = "00000000-0000-0000-0000-000000000001"
    return [
        ("get", reverse("people", args=["northside"])),
        ("post", reverse("people", args=["northside"])),
        ("post", membership_url("member_role", user)),
        ("post", membership_url("member_remove", user)),
        ("post", reverse("invitation_resend", args=["northside", uuid])),
        ("post", reverse("invitation_revoke", args=["northside", uuid])),
    ]


@pytest.mark.parametrize("who", ["bob", "nora", "carol", "eve", "vera"])
def test_nobody_but_an_owner_of_the_practice_finds_these_pages(
    request: pytest.FixtureRequest, bob: User, northside: Tenant, who: str
) -> None:
    browser = sign_in(request.getfixturevalue(who))

    answers = [getattr(browser, method)(url, NEWCOMER).status_code for method, url in urls(bob)]

    assert answers == [404] * 6
    assert actions_of(northside.id) == ["access.denied"] * 6


def test_a_stranger_gets_the_login(client: Client, bob: User) -> None:
    answers = [getattr(client, method)(url).status_code for method, url in urls(bob)]

    assert answers == [302, 401, 401, 401, 401, 401]


def test_an_owner_without_the_second_factor_gets_no_further(client: Client, alice: User, bob: User) -> None:
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    answers = [getattr(client, method)(url) for method, url in urls(bob)]

    assert {answer.url for answer in answers} == {reverse("second_factor")}


def test_an_unknown_practice_is_the_same_404(browser: Client) -> None:
    assert browser.get(reverse("people", args=["nowhere"])).status_code == 404


def test_a_name_with_markup_is_shown_as_text(browser: Client, invite: object) -> None:
    invite(name="<script>alert(1)</script>")

    page = browser.get(reverse("people", args=["northside"])).content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
