"""The stack's pieces that need no portal: configuration, ports, secrets, supervision and what a crash leaves."""

import configparser
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.local import leftovers
from infra.local.accounts import server_account
from infra.local.environment import (
    MARK,
    HalfADatabase,
    choose_services,
    owner_environment,
    write_environment,
)
from infra.local.layout import Layout, StateFolderForeign, socket_directory
from infra.local.leftovers import end_leftovers, find_leftovers
from infra.local.node_program import Node, forget_node_program, write_node_program
from infra.local.ports import free_port, is_free, remembered_port
from infra.local.postgres import Cluster
from infra.local.private_files import ensure_secret
from infra.local.programs import Program, portal_programs, program_section, supervisor_config
from infra.local.stack import is_all_ok
from infra.local.supervision import ProgramFailed, Supervisor
from infra.local.waiting import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def layout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "COLLIMATE_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    with tempfile.TemporaryDirectory(prefix="clm-") as folder:  # short enough for sockets
        layout = Layout(Path(folder) / "a folder")
        layout.prepare()
        yield layout


def test_state_folders_are_private(layout: Layout) -> None:
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in layout.var.iterdir())


def test_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    first = ensure_secret(tmp_path / "secret")

    assert ensure_secret(tmp_path / "secret") == first
    assert len(first) >= 43
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_port_is_remembered_until_somebody_takes_it(tmp_path: Path) -> None:
    memory = tmp_path / "ports.json"
    port = remembered_port(memory, "valkey")

    assert remembered_port(memory, "valkey") == port
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        assert remembered_port(memory, "valkey") != port


def test_long_state_folder_gets_a_short_folder_for_sockets(tmp_path: Path) -> None:
    preferred = tmp_path / ("long" * 30)

    short = socket_directory(preferred)

    assert len(str(short)) < 60
    assert short.stat().st_mode & 0o077 == 0
    short.rmdir()


def test_short_folder_somebody_opened_is_refused(tmp_path: Path) -> None:
    preferred = tmp_path / ("open" * 30)
    short = socket_directory(preferred)
    short.chmod(0o777)

    with pytest.raises(StateFolderForeign):
        socket_directory(preferred)
    short.rmdir()


def test_processes_get_addresses_as_files_and_never_the_owners(layout: Layout) -> None:
    services = choose_services(layout, Cluster(layout.postgres, server_account()))

    environment = write_environment(layout, services, 8123)

    assert "DATABASE_OWNER_URL_FILE" not in environment
    assert not any(services.database_url in value for value in environment.values())
    assert Path(environment["DATABASE_URL_FILE"]).read_text() == services.database_url
    assert Path(owner_environment(layout)["DATABASE_OWNER_URL_FILE"]).stat().st_mode & 0o777 == 0o600
    assert environment["COLLIMATE_ORIGIN"] == "http://127.0.0.1:8123"


def test_callers_database_and_broker_are_used(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        monkeypatch.setenv(name, f"given:{name}")

    services = choose_services(layout, Cluster(layout.postgres, server_account()))

    assert (services.cluster, services.broker) == (None, None)
    assert services.database_owner_url == "given:DATABASE_OWNER_URL"
    assert "DATABASE_URL" not in write_environment(layout, services, 8123)


def test_half_a_database_is_an_error(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "given")

    with pytest.raises(HalfADatabase):
        choose_services(layout, Cluster(layout.postgres, server_account()))


def test_every_program_is_restarted_logged_and_stopped_with_its_children(layout: Layout) -> None:
    config = configparser.RawConfigParser()
    config.read_string(supervisor_config(layout, portal_programs(layout, 8123)))

    programs = [config[name] for name in config.sections() if name.startswith("program:")]
    assert len(programs) == 7
    assert all(program["autorestart"] == "true" for program in programs)
    assert all(program["stopasgroup"] == program["killasgroup"] == "true" for program in programs)
    assert all(int(program["stdout_logfile_backups"]) > 0 for program in programs)


def test_every_queue_has_a_worker(layout: Layout) -> None:
    commands = [program.command for program in portal_programs(layout, 8123)]

    queues = {command[command.index("--queues") + 1] for command in commands if "--queues" in command}
    assert set(",".join(queues).split(",")) == {"pipeline", "mirror", "thumbnails", "housekeeping"}


NODE = Node("5b6f", 2, 42001, "user", "password-of-node", bytes(32))


def test_node_program_names_no_secret(layout: Layout) -> None:
    path = write_node_program(layout, NODE, Path("site"))

    section = path.read_text()
    assert "password-of-node" not in section
    assert NODE.key.hex() not in section
    key = layout.node(2, "5b6f") / "key"
    assert (key.read_text(), key.stat().st_mode & 0o777) == (NODE.key.hex(), 0o600)


def test_forgotten_node_keeps_its_sealed_files(layout: Layout) -> None:
    write_node_program(layout, NODE, Path("site"))
    sealed = layout.node(2, "5b6f") / "storage" / "sealed"
    sealed.write_bytes(b"sealed")

    forget_node_program(layout, NODE.program_name)

    assert list(layout.node_programs.iterdir()) == []
    assert sealed.exists()


@pytest.fixture
def supervisor(layout: Layout) -> Iterator[Supervisor]:
    config = supervisor_config(layout, [Program("sleeper", SLEEP, autostart=True)])
    layout.supervisor_config.write_text(config)
    supervisor = Supervisor(layout)
    supervisor.launch(dict(os.environ))
    yield supervisor
    supervisor.end()
    end_leftovers(layout)


def running_sleeper(supervisor: Supervisor, layout: Layout) -> psutil.Process:
    supervisor.require_running(("sleeper",), 10)
    return next(process for process in find_leftovers(layout) if "time.sleep(600)" in " ".join(process.cmdline()))


def test_killed_program_runs_again(supervisor: Supervisor, layout: Layout) -> None:
    first = running_sleeper(supervisor, layout)
    first.kill()
    first.wait(5)

    assert wait_until(lambda: supervisor.states()["sleeper"] == "RUNNING", 10)
    assert running_sleeper(supervisor, layout).pid != first.pid


def test_program_is_added_replaced_and_removed_while_it_runs(supervisor: Supervisor, layout: Layout) -> None:
    path = layout.node_programs / "node-1.conf"
    for seconds in ("600", "601"):
        command = [*SLEEP[:2], f"import time; time.sleep({seconds})"]
        path.write_text(program_section(layout, Program("node-1", command, autostart=True)))
        supervisor.add("node-1")
        supervisor.require_running(("node-1",), 10)
    assert any("601" in " ".join(process.cmdline()) for process in find_leftovers(layout))

    path.unlink()
    supervisor.remove("node-1")
    supervisor.remove("node-1")

    assert "node-1" not in supervisor.states()


def test_end_leaves_no_process(supervisor: Supervisor, layout: Layout) -> None:
    running_sleeper(supervisor, layout)

    supervisor.end()

    assert find_leftovers(layout) == []
    assert not supervisor.answers()


def test_what_a_killed_supervisor_leaves_is_found_and_ended(supervisor: Supervisor, layout: Layout) -> None:
    sleeper = running_sleeper(supervisor, layout)
    parent = sleeper.parent()
    parent.send_signal(signal.SIGKILL)
    parent.wait(5)
    assert sleeper.is_running()

    assert end_leftovers(layout) == 1

    assert not sleeper.is_running()
    supervisor.launch(dict(os.environ))
    assert supervisor.answers()


def test_another_stacks_processes_are_left_alone(layout: Layout) -> None:
    other = subprocess.Popen(SLEEP, env={**os.environ, MARK: f"{layout.var}-other"})

    assert end_leftovers(layout) == 0

    assert other.poll() is None
    other.kill()
    other.wait()


def test_one_that_ends_meanwhile_keeps_no_other_from_ending(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, living = (subprocess.Popen(SLEEP) for _ in range(2))
    found = [psutil.Process(ended.pid), psutil.Process(living.pid)]
    monkeypatch.setattr(leftovers, "find_leftovers", lambda *_, **__: found)
    ended.kill()
    ended.wait()

    end_leftovers(layout)

    assert not found[1].is_running()


@pytest.mark.parametrize(("nested", "ended"), [(False, 0), (True, 1)])
def test_stacks_below_the_folder_end_only_when_asked(layout: Layout, nested: bool, ended: int) -> None:
    below = subprocess.Popen(SLEEP, env={**os.environ, MARK: str(layout.var / "below")})

    assert end_leftovers(layout, nested=nested) == ended

    below.kill()
    below.wait()


def test_a_program_that_was_restarted_counts_as_broken(supervisor: Supervisor, layout: Layout) -> None:
    sleeper = running_sleeper(supervisor, layout)
    pids = supervisor.pids(["sleeper"])
    supervisor.require_unbroken(pids)

    sleeper.kill()
    sleeper.wait(5)
    supervisor.require_running(("sleeper",), 10)

    with pytest.raises(ProgramFailed, match="sleeper"):
        supervisor.require_unbroken(pids)


@pytest.mark.parametrize(
    ("answer", "ready"),
    [
        ((200, '{"database": "ok", "node-1": "ok"}'), True),
        ((200, '{"database": "ok", "node-1": "ConnectionError"}'), False),
        ((503, '{"database": "ok"}'), False),
        ((0, "refused"), False),
    ],
)
def test_stack_is_ready_when_every_part_is(answer: tuple[int, str], ready: bool) -> None:
    assert is_all_ok(answer) == ready


def test_free_port_is_free() -> None:
    assert is_free(free_port())
