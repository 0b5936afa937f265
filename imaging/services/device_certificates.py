"""Certificates of devices: which are fit to prove who sends, and new ones for devices that have none."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.utils.translation import gettext as _

from tenants.readers import say_day

MOST_CERTIFICATE_BYTES = 64 << 10
LEAST_RSA_BITS = 2048  # PS3.15 Annex B.12, by way of RFC 9325 §4.5
ISSUED_RSA_BITS = 3072
ISSUED_FOR = timedelta(days=2 * 365)
_CLOCK_SKEW = timedelta(minutes=5)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
Extension = TypeVar("Extension", bound=x509.ExtensionType)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CertificateUnfit(Exception):
    """The certificate cannot prove who a device is; `str()` says why, for the person who brought it."""


@dataclass(frozen=True)
class Certificate:
    """A certificate that is fit. `fingerprint` is SHA-256 over its DER."""

    pem: str
    fingerprint: bytes
    expires_at: datetime


@dataclass(frozen=True)
class Issued:
    """A new certificate and its private key, which exists here and nowhere else."""

    certificate: Certificate
    private_key: str  # PKCS #8, PEM


def read_certificate(content: bytes, now: datetime) -> Certificate:
    """The one certificate in PEM `content`; raises `CertificateUnfit`."""
    if b"PRIVATE KEY" in content:
        raise CertificateUnfit(_("This holds a private key. The key stays in the device; send only its certificate."))
    blocks = _PEM.findall(content)
    if len(blocks) != 1:
        told = _("This holds {count} certificates.").format(count=len(blocks))
        told = told if blocks else _("This is not a certificate in PEM form.")
        raise CertificateUnfit(f"{told} {_('Give exactly one: that of the device itself.')}")
    try:
        found = x509.load_pem_x509_certificate(blocks[0])
        _require_fit(found, now)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise CertificateUnfit(_("The certificate is damaged.")) from error
    return _described(found)


def issue_certificate(name: str, ae_title: str, now: datetime) -> Issued:
    """A self-signed certificate that is good for authenticating as a client and for nothing else.

    RSA: scanners that know no elliptic curves are still in use.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=ISSUED_RSA_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{ae_title} {name}"[:64].strip())])
    usage = dict.fromkeys(_KEY_USAGES, False) | {"digital_signature": True}
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + ISSUED_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Issued(_described(builder.sign(key, hashes.SHA256())), text.decode())


def fingerprint_of(pem: str) -> str:
    """SHA-256 over the certificate's DER, as people compare it; raises `ValueError`."""
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex(":").upper()


_KEY_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def _require_fit(found: x509.Certificate, now: datetime) -> None:
    key = found.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        raise CertificateUnfit(
            _("Its RSA key has {bits} bits; at least {least} are needed.").format(
                bits=key.key_size, least=LEAST_RSA_BITS
            )
        )
    is_curve = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
    if not is_curve and not isinstance(key, rsa.RSAPublicKey):
        raise CertificateUnfit(_("Its key is neither RSA nor on one of the curves P-256, P-384 and P-521."))
    if found.not_valid_after_utc <= now:
        raise CertificateUnfit(
            _("It expired on {day}.").format(day=say_day(found.not_valid_after_utc))
        )
    if found.not_valid_before_utc > now + _CLOCK_SKEW:
        raise CertificateUnfit(
            _("It is not valid before {day}.").format(day=say_day(found.not_valid_before_utc))
        )
    _require_client(found)


def _require_client(found: x509.Certificate) -> None:
    """TLS would turn away a certificate whose extensions forbid what it is for (RFC 5280 §4.2.1)."""
    usage = _extension(found, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.key_agreement):
        raise CertificateUnfit(_("It may only sign other certificates, not show who a device is."))
    purposes = _extension(found, x509.ExtendedKeyUsage)
    # "Any" is not enough: OpenSSL wants it named.
    if purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise CertificateUnfit(_("Its extended key usage does not allow it to authenticate a client."))


def _extension(found: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return found.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _described(found: x509.Certificate) -> Certificate:
    pem = found.public_bytes(serialization.Encoding.PEM).decode()
    return Certificate(pem, found.fingerprint(hashes.SHA256()), found.not_valid_after_utc.astimezone(UTC))
