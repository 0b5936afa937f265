"""One drill with nothing faked: a PostgreSQL server, `rebuild_index` and an Orthanc of its own, and region 1 gone."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from imaging.models import Study
from imaging.services.drill import run_drill
from imaging.services.drill_compare import Check, Difference
from imaging.services.drill_report import read_report
from imaging.services.regions import get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.drilling import mirror_all
from tests.imaging.incoming import instance, take_in
from tests.imaging.library import CT, keep, real_file

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def no_shortcuts(settings: object, tmp_path: Path, db: None) -> None:
    """The suite's own state folder, so that the processes of the drill find the same vaults."""
    settings.DRILL_SIGNING_KEY = tmp_path / "drill-signing.p12"
    settings.DRILL_DATABASE_URL = ""
    settings.DRILL_DAYS = 90
    # The suite holds a transaction around the whole drill, which takes its time on a busy machine.
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 0")


def test_a_practice_comes_back_from_region_2_alone(
    northside: Tenant, bob: User, nodes: object, empty_vaults: None, no_shortcuts: None
) -> None:
    keep(northside, bob, real_file(CT))
    take_in(actor(bob), northside, {f"{n}.dcm": instance(n, study=1 + n % 2) for n in (1, 2, 3)})
    mirror_all(northside)
    damaged = lose_a_study_of_region_2(northside)
    shutil.rmtree(storages["vault-1"].location)
    shutil.rmtree(settings.VAULT_KEYS[1])
    found: list[Difference] = []

    done = run_drill(northside.id, timezone.now(), on_difference=found.append)

    assert {(each.instance_id, each.check) for each in found} == {(each, Check.MISSING) for each in damaged}
    assert (done.studies, done.instances, done.passed) == (3, 4, False)
    assert 1 <= done.rto_seconds < 300
    assert (read_report(done) or b"").startswith(b"%PDF-")
    assert [path.name for path in (settings.VAR_DIR / "drill").iterdir()] == ["lock"]


def lose_a_study_of_region_2(tenant: Tenant) -> set[object]:
    """The ids of instances whose pack region 2 lost without anybody noticing."""
    with tenant_scope(tenant.id):
        study = Study.objects.filter(instance_count=1).exclude(modalities="CT").first() or Study.objects.latest("size")
        lost = list(study.series.get().instances.values_list("id", "pack_id"))
    for _, pack_id in lost:
        get_vault(2).delete(tenant.id, pack_id)
    return {instance_id for instance_id, _ in lost}
