"""A copy that was made at the practice and loaded somewhere else shows the practice, all of it and nothing more."""

import re
import zlib
from base64 import b32encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import AuditEvent
from audit.selectors import Alteration, find_alteration
from imaging.models import Instance, VaultObject
from imaging.services import office_copy_loading
from imaging.services.active_region import forget
from imaging.services.office_copy_index import IndexUnreadable, load_index, read_lines
from imaging.services.office_copy_loading import DatabaseNotEmpty, LoadReport, TrailAltered, load_copy
from tenants.models import Membership, Tenant, User
from tenants.scoping import tenant_scope
from tenants.services.second_factor import verify_code
from tests.cast import PASSWORD, actor, add_person, add_tenant, sign_in
from tests.imaging.copying import (
    Office,
    digest_of_folder,
    list_objects,
    serve_from,
    stop_serving,
    take_in_studies,
)
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance
from tests.imaging.library import ANY_FILE, get_parts
from tests.imaging.sharing import Sent, redeem, send_invitation, send_link

STUDY = f"{ROOT}.1"
SERIES = f"/t/northside/dicomweb/studies/{STUDY}/series/{STUDY}.1"
SOUTH = ("southside", "Southside", "Secretive", "carol")
SEED = "a" * 40


@pytest.fixture(autouse=True)
def cheap_codes(settings: object) -> None:
    """Argon2 is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@dataclass(frozen=True)
class Moved:
    """What went into the copy, and the copy after the practice's database is gone."""

    office: Office
    link: Sent
    invitation: Sent
    events: int
    southside: Tenant


@pytest.fixture
def moved(db: None, empty_vaults: None, drawn: None, tmp_path: Path) -> Iterator[Moved]:
    """Northside with Southside beside it, copied; then both are gone from the database."""
    before = transaction.savepoint()
    moved = _copy_of_northside(tmp_path)
    transaction.savepoint_rollback(before)
    forget()
    assert not User.objects.exists()
    yield moved


def _copy_of_northside(folder: Path) -> Moved:
    north, south = add_tenant("northside", "Northside Dental"), add_tenant("southside", "Southside Imaging")
    bob, carol = add_person("Bob", north, "uploader"), add_person("Carol", south, "owner")
    gone = add_person("Gone", north, "uploader")
    for user in (bob, gone):
        user.is_vendor_admin = True
        user.set_password(PASSWORD)
        user.save()
    TOTPDevice.objects.filter(user=bob).update(key=SEED)
    take_in_studies(north, bob, 1, 2)
    take_in_studies(south, carol, 7, name="Secretive^Sue")
    link, invitation = send_link(north, gone, STUDY, may_download=True), send_invitation(north, bob, STUDY)
    Membership.objects.filter(user=gone).delete()
    office = Office(north, folder / "disk", folder / "stick" / "office.key")
    assert office.snapshot().missing == 0
    with tenant_scope(north.id):
        # The event of the copy itself comes after what is copied.
        events = AuditEvent.objects.count() - 1
    return Moved(office, link, invitation, events, south)


@pytest.fixture
def loaded(moved: Moved) -> Iterator[LoadReport]:
    serve_from(moved.office)
    yield load_copy(moved.office.disk, moved.office.key)
    stop_serving()


def bob() -> User:
    return User.objects.get(email="bob@northside.example")


def test_a_loaded_copy_searches_and_gives_every_original_back(moved: Moved, loaded: LoadReport) -> None:
    client = sign_in(bob())

    assert (loaded.studies, loaded.instances, loaded.missing) == (2, 4, 0)
    client.post("/t/northside/", {"words": "jane doe"})
    assert client.get("/t/northside/").content.decode().count("Doe, ") >= 2
    parts = get_parts(client, SERIES, ANY_FILE)
    tags = {"PatientBirthDate": "19700131", "PatientName": "Doe^Jane"}
    assert sorted(data for _, data in parts) == sorted(instance(number, **tags) for number in (1, 2))


def test_a_loaded_copy_shows_thumbnails_metadata_and_the_viewer(loaded: LoadReport) -> None:
    client = sign_in(bob())

    answers = [client.get(f"{SERIES}/{part}") for part in ("thumbnail", "metadata")]
    answers += [client.get(f"/t/northside/studies/{STUDY}/{page}") for page in ("", "viewer")]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert b"".join(answers[0]).startswith(b"RIFF")


def test_people_sign_in_to_a_loaded_copy_with_what_they_know_and_have(loaded: LoadReport) -> None:
    user = bob()

    assert user.check_password(PASSWORD)
    code = pyotp.TOTP(b32encode(bytes.fromhex(SEED)).decode()).now()
    assert verify_code(actor(user), user, code, timezone.now()).user_id == user.pk


def test_links_and_invitations_open_in_a_loaded_copy(moved: Moved, loaded: LoadReport) -> None:
    for sent in (moved.link, moved.invitation):
        assert redeem(sent).get(sent.page).status_code == 200


def test_who_left_keeps_a_name_in_the_copy_and_no_way_in(loaded: LoadReport) -> None:
    gone = User.objects.get(email="gone@northside.example")

    assert (gone.is_active, gone.has_usable_password(), TOTPDevice.objects.filter(user=gone).count()) == (
        False,
        False,
        0,
    )


def test_nobody_acts_for_the_vendor_in_a_copy(loaded: LoadReport) -> None:
    assert not User.objects.filter(is_vendor_admin=True).exists()


def test_the_trail_of_a_loaded_copy_holds_and_goes_on(moved: Moved, loaded: LoadReport) -> None:
    with tenant_scope(loaded.tenant_id):
        assert AuditEvent.objects.count() == moved.events
    sign_in(bob()).get(f"/t/northside/studies/{STUDY}/")

    with tenant_scope(loaded.tenant_id):
        assert AuditEvent.objects.count() > moved.events
        assert find_alteration() is None


def test_the_copy_is_region_1_of_the_portal_that_serves_it(loaded: LoadReport) -> None:
    with tenant_scope(loaded.tenant_id):
        rows = list(VaultObject.objects.all())

    assert {(row.home_region, row.in_1_at, row.in_2_at) for row in rows} == {(1, loaded.taken_at, None)}


def test_nothing_of_another_practice_is_in_the_copy(moved: Moved, loaded: LoadReport) -> None:
    index = "\n".join(moved.office.index())

    assert "Doe^Jane" in index
    for word in (*SOUTH, str(moved.southside.id)):
        assert word not in index
    assert list(Tenant.objects.values_list("slug", flat=True)) == ["northside"]
    assert set(User.objects.values_list("name", flat=True)) == {"Bob", "Gone"}
    assert {path.name for path in (moved.office.disk / "vault").iterdir()} == {str(loaded.tenant_id)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_secretroute")
        assert cursor.fetchone() == (2,)


def test_the_copy_is_noise_without_its_key(moved: Moved) -> None:
    files = [path for path in moved.office.disk.rglob("*") if path.is_file()]
    content, names = b"".join(path.read_bytes() for path in files), " ".join(map(str, files))
    key = moved.office.key

    for word in (b"DICM", b"Doe", b"DOE", b"Jane", b"northside", b"bob@", ROOT.encode(), key.read_bytes()):
        assert word not in content
    assert "Doe" not in names.replace(str(moved.office.disk), "")
    assert key.stat().st_mode & 0o777 == 0o600
    assert all(path.stat().st_mode & 0o077 == 0 for path in [*files, moved.office.disk])


def test_loading_leaves_the_copy_exactly_as_it_is(moved: Moved) -> None:
    before = digest_of_folder(moved.office.disk)

    load_copy(moved.office.disk, moved.office.key)

    assert digest_of_folder(moved.office.disk) == before


def test_a_copy_is_loaded_into_an_empty_database_only(moved: Moved, loaded: LoadReport) -> None:
    with pytest.raises(DatabaseNotEmpty, match="fresh"):
        load_copy(moved.office.disk, moved.office.key)


def test_a_manifest_that_was_changed_is_not_believed(moved: Moved) -> None:
    manifest = moved.office.disk / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"instances": 4', '"instances": 3'))

    with pytest.raises(IndexUnreadable):
        load_copy(moved.office.disk, moved.office.key)
    assert not Tenant.objects.exists()


def test_a_damaged_index_loads_nothing(moved: Moved) -> None:
    index = next((moved.office.disk / "index").rglob("*.sealed"))
    content = bytearray(index.read_bytes())
    content[len(content) // 2] ^= 1
    index.write_bytes(content)

    with pytest.raises(IndexUnreadable, match="snapshot again"):
        load_copy(moved.office.disk, moved.office.key)
    assert not User.objects.exists()


def test_a_trail_that_breaks_loads_nothing(moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_copy_loading, "find_alteration", lambda: Alteration(3, "altered"))

    with pytest.raises(TrailAltered, match="event 3"):
        load_copy(moved.office.disk, moved.office.key)
    assert not Tenant.objects.exists()


def load_lines(moved: Moved, change: Callable[[str], str]) -> None:
    """Load the index with each of its lines changed."""
    facts, tenant_id = moved.office.folder.get_manifest().facts, moved.office.tenant.id
    lines = "".join(change(line) + "\n" for line in moved.office.index())
    with tenant_scope(tenant_id):
        load_index([zlib.compress(lines.encode())], facts)


def test_a_copy_of_an_older_version_gets_defaults_for_what_it_does_not_know(moved: Moved) -> None:
    def without_status(line: str) -> str:
        return re.sub(r'"acknowledge_in":\d,', "", line.replace('"acknowledge_in", ', ""))

    load_lines(moved, without_status)

    assert Tenant.objects.get().acknowledge_in == 1


@pytest.mark.parametrize(
    ("old", "new"), [('"acknowledge_in", ', '"acknowledge_in", "moon", '), ('"tenants_tenant"', '"tenants_moon"')]
)
def test_a_copy_of_a_newer_version_is_refused(moved: Moved, old: str, new: str) -> None:
    with pytest.raises(IndexUnreadable, match="newer version"):
        load_lines(moved, lambda line: line.replace(old, new) if line[0] == "T" else line)


def test_rows_that_do_not_fit_are_refused_without_quoting_them(moved: Moved) -> None:
    with pytest.raises(IndexUnreadable) as refusal:
        load_lines(moved, lambda line: line.replace('"northside"', "null"))

    assert "Northside" not in str(refusal.value) and refusal.value.__suppress_context__


def test_an_index_that_is_cut_short_is_refused(moved: Moved) -> None:
    packed = zlib.compress("\n".join(moved.office.index()).encode())

    with pytest.raises(IndexUnreadable, match="cut short"):
        list(read_lines([packed[:-9]]))
    with pytest.raises(IndexUnreadable, match="damaged"):
        list(read_lines([b"\0" + packed]))


def test_instances_keep_what_was_noted_of_them(moved: Moved, loaded: LoadReport) -> None:
    with tenant_scope(loaded.tenant_id):
        held = set(Instance.objects.values_list("pack_id", flat=True))

    assert held <= moved.office.objects()
    assert list_objects(moved.office.tenant) == moved.office.objects()
