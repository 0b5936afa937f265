"""Killed anywhere, an office copy is what it was before or what it should become, and the next run goes on."""

import json
import os
import random
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from imaging.models import Study
from imaging.services.active_region import forget
from imaging.services.office_copy_index import frozen_view, list_wanted, read_facts
from tenants.scoping import tenant_scope
from tests.cast import add_person, add_tenant
from tests.imaging.copying import Office, take_in_studies
from tests.imaging.dicom.hostile import ROOT

NOW = timezone.now()
KILLS = 30
CALLS = ("fsync", "link", "replace", "unlink", "open")
_CHANGES_BY_ITSELF = ("audit_auditevent", "audit_audithead")


def kill_at(step: int) -> None:
    """From here on the process dies at its `step`-th call that changes a disk: before it, or right after it."""
    left = [step]

    def deadly(call: Callable) -> Callable:
        def counted(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] == 0 and step % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return call(*args, **kwargs)
            finally:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        return counted

    for name in CALLS:
        setattr(os, name, deadly(getattr(os, name)))


def run_until_killed(office: Office, step: int) -> bool:
    """One run in a process of its own; whether it was killed before its end."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            kill_at(step)
            office.snapshot()
            os._exit(0)
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def rows(office: Office) -> dict[str, list[str]]:
    """The rows of the index that counts, by table, but for the trail, which grows with every run."""
    found: dict[str, list[str]] = {}
    table = ""
    for line in office.index()[1:]:
        if line[0] == "T":
            table = json.loads(line[1:])["table"]
        elif table not in _CHANGES_BY_ITSELF:
            found.setdefault(table, []).append(line)
    return found


def require_whole(office: Office) -> None:
    """The index that counts opens, and every object that it names is there."""
    named = {json.loads(line[1:])["id"] for line in rows(office)["imaging_vaultobject"]}
    assert named <= {str(object_id) for object_id in office.objects()}


def files(office: Office) -> dict[str, bytes]:
    vault = office.disk / "vault"
    return {str(path.relative_to(vault)): path.read_bytes() for path in vault.rglob("*") if path.is_file()}


def without_times(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """When a copy was made is noted with each object in it."""
    objects = [{**json.loads(line[1:]), "in_1_at": ""} for line in found["imaging_vaultobject"]]
    return found | {"imaging_vaultobject": objects}


@pytest.fixture
def office(live_db: None, empty_vaults: None, drawn: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A practice, copied; then one study went and three came."""
    # Who is killed leaves a private folder behind: wrapped keys, and a link to the key file.
    (tmp_path / "private").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "private"))
    northside = add_tenant("northside", "Northside Dental")
    bob = add_person("Bob", northside, "uploader")
    take_in_studies(northside, bob, 1, 2)
    office = Office(northside, tmp_path / "disk", tmp_path / "stick" / "office.key")
    office.snapshot()
    take_in_studies(northside, bob, 3, 4, 5)
    with tenant_scope(northside.id):
        Study.objects.get(study_instance_uid=f"{ROOT}.1").delete()
    return office


def test_thirty_kills_leave_a_whole_copy_each_time_and_a_last_run_equals_a_fresh_one(
    office: Office, tmp_path: Path
) -> None:
    chance = random.Random(7)

    killed = 0
    for _ in range(KILLS):
        killed += run_until_killed(office, chance.randint(1, 40))
        require_whole(office)
    forget()
    office.snapshot()
    fresh = Office(office.tenant, tmp_path / "other disk", tmp_path / "other stick" / "office.key")
    fresh.snapshot()

    assert killed >= KILLS - 3
    assert files(office) == files(fresh)
    assert without_times(rows(office)) == without_times(rows(fresh))
    assert len([path for path in (office.disk / "index").rglob("*") if path.is_file()]) == 2


def test_a_view_does_not_see_what_happens_after_it_began(office: Office) -> None:
    def purge() -> None:
        with tenant_scope(office.tenant.id):
            Study.objects.all().delete()
        connections.close_all()

    with frozen_view(office.tenant.id):
        before = read_facts(office.tenant.id, NOW), list_wanted(office.tenant.id)
        meanwhile = threading.Thread(target=purge)
        meanwhile.start()
        meanwhile.join()
        after = read_facts(office.tenant.id, NOW), list_wanted(office.tenant.id)

    assert before == after
    assert before[0].studies == 4
    with tenant_scope(office.tenant.id):
        assert not Study.objects.exists()


def test_a_first_run_that_is_killed_at_every_step_goes_on(office: Office, tmp_path: Path) -> None:
    begun = Office(office.tenant, tmp_path / "other disk", tmp_path / "other stick" / "office.key")

    for step in range(1, 12):
        assert run_until_killed(begun, step)
    forget()

    assert begun.snapshot().missing == 0
    require_whole(begun)
