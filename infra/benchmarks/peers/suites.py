"""Which Orthancs there are: the machine's own and, for `--full`, those of other Debian suites in folders.

`infra/benchmarks/suites.sh` lays the folders out. Their programs run with their own dynamic loader and libraries, so
neither root nor chroot is needed to start them.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from infra.benchmarks.measuring import Bench, Scale
from infra.benchmarks.peers.orthanc import Installation, Orthanc, OrthancFailed
from infra.local.layout import REPO

SUITES = ("trixie", "sid")  # 1.12.7 and 1.13.0


def peers_folder() -> Path:
    """Where the suites' folders are: `COLLIMATE_BENCH_PEERS`, else `var/bench/peers`."""
    return Path(os.environ.get("COLLIMATE_BENCH_PEERS") or REPO / "var" / "bench" / "peers").resolve()


def list_installations(scale: Scale) -> list[Installation]:
    """The machine's own, and with `--full` all others; raises `OrthancFailed` where one is not laid out."""
    others = [suite_installation(peers_folder() / suite) for suite in SUITES] if scale is Scale.FULL else []
    return [Installation(), *others]


def suite_installation(root: Path) -> Installation:
    """The Orthanc in a folder that debootstrap made; raises `OrthancFailed`."""
    if not (root / ".laid-out").exists():
        raise OrthancFailed(f"{root} is not laid out: infra/benchmarks/suites.sh does it")
    loader = _only(root, "lib*/ld-linux-*.so.*")
    libraries = [*root.glob("usr/lib/*-linux-gnu"), root / "usr/lib", root / "usr/lib/orthanc"]
    return Installation(
        (str(loader), "--library-path", ":".join(map(str, libraries)), str(root / "usr/sbin/Orthanc")),
        _only(root, "usr/lib/orthanc/libOrthancDicomWeb.so*"),
        {**os.environ, "DCMDICTPATH": str(root / "usr/share/dcmtk/dicom.dic")},
    )


@contextmanager
def started_orthancs(bench: Bench) -> Iterator[list[Orthanc]]:
    """One running server of each version, empty; they end with the block. Raises `OrthancFailed`."""
    with ExitStack() as running:
        found: dict[str, Orthanc] = {}
        for number, installation in enumerate(list_installations(bench.scale)):
            orthanc = Orthanc(bench.scratch / f"orthanc-{number}", installation)
            running.callback(orthanc.stop)
            orthanc.start()
            if orthanc.name in found:  # this machine is of that suite
                orthanc.stop()
            found.setdefault(orthanc.name, orthanc)
        yield list(found.values())


def _only(root: Path, pattern: str) -> Path:
    found = sorted(root.glob(pattern))
    if not found:
        raise OrthancFailed(f"{root} has no {pattern}")
    return found[0]
