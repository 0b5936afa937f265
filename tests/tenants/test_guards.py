"""Every page of this app carries exactly one guard, and a browser can send its forms."""

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from tenants import urls
from tenants.baas import urls as baas_urls

PATTERNS = [*urls.urlpatterns, *baas_urls.urlpatterns]
PUBLIC = {
    "login", "login_code", "emergency", "second_factor", "logout", "reset_request", "reset_password", "reset_open",
    "join",
}  # fmt: skip
GUARDS = {
    "signed-in": {
        "choose_tenant",
        "account",
        "change_password",
        "change_reading",
        "new_recovery_codes",
        "replace_second_factor",
        "begin_replacement",
    },
    "vendor-admin": {
        "vendor_agreements",
        "agreement_send",
        "agreement_execute",
        "agreement_terminate",
        "vendor_create_tenant",
    },
}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_every_page_carries_the_guard_it_should(pattern: URLPattern) -> None:
    special = {name: guard for guard, names in GUARDS.items() for name in names} | dict.fromkeys(PUBLIC, "public")

    assert pattern.callback.guard == special.get(pattern.name, "member")


def test_a_form_without_the_csrf_token_is_refused(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("login"), {"email": "a@b.example"})

    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()
    assert "Your role" not in answer.content.decode()  # a guest of a link has none


def test_browsers_may_name_the_origin_of_a_form(client: Client, db: None) -> None:
    # Under `no-referrer` Chromium sends `Origin: null` with every form, and the CSRF check refuses them all.
    page = client.get(reverse("login"))

    assert page["Referrer-Policy"] == "same-origin"
    assert 'content="no-referrer"' not in page.content.decode()
