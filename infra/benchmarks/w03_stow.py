"""W3: a CT of 200 slices comes in by STOW-RS: in one request, and in four at once.

Ours answers when every slice is checked, sealed, durable and indexed. Bodies lie on disk and go out by sendfile. What
was stored is read back, whole and by WADO-RS, and compared.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from infra.benchmarks import wire
from infra.benchmarks.crowd import Crowd
from infra.benchmarks.examination import CtStudy, ct_study
from infra.benchmarks.measuring import (
    MB,
    Bench,
    Row,
    Sample,
    Scale,
    Spread,
    as_figures,
    best_ways,
    in_turns,
    judged,
    median_of,
    require_equal,
)
from infra.benchmarks.multiparts import digests, parts_of
from infra.benchmarks.peers.suites import started_orthancs
from infra.benchmarks.sides import FILE_TYPE, JSON_TYPE, Bare, Ours, stow_body, study_path
from infra.benchmarks.wire import Wire

SLICES = {Scale.QUICK: 8, Scale.USUAL: 200, Scale.FULL: 200}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 5, Scale.FULL: 9}
REQUESTS = (1, 4)
LEAST_RATIO = 4
_Store = Callable[[int], Sample]


def run(bench: Bench) -> list[Row]:
    """A row for each number of requests at once."""
    with ExitStack() as running:
        bares = [Bare(each) for each in running.enter_context(started_orthancs(bench))]
        ours = Ours.of(bench)
        sides: dict[str, Ours | Bare] = {each.name: each for each in (ours, *bares)}
        trials = {name: _Trial(bench, side) for name, side in sides.items()}
        ours.await_packed()
        rows = []
        for requests in REQUESTS:
            bench.say(f"{requests} at once, warming up")
            takers: dict[str, _Store] = {
                name: lambda _, trial=trial, requests=requests: trial.store(requests) for name, trial in trials.items()
            }
            for take in takers.values():
                take(0)
            samples = in_turns(ROUNDS[bench.scale], takers, bench.say)
            rows.append(_row(bench.scale, samples, [bare.name for bare in bares], requests))
        return rows


class _Trial:
    """Stores fresh slices in one side."""

    def __init__(self, bench: Bench, side: Ours | Bare) -> None:
        self._bench = bench
        self._side = side

    def store(self, requests: int) -> Sample:
        """A new study in `requests` at once; raises `AnswerWrong`."""
        study = ct_study(SLICES[self._bench.scale])
        bodies = self._write_bodies(study, requests)
        tree = self._side.trees()
        tree.forget_peaks()
        before, started = tree.cpu_s(), perf_counter()
        with ThreadPoolExecutor(requests) as crowd:
            list(crowd.map(self._send, bodies))
        seconds = perf_counter() - started
        cpu_s, peaks = tree.cpu_s() - before, tree.peaks()
        if isinstance(self._side, Ours):
            self._side.await_packed()
        require_equal(self._side.name, self._is_kept(study))
        for body in bodies:
            body.unlink()
        return Sample(seconds, cpu_s, {"bytes": study.size, "peak_rss": peaks[0]})

    def _write_bodies(self, study: CtStudy, requests: int) -> list[Path]:
        paths, count = [], len(study.slices)
        for number in range(requests):
            path = self._bench.scratch / f"body-{number}"
            path.write_bytes(stow_body(study, range(number * count // requests, (number + 1) * count // requests)))
            paths.append(path)
        return paths

    def _send(self, body: Path) -> None:
        with Wire(self._side.origin, self._side.headers) as connection:
            path = f"{self._side.dicomweb}/studies"
            connection.send_file("POST", path, body, Content_Type=wire.STOW_TYPE, Accept=JSON_TYPE).read()

    def _is_kept(self, study: CtStudy) -> bool:
        room = study.size + (1 << 20)
        with Crowd(self._side.origin, self._side.headers) as crowd:
            _, (answer,) = crowd.get([study_path(self._side, study)], room, Accept=FILE_TYPE)
        return digests(parts_of(answer)) == digests(each.content for each in study.slices)


def _row(scale: Scale, samples: dict[str, list[Sample]], peers: list[str], requests: int) -> Row:
    slices = SLICES[scale]
    best = best_ways(samples, {peer: [peer] for peer in peers})
    fastest = next(iter(best))
    ratio = median_of(samples[fastest]) / median_of(samples["ours"])
    how = "in one request" if requests == 1 else f"in {requests} requests at once"
    return Row(
        "W3", f"STOW-RS of {slices} slices {how}", _text(samples["ours"], slices),
        "; ".join(f"{peer}: {_text(samples[peer], slices)}" for peer in best), ratio, f"≥ {LEAST_RATIO}×",
        judged(scale, ratio >= LEAST_RATIO), right=True,
        figures={"slices": slices, "requests": requests, "peer": fastest, "samples": as_figures(samples)},
    )  # fmt: skip


def _text(samples: list[Sample], slices: int) -> str:
    rate = Spread.of(slices / each.seconds for each in samples)
    speed = median_of(samples, lambda each: each.figures["bytes"] / MB / each.seconds)
    cpu, rss = median_of(samples, lambda each: each.cpu_s), max(each.figures["peak_rss"] for each in samples)
    return f"{rate.text()} instances/s, {speed:.0f} MB/s, CPU {cpu:.2f} s, RSS {rss / MB:.0f} MB"
