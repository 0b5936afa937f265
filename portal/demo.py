"""The demo: two practices, the cast, agreements in force and real studies, all through the product's own services.

Only in demo mode. Passwords and TOTP seeds are random, kept in a 0600 file under the state folder and printed.
"""

import base64
import json
import os
import secrets
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.actor import SYSTEM, Actor, ActorKind
from imaging.services.intake import IncomingFile, receive
from imaging.services.regions import ensure_tenant_keys
from tenants.baas.services import draft_agreement, execute_agreement
from tenants.models import Membership, Role, Tenant, User
from tenants.selectors import find_tenant
from tenants.services.second_factor import issue_recovery_codes
from tenants.services.tenants import create_tenant, ensure_ae_title

TENANTS = {
    "northside": ("Northside Dental", Tenant.Kind.DENTAL),
    "southside": ("Southside Imaging", Tenant.Kind.IMAGING_CENTRE),
}
CAST = [
    ("Alice", "northside", Role.OWNER),
    ("Bob", "northside", Role.UPLOADER),
    ("Nora", "northside", Role.VIEWER),
    ("Carol", "southside", Role.OWNER),
    ("Vera", None, None),
]
# Real files of packages on PyPI: (package, path inside it).
STUDIES = {
    "northside": [
        ("data_store", "data/RG1_UNCR.dcm"),
        ("data_store", "data/RG3_UNCR.dcm"),
        ("data_store", "data/MR2_UNCR.dcm"),
        ("data_store", "data/eCT_Supplemental.dcm"),
        ("data_store", "data/emri_small_jpeg_2k_lossless.dcm"),
        ("pydicom", "data/test_files/CT_small.dcm"),
        ("pydicom", "data/test_files/MR_small_RLE.dcm"),
        ("pydicom", "data/test_files/examples_jpeg2k.dcm"),
        ("deid_data", "data/animals/cat.dcm"),
        ("deid_data", "data/ultrasounds/ultrasound-multiframe.dcm"),
    ],
    "southside": [
        ("data_store", "data/explicit_VR-UN.dcm"),
        ("data_store", "data/JPGLosslessP14SV1_1s_1f_8b.dcm"),
        ("data_store", "data/color-pl.dcm"),
        ("pydicom", "data/test_files/J2K_pixelrep_mismatch.dcm"),
        ("pydicom", "data/test_files/693_J2KI.dcm"),
        ("pydicom", "data/test_files/examples_ybr_color.dcm"),
        ("pydicom", "data/test_files/examples_palette.dcm"),
        ("deid_data", "data/humans/ctbrain1.dcm"),
        ("deid_data", "data/ultrasounds/RGB_IMAGE.dcm"),
    ],
}


def load_demo() -> None:
    """Everything of the demo that is not there yet."""
    accounts = _read_accounts()
    for slug, (name, kind) in TENANTS.items():
        _ensure_tenant(slug, name, kind)
    for name, slug, role in CAST:
        _ensure_person(accounts, name, slug, role)
    _accounts_file().write_text(json.dumps(accounts, indent=1))
    for slug in TENANTS:
        _load_studies(slug)


def list_accounts() -> list[dict[str, str]]:
    """E-mail, password, TOTP seed (base 32) and what the person is, for whoever tries the demo."""
    return list(_read_accounts().values())


def _ensure_tenant(slug: str, name: str, kind: str) -> None:
    if found := find_tenant(slug):
        with transaction.atomic():  # of a demo that is older than the DICOM door
            ensure_ae_title(found.id)
        return
    now, today = timezone.now(), timezone.localdate()
    tenant = create_tenant(SYSTEM, slug=slug, name=name, kind=kind, time_zone="America/New_York", now=now)
    ensure_tenant_keys(tenant.id)
    agreement = draft_agreement(SYSTEM, tenant, today, today + timedelta(days=365), now)
    execute_agreement(SYSTEM, agreement.id, f"For {name}", "Vera for Collimate", now)


def _ensure_person(accounts: dict[str, dict[str, str]], name: str, slug: str | None, role: str | None) -> None:
    email = f"{name.lower()}@{slug or 'collimate'}.example"
    if email in accounts and User.objects.filter(email=email).exists():
        return
    password, seed = secrets.token_urlsafe(12), secrets.token_bytes(20)
    user = User.objects.create_user(email, name, password, is_vendor_admin=slug is None)
    TOTPDevice.objects.create(user=user, name="default", key=seed.hex(), confirmed=True)
    if slug:
        Membership.objects.create(user=user, tenant=find_tenant(slug), role=role)
    issue_recovery_codes(SYSTEM, user, timezone.now())
    does = f"{Role(role).label} of {TENANTS[slug][0]}" if slug else "Vendor's administrator of agreements"
    accounts[email] = {
        "email": email, "password": password, "totp_seed": base64.b32encode(seed).decode(), "does": does,
    }  # fmt: skip


def _load_studies(slug: str) -> None:
    tenant = find_tenant(slug)
    uploader = Membership.objects.filter(tenant=tenant).exclude(role=Role.VIEWER).order_by("-role").first().user
    actor = Actor(ActorKind.USER, str(uploader.pk), uploader.email)
    receive(actor, tenant.id, (_incoming(*file) for file in STUDIES[slug]), timezone.now())


def _incoming(package: str, path: str) -> IncomingFile:
    folder = Path(find_spec(package).submodule_search_locations[0])
    return IncomingFile(Path(path).name, _pieces(folder / path))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1024 * 1024):
            yield piece


def _read_accounts() -> dict[str, dict[str, str]]:
    return json.loads(_accounts_file().read_text() or "{}")


def _accounts_file() -> Path:
    path = settings.VAR_DIR / "demo-accounts.json"
    path.touch(mode=0o600)
    os.chmod(path, 0o600)
    return path
