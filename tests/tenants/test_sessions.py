"""Limits of a session: what was valid does not work again later."""

import time

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tenants.models import Membership, Role, User


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> object:
    """`clock(seconds)` moves the sessions' clock forward."""
    moved = [0]
    real = time.time
    monkeypatch.setattr("tenants.middleware.time.time", lambda: real() + moved[0])

    def forward(seconds: int) -> None:
        moved[0] += seconds

    return forward


def test_a_session_that_idled_too_long_is_over(browser_of: object, alice: User, clock: object) -> None:
    browser = browser_of(alice)
    assert browser.get(reverse("account")).status_code == 200

    clock(settings.SESSION_IDLE_SECONDS + 1)

    assert browser.get(reverse("account")).url.startswith(reverse("login"))
    assert browser.post(reverse("change_password")).status_code == 401


def test_the_cookie_of_an_ended_session_opens_nothing(browser_of: object, alice: User, clock: object) -> None:
    browser = browser_of(alice)
    browser.get(reverse("account"))
    stolen = Client()
    stolen.cookies = browser.cookies.copy()
    clock(settings.SESSION_IDLE_SECONDS + 1)
    browser.get(reverse("account"))

    clock(-settings.SESSION_IDLE_SECONDS - 1)

    assert stolen.get(reverse("account")).status_code == 302


def test_a_session_in_use_stays(browser_of: object, alice: User, clock: object) -> None:
    browser = browser_of(alice)
    browser.get(reverse("account"))

    for _ in range(4):
        clock(settings.SESSION_IDLE_SECONDS - 60)
        assert browser.get(reverse("account")).status_code == 200


def test_even_a_session_in_use_ends_after_the_absolute_limit(browser_of: object, alice: User, clock: object) -> None:
    browser = browser_of(alice)
    browser.get(reverse("account"))
    step = settings.SESSION_IDLE_SECONDS - 60
    answers = []

    for _ in range(settings.SESSION_ABSOLUTE_SECONDS // step + 1):
        clock(step)
        answers.append(browser.get(reverse("account")).status_code)

    assert answers[0] == 200
    assert answers[-1] == 302


def test_a_removed_members_running_session_loses_access_at_the_next_request(
    browser_of: object, alice: User, bob: User
) -> None:
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    browser = browser_of(bob)
    page = reverse("people", args=["northside"])
    assert browser.get(page).status_code == 200
    membership = Membership.objects.get(user=bob)

    browser_of(alice).post(reverse("member_remove", args=["northside", membership.pk]))

    assert browser.get(page).status_code == 404


def test_a_demoted_owners_running_session_loses_the_owners_pages(browser_of: object, alice: User, bob: User) -> None:
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    browser = browser_of(bob)
    membership = Membership.objects.get(user=bob)

    browser_of(alice).post(reverse("member_role", args=["northside", membership.pk]), {"role": "viewer"})

    assert browser.get(reverse("people", args=["northside"])).status_code == 404


def test_private_pages_are_kept_by_no_cache(browser_of: object, alice: User) -> None:
    assert browser_of(alice).get(reverse("account"))["Cache-Control"] == "no-store"
