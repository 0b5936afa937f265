"""`python -m infra.benchmarks`: what infra/bench runs once everything is installed."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import requests

from infra.benchmarks import (
    w01_upload,
    w03_stow,
    w04_frame,
    w05_stack,
    w06_series,
    w06b_study,
    w07_archive,
    w08_worklist,
    w09_names,
    w12_mirror,
    w16_rotation,
    w19_typing,
)
from infra.benchmarks.machine import describe_machine, describe_versions, summary
from infra.benchmarks.measuring import AnswerWrong, Bench, Row, Scale
from infra.benchmarks.peers.archives import ArchiveFailed
from infra.benchmarks.peers.nginx import NginxFailed
from infra.benchmarks.peers.openbao import OpenBaoFailed
from infra.benchmarks.peers.orthanc import OrthancFailed
from infra.benchmarks.stack import Stack, StackFailed, started_stack
from infra.benchmarks.table import table
from infra.benchmarks.wire import RequestFailed
from infra.local.layout import REPO

WORKLOADS = {
    "W1": w01_upload, "W3": w03_stow, "W4": w04_frame, "W5": w05_stack, "W6": w06_series,
    "W6b": w06b_study, "W7": w07_archive, "W8": w08_worklist, "W9": w09_names, "W12": w12_mirror, "W16": w16_rotation,
    "W19": w19_typing,
}  # fmt: skip
StackSource = Callable[[], AbstractContextManager[Stack]]
_TOLD_PLAINLY = (
    AnswerWrong, ArchiveFailed, NginxFailed, OpenBaoFailed, OrthancFailed, RequestFailed, StackFailed,
    requests.RequestException, subprocess.TimeoutExpired,
)  # fmt: skip


def main(arguments: list[str] | None = None, stacks: StackSource = started_stack) -> int:
    """Measure and return the exit status: 1 if a workload could not be measured, not if an aim is missed."""
    options = _options(arguments)
    if options.list:
        print("\n".join(str(module.__doc__).splitlines()[0] for module in WORKLOADS.values()))
        return 0
    machine = describe_machine(Path(tempfile.gettempdir()))
    rows: list[Row] = []
    failed = [name for name in options.names or WORKLOADS if not _measure(name, options.scale, stacks, rows)]
    if rows:
        print(f"\n{summary(machine)}\n\n{table(rows)}")
        print(f"kept in {_keep(options.out, options.scale, machine, rows)}")
    return int(bool(failed))


def _measure(name: str, scale: Scale, stacks: StackSource, rows: list[Row]) -> bool:
    """Each workload has a stack of its own, so that none works through what another left."""
    _say(f"{name}: starting a stack")
    scratch = Path(tempfile.mkdtemp(prefix="cm-bench-peers-"))
    try:
        with stacks() as stack:
            rows += WORKLOADS[name].run(Bench(scale, stack, scratch, lambda line: _say(f"{name}: {line}")))
    except _TOLD_PLAINLY as error:
        print(f"infra/bench: {name}: {error}", file=sys.stderr)
        return False
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return True


def _keep(folder: Path, scale: Scale, machine: dict[str, object], rows: list[Row]) -> Path:
    now = datetime.now().astimezone()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%dT%H%M%S}.json"
    kept = {
        "at": now.isoformat(timespec="seconds"), "scale": scale, "machine": machine,
        "versions": describe_versions(), "rows": [asdict(row) for row in rows],
    }  # fmt: skip
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False))
    return path


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra/bench", description="Measure Collimate beside its peers.")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", dest="scale", action="store_const", const=Scale.QUICK, default=Scale.USUAL,
                       help="tiny sizes: whether it works; judges nothing")  # fmt: skip
    sizes.add_argument("--full", dest="scale", action="store_const", const=Scale.FULL, help="more rounds, 1M keys")
    parser.add_argument("--list", action="store_true", help="the workloads")
    parser.add_argument("--out", type=Path, default=REPO / "var" / "bench", metavar="DIR", help="where the JSON goes")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(WORKLOADS)} (default: all)")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in WORKLOADS]:
        parser.error(f"unknown workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    return options


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped
    sys.exit(main())
