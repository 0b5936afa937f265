"""The cast of the whole suite (design.md §4): who is who, and how they sign in."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.actor import Actor, ActorKind
from tenants.baas.models import Agreement, Status
from tenants.models import Membership, Role, Tenant, User

PASSWORD = "correct horse battery staple"


def add_person(name: str, tenant: Tenant | None, role: str = "", **fields: object) -> User:
    """A person, a member of the tenant when one is given, with a confirmed second factor and an unusable password."""
    domain = f"{tenant.slug}.example" if tenant else "collimate.example"
    user = User.objects.create_user(f"{name.lower()}@{domain}", name, **fields)
    TOTPDevice.objects.create(user=user, name="default", confirmed=True)
    if tenant:
        Membership.objects.create(user=user, tenant=tenant, role=role)
    return user


def add_tenant(slug: str, name: str, kind: str = Tenant.Kind.DENTAL, agreed: bool = True) -> Tenant:
    """A tenant, with an agreement in force unless told otherwise. No storage nodes: tests that need one start it."""
    tenant = Tenant.objects.create(slug=slug, name=name, kind=kind)
    if agreed:
        today = timezone.localdate()
        Agreement.objects.create(
            tenant=tenant, status=Status.EXECUTED, effective_on=today - dt.timedelta(days=30),
            expires_on=today + dt.timedelta(days=335), practice_signer="Alice", vendor_signer="Vera",
            executed_at=timezone.now(),
        )  # fmt: skip
    return tenant


def sign_in(user: User) -> Client:
    """A browser in which the person has passed both factors."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.get(user=user).persistent_id
    session.save()
    return client


def actor(user: User) -> Actor:
    """The actor that a request of this person would carry."""
    return Actor(ActorKind.USER, str(user.pk), user.email, "127.0.0.1", "tests")


@pytest.fixture
def northside(db: None) -> Tenant:
    return add_tenant("northside", "Northside Dental")


@pytest.fixture
def southside(db: None) -> Tenant:
    return add_tenant("southside", "Southside Imaging", Tenant.Kind.IMAGING_CENTRE)


@pytest.fixture
def alice(northside: Tenant) -> User:
    """Owns Northside."""
    return add_person("Alice", northside, Role.OWNER)


@pytest.fixture
def bob(northside: Tenant) -> User:
    """Uploads for Northside."""
    return add_person("Bob", northside, Role.UPLOADER)


@pytest.fixture
def nora(northside: Tenant) -> User:
    """Only views at Northside."""
    return add_person("Nora", northside, Role.VIEWER)


@pytest.fixture
def carol(southside: Tenant) -> User:
    """Owns Southside and must never see Northside."""
    return add_person("Carol", southside, Role.OWNER)


@pytest.fixture
def vera(db: None) -> User:
    """Administers agreements for the vendor."""
    return add_person("Vera", None, is_vendor_admin=True)


@pytest.fixture
def eve(db: None) -> User:
    """Has an account and nothing else."""
    return add_person("Eve", None)


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """`browser_of(alice)`: a signed-in client."""
    return sign_in
