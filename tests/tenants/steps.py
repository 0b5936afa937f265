"""Steps that several tests take: what a person types, and what the trail says afterwards."""

from base64 import b32encode
from uuid import UUID

import pyotp
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import AuditEvent
from tenants.models import User
from tenants.scoping import tenant_scope
from tests.cast import PASSWORD


def give_password(user: User, password: str = PASSWORD) -> User:
    """Let the person sign in with a password."""
    user.set_password(password)
    user.save()
    return user


def send_password(client: Client, email: str, password: str = PASSWORD, **more: str) -> HttpResponse:
    """The first factor."""
    return client.post(reverse("login"), {"email": email, "password": password} | more)


def code_of(user: User) -> str:
    """What the person's authenticator shows now."""
    return code_for_key(TOTPDevice.objects.get(user=user).key)


def code_for_key(key: str) -> str:
    """What an authenticator with this key (hex) shows now."""
    return pyotp.TOTP(b32encode(bytes.fromhex(key)).decode()).now()


def send_code(client: Client, code: str) -> HttpResponse:
    """The second factor."""
    return client.post(reverse("login_code"), {"code": code})


def trail_of(tenant_id: UUID) -> list[AuditEvent]:
    """The tenant's events, oldest first."""
    with tenant_scope(tenant_id):
        return list(AuditEvent.objects.order_by("seq"))


def actions_of(tenant_id: UUID) -> list[str]:
    """What happened in the tenant, oldest first."""
    return [event.action for event in trail_of(tenant_id)]
