"""`/metrics`: not there without its token; numbers of every practice, and no name."""

import json
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from imaging.models import Brake, Finding
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.imaging.protecting import add_drill, add_study

TOKEN = "a-token-for-the-monitoring"
NOW = timezone.now()


@pytest.fixture(autouse=True)
def watched(settings: object, tmp_path: Path) -> Path:
    settings.METRICS_TOKEN, settings.DRILL_DAYS = TOKEN, 90
    settings.BACKUP_STATUS_FILE = str(tmp_path / "backup.json")
    return tmp_path / "backup.json"


def scrape() -> str:
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    return answer.content.decode()


def value(text: str, sample: str) -> float:
    return float(re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE).group(1))


@pytest.mark.parametrize(
    "sent", [None, "", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", "Bearer ä"]
)
def test_without_the_token_it_is_not_there(sent: str | None, db: None) -> None:
    assert Client().get("/metrics", headers={"Authorization": sent} if sent is not None else {}).status_code == 404


def test_where_no_token_is_set_nobody_reads_it(settings: object, db: None) -> None:
    settings.METRICS_TOKEN = ""
    for sent in ("Bearer ", "Bearer", f"Bearer {TOKEN}"):
        assert Client().get("/metrics", headers={"Authorization": sent}).status_code == 404


def test_an_empty_portal_measures_zero(db: None) -> None:
    text = scrape()
    for sample in ("mirror_lag_seconds_max", "brakes_on", "drills_overdue", 'findings_open{kind="damaged"}',
                   'waiting{step="mirror"}'):  # fmt: skip
        assert value(text, f"collimate_{sample}") == 0
    assert value(text, "collimate_active_region") == 1
    assert value(text, "process_resident_memory_bytes") > 0
    assert "collimate_backup_age_seconds{" not in text


def test_every_practice_is_measured(northside: Tenant, southside: Tenant) -> None:
    add_study(northside, 3, mirrored=1, received=timezone.now() - timedelta(minutes=10), patient_name="Doe^Jane")
    add_study(southside, 2)
    for tenant in (northside, southside):
        with tenant_scope(tenant.id):
            Finding.objects.create(kind="damaged", region=2, object_id=uuid4(), found_at=NOW)
    with tenant_scope(southside.id):
        Brake.objects.create(tripped_at=NOW, changed=9, usual=1)
        Finding.objects.create(kind="missing", region=1, object_id=uuid4(), found_at=NOW, healed_at=NOW)
    add_drill(southside, days_ago=100)

    text = scrape()

    assert 600 <= value(text, f'collimate_mirror_lag_seconds{{tenant="{northside.id}"}}') < 660
    assert value(text, f'collimate_mirror_lag_seconds{{tenant="{southside.id}"}}') == 0
    assert 600 <= value(text, "collimate_mirror_lag_seconds_max") < 660
    assert value(text, 'collimate_findings_open{kind="damaged"}') == 2
    assert value(text, 'collimate_findings_open{kind="missing"}') == 0
    assert value(text, 'collimate_waiting{step="mirror"}') == 2
    assert value(text, "collimate_brakes_on") == 1
    assert value(text, "collimate_drills_overdue") == 1


def test_nobody_is_named(northside: Tenant) -> None:
    study = add_study(northside, 1, mirrored=0, patient_name="Doe^Jane", patient_id="P-77")
    text = scrape().lower()
    for name in ("northside", "doe", "p-77", study.study_instance_uid):
        assert name not in text


def test_the_age_of_the_backup_is_measured_per_region(watched: Path, db: None) -> None:
    then = (timezone.now() - timedelta(minutes=5)).isoformat()
    regions = {"1": {"until": then}, "2": {"until": None}}
    watched.write_text(json.dumps({"regions": regions, "written_at": then, "every_seconds": 300}))

    text = scrape()

    assert 300 <= value(text, 'collimate_backup_age_seconds{region="1"}') < 360
    assert 'region="2"' not in text


def test_only_reading_is_possible(db: None) -> None:
    assert Client().post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405
