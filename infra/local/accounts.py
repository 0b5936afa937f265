"""Who runs PostgreSQL: ourselves, or an account made for it when we are root, because the server refuses root."""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

SERVER_NAME = "collimate-postgres"


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()


def server_account() -> Account:
    """The account PostgreSQL runs as; created when we are root and it is missing.

    Raises subprocess.CalledProcessError.
    """
    if os.geteuid() != 0:
        return _account(pwd.getpwuid(os.geteuid()))
    try:
        return _account(pwd.getpwnam(SERVER_NAME))
    except KeyError:
        return _account(_create_server_user())


def trusted_uids() -> set[int]:
    """Whose folders we use: our own and, when we are root, the server account's."""
    ours = os.geteuid()
    return {ours} | {entry.pw_uid for entry in pwd.getpwall() if ours == 0 and entry.pw_name == SERVER_NAME}


def own(path: Path, account: Account) -> None:
    """Make `path` (created if missing, 0700) the account's and let the account pass through the folders above it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account.is_us:
        return
    os.chown(path, account.uid, account.gid)
    path.chmod(0o700)
    open_the_way(path)


def open_the_way(path: Path) -> None:
    """Add "pass through, not list" for others to those folders above `path` that lack it.

    Only root needs this, for the server's own account; without it a checkout under a home of mode 0700 cannot run.
    """
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _create_server_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_NAME]
    # Two stacks may start at once: whoever comes second finds the name taken (9), which is what it wanted.
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 9):
        done.check_returncode()
    return pwd.getpwnam(SERVER_NAME)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
