"""Packages for the interpreter inside Orthanc, which is the system's, not the portal's virtual
environment."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancPython.so")


class PluginMissing(Exception):
    """Orthanc's Python plugin is not installed, or links no libpython."""


def embedded_python(plugin: Path = PLUGIN) -> str:
    """Return the version of the interpreter that `plugin` links, such as "3.11". Raises PluginMissing."""
    linked = re.search(rb"libpython(3\.\d+)\.so", plugin.read_bytes()) if plugin.exists() else None
    if linked is None:
        raise PluginMissing(str(plugin))
    return linked.group(1).decode()


def ensure_orthanc_site(repo_root: Path) -> Path:
    """Return `var/orthanc-site` under `repo_root`, installed first if it is missing or of another lock file.

    The lock file is infra/requirements/orthanc.txt. Raises PluginMissing, subprocess.CalledProcessError.
    """
    lock = repo_root / "infra" / "requirements" / "orthanc.txt"
    site = repo_root / "var" / "orthanc-site"
    site.parent.mkdir(exist_ok=True)
    wanted = _fingerprint(lock, embedded_python())
    with (site.parent / "orthanc-site.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not _is_installed(site, wanted):
            _install(lock, site, wanted)
    return site


def _fingerprint(lock: Path, python: str) -> str:
    return f"{python} {hashlib.sha256(lock.read_bytes()).hexdigest()}"


def _is_installed(site: Path, wanted: str) -> bool:
    stamp = site / "installed"
    return stamp.exists() and stamp.read_text() == wanted


def _install(lock: Path, site: Path, wanted: str) -> None:
    fresh = site.with_name(f"{site.name}.{os.getpid()}")
    python = wanted.split()[0]
    try:
        subprocess.run(_pip(lock, fresh, python), check=True, stdout=subprocess.DEVNULL)
        (fresh / "installed").write_text(wanted)
        shutil.rmtree(site, ignore_errors=True)
        fresh.rename(site)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _pip(lock: Path, target: Path, python: str) -> list[str]:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    return [*pip, "--target", str(target), "--python-version", python, "--only-binary=:all:",
            "--require-hashes", "-r", str(lock)]  # fmt: skip
