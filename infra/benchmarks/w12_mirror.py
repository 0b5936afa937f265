"""W12: 1 GB of sealed packs goes from region 1 to region 2, then 1 % more; beside backup programs of the same files.

Ours is the step that a worker runs (`imaging.services.steps.mirror`), in a process of its own with the stack's
environment while the stack's own worker for it is stopped: copy as ciphertext, make durable, open with region 2's key
and compare the digest of every instance. The peers save the same sealed files into an encrypted repository on the same
disk, and do not read back what they wrote.
"""

import filecmp
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydicom.uid import generate_uid

from infra.benchmarks import wire
from infra.benchmarks.caches import ColdFiles
from infra.benchmarks.examination import FRAME_BYTES, ct_slice
from infra.benchmarks.measuring import (
    MB,
    Bench,
    Row,
    Sample,
    Scale,
    Spread,
    as_figures,
    in_turns,
    judged,
    require_equal,
)
from infra.benchmarks.peers.archives import Archive, list_archives, versions
from infra.benchmarks.wire import Wire

SERIES = 4
SLICES = {Scale.QUICK: 20, Scale.USUAL: 2000, Scale.FULL: 2000}  # of 0.5 MB, over all series
MORE = {Scale.QUICK: 1, Scale.USUAL: 20, Scale.FULL: 20}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 3, Scale.FULL: 5}
IN_A_REQUEST = 200
LEAST_RATIO = 5
PACKED_AFTER_S = 8
MOST_OF_CHANGE = 2.0  # the second pass may cost this many times its share of the bytes, and
START_S = 0.5  # what asking every series costs


def run(bench: Bench) -> list[Row]:
    """Two rows: the first pass and the second."""
    bench.stack.stop_program("pipeline")
    trial = _Trial(bench)
    archives = list_archives(bench.scratch)
    sides = {"ours": trial.mirror} | {each.name: lambda _, each=each: trial.save(each) for each in archives}
    samples = in_turns(ROUNDS[bench.scale], sides, bench.say)
    return [_first_row(bench.scale, samples, trial), _second_row(bench.scale, samples, trial)]


class _Trial:
    """Each round has studies of its own; ours comes first in it and leaves what the peers save."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._token = bench.stack.token("northside", "bob", "store")
        self._everything = bench.scale is not Scale.QUICK
        self._passes: list[list[Path]] = []  # of this round: the sealed files that were new, as paths in the vault
        self.bytes = [0, 0]

    def mirror(self, number: int) -> Sample:
        uids = [(generate_uid(), generate_uid()) for _ in range(SERIES)]
        studies = [study for study, _ in uids]
        self._passes, per_series = [], SLICES[self._bench.scale] // SERIES
        samples = []
        for wanted in ([range(1, per_series + 1)] * SERIES, [range(10_000, 10_000 + MORE[self._bench.scale])]):
            for (study, series), slices in zip(uids, wanted, strict=False):
                self._store(study, series, slices)
            self._bench.stack.await_idle(PACKED_AFTER_S)
            before = set(self._mirrored())
            self._forget()
            samples.append(self._bench.stack.inside("mirror", tenant="northside", studies=studies))
            self._passes.append([path for path in self._mirrored() if path not in before])
            equal = samples[-1]["waiting"] == 0 and self._is_equal(sum(map(len, wanted)) * FRAME_BYTES)
            require_equal("ours", equal)
        self.bytes = [sum(self._size(path) for path in paths) for paths in self._passes]
        return _both(*(Sample(each["seconds"], each["cpu_s"]) for each in samples))

    def save(self, archive: Archive) -> Sample:
        archive.prepare()
        source = self._bench.scratch / "source"
        samples = []
        for label, paths in zip(("first", "second"), self._passes, strict=True):
            self._lay_out(source, paths)
            self._forget()
            samples.append(archive.run_pass(label, source))
        target = self._bench.scratch / "restored"
        archive.restore_to("second", target)
        paths = [path for each in self._passes for path in each]
        require_equal(archive.name, all(_same(source / path, target / path) for path in paths))
        for folder in (source, target, archive.home):
            shutil.rmtree(folder)
        return _both(*samples)

    def _store(self, study: str, series: str, slices: range) -> None:
        for at in range(slices.start, slices.stop, IN_A_REQUEST):
            some = range(at, min(at + IN_A_REQUEST, slices.stop))
            parts = [wire.STOW_HEAD + ct_slice(study, series, number) for number in some]
            body = b"\r\n".join(parts) + wire.STOW_TAIL
            with Wire(self._bench.stack.origin, {"Authorization": f"Bearer {self._token}"}) as connection:
                connection.call("POST", "/t/northside/dicomweb/studies", body, Content_Type=wire.STOW_TYPE).read()

    def _mirrored(self) -> Iterator[Path]:
        vault = self._bench.stack.vault(2)
        return (path.relative_to(vault) for path in vault.rglob("*") if path.suffix in (".sealed", ".key"))

    def _size(self, path: Path) -> int:
        return (self._bench.stack.vault(1) / path).stat().st_size

    def _is_equal(self, least_bytes: int) -> bool:
        here, there = (self._bench.stack.vault(region) for region in (1, 2))
        came = self._passes[-1]
        return sum(map(self._size, came)) > least_bytes and all(_same(here / path, there / path) for path in came)

    def _forget(self) -> None:
        ColdFiles([self._bench.stack.vault(1)], everything=self._everything).forget()

    def _lay_out(self, source: Path, paths: list[Path]) -> None:
        """Hard links: the same bytes on the same disk."""
        for path in paths:
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).hardlink_to(self._bench.stack.vault(1) / path)


def _same(one: Path, other: Path) -> bool:
    return other.exists() and filecmp.cmp(one, other, shallow=False)


def _both(first: Sample, second: Sample) -> Sample:
    return Sample(
        first.seconds, first.cpu_s, {"second_pass_seconds": second.seconds, "second_pass_cpu_s": second.cpu_s}
    )


def _first_row(scale: Scale, samples: dict[str, list[Sample]], trial: _Trial) -> Row:
    size, known = trial.bytes[0], versions()
    rates = {name: Spread.of(size / MB / each.seconds for each in taken) for name, taken in samples.items()}
    texts = {
        name: f"{rate.text()} MB/s, CPU {Spread.of(each.cpu_s for each in samples[name]).median:.1f} s"
        for name, rate in rates.items()
    }
    ratio = rates["ours"].median / rates["borg"].median
    peers = "; ".join(f"{known[name]}: {text}" for name, text in texts.items() if name != "ours")
    return Row(
        "W12", f"mirror {size / MB:.0f} MB", texts["ours"], peers, ratio, f"≥ {LEAST_RATIO}× borg",
        judged(scale, ratio >= LEAST_RATIO), right=True,
        figures={"bytes": trial.bytes, "slice_bytes": FRAME_BYTES, "peers": known, "samples": as_figures(samples)},
    )  # fmt: skip


def _second_row(scale: Scale, samples: dict[str, list[Sample]], trial: _Trial) -> Row:
    first, second = trial.bytes
    seconds = {
        name: Spread.of(each.figures["second_pass_seconds"] for each in taken) for name, taken in samples.items()
    }
    share = second / first
    most = START_S + MOST_OF_CHANGE * share * Spread.of(each.seconds for each in samples["ours"]).median
    peers = "; ".join(f"{name}: {spread.text('.2f')} s" for name, spread in seconds.items() if name != "ours")
    return Row(
        "W12", f"then {share:.1%} more", f"{seconds['ours'].text('.2f')} s", peers,
        seconds["borg"].median / seconds["ours"].median, "costs what changed",
        judged(scale, seconds["ours"].median <= most), right=True, figures={"bytes": second, "most_seconds": most},
    )  # fmt: skip
