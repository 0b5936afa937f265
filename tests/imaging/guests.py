"""The receiver's side in tests: a study, a link of either kind to it, and what a redeemed browser can reach."""


import pytest
from django.test import Client

from imaging.models import PatientInvitation, ShareLink
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance, take_in
from tests.imaging.library import ANY
from tests.imaging.sharing import Sent, history, send_invitation, send_link

UID = f"{ROOT}.1"
SERIES = f"/t/northside/dicomweb/studies/{UID}/series/{UID}.1"
FRAME = f"{SERIES}/instances/{UID}.1.1/frames/1"
KINDS = {"share": (send_link, ShareLink), "patient": (send_invitation, PatientInvitation)}
BOTS = [
    "Slackbot-LinkExpanding 1.0", "WhatsApp/2.23", "facebookexternalhit/1.1 Facebot Twitterbot/1.0", "Discordbot/2.0",
    "TelegramBot (like TwitterBot)", "LinkedInBot/1.0", "SkypeUriPreview", "Microsoft Office/16.0 (Microsoft Outlook)",
    "Barracuda Sentinel (EE)", "Mozilla/5.0 (compatible; bingbot/2.0)",
]  # fmt: skip
PHI = ("Doe", "Jane", "DOE", "JANE", "1970")


@pytest.fixture(autouse=True)
def cheap_codes(settings: object) -> None:
    """Argon2 is slow on purpose; that it is used is a test of tests/imaging/test_sharing.py."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def study(northside: Tenant, bob: User) -> str:
    take_in(actor(bob), northside, {"a.dcm": instance(1), "b.dcm": instance(1, study=2)})
    return UID


@pytest.fixture(params=KINDS)
def sent(request: pytest.FixtureRequest, study: str, northside: Tenant, bob: User) -> Sent:
    """A share link that may download, and a patient's invitation: the same rules hold for both."""
    send, _ = KINDS[request.param]
    return send_link(northside, bob, study, may_download=True) if send is send_link else send(northside, bob, study)


@pytest.fixture
def link(study: str, northside: Tenant, bob: User) -> Sent:
    """A share link for looking only."""
    return send_link(northside, bob, study)


def change(sent: Sent, tenant: Tenant, **fields: object) -> None:
    model = PatientInvitation if sent.path.startswith("/records") else ShareLink
    with tenant_scope(tenant.id):
        assert model.objects.filter(id=sent.id).update(**fields) == 1


def row(sent: Sent, tenant: Tenant) -> ShareLink | PatientInvitation:
    model = PatientInvitation if sent.path.startswith("/records") else ShareLink
    with tenant_scope(tenant.id):
        return model.objects.get(id=sent.id)


def actions(tenant: Tenant, sent: Sent) -> list[str]:
    return [action.partition(".")[2] for action, _ in history(tenant, sent.id)]


def image_urls(sent: Sent) -> list[str]:
    """Everything a redeemed browser that may download can reach."""
    return [sent.page, f"{sent.page}viewer", FRAME, f"{SERIES}/metadata", f"{sent.page}download"]


def get(client: Client, url: str) -> int:
    return client.get(url, headers={"Accept": ANY} if "/frames/" in url else {}).status_code
