"""What the DICOM doors of a stack need: a port each, remembered, and a certificate of their own."""

import hashlib
import ipaddress
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.local.layout import REGIONS, Layout
from infra.local.ports import remembered_port
from infra.local.private_files import write_private

# Devices pin it: a new one means a visit to each of them.
_VALID_FOR = timedelta(days=5 * 365)
_RENEWED_BEFORE = timedelta(days=30)


def door_port(layout: Layout, region: int) -> int:
    """The region's door, on the port it had last time if that is free."""
    return remembered_port(layout.run / "ports.json", f"dicom-{region}")


def door_environment(layout: Layout) -> dict[str, str]:
    """The addresses of the doors; each has a certificate afterwards."""
    for region in REGIONS:
        ensure_door_certificate(layout, region, datetime.now(UTC))
    ports = {f"COLLIMATE_DICOM_PORT_{region}": region for region in REGIONS}
    return {name: os.environ.get(name) or str(door_port(layout, region)) for name, region in ports.items()}


def describe_door(layout: Layout, region: int, port: str) -> str:
    """Address and the fingerprint of the certificate, for whoever sets a device up."""
    der = ssl.PEM_cert_to_DER_cert(layout.door_certificate(region).read_text())
    return f"127.0.0.1:{port} (certificate: SHA-256 {hashlib.sha256(der).hexdigest()})"


def ensure_door_certificate(layout: Layout, region: int, now: datetime) -> None:
    """A self-signed certificate, where there is none that will do for a month."""
    certificate, key_file = layout.door_certificate(region), layout.door_key(region)
    if key_file.exists() and certificate.exists() and _ends(certificate.read_bytes()) > now + _RENEWED_BEFORE:
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(key_file, text.decode())
    write_private(certificate, _sign(key, region, now).public_bytes(serialization.Encoding.PEM).decode())


def _sign(key: rsa.RSAPrivateKey, region: int, now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Collimate DICOM region {region}")])
    names = [x509.DNSName(name) for name in {"localhost", socket.gethostname()}]
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _ends(certificate: bytes) -> datetime:
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc
