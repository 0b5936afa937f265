"""The report: what it says, what it must not say, and that its signature holds for these bytes alone."""

import io
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from imaging.adapters.report import CheckLine, Report, build_pdf
from imaging.adapters.signature import COMMON_NAME, ReportKey, SigningKeyUnreadable
from imaging.models import VaultObject
from imaging.services.drill import run_drill
from imaging.services.drill_compare import Difference
from imaging.services.drill_report import read_report, say_seconds, say_size, software_version
from imaging.services.regions import get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.fakes.orthanc import FakeOrthancNode
from tests.imaging.drilling import drill_settings, keep_studies, scratch  # noqa: F401  fixtures

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)

REPORT = Report(
    practice="Northside Dental", drilled_at=NOW, passed=True,
    verdict="Passed: all 3 images came back byte for byte.", restored=[("Studies", "2 of 2")],
    modalities=[("CT", "3", "12 kB")], times=[("Recovery time", "5 s", "24 h")],
    checks=[CheckLine("Every image has its row in the restored index", 3, 0)], differences=[],
    circumstances=[("Run by", "root at the command line")], certificate="ab12",
)  # fmt: skip


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> ReportKey:
    return ReportKey(tmp_path_factory.mktemp("key") / "secrets" / "signing.p12", [b"first"])


@pytest.fixture(scope="module")
def signed(key: ReportKey) -> bytes:
    return key.sign(build_pdf(REPORT))


def text_of(pdf: bytes) -> str:
    """Text as the pages' content streams hold it."""
    pages = PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Kids"]
    return b"".join(page.get_object()["/Contents"].data for page in pages).decode("latin-1").replace(") Tj (", "")


def validate(pdf: bytes, key: ReportKey):
    trusted = Certificate.load(key.certificate().public_bytes(Encoding.DER))
    signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
    return validate_pdf_signature(signature, ValidationContext(trust_roots=[trusted], allow_fetching=False))


def test_it_opens_and_says_what_was_restored(signed: bytes) -> None:
    text = text_of(signed)

    for words in ("Northside Dental", "21 November 2026, 14:05 UTC", "2 of 2", "byte for byte", "root at the command"):
        assert words in text


def test_differences_are_listed_only_where_there_are_some() -> None:
    listed = build_pdf(replace(REPORT, differences=["8b1c: not so"], passed=False))

    assert text_of(build_pdf(REPORT)).count("Differences") == 1  # a column of the checks
    assert text_of(listed).count("Differences") == 2
    assert "8b1c: not so" in text_of(listed)


def test_a_practice_cannot_write_markup_and_keeps_its_name_as_far_as_the_font_goes() -> None:
    text = text_of(build_pdf(replace(REPORT, practice="<b>Zähne & Čo\u202e 歯")))

    assert "<b>Z\\344hne & Co? ?, 21 November" in text


def test_the_signature_holds(signed: bytes, key: ReportKey) -> None:
    status = validate(signed, key)

    assert status.bottom_line
    assert status.intact and status.valid and status.trusted
    assert status.coverage.name == "ENTIRE_FILE"
    assert status.signing_cert.subject.native == {"common_name": COMMON_NAME}
    signature = PdfFileReader(io.BytesIO(signed)).embedded_signatures[0]
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"


def test_one_changed_byte_breaks_it(signed: bytes, key: ReportKey) -> None:
    place = signed.index(b"/Title (Restore drill)") + len("/Title (R")
    altered = signed[:place] + b"E" + signed[place + 1 :]

    status = validate(altered, key)

    assert not status.intact
    assert not status.bottom_line


def test_what_is_appended_is_seen(signed: bytes, key: ReportKey) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = generic.NumberObject(180)
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)

    assert not validate(out.getvalue(), key).bottom_line


def test_another_installations_signature_is_not_trusted(signed: bytes, tmp_path: Path) -> None:
    assert not validate(signed, ReportKey(tmp_path / "other.p12", [b"first"])).bottom_line


def test_the_key_is_made_once_and_only_we_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "signing.p12"
    first = ReportKey(path, [b"first"]).fingerprint()

    assert ReportKey(path, [b"first"]).fingerprint() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_key_opens_with_an_older_passphrase_and_with_no_other(tmp_path: Path) -> None:
    path = tmp_path / "signing.p12"
    made = ReportKey(path, [b"old"]).fingerprint()

    assert ReportKey(path, [b"new", b"old"]).fingerprint() == made
    with pytest.raises(SigningKeyUnreadable, match="restore it"):
        ReportKey(path, [b"new"]).fingerprint()


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "signing.p12"
    path.write_bytes(b"not a key")

    with pytest.raises(SigningKeyUnreadable):
        ReportKey(path, [b"first"]).sign(build_pdf(REPORT))
    assert path.read_bytes() == b"not a key"


def test_a_drills_report_names_everything_but_patients(
    northside: Tenant, bob: User, nodes: object, empty_vaults: None, scratch: FakeOrthancNode
) -> None:
    study = keep_studies(northside, bob, [2])[0]
    get_vault(2).delete(northside.id, pack_of(northside))
    found: list[Difference] = []

    done = run_drill(northside.id, NOW, actor=actor(bob), seed=4711, on_difference=found.append)
    pdf = read_report(done) or b""
    text = text_of(pdf)

    for words in (
        "Northside Dental", "bob@northside.example", "2 differences", "seed 4711", "2 of 2", "region 2",
        "Orthanc 1.10.1", f"Collimate {software_version()}", *(str(each.instance_id) for each in found),
    ):  # fmt: skip
        assert words in text
    assert len(found) == 2
    for identifier in (study.patient_name, study.patient_id, study.study_instance_uid):
        assert identifier and identifier not in text
    assert PdfFileReader(io.BytesIO(pdf)).embedded_signatures


def pack_of(tenant: Tenant) -> UUID:
    with tenant_scope(tenant.id):
        return VaultObject.objects.get(kind="pack").id


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59, "59 s"), (252, "4 min 12 s"), (3600, "1 h"), (90_061, "1 d 1 h")]
)
def test_durations_are_said_in_two_units_at_most(seconds: int, said: str) -> None:
    assert say_seconds(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (2_500_000, "2.5 MB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes_are_said_in_powers_of_a_thousand(size: int, said: str) -> None:
    assert say_size(size) == said


def test_the_report_names_this_installations_version() -> None:
    assert software_version()[0].isdigit()
