"""A new password by mail."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from audit.actions import Action
from audit.models import AuditEvent
from audit.scope import tenant_scope
from tenants.models import User
from tenants.tasks import mail_password_reset
from tests.cast import PASSWORD, sign_in
from tests.tenants.steps import code_of, give_password, send_code, send_password

NEW = "a fresh and long enough password"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list]]:
    """What is asked of the workers."""
    sent: list[tuple[str, list]] = []
    monkeypatch.setattr(
        "tenants.services.sign_in.current_app.send_task", lambda name, args, **_: sent.append((name, args))
    )
    return sent


@pytest.fixture
def link(alice: User) -> str:
    """The link that a worker mailed to Alice."""
    mail_password_reset(give_password(alice).pk)
    return link_in(mail.outbox[-1].body)


def link_in(body: str) -> str:
    return re.search(r"http://[^/]+(/reset/\S+)", body)[1]


def test_signing_in_voids_the_link(client: Client, alice: User, link: str) -> None:
    sign_in(User.objects.get(pk=alice.pk))

    assert client.get(link).status_code == 404


def choose(client: Client, password: str = NEW) -> object:
    return client.post(reverse("reset_password"), {"password": password, "repeated": password})


def test_known_and_unknown_addresses_get_the_same_answer_and_the_same_work(
    client: Client, alice: User, asked: list
) -> None:
    pages = [client.post(reverse("reset_request"), {"email": email}) for email in (alice.email, "x@nowhere.example")]

    assert pages[0].content == pages[1].content
    assert asked == [("tenants.mail_password_reset", [alice.pk]), ("tenants.mail_password_reset", [0])]


def test_nobody_gets_mail_for_an_unknown_address_or_a_closed_account(alice: User) -> None:
    User.objects.filter(pk=give_password(alice).pk).update(is_active=False)

    mail_password_reset(0)
    mail_password_reset(alice.pk)

    assert mail.outbox == []


def test_without_a_broker_the_page_says_so(client: Client, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from kombu.exceptions import OperationalError

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError

    monkeypatch.setattr("tenants.services.sign_in.current_app.send_task", away)

    assert client.post(reverse("reset_request"), {"email": alice.email}).status_code == 503


def test_the_link_leads_to_a_new_password_and_still_needs_the_second_factor(
    client: Client, alice: User, link: str
) -> None:
    opened = client.get(link)
    choose(client)

    assert opened.url == reverse("reset_password")
    assert client.get(reverse("account")).url.startswith(reverse("login"))
    assert send_password(client, alice.email, NEW).url == reverse("second_factor")
    assert client.get(reverse("account")).url == reverse("second_factor")
    assert send_code(client, code_of(alice)).status_code == 302


def test_a_mail_scanner_that_opens_the_link_spends_nothing(client: Client, link: str) -> None:
    for _ in range(3):
        Client().get(link)
        Client().head(link)

    assert client.get(link).url == reverse("reset_password")


def test_the_link_works_once(client: Client, link: str) -> None:
    other = Client()
    other.get(link)
    client.get(link)
    choose(client)

    assert Client().get(link).status_code == 404
    assert choose(other, "yet another long password").status_code == 404


def test_the_link_is_void_after_its_time(client: Client, link: str, settings: object) -> None:
    settings.PASSWORD_RESET_TIMEOUT = -1

    assert client.get(link).status_code == 404


def test_a_new_password_ends_every_session(client: Client, alice: User) -> None:
    stolen = sign_in(give_password(alice))
    mail_password_reset(alice.pk)
    client.get(link_in(mail.outbox[-1].body))

    choose(client)

    assert stolen.get(reverse("account")).url.startswith(reverse("login"))


def test_a_new_password_lifts_the_lock(client: Client, alice: User, link: str) -> None:
    for _ in range(5):
        send_password(client, alice.email, "wrong")
    client.get(link)

    choose(client)

    assert send_password(client, alice.email, NEW).status_code == 302


def test_a_bad_password_is_refused_and_the_link_stays_good(client: Client, alice: User, link: str) -> None:
    client.get(link)

    assert choose(client, "short").status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert choose(client).url == reverse("login")


@pytest.mark.parametrize("path", ["MQ/abc-def", "x/abc-def", "MQ/x", "____/abc-def"])
def test_what_is_no_link_of_ours_is_gone(client: Client, alice: User, path: str) -> None:
    assert client.get(f"/reset/{path}/").status_code == 404


def test_the_page_behind_the_link_needs_the_link(client: Client, alice: User) -> None:
    assert client.get(reverse("reset_password")).status_code == 404
    assert choose(client).status_code == 404


def test_one_persons_link_does_not_open_anothers_account(client: Client, alice: User, bob: User, link: str) -> None:
    from django.utils.encoding import force_bytes
    from django.utils.http import urlsafe_base64_encode

    give_password(bob)
    token = link.rstrip("/").rsplit("/", 1)[1]

    forged = reverse("reset_open", args=[urlsafe_base64_encode(force_bytes(bob.pk)), token])

    assert client.get(forged).status_code == 404


def test_a_changed_password_is_in_the_practices_trail(client: Client, alice: User, link: str) -> None:
    client.get(link)

    choose(client)

    with tenant_scope(alice.memberships.get().tenant_id):
        event = AuditEvent.objects.get(action=Action.PASSWORD_CHANGED)
    assert event.subject_id == str(alice.pk)
