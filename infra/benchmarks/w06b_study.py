"""W6b: a whole CT study of 158 MB by WADO-RS in one answer: what Orthanc is best at.

Ours opens every byte's seal and checks every file's digest on the way. Memory of ours is the web server's peak while a
study goes out, above what it held before.
"""

from collections.abc import Callable
from contextlib import ExitStack

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
from infra.benchmarks.peers import nginx
from infra.benchmarks.peers.suites import started_orthancs
from infra.benchmarks.sides import FILE_TYPE, Bare, Ours, Roof, Side, study_path

SLICES = {Scale.QUICK: 6, Scale.USUAL: 300, Scale.FULL: 300}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 5, Scale.FULL: 9}
LEAST_RATIO = 0.7
MOST_GROWTH = 64 * MB
_Take = Callable[[int], Sample]


def run(bench: Bench) -> list[Row]:
    """One row."""
    study = ct_study(SLICES[bench.scale])
    with ExitStack() as running:
        bares = [Bare(each) for each in running.enter_context(started_orthancs(bench))]
        roof = Roof(running.enter_context(nginx.started_nginx(bench.scratch / "nginx")))
        ours = Ours.of(bench)
        for side in (ours, *bares):
            side.store(study)
        ours.await_packed()
        paths: dict[str, tuple[Side, str]] = {side.name: (side, study_path(side, study)) for side in (ours, *bares)}
        paths["nginx"] = roof, roof.nginx.put("study", b"".join(each.content for each in study.slices))
        takers: dict[str, _Take] = {
            name: lambda _, side=side, path=path: take(side, path, study) for name, (side, path) in paths.items()
        }
        bench.say("warming up")
        for taker in takers.values():
            taker(0)
        samples = in_turns(ROUNDS[bench.scale], takers, bench.say)
        return [_row(bench.scale, samples, [bare.name for bare in bares], study.size)]


def take(side: Side, path: str, study: CtStudy) -> Sample:
    """The whole study once; raises `AnswerWrong`."""
    tree = side.trees()
    web = side.bench.stack.web() if isinstance(side, Ours) else tree
    web.forget_peaks()
    held = sum(web.peaks())
    with Crowd(side.origin, side.headers) as crowd:
        before = tree.cpu_s()
        seconds, (answer,) = crowd.get([path], study.size + study.size // 64 + MB, Accept=FILE_TYPE)
        cpu_s = tree.cpu_s() - before
    if isinstance(side, Roof):
        right = answer.body == b"".join(each.content for each in study.slices)
    else:
        right = digests(parts_of(answer)) == digests(each.content for each in study.slices)
    require_equal(side.name, right)
    figures = {"first_byte_s": answer.first_byte_s, "grown_by": sum(web.peaks()) - held, "peak_rss": web.peaks()[0]}
    return Sample(seconds, cpu_s, figures)


def _row(scale: Scale, samples: dict[str, list[Sample]], peers: list[str], size: int) -> Row:
    best = best_ways(samples, {peer: [peer] for peer in peers})
    fastest = next(iter(best))
    ratio = median_of(samples[fastest]) / median_of(samples["ours"])
    growth = max(each.figures["grown_by"] for each in samples["ours"])
    share = median_of(samples["nginx"]) / median_of(samples["ours"])
    return Row(
        "W6b", f"WADO-RS of a study of {size / MB:.0f} MB",
        f"{_text(samples['ours'], size)}; memory grew by {growth / MB:.0f} MB",
        "; ".join(f"{peer}: {_text(samples[peer], size)}" for peer in best), ratio,
        f"≥ {LEAST_RATIO}×, RSS flat (≤ {MOST_GROWTH / MB:.0f} MB more)",
        judged(scale, ratio >= LEAST_RATIO, growth <= MOST_GROWTH), right=True,
        figures={"bytes": size, "peer": fastest, "samples": as_figures(samples)},
        roof=f"{nginx.version()}, all files as one: {_text(samples['nginx'], size)}; ours reaches {share:.2f} of it",
    )  # fmt: skip


def _text(samples: list[Sample], size: int) -> str:
    rate = Spread.of(size / MB / each.seconds for each in samples)
    cpu, rss = median_of(samples, lambda each: each.cpu_s), max(each.figures["peak_rss"] for each in samples)
    return f"{rate.text()} MB/s, CPU {cpu:.2f} s, RSS {rss / MB:.0f} MB"
