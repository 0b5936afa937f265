"""CPU-seconds and peak memory of process trees, as the kernel counts them: nothing is sampled, no peak is missed."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

_RESET_PEAK = "5"  # proc(5), clear_refs


class Trees:
    """Some processes and all their descendants, those that come and go meanwhile included."""

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = [psutil.Process(pid) for pid in roots]

    def cpu_s(self) -> float:
        """User and system seconds so far. Those of a child that has ended are in its parent's."""
        total = 0.0
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
        return total

    def forget_peaks(self) -> None:
        """From now on `peaks` tells of what comes."""
        for process in self._processes():
            with suppress(OSError):
                Path(f"/proc/{process.pid}/clear_refs").write_text(_RESET_PEAK)

    def peaks(self) -> list[int]:
        """The largest resident set of each process since `forget_peaks`, in bytes, largest first."""
        found = []
        for process in self._processes():
            with suppress(OSError, StopIteration):
                found.append(_peak(process.pid))
        return sorted(found, reverse=True)

    def read_bytes(self) -> int:
        """Bytes read so far by read(2) and its kin: files, and what libraries read so from sockets."""
        total = 0
        for process in self._processes():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += process.io_counters().read_chars
        return total

    def _processes(self) -> Iterator[psutil.Process]:
        for root in self._roots:
            with suppress(psutil.NoSuchProcess):
                yield from (root, *root.children(recursive=True))


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) << 10
