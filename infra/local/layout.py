"""Where the one-machine stack keeps its state: one folder, private to whoever runs it."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.local.accounts import trusted_uids

REPO = Path(__file__).resolve().parents[2]
REGIONS = (1, 2)
SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path without its closing zero
SOCKET_NAME_BYTES = 32  # the longest name put into such a folder, supervisord's temporary one included


class StateFolderForeign(Exception):
    """The state folder, or the short one for its sockets, belongs to somebody else."""


@dataclass(frozen=True)
class Layout:
    """The folders under `var`, the state folder of one stack."""

    var: Path

    @property
    def secrets(self) -> Path:
        return self.var / "secrets"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def mail(self) -> Path:
        return self.var / "mail"

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def valkey(self) -> Path:
        return self.var / "valkey"

    @property
    def supervisor(self) -> Path:
        return self.var / "supervisor"

    @property
    def node_programs(self) -> Path:
        return self.supervisor / "conf.d"

    @property
    def supervisor_config(self) -> Path:
        return self.supervisor / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        return socket_directory(self.supervisor) / "supervisor.sock"

    @property
    def demo_accounts(self) -> Path:
        """The demo's passwords, which only `manage.py demo_accounts` reads; not there outside a demo."""
        return self.var / "demo-accounts.json"

    def door_certificate(self, region: int) -> Path:
        """What the region's DICOM door shows to devices."""
        return self.secrets / f"dicom-{region}.crt"

    def door_key(self, region: int) -> Path:
        """The private key behind it."""
        return self.secrets / f"dicom-{region}.key"

    @property
    def restored(self) -> Path:
        """What this stack was restored from, if it was: no demo studies are loaded over it."""
        return self.var / "restored.json"

    def region(self, region: int) -> Path:
        """All that one region holds on this machine: its vault, its keys, its nodes, its database backup."""
        return self.var / f"region{region}"

    def node(self, region: int, node_id: object) -> Path:
        """The folder of one storage node: its configuration, its sealed files, its index."""
        return self.region(region) / "nodes" / str(node_id)

    def backup(self, region: int) -> str:
        """Where the region's sealed copies of the database are, as restic names it: a folder, or `s3:…`."""
        return os.environ.get(f"COLLIMATE_BACKUP_{region}") or str(self.region(region) / "backup")

    def backup_key(self, region: int) -> Path:
        """The password of that repository, beside the region's other keys."""
        keys = os.environ.get(f"COLLIMATE_KEYS_{region}") or self.region(region) / "keys"
        return Path(keys) / "backup.key"

    def prepare(self) -> None:
        """Create the folders. Raises StateFolderForeign."""
        private = (self.secrets, self.run, self.log, self.mail, self.supervisor, self.node_programs)
        self.var.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.var.stat().st_uid != os.geteuid():
            raise StateFolderForeign(f"{self.var} belongs to another user; set COLLIMATE_VAR to a folder of yours.")
        for folder in private:
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)


def current_layout() -> Layout:
    """The layout that COLLIMATE_VAR names, else the one in the checkout."""
    return Layout(Path(os.environ.get("COLLIMATE_VAR") or REPO / "var").resolve())


def socket_directory(preferred: Path) -> Path:
    """`preferred`, or where its path is too long for a socket, a short private folder that stands for it.

    Raises StateFolderForeign when somebody else made that folder first.
    """
    if len(os.fsencode(preferred)) + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES:
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
    # TMPDIR may itself be too deep.
    parent = min(tempfile.gettempdir(), "/tmp", key=len)
    short = Path(parent) / f"collimate-{os.geteuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022 or found.st_uid not in trusted_uids():
        raise StateFolderForeign(f"{short} is not a private folder.")
    return short
