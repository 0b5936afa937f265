"""nginx, the roof: the same bytes as plain files, by sendfile, for whoever asks. Nothing can serve them much faster."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.benchmarks.trees import Trees
from infra.local.children import ends_with_us
from infra.local.ports import free_port, is_free
from infra.local.waiting import came_up

START_S = 30


class NginxFailed(Exception):
    """It did not come up; the text is the end of its log."""


@dataclass(frozen=True)
class Nginx:
    """A running server of the files below `files`."""

    files: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def trees(self) -> Trees:
        """Its master and workers."""
        return Trees([self.process.pid])

    def put(self, name: str, content: bytes | bytearray | memoryview) -> str:
        """The path under which the content is served from now on."""
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"/{name}"


@contextmanager
def started_nginx(folder: Path) -> Iterator[Nginx]:
    """A server that ends with the block. Raises `NginxFailed`."""
    files, port = folder / "files", free_port()
    files.mkdir(parents=True)
    config = folder / "nginx.conf"
    config.write_text(_config(folder, port))
    command = [_program(), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=ends_with_us(signal.SIGTERM))
    try:
        if not came_up(process, lambda: not is_free(port), START_S):
            raise NginxFailed((folder / "error.log").read_text(errors="replace")[-2000:])
        yield Nginx(files, port, process)
    finally:
        process.terminate()
        process.wait(START_S)


def version() -> str:
    """`nginx 1.22.1`."""
    told = subprocess.run([_program(), "-v"], capture_output=True, text=True, check=True).stderr
    return f"nginx {re.search(r'nginx/([0-9.]+)', told)[1]}"


def _program() -> str:
    # Debian keeps it where only root's PATH leads.
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise NginxFailed("nginx is not installed")
    return found


def _config(folder: Path, port: int) -> str:
    # Its workers must be able to look into a private folder.
    user = "user root;" if os.geteuid() == 0 else ""
    paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in paths)
    return f"""
        {user} daemon off; worker_processes auto; pid {folder}/nginx.pid;
        events {{ worker_connections 1024; }}
        http {{
          access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000;
          open_file_cache max=4096 inactive=600s; default_type application/octet-stream; {temporary}
          server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
        }}
    """
