"""`verify_vault`: everything is read now, what was found fails the command, and what no row names is only named."""

import io
import json
import random
import shutil
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.utils import timezone

from imaging.models import Drill, Finding, Series, Tombstone, Upload, UploadSegment, VaultObject
from imaging.services import steps, thumbnails
from imaging.services.regions import get_vault
from imaging.services.verification import list_unnamed
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.incoming import instance, take_in
from tests.imaging.sealing import content_of, files_of, keep_object, keep_pack, spoil

NOW = timezone.now()
pytestmark = pytest.mark.usefixtures("empty_vaults")


@pytest.fixture(autouse=True)
def terms(settings: object) -> None:
    settings.SCRUB_DAYS, settings.BRAKE_FLOOR, settings.LAG_ALARM_SECONDS = 30, 500, 900


def verify(*arguments: str) -> str:
    out = io.StringIO()
    call_command("verify_vault", *arguments, stdout=out)
    return out.getvalue()


def verify_in_vain(*arguments: str) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_vault", *arguments, stdout=out)
    return out.getvalue()


def test_all_good_is_said_and_succeeds(northside: Tenant, southside: Tenant) -> None:
    keep_pack(northside, b"x")
    keep_pack(southside, b"y")

    said = verify()

    assert said.count("1 objects read") == 4
    assert said.count("0 faulty") == 4


@pytest.mark.parametrize("region", [1, 2])
def test_a_flipped_bit_is_found_healed_and_fails_the_command(northside: Tenant, region: int) -> None:
    pack = keep_pack(northside, b"x" * 1000)
    good = files_of(northside, pack, 1)
    spoil(northside, pack, region, "flip", random.Random(9))

    said = verify_in_vain("--tenant", "northside")

    assert f"pack {pack}" in said
    assert ", healed" in said
    assert files_of(northside, pack, 1) == files_of(northside, pack, 2) == good
    verify("--tenant", "northside")


def test_without_healing_it_only_reports(northside: Tenant) -> None:
    pack = keep_pack(northside, b"x")
    spoil(northside, pack, 2, "flip")
    before = files_of(northside, pack, 2)

    assert "not healed" in verify_in_vain("--no-heal")

    assert files_of(northside, pack, 2) == before
    verify_in_vain("--no-heal")  # an open finding is looked at again


def test_only_the_region_asked_for_is_read(northside: Tenant) -> None:
    pack = keep_pack(northside, b"x")
    spoil(northside, pack, 2, "flip")

    verify("--region", "1")


def test_a_pack_without_a_good_copy_is_named_with_its_study_and_what_to_do(northside: Tenant) -> None:
    pack = keep_pack(northside, b"x")
    for region in (1, 2):
        spoil(northside, pack, region, "flip")

    said = verify_in_vain()
    (first, second) = json.loads(verify_in_vain("--json"))

    assert "no region has a good copy; restore it" in said
    assert (first["faulty"][0]["object_id"], first["faulty"][0]["stuck"]) == (str(pack), True)
    assert len(second["faulty"][0]["study"]) == 64
    assert second["faulty"][0]["study"][:16] in said


def test_retired_objects_are_read_too_until_they_go(northside: Tenant, settings: object) -> None:
    retired, going, announced = (keep_object(northside, b"x") for _ in range(3))
    with tenant_scope(northside.id):
        VaultObject.objects.filter(id=retired).update(retired_at=NOW)
        VaultObject.objects.filter(id=going).update(retired_at=NOW - timedelta(hours=settings.RETIRED_HOURS + 1))
        VaultObject.objects.filter(id=announced).update(retired_at=NOW, in_1_at=None, in_2_at=None)
    for object_id in (retired, going, announced):
        spoil(northside, object_id, 1, "flip")

    (report,) = json.loads(verify_in_vain("--region", "1", "--json"))

    assert [each["object_id"] for each in report["faulty"]] == [str(retired)]
    assert content_of(northside, retired, 1) == b"x"


def test_what_was_taken_in_and_not_yet_read_back_is_expected_at_home(northside: Tenant) -> None:
    pack = keep_pack(northside, b"x")
    with tenant_scope(northside.id):
        VaultObject.objects.update(in_1_at=None, in_2_at=None)
    get_vault(1).delete(northside.id, pack)
    get_vault(2).delete(northside.id, pack)

    verify("--region", "2")
    assert "missing" in verify_in_vain("--region", "1")


def test_a_region_that_was_lost_is_filled_up_only_when_told_so(northside: Tenant) -> None:
    objects = [keep_object(northside, b"x") for _ in range(12)]
    shutil.rmtree(storages["vault-2"].location)

    assert "check the mount" in verify_in_vain("--region", "2")
    assert not any(get_vault(2).exists(northside.id, object_id) for object_id in objects)
    assert "12 healed" in verify_in_vain("--region", "2", "--refill")

    verify()
    with tenant_scope(northside.id):
        assert not Finding.objects.filter(healed_at=None).exists()


def test_objects_that_no_row_names_are_named_and_never_deleted(northside: Tenant, bob: User) -> None:
    keep_object(northside, b"named")
    unnamed, segment, report, going, young = uuid4(), uuid4(), uuid4(), uuid4(), uuid7_of_today()
    for object_id in (unnamed, segment, report, going, young):
        get_vault(1).seal(northside.id, object_id, [b"x"])
    with tenant_scope(northside.id):
        upload = Upload.objects.create(
            created_by=bob, batch=uuid4(), kind="file", length=1, created_at=NOW, expires_at=NOW
        )
        UploadSegment.objects.create(id=segment, upload=upload, position=0, length=1)
        Drill.objects.create(started_at=NOW, report=report)
        Tombstone.objects.create(
            study_digest=bytes(32), sealed_objects=[str(going)], instance_count=1, rule="r", requested_by_id=1,
            approved_by_id=2, purged_at=NOW,
        )  # fmt: skip

    said = verify("--region", "1", "--list-unnamed")

    assert "1 that no row names" in said
    assert f"no row names {unnamed}" in said
    assert get_vault(1).exists(northside.id, unnamed)
    assert [each.object_id for each in list_unnamed(northside.id, 1, NOW + timedelta(days=8))] == sorted(
        [unnamed, young]
    )


def test_an_unnamed_object_without_its_key_is_told_apart(northside: Tenant) -> None:
    object_id = keep_object(northside, b"x")
    get_vault(1).destroy_key(northside.id, object_id)
    with tenant_scope(northside.id):
        VaultObject.objects.all().delete()

    assert "its key is gone" in verify("--list-unnamed")


def test_an_unknown_practice_is_refused(northside: Tenant) -> None:
    with pytest.raises(CommandError, match="no practice"):
        verify("--tenant", "elsewhere")


def uuid7_of_today() -> UUID:
    milliseconds = int(NOW.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | random.Random(4).getrandbits(62))


def test_what_intake_seals_and_mirrors_is_as_the_index_says(
    northside: Tenant, bob: User, nodes: object, drawn: None
) -> None:
    take_in(actor(bob), northside, {str(number): instance(number) for number in (1, 2, 3)})
    with tenant_scope(northside.id):
        series_id = Series.objects.get().id
    for step in (steps.verify_seal, thumbnails.draw_thumbnail, steps.verify_seal, steps.mirror):
        step(northside.id, series_id)

    read = [report["checked"] for report in json.loads(verify("--tenant", "northside", "--json"))]

    assert read[0] == read[1] >= 2
