"""Refusals have a page with a way on, for people; programs get the status alone."""

import pytest
from django.test import Client
from django.urls import reverse

from tenants.models import User
from tests.cast import sign_in

BROWSER = {"HTTP_SEC_FETCH_MODE": "navigate"}
pytestmark = pytest.mark.django_db


def test_a_form_sent_after_the_session_ended_leads_to_the_sign_in_and_back(client: Client, northside: object) -> None:
    before = "http://testserver/t/northside/people/?page=2"

    answer = client.post(reverse("people", args=["northside"]), {"name": "x"}, HTTP_REFERER=before, **BROWSER)

    assert answer.status_code == 401
    assert 'href="/login/?next=/t/northside/people/%3Fpage%3D2"' in answer.content.decode()


def test_a_script_gets_the_bare_status(client: Client, northside: object) -> None:
    answer = client.post(reverse("people", args=["northside"]), HTTP_SEC_FETCH_MODE="cors")

    assert (answer.status_code, answer.content) == (401, b"")


def test_an_address_for_forms_alone_shows_the_way_back(alice: User) -> None:
    answer = sign_in(alice).get(reverse("change_password"), HTTP_REFERER="http://testserver/account/", **BROWSER)

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert 'href="/account/"' in answer.content.decode()


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/account/", "javascript:alert(1)", ""])
def test_the_way_back_never_leads_elsewhere(alice: User, elsewhere: str) -> None:
    answer = sign_in(alice).get(reverse("change_password"), HTTP_REFERER=elsewhere, **BROWSER)

    assert "elsewhere" not in answer.content.decode()
    assert "javascript:" not in answer.content.decode()
    assert 'href="/"' in answer.content.decode()


def test_an_expired_form_says_so_and_leads_back(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = sign_in(alice).cookies

    answer = browser.post(reverse("change_reading"), HTTP_REFERER="http://testserver/account/", **BROWSER)

    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()
    assert 'href="/account/"' in answer.content.decode()
