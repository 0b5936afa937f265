"""The key that signs drill reports: made once, kept as PKCS#12, with a certificate that only vouches for itself."""

import contextlib
import io
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

COMMON_NAME = "Collimate drill reports"
_YEARS = 20  # longer than any report must be kept


class SigningKeyUnreadable(Exception):
    """The key file is damaged, or wrapped with a passphrase that we do not have any more."""


class ReportKey:
    """The signing key in the PKCS#12 file `path`, wrapped with the first of `passphrases`; older ones still open it."""

    def __init__(self, path: Path, passphrases: Sequence[bytes]) -> None:
        self._path, self._passphrases = Path(path), passphrases

    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal. Raises `SigningKeyUnreadable`."""
        return self.certificate().fingerprint(hashes.SHA256()).hex()

    def certificate(self) -> x509.Certificate:
        """The certificate, made with the key if there is none yet. Raises `SigningKeyUnreadable`."""
        content, passphrase = self._open()
        certificate = pkcs12.load_key_and_certificates(content, passphrase)[1]
        if certificate is None:
            raise SigningKeyUnreadable(f"{self._path.name} holds no certificate")
        return certificate

    def sign(self, pdf: bytes) -> bytes:
        """The PDF with a PAdES-B-B signature (ETSI EN 319 142-1) over all of it. Raises `SigningKeyUnreadable`."""
        # pyHanko takes half a second and 30 MB: only a drill pays for it.
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import fields, signers

        content, passphrase = self._open()
        signer = signers.SimpleSigner.load_pkcs12_data(content, other_certs=[], passphrase=passphrase)
        metadata = signers.PdfSignatureMetadata(
            field_name="Signature", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES, name=COMMON_NAME,
            reason="Restore drill", certify=True, docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        )  # fmt: skip
        return signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer=signer).getvalue()

    def _open(self) -> tuple[bytes, bytes]:
        """The file's content and the passphrase that opens it."""
        if not self._path.exists():
            self._create()
        content = self._path.read_bytes()
        for passphrase in self._passphrases:
            with contextlib.suppress(ValueError):
                pkcs12.load_key_and_certificates(content, passphrase)
                return content, passphrase
        raise SigningKeyUnreadable(
            f"{self._path.name} does not open: restore it, or the secret key it was made under; "
            "moving it away makes a new one, and older reports keep the old certificate"
        )

    def _create(self) -> None:
        """Appear under the name complete and durable; whoever comes second takes the first one's."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_new_pkcs12(self._passphrases[0]))
                file.flush()
                os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):
                os.link(part, self._path)
        finally:
            part.unlink()


def _new_pkcs12(passphrase: bytes) -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=366 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_SIGNS_DOCUMENTS, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(
        COMMON_NAME.encode(), key, certificate, None, BestAvailableEncryption(passphrase)
    )


_SIGNS_DOCUMENTS = x509.KeyUsage(
    digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
)  # fmt: skip
