"""Backup programs as a mirror: the same sealed files into an encrypted repository on the same disk."""

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.benchmarks.measuring import Sample

_PASSPHRASE = "a passphrase for benchmarks"  # guards nothing: the files are noise and sealed


class ArchiveFailed(Exception):
    """The program failed; the text is the end of what it said."""


@dataclass(frozen=True)
class Archive:
    """One program with its repository under `home`; each of its commands is a process of its own."""

    name: str
    home: Path
    begin: list[str]
    save: Callable[[str], list[str]]  # the name of a pass → the command, with "." for what is saved
    restore: Callable[[str], list[str]]

    def prepare(self) -> None:
        """Make an empty repository."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self._run(self.begin, self.home)

    def run_pass(self, label: str, folder: Path) -> Sample:
        """Save all of `folder`."""
        before, started = _children_cpu_s(), time.perf_counter()
        self._run(self.save(label), folder)
        seconds = time.perf_counter() - started
        return Sample(seconds, _children_cpu_s() - before)

    def restore_to(self, label: str, folder: Path) -> None:
        """Give back what the pass `label` saved."""
        folder.mkdir(parents=True)
        self._run(self.restore(label), folder)

    def _run(self, command: list[str], folder: Path) -> None:
        env = os.environ | {
            "BORG_REPO": str(self.home / "repository"), "BORG_BASE_DIR": str(self.home / "base"),
            "BORG_PASSPHRASE": _PASSPHRASE, "RESTIC_REPOSITORY": str(self.home / "repository"),
            "RESTIC_PASSWORD": _PASSPHRASE, "RESTIC_CACHE_DIR": str(self.home / "cache"),
        }  # fmt: skip
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ArchiveFailed(f"{' '.join(command)}: {done.stderr[-1000:]}")


def list_archives(scratch: Path) -> list[Archive]:
    """Borg, and restic where it is installed."""
    known = [_borg(scratch / "borg"), _restic(scratch / "restic")]
    return [archive for archive in known if shutil.which(archive.name)]


def versions() -> dict[str, str]:
    """What the programs say they are."""
    commands = {"borg": ["borg", "--version"], "restic": ["restic", "version"]}
    return {
        name: subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for name, command in commands.items()
        if shutil.which(name)
    }


def _borg(home: Path) -> Archive:
    return Archive(
        "borg", home, ["borg", "init", "--encryption", "repokey-blake2"],
        save=lambda label: ["borg", "create", "--compression", "none", f"::{label}", "."],
        restore=lambda label: ["borg", "extract", f"::{label}"],
    )  # fmt: skip


def _restic(home: Path) -> Archive:
    return Archive(
        "restic", home, ["restic", "init", "--repository-version", "2"],
        save=lambda label: ["restic", "backup", "--compression", "off", "--tag", label, "."],
        restore=lambda label: ["restic", "restore", "latest", "--tag", label, "--target", "."],
    )  # fmt: skip


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
