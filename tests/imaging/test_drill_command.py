"""`manage.py drill`: prints RPO, RTO and the result, and exits non-zero on a difference."""

import io
import json
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from imaging.models import Drill, Instance
from imaging.services import drill_restore
from imaging.services.regions import get_vault
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.fakes.orthanc import FakeOrthancNode
from tests.imaging.drilling import drill_settings, keep_studies, scratch, unsigned  # noqa: F401  fixtures

pytestmark = pytest.mark.usefixtures("nodes", "empty_vaults", "unsigned", "scratch")


def run(*arguments: object) -> str:
    out = io.StringIO()
    call_command("drill", "--tenant", "northside", *map(str, arguments), stdout=out)
    return out.getvalue()


def lose_a_pack(tenant: Tenant) -> Instance:
    with tenant_scope(tenant.id):
        row = Instance.objects.get()
    get_vault(2).delete(tenant.id, row.pack_id)
    return row


def test_it_prints_recovery_point_and_time_and_the_result(northside: Tenant, bob: User) -> None:
    keep_studies(northside, bob, [2])

    said = run()

    assert "Restored 1 studies, 2 images" in said
    assert "RPO 0 s, RTO " in said
    assert "0 differences: passed." in said
    with tenant_scope(northside.id):
        assert f"{Drill.objects.get().started_at + timedelta(days=90):%Y-%m-%d}" in said


def test_it_says_the_same_as_json_and_writes_the_report(northside: Tenant, bob: User, tmp_path: Path) -> None:
    keep_studies(northside, bob, [2])

    said = json.loads(run("--json", "--pdf", tmp_path / "report.pdf"))

    assert (said["passed"], said["instances"], said["rpo_seconds"], said["differences"]) == (True, 2, 0, [])
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_a_difference_is_named_and_fails_it(northside: Tenant, bob: User) -> None:
    keep_studies(northside, bob, [1])
    row = lose_a_pack(northside)
    out = io.StringIO()

    with pytest.raises(CommandError, match="failed"):
        call_command("drill", "--tenant", "northside", "--json", stdout=out)

    said = json.loads(out.getvalue())
    assert said["differences"] == [{"instance": str(row.id), "check": "vault"}]


def test_the_number_of_studies_and_the_region_are_passed_on(northside: Tenant, bob: User) -> None:
    keep_studies(northside, bob, [1] * 7)

    assert json.loads(run("--json", "--studies", 1, "--from", 1))["studies"] == 6


@pytest.mark.parametrize("arguments", [["--tenant", "nobody"], ["--tenant", "northside", "--studies", "-1"]])
def test_what_makes_no_sense_is_refused(northside: Tenant, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("drill", *arguments)


def test_scratch_is_removed_when_it_is_told_to_stop(
    northside: Tenant, bob: User, scratch: FakeOrthancNode, drill_settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_studies(northside, bob, [1])
    monkeypatch.setattr(drill_restore, "restore_index", lambda *_: signal.raise_signal(signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(SystemExit):
        run()

    assert [path.name for path in (drill_settings.VAR_DIR / "drill").iterdir()] == ["lock"]
    assert signal.getsignal(signal.SIGTERM) is before
    with tenant_scope(northside.id):
        assert Drill.objects.get(passed=False).finished_at
