"""`infra/up --from-snapshot DIR --key FILE`: a practice's office copy, served read-only on this machine.

A stack of its own in a state folder of its own: private database and broker, the web process in emergency mode, and
nothing that writes: no workers, no beat, no storage nodes. The copy's `vault/` is read where it lies; nothing in DIR
is ever written, moved or locked for longer than the load. What is made here (a database with names of patients) lies
under the state folder and goes when serving ends.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from infra.local.environment import Services, choose_services, owner_environment, write_environment
from infra.local.layout import REPO, Layout, StateFolderForeign
from infra.local.leftovers import end_leftovers
from infra.local.lock import alone
from infra.local.postgres import ensure_cluster
from infra.local.private_files import write_private
from infra.local.programs import Program, portal_programs, service_programs, supervisor_config
from infra.local.stack import Stack, running_stack, stop, watch
from infra.local.supervision import Supervisor

_WEB = "web"
_PROGRAMS = ("postgres", "valkey", _WEB)
_KEPT = {"COLLIMATE_VAR", "COLLIMATE_ORIGIN"}
_FOREIGN = ("COLLIMATE_", "DATABASE_", "REDIS_")
_STATE = ("postgres", "valkey", "region1", "region2")


class SnapshotMissing(Exception):
    """The folder or the key file is not there; the text says which."""


class AnotherCopyServed(Exception):
    """The state folder serves another copy now."""


@dataclass(frozen=True)
class OfficeStack(Stack):
    """A stack that shows one copy: `snapshot` is its folder, `key` the file that opens it."""

    snapshot: Path
    key: Path

    @property
    def keys(self) -> Path:
        """A keyring for the web process: the copy's wrapped keys and their master key, outside DIR."""
        return self.layout.run / "office-keys"

    def start(self) -> None:
        """Bring up what shows the copy, and nothing that makes backups of it. See `Stack.start`."""
        self._clear_away()
        self._require_port()
        services, environment = self._prepare()
        supervisor = Supervisor(self.layout)
        try:
            supervisor.launch(environment)
            self._start_services(supervisor, services)
            self._start_portal(supervisor, environment)
        except BaseException:
            supervisor.end()
            end_leftovers(self.layout)
            raise
        write_private(self.layout.run / "stack.json", json.dumps({"web_port": self.web_port}))

    def _prepare(self) -> tuple[Services, dict[str, str]]:
        self._lay_out_keys()
        services = choose_services(self.layout, ensure_cluster(self.layout.postgres))
        environment = write_environment(self.layout, services, self.web_port) | self._own_environment()
        self._tell_shells()
        write_private(self.layout.supervisor_config, supervisor_config(self.layout, self._programs(services)))
        return services, environment

    def _programs(self, services: Services) -> list[Program]:
        programs = [*service_programs(services), *portal_programs(self.layout, self.web_port)]
        chosen = {program.name: program for program in programs if program.name in _PROGRAMS}
        if services.cluster:
            # Made from the copy at each start, so a crash of the machine may take it; and never archived anywhere.
            chosen["postgres"] = replace(chosen["postgres"], command=services.cluster.command(durable=False))
        return list(chosen.values())

    def _start_portal(self, supervisor: Supervisor, environment: dict[str, str]) -> None:
        self.say("migrations and static files")
        as_owner = {**environment, **owner_environment(self.layout)}
        self._manage(as_owner, "migrate", "--database", "owner", "--noinput", "--verbosity", "0")
        self._manage(environment, "collectstatic", "--noinput", "--verbosity", "0")
        loaded = self._manage(environment, "load_snapshot", "--from", str(self.snapshot), "--key", str(self.key))
        self.say(loaded.strip())
        supervisor.start(_WEB)
        pids = supervisor.pids([_WEB])
        self._require_ready()
        supervisor.require_unbroken(pids)

    def _lay_out_keys(self) -> None:
        self.keys.mkdir(mode=0o700)
        for source in (self.snapshot / "keys").glob("*.json"):
            _copy_private(source, self.keys / source.name)
        _copy_private(self.key, self.keys / "master.key")

    def _own_environment(self) -> dict[str, str]:
        nowhere = self.layout.var / "region2"
        return {
            "COLLIMATE_EMERGENCY": "1",
            "COLLIMATE_VAULT_1": str(self.snapshot / "vault"),
            "COLLIMATE_KEYS_1": str(self.keys),
            "COLLIMATE_VAULT_2": str(nowhere / "vault"),
            "COLLIMATE_KEYS_2": str(nowhere / "keys"),
        }

    def _tell_shells(self) -> None:
        lines = "".join(f"export {name}='{_quoted(value)}'\n" for name, value in self._own_environment().items())
        write_private(self.layout.var / "env", (self.layout.var / "env").read_text() + lines)


def office_layout() -> Layout:
    """The state folder of a served copy: what COLLIMATE_VAR names, else one of its own in the checkout."""
    return Layout(Path(os.environ.get("COLLIMATE_VAR") or REPO / "var" / "office").resolve())


def serve_snapshot(
    layout: Layout, snapshot: Path, key: Path, web_port: int, say: Callable[[str], None], *, detach: bool
) -> None:
    """Load the copy into a fresh stack and serve it, until Ctrl-C unless `detach`; then its state is removed.

    Raises
    ------
    SnapshotMissing, AnotherCopyServed, StateFolderForeign
        And what starting a stack raises.
    """
    snapshot, key = snapshot.resolve(), key.resolve()
    _require_copy(snapshot, key)
    _leave_environment_behind()
    with alone(layout):
        found = _find_running(layout, snapshot, say)
        if found is None:
            _begin_afresh(layout, snapshot)
            with _taken_back(layout):
                OfficeStack(layout, web_port, say, snapshot, key).start()
    address = found.address if found else f"http://127.0.0.1:{web_port}"
    _summary(layout, snapshot, address, already=found is not None)
    if found is None and not detach:
        _stay(layout, say)


def holds_office_state(layout: Layout) -> bool:
    """Whether the state folder was made for a copy: then nothing in it is worth keeping."""
    return _mark(layout).exists()


def remove_office_state(layout: Layout) -> None:
    """Stop serving and delete the database and keys that were made for it; the copy itself stays as it is."""
    with alone(layout):
        stop(layout)
        _empty(layout)


def _require_copy(snapshot: Path, key: Path) -> None:
    if not (snapshot / "manifest.json").is_file():
        raise SnapshotMissing(f"{snapshot} holds no office copy. Give the folder that manage.py snapshot --to filled.")
    if not key.is_file():
        raise SnapshotMissing(f"There is no key file {key}. Attach the medium that holds it.")


def _leave_environment_behind() -> None:
    """Nothing of another portal's settings may reach this one: not its database, its buckets or its mail."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN) and name not in _KEPT]:
        del os.environ[name]
    os.environ["COLLIMATE_DEMO"] = "0"


def _find_running(layout: Layout, snapshot: Path, say: Callable[[str], None]) -> Stack | None:
    found = running_stack(layout, say)
    if found is None or _served(layout) == str(snapshot):
        return found
    raise AnotherCopyServed(
        f"{layout.var} serves {_served(layout) or 'another portal'} at {found.address}. "
        f"Stop it: COLLIMATE_VAR={layout.var} infra/down"
    )


def _begin_afresh(layout: Layout, snapshot: Path) -> None:
    if not holds_office_state(layout) and any((layout.var / name).exists() for name in _STATE):
        raise StateFolderForeign(f"{layout.var} holds another portal's state; set COLLIMATE_VAR to an empty folder.")
    stop(layout)
    _empty(layout)
    layout.prepare()
    write_private(_mark(layout), str(snapshot))


def _empty(layout: Layout) -> None:
    """Delete the state, but for the lock that keeps others out meanwhile. Only of a folder that is marked as ours."""
    if not holds_office_state(layout):
        return
    for entry in layout.var.iterdir():
        if entry not in (layout.run, _mark(layout)):
            _remove(entry)
    for entry in layout.run.iterdir():
        if entry.name != "lock":
            _remove(entry)
    _mark(layout).unlink()


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


@contextmanager
def _taken_back(layout: Layout) -> Iterator[None]:
    """A start that fails leaves no rows behind; the logs stay, for they say why."""
    try:
        yield
    except BaseException:
        for name in ("postgres", "secrets", "env"):
            if (layout.var / name).exists():
                _remove(layout.var / name)
        shutil.rmtree(layout.run / "office-keys", ignore_errors=True)
        raise


def _stay(layout: Layout, say: Callable[[str], None]) -> None:
    print("Ctrl-C stops everything and removes what was loaded.", flush=True)
    try:
        watch(layout)
    except KeyboardInterrupt:
        print(flush=True)
    # A second Ctrl-C must not leave half a stack.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    say("stopping")
    remove_office_state(layout)
    say("stopped; the copy is as it was")


def _summary(layout: Layout, snapshot: Path, address: str, *, already: bool) -> None:
    print(f"\nThe office copy {snapshot} {'is already served' if already else 'is served'}, read-only, at {address}")
    print("Sign in with the usual address, password and authenticator code; nothing can be changed here.")
    print(f"stop  COLLIMATE_VAR={layout.var} infra/down\nlogs  {layout.log}", flush=True)


def _served(layout: Layout) -> str:
    return _mark(layout).read_text() if holds_office_state(layout) else ""


def _mark(layout: Layout) -> Path:
    return layout.var / "office-copy"


def _copy_private(source: Path, target: Path) -> None:
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(source.read_bytes())


def _quoted(value: str) -> str:
    return value.replace("'", "'\\''")
