"""The door as a process of its own: it starts, it is killed while devices send, and what it acknowledged is there."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from blake3 import blake3
from django.core.management import CommandError, call_command

from imaging.models import Instance
from tenants.scoping import tenant_scope
from tests.conftest import REPO
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.doors import (
    DoorSite,
    data_set_of,
    door,  # noqa: F401  fixture
    door_files,  # noqa: F401  fixture
    send,
)
from tests.imaging.incoming import in_vault, instance

KILLS = 2


@contextmanager
def serving(site: DoorSite) -> Iterator["subprocess.Popen[str]"]:
    """`manage.py serve_dicom`; the site's port is that process's meanwhile."""
    files = {"CERTIFICATE": site.sender("any").server_certificate, "KEY": site.folder / "secrets" / "dicom-1.key"}
    names = {f"COLLIMATE_DICOM_{name}_1": str(path) for name, path in files.items()}
    command = [sys.executable, str(REPO / "manage.py"), "serve_dicom", "--region", "1", "--port", "0"]
    process = subprocess.Popen(command, env=os.environ | names, stdout=subprocess.PIPE, text=True)
    before, site.port = site.port, int(process.stdout.readline().rsplit(":", 1)[1])
    try:
        yield process
    finally:
        site.port = before
        process.kill()
        process.wait()
        process.stdout.close()


def test_what_a_killed_door_acknowledged_is_there_byte_for_byte(door: DoorSite) -> None:
    sender, dice, acknowledged = door.known_sender(door.northside, "ct"), random.Random(3), []
    for life in range(1, KILLS + 1):
        with serving(door) as process, door.association(sender, "NORTHSIDE") as association:
            killer = threading.Timer(dice.uniform(0, 0.1), process.send_signal, [signal.SIGKILL])
            last = dice.randint(1, 5)
            for number in range(1, 1000):
                if send(association, instance(number, series=life)) != 0:
                    break
                acknowledged.append((life, number))
                if number == last:
                    killer.start()
            killer.join()

    assert len(acknowledged) >= KILLS
    with tenant_scope(door.northside.id):
        rows = {row.sop_instance_uid: row for row in Instance.objects.all()}
    for life, number in acknowledged:
        row = rows[f"{ROOT}.1.{life}.{number}"]
        stored = in_vault(row)
        assert blake3(stored).digest() == bytes(row.digest)
        assert data_set_of(stored) == data_set_of(instance(number, series=life))


def test_a_door_that_is_told_to_stop_ends_in_order(door: DoorSite) -> None:
    sender = door.known_sender(door.northside, "ct")
    with serving(door) as process, door.association(sender, "NORTHSIDE") as association:
        assert send(association, instance(1)) == 0
        began = time.monotonic()
        process.terminate()
        assert process.wait(15) == 0
        assert time.monotonic() - began < 12


def test_a_read_only_copy_opens_no_door(settings: object) -> None:
    settings.EMERGENCY = True
    with pytest.raises(CommandError, match="read-only"):
        call_command("serve_dicom", "--region", "1")


def test_a_door_without_its_certificate_says_so(db: None, settings: object, tmp_path: object) -> None:
    settings.DICOM_CERTIFICATES = {1: tmp_path / "none.crt"}
    with pytest.raises(CommandError, match="Cannot open the door"):
        call_command("serve_dicom", "--region", "1", "--port", "0")
