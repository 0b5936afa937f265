"""The programs of the stack, and supervisord's configuration of them."""

import os
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.local.backup_depot import Depot
from infra.local.environment import WEB_MEMORY, Services
from infra.local.layout import REGIONS, REPO, Layout

WEB_THREADS = 12
PORTAL_START_SECONDS = 8
DOOR_PROGRAMS = tuple(f"dicom-{region}" for region in REGIONS)
PORTAL_PROGRAMS = ("nodes", "web", "pipeline", "thumbnails", "beat", *DOOR_PROGRAMS)
BACKUP_PROGRAM = "backup"


@dataclass(frozen=True)
class Program:
    """One supervised process. Lower `priority` starts first and stops last."""

    name: str
    command: list[str]
    priority: int = 100
    directory: Path = REPO
    environment: dict[str, str] = field(default_factory=dict)
    autostart: bool = False
    stopsignal: str = "TERM"
    stopwaitsecs: int = 20
    stop_group: bool = True
    startsecs: int = 1
    user: str | None = None


def service_programs(services: Services) -> list[Program]:
    """PostgreSQL with its backup, and Valkey, as far as the stack runs its own."""
    programs = []
    if cluster := services.cluster:
        # SIGINT is PostgreSQL's fast shutdown, and only its first process may get it.
        depot = Depot.of(cluster)
        command = cluster.command(settings=depot.server_settings() if depot.is_prepared else {})
        programs.append(
            Program("postgres", command, 10, cluster.directory, autostart=True, stopsignal="INT",
                    stopwaitsecs=30, stop_group=False, user=None if cluster.account.is_us else cluster.account.name)
        )  # fmt: skip
        if depot.is_prepared:  # started last of all, so that the first base backup costs the start nothing
            programs.append(Program(BACKUP_PROGRAM, [sys.executable, "-m", "infra.local.backup"], 30))
    if broker := services.broker:
        programs.append(Program("valkey", broker.command(), 20, broker.directory, autostart=True))
    return programs


def portal_programs(layout: Layout, web_port: int) -> list[Program]:
    """Web, workers, beat and the keeper of nodes: started once the database is migrated."""
    beat = [*_celery(), "beat", "--schedule", str(layout.run / "beat"), "--pidfile="]
    programs = [
        Program("nodes", [sys.executable, "-m", "infra.local.nodes"], 30),
        Program("web", _web_command(web_port), 40, environment=WEB_MEMORY),
        Program("pipeline", _worker_command("pipeline", "pipeline,mirror", concurrency=2), 50),
        Program("thumbnails", _worker_command("thumbnails", "thumbnails,housekeeping", concurrency=1), 50),
        Program("beat", beat, 60),
        *(Program(name, _door_command(region), 70) for name, region in zip(DOOR_PROGRAMS, REGIONS, strict=True)),
    ]
    # Imports alone take seconds: whatever ends sooner never ran, and is tried again more and more slowly.
    return [replace(program, startsecs=PORTAL_START_SECONDS) for program in programs]


def supervisor_config(layout: Layout, programs: Iterable[Program]) -> str:
    """supervisord's whole configuration; the programs of storage nodes are included from a folder."""
    head = f"""\
[unix_http_server]
file={_escaped(layout.supervisor_socket)}
chmod=0700

[supervisord]
nodaemon=true
silent=true
user={os.geteuid()}
umask=077
logfile={_escaped(layout.log / "supervisord.log")}
logfile_maxbytes=10MB
logfile_backups=3
pidfile={_escaped(layout.run / "supervisord.pid")}
childlogdir={_escaped(layout.log)}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={layout.node_programs.name}/*.conf
"""
    return "\n".join([head, *(program_section(layout, program) for program in programs)])


def program_section(layout: Layout, program: Program) -> str:
    """The section of one program: restarted whenever it dies, its output in a rotated log."""
    settings = {
        "command": _escaped(shlex.join(program.command)),
        "directory": _escaped(program.directory),
        "priority": program.priority,
        "autostart": str(program.autostart).lower(),
        "autorestart": "true",
        "startsecs": program.startsecs,
        "startretries": 100,
        "stopsignal": program.stopsignal,
        "stopwaitsecs": program.stopwaitsecs,
        "stopasgroup": str(program.stop_group).lower(),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _escaped(layout.log / f"{program.name}.log"),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 5,
        **({"environment": _environment(program.environment)} if program.environment else {}),
        **({"user": program.user} if program.user else {}),
    }
    lines = (f"{name}={value}\n" for name, value in settings.items())
    return f"[program:{program.name}]\n{''.join(lines)}"


def _web_command(port: int) -> list[str]:
    """Blocking threads carry whole transfers, so there are more of them than cores; what is beyond waits its turn.

    granian's backpressure counts connections, idle ones too, and a browser keeps six open: tight would lock people out.
    """
    return [
        _script("granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "2", "--blocking-threads", str(WEB_THREADS), "--backpressure", "512",
        "--backlog", "1024", "--respawn-failed-workers", "--workers-kill-timeout", "15", "--no-access-log",
        "--log-level", "warning", "portal.wsgi:application",
    ]  # fmt: skip


def _door_command(region: int) -> list[str]:
    return [sys.executable, str(REPO / "manage.py"), "serve_dicom", "--region", str(region)]


def _worker_command(name: str, queues: str, *, concurrency: int) -> list[str]:
    return [
        *_celery(), "worker", "--queues", queues, "--concurrency", str(concurrency), "--hostname", f"{name}@%h",
        "--loglevel", "WARNING", "--without-gossip", "--without-mingle",
    ]  # fmt: skip


def _celery() -> list[str]:
    return [_script("celery"), "--app", "portal.celery:app"]


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _environment(values: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: object) -> str:
    """supervisord expands `%(name)s` everywhere: a plain per cent sign is written twice."""
    return str(value).replace("%", "%%")
