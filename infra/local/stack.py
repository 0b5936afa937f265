"""Up and down: the whole of Collimate on one machine."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from infra.local import roles
from infra.local.backup_depot import Depot
from infra.local.door import describe_door
from infra.local.environment import (
    Services,
    choose_services,
    owner_environment,
    role_password,
    write_environment,
)
from infra.local.layout import REGIONS, REPO, Layout
from infra.local.leftovers import end_leftovers
from infra.local.ports import PortTaken, is_free
from infra.local.postgres import ensure_cluster
from infra.local.private_files import write_private
from infra.local.programs import (
    BACKUP_PROGRAM,
    PORTAL_PROGRAMS,
    portal_programs,
    service_programs,
    supervisor_config,
)
from infra.local.supervision import ProgramFailed, Supervisor
from infra.local.waiting import wait_until

SERVICE_SECONDS = 60.0
READY_SECONDS = 120.0


class CommandFailed(Exception):
    """A `manage.py` command failed; the text is its output."""


class NotReady(Exception):
    """The portal does not report itself ready; the text says what it reported last."""


@dataclass(frozen=True)
class Stack:
    """One stack: its folder, and the port of its web address."""

    layout: Layout
    web_port: int
    say: Callable[[str], None]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def start(self) -> None:
        """Bring everything up on a folder nobody runs. What did start is stopped again when a later step fails."""
        self._clear_away()
        self._require_port()
        services, environment = self._prepare()
        supervisor = Supervisor(self.layout)
        try:
            supervisor.launch(environment)
            self._start_services(supervisor, services)
            self._start_portal(supervisor, environment)
            if services.cluster:
                supervisor.start(BACKUP_PROGRAM)
        except BaseException:
            supervisor.end()
            end_leftovers(self.layout)
            raise
        write_private(self.layout.run / "stack.json", json.dumps({"web_port": self.web_port}))

    def accounts(self) -> str:
        """The demo accounts, with their passwords and TOTP seeds, as `manage.py demo_accounts` prints them."""
        environment = _saved_environment(self.layout)
        return self._manage(environment, "demo_accounts") if is_demo(environment) else ""

    def doors(self) -> list[str]:
        """Where devices send to by DICOM over TLS, a line for each region."""
        environment = _saved_environment(self.layout)
        ports = {region: environment.get(f"COLLIMATE_DICOM_PORT_{region}", "") for region in REGIONS}
        return [describe_door(self.layout, region, port) for region, port in ports.items() if port]

    def _clear_away(self) -> None:
        if ended := end_leftovers(self.layout):
            self.say(f"ended {ended} processes that an earlier run left behind")
        # The keeper writes these anew, after it has seen which ports are free.
        for left in self.layout.node_programs.iterdir():
            left.unlink()

    def _require_port(self) -> None:
        if not is_free(self.web_port):
            raise PortTaken(f"Port {self.web_port} is in use by another program. Choose another: infra/up --port 8001")

    def _prepare(self) -> tuple[Services, dict[str, str]]:
        services = choose_services(self.layout, ensure_cluster(self.layout.postgres))
        for region in REGIONS:
            self.layout.region(region).mkdir(mode=0o700, exist_ok=True)
        if services.cluster:
            Depot.of(services.cluster).prepare()
        environment = write_environment(self.layout, services, self.web_port)
        programs = [*service_programs(services), *portal_programs(self.layout, self.web_port)]
        write_private(self.layout.supervisor_config, supervisor_config(self.layout, programs))
        return services, environment

    def _start_services(self, supervisor: Supervisor, services: Services) -> None:
        self.say("database and broker")
        if services.cluster:
            _await_service("postgres", services.cluster.accepts, self.layout)
            passwords = {role: role_password(self.layout, role) for role in (roles.OWNER, roles.APP)}
            roles.ensure_roles(services.cluster.superuser_dsn, passwords)
            roles.ensure_database(services.cluster.superuser_dsn, "collimate")
        if services.broker:
            _await_service("valkey", services.broker.accepts, self.layout)

    def _start_portal(self, supervisor: Supervisor, environment: dict[str, str]) -> None:
        self.say("migrations and static files")
        as_owner = {**environment, **owner_environment(self.layout)}
        self._manage(as_owner, "migrate", "--database", "owner", "--noinput", "--verbosity", "0")
        self._manage(environment, "collectstatic", "--noinput", "--verbosity", "0")
        self.say("web, workers and storage nodes")
        for name in PORTAL_PROGRAMS:
            supervisor.start(name)
        pids = supervisor.pids(PORTAL_PROGRAMS)
        if is_demo(environment) and not self.layout.restored.exists():
            self.say("demo tenants and studies")
            self._manage(environment, "load_demo")
        self._require_ready()
        supervisor.require_running(PORTAL_PROGRAMS)
        supervisor.require_unbroken(pids)

    def _manage(self, environment: dict[str, str], *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(REPO / "manage.py"), *arguments], cwd=REPO, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise CommandFailed(f"manage.py {arguments[0]} failed:\n{(done.stderr or done.stdout)[-4000:]}")
        return done.stdout

    def _require_ready(self) -> None:
        """Wait for every part; go on without those the portal can do without."""
        url = f"{self.address}/readyz"
        if wait_until(lambda: is_all_ok(_ask(url)), READY_SECONDS, 0.3):
            return
        status, report = _ask(url)
        if status != 200:
            raise NotReady(f"{url}: {status} {report} (logs: {self.layout.log})")
        self.say(f"not all of it is ready: {report}")


def running_stack(layout: Layout, say: Callable[[str], None]) -> Stack | None:
    """The stack that runs on this folder, if any."""
    note = layout.run / "stack.json"
    if not note.exists() or not Supervisor(layout).answers():
        return None
    return Stack(layout, int(json.loads(note.read_text())["web_port"]), say)


def stop(layout: Layout) -> bool:
    """Stop whatever runs on this folder, leftovers included; return whether anything did."""
    supervisor = Supervisor(layout)
    answered = supervisor.answers()
    if answered:
        supervisor.end()
    (layout.run / "stack.json").unlink(missing_ok=True)
    return bool(end_leftovers(layout)) or answered


def watch(layout: Layout) -> None:
    """Return when the supervisor is gone."""
    supervisor = Supervisor(layout)
    while supervisor.answers():
        time.sleep(1)


def remove_state(layout: Layout) -> None:
    """Stop and delete the whole folder: for the state of tests."""
    stop(layout)
    end_leftovers(layout, nested=True)
    shutil.rmtree(layout.var, ignore_errors=True)


def _saved_environment(layout: Layout) -> dict[str, str]:
    """The environment written at the start, so that a second `infra/up` uses the first one's."""
    command = ["sh", "-c", '. "$1" && env -0', "sh", str(layout.var / "env")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    pairs = (line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    return {name: value for name, value in pairs}


def _await_service(name: str, accepts: Callable[[], bool], layout: Layout) -> None:
    if not wait_until(accepts, SERVICE_SECONDS, 0.1):
        raise ProgramFailed(f"{name} does not answer (see {layout.log / name}.log)")


def is_demo(environment: dict[str, str]) -> bool:
    """Whether the portal is in demo mode, as it reads the same variable itself."""
    return environment["COLLIMATE_DEMO"].lower() in ("1", "true", "yes", "on")


def is_all_ok(answer: tuple[int, str]) -> bool:
    """Whether /readyz answered 200 with "ok" for every part."""
    status, report = answer
    return status == 200 and all(state == "ok" for state in json.loads(report).values())


def _ask(url: str) -> tuple[int, str]:
    """The status and text that `url` answers; status 0 when it does not."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as response:
            return response.status, response.read(10_000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(500).decode(errors="replace")
    except OSError as error:
        return 0, str(error)
