"""Devices of a practice: which certificates are fit, who adds and revokes them, and a key that is shown once."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from imaging.models import ApplicationEntity
from imaging.services.device_certificates import CertificateUnfit, issue_certificate, read_certificate
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tenants.services.tenants import ensure_ae_title
from tests.cast import add_tenant, sign_in

PAGE = "/t/northside/connections/devices/"
NOW = timezone.now()
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
CURVE = ec.generate_private_key(ec.SECP256R1())


def certificate(
    key: object = CURVE, begins: int = -1, ends: int = 365, extensions: tuple[x509.ExtensionType, ...] = ()
) -> bytes:
    """PEM of a self-signed one; days from now."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scanner")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW + dt.timedelta(begins))
    builder = builder.not_valid_after(NOW + dt.timedelta(ends))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    signed = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**(dict.fromkeys(names, False) | allowed))


GOOD = certificate()


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "not a certificate"), (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "damaged"),
    (GOOD + certificate(), "2 certificates"), (b"-----BEGIN PRIVATE KEY-----" + GOOD, "private key"),
    (certificate(WEAK), "1024 bits"), (certificate(ed25519.Ed25519PrivateKey.generate()), "neither RSA"),
    (certificate(ec.generate_private_key(ec.SECP192R1())), "neither RSA"),
    (certificate(begins=-9, ends=-1), "expired"), (certificate(begins=2), "not valid before"),
    (certificate(extensions=(usage(key_cert_sign=True),)), "only sign"),
    (certificate(extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),)), "extended key usage"),
])  # fmt: skip
def test_a_certificate_that_cannot_prove_a_device_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(CertificateUnfit, match=reason):
        read_certificate(content, NOW)


@pytest.mark.parametrize("content", [
    GOOD, b"Bag Attributes\n" + GOOD, certificate(extensions=(x509.BasicConstraints(ca=True, path_length=None),)),
    certificate(extensions=(usage(digital_signature=True), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))),
])  # fmt: skip
def test_a_fit_certificate_is_known_by_the_sha_256_of_its_der(content: bytes) -> None:
    found = read_certificate(content, NOW)
    assert found.fingerprint == x509.load_pem_x509_certificate(found.pem.encode()).fingerprint(hashes.SHA256())
    assert found.expires_at > NOW


def test_an_issued_certificate_is_fit_and_matches_its_key() -> None:
    issued = issue_certificate("Cone beam CT", "CT1", NOW)
    key = serialization.load_pem_private_key(issued.private_key.encode(), None)

    assert read_certificate(issued.certificate.pem.encode(), NOW) == issued.certificate
    found = x509.load_pem_x509_certificate(issued.certificate.pem.encode())
    assert found.public_key() == key.public_key()


def add(client: Client, **values: object):
    fields = {"name": "Cone beam CT", "ae_title": "CT1", "proof": "own", "certificate": GOOD.decode()} | values
    return client.post(PAGE, fields)


def devices(tenant: Tenant) -> list[ApplicationEntity]:
    with tenant_scope(tenant.id):
        return list(ApplicationEntity.objects.order_by("created_at"))


def actions(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))


def test_an_owner_adds_a_device_and_the_practice_gets_its_ae_title(northside: Tenant, alice: User) -> None:
    browser = sign_in(alice)
    assert "Given with the first device" in browser.get(PAGE).text

    assert add(browser).status_code == 302

    [device] = devices(northside)
    assert (device.name, device.ae_title, device.created_by_id) == ("Cone beam CT", "CT1", alice.pk)
    northside.refresh_from_db()
    assert northside.ae_title == "NORTHSIDE"
    page = browser.get(PAGE).text
    assert "NORTHSIDE" in page
    assert "Cone beam CT" in page
    assert actions(northside) == [Action.DEVICE_ADDED]


def test_a_certificate_may_come_as_a_file(northside: Tenant, alice: User) -> None:
    file = SimpleUploadedFile("ct.pem", GOOD)
    assert add(sign_in(alice), certificate="", certificate_file=file).status_code == 302
    assert len(devices(northside)) == 1


@pytest.mark.parametrize("wrong", [
    {"ae_title": "SEVENTEEN LETTERS"}, {"ae_title": "A\\B"}, {"ae_title": "ÄRZTE"}, {"ae_title": " "}, {"name": ""},
    {"certificate": ""}, {"certificate": "nonsense"}, {"proof": "none"},
    {"certificate_file": SimpleUploadedFile("ct.pem", GOOD)},
    {"certificate": "", "certificate_file": SimpleUploadedFile("ct.pem", b"x" * (65 << 10))},
], ids=str)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_added(wrong: dict[str, object], northside: Tenant, alice: User) -> None:
    answer = add(sign_in(alice), **wrong)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert devices(northside) == []


def test_the_same_device_cannot_be_added_twice_until_it_is_revoked(northside: Tenant, alice: User) -> None:
    browser = sign_in(alice)
    add(browser)
    assert "already" in add(browser).text

    [device] = devices(northside)
    browser.post(f"{PAGE}{device.id}/revoke")
    assert add(browser).status_code == 302


def test_a_created_key_is_shown_once_and_kept_nowhere(northside: Tenant, alice: User) -> None:
    browser = sign_in(alice)
    answer = add(browser, proof="new", certificate="")

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    key = answer.context["issued"].private_key
    assert key.splitlines()[3] in answer.text
    [device] = devices(northside)
    assert device.certificate.encode() == answer.context["issued"].certificate.pem.encode()
    assert "PRIVATE" not in device.certificate
    assert "PRIVATE" not in browser.get(PAGE).text


def test_revoking_ends_a_device_and_is_in_the_trail(northside: Tenant, alice: User) -> None:
    browser = sign_in(alice)
    add(browser)
    [device] = devices(northside)

    for _ in range(2):
        assert browser.post(f"{PAGE}{device.id}/revoke").status_code == 302

    assert devices(northside)[0].revoked_at
    assert actions(northside) == [Action.DEVICE_ADDED, Action.DEVICE_REVOKED]


@pytest.mark.parametrize(("ends", "badge"), [(365, ""), (20, "Ends soon"), (-1, "Expired")])
def test_a_certificate_that_ends_within_a_month_is_marked(
    ends: int, badge: str, northside: Tenant, alice: User
) -> None:
    browser = sign_in(alice)
    add(browser)
    with tenant_scope(northside.id):
        ApplicationEntity.objects.update(expires_at=timezone.now() + dt.timedelta(ends))

    page = browser.get(PAGE).text
    assert {word for word in ("Ends soon", "Expired") if word in page} == ({badge} if badge else set())


@pytest.mark.parametrize("who", ["bob", "nora", "carol", "anonymous"])
def test_only_an_owner_sees_and_changes_devices(
    who: str, northside: Tenant, alice: User, bob: User, nora: User, carol: User
) -> None:
    add(sign_in(alice))
    [device] = devices(northside)
    client = Client() if who == "anonymous" else sign_in({"bob": bob, "nora": nora, "carol": carol}[who])
    turned_away = (302, 401) if who == "anonymous" else (404,)

    assert client.get(PAGE).status_code in turned_away
    assert add(client, ae_title="CT2").status_code in turned_away
    assert client.post(f"{PAGE}{device.id}/revoke").status_code in turned_away
    assert client.get(f"{PAGE}region1.crt").status_code in turned_away
    assert [each.revoked_at for each in devices(northside)] == [None]


def test_a_device_of_another_practice_is_not_there(
    northside: Tenant, southside: Tenant, alice: User, carol: User
) -> None:
    add(sign_in(alice))
    [device] = devices(northside)
    assert sign_in(carol).post(f"/t/southside/connections/devices/{device.id}/revoke").status_code == 404
    assert devices(northside)[0].revoked_at is None


def test_the_doors_certificate_can_be_taken_along(
    northside: Tenant, alice: User, settings: object, tmp_path: object
) -> None:
    settings.DICOM_CERTIFICATES = {1: tmp_path / "1.crt", 2: tmp_path / "2.crt"}
    settings.DICOM_CERTIFICATES[1].write_bytes(GOOD)
    browser = sign_in(alice)

    answer = browser.get(f"{PAGE}region1.crt")

    assert answer.content == GOOD
    assert "attachment" in answer["Content-Disposition"]
    assert [browser.get(f"{PAGE}region{region}.crt").status_code for region in (2, 3)] == [404, 404]
    page = browser.get(PAGE).text
    assert x509.load_pem_x509_certificate(GOOD).fingerprint(hashes.SHA256()).hex(":").upper() in page


def test_ae_titles_come_from_the_short_name_and_never_collide(db: None) -> None:
    slugs = ["north", "north-shore-dental-a", "north-shore-dental-b", "north-shore-dental-c"]
    titles = [ensure_ae_title(add_tenant(slug, slug).id) for slug in slugs]
    assert titles == ["NORTH", "NORTH-SHORE-DENT", "NORTH-SHORE-DEN2", "NORTH-SHORE-DEN3"]
