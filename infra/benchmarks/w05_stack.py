"""W5: a viewer loads a CT stack, frame by frame, with 6 and with 20 requests in flight.

Each frame is a request of its own over connections that are kept. All sides are warm: one round is not counted. The
client is one thread (`crowd`), the same for all; frames are compared when the clock has stopped. Judged is WADO-RS on
both sides, which viewers speak. Orthanc's own `frames/raw` is shown too: it answers from the plaintext of whole files
that it keeps in its memory.
"""

from collections.abc import Callable
from contextlib import ExitStack

from infra.benchmarks.crowd import Crowd
from infra.benchmarks.examination import FRAME_BYTES, CtStudy, ct_study
from infra.benchmarks.measuring import (
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
    percentile,
    require_equal,
)
from infra.benchmarks.multiparts import only_part
from infra.benchmarks.peers import nginx
from infra.benchmarks.peers.suites import started_orthancs
from infra.benchmarks.sides import FRAME_TYPE, Bare, Ours, Roof, Side, frame_paths, raw_frame_paths

FRAMES = {Scale.QUICK: 10, Scale.USUAL: 200, Scale.FULL: 200}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 5, Scale.FULL: 9}
IN_FLIGHT = (6, 20)
LEAST_RATIO = 2
_ROOM = FRAME_BYTES + (64 << 10)
_WADO, _RAW = "WADO-RS", "frames/raw"
_Take = Callable[[int], Sample]


def run(bench: Bench) -> list[Row]:
    """A row for each number in flight."""
    study = ct_study(FRAMES[bench.scale])
    with ExitStack() as running:
        bares = [Bare(each) for each in running.enter_context(started_orthancs(bench))]
        roof = Roof(running.enter_context(nginx.started_nginx(bench.scratch / "nginx")))
        ours = Ours.of(bench)
        ours.store(study)
        for bare in bares:
            bare.store(study)
        ours.await_packed()
        ways = _ways(study, ours, bares, roof)
        peers = {bare.name: [f"{bare.name} {_WADO}"] for bare in bares}
        return [_measure(bench, study, ways, peers, in_flight) for in_flight in IN_FLIGHT]


def _ways(study: CtStudy, ours: Ours, bares: list[Bare], roof: Roof) -> dict[str, tuple[Side, list[str]]]:
    """Side and paths of the frames, by the name of the way."""
    ways: dict[str, tuple[Side, list[str]]] = {"ours": (ours, frame_paths(ours, study))}
    for bare in bares:
        ways[f"{bare.name} {_RAW}"] = bare, raw_frame_paths(bare, study)
        ways[f"{bare.name} {_WADO}"] = bare, frame_paths(bare, study)
    ways["nginx"] = roof, [roof.nginx.put(f"{each.sop}.raw", each.frame) for each in study.slices]
    return ways


def _measure(
    bench: Bench, study: CtStudy, ways: dict[str, tuple[Side, list[str]]], peers: dict[str, list[str]], in_flight: int
) -> Row:
    def taker(name: str) -> _Take:
        side, paths = ways[name]
        return lambda _: load(side, paths, study, in_flight)

    sides = {name: taker(name) for name in ways}
    bench.say(f"{in_flight} in flight, warming up")
    for take in sides.values():
        take(0)
    return _row(bench.scale, in_turns(ROUNDS[bench.scale], sides, bench.say), peers, study, in_flight)


def load(side: Side, paths: list[str], study: CtStudy, in_flight: int) -> Sample:
    """Take all frames once; raises `AnswerWrong`."""
    tree = side.trees()
    with Crowd(side.origin, side.headers, in_flight) as crowd:
        before = tree.cpu_s()
        seconds, answers = crowd.get(paths, _ROOM, Accept=FRAME_TYPE)
        cpu_s = tree.cpu_s() - before
    right = all(only_part(answer) == each.frame for answer, each in zip(answers, study.slices, strict=True))
    require_equal(side.name, right)
    times = [answer.seconds for answer in answers]
    return Sample(seconds, cpu_s, {"p50_s": percentile(times, 50), "p95_s": percentile(times, 95)})


def _row(
    scale: Scale, samples: dict[str, list[Sample]], peers: dict[str, list[str]], study: CtStudy, in_flight: int
) -> Row:
    frames = len(study.slices)
    best = best_ways(samples, peers)
    fastest = next(iter(best.values()))
    ratio = median_of(samples[fastest]) / median_of(samples["ours"])
    return Row(
        "W5", f"CT stack of {frames} frames, {in_flight} in flight", _text(samples["ours"], frames),
        _peers_text(samples, best, frames),
        ratio, f"≥ {LEAST_RATIO}× frames/s", judged(scale, ratio >= LEAST_RATIO), right=True,
        figures={"frames": frames, "in_flight": in_flight, "peer": fastest, "samples": as_figures(samples)},
        roof=_roof(samples, frames),
    )  # fmt: skip


def _text(samples: list[Sample], frames: int) -> str:
    cpu_ms = median_of(samples, lambda each: each.cpu_s) / frames * 1000
    p95_ms = median_of(samples, lambda each: each.figures["p95_s"]) * 1000
    return f"{_rate(samples, frames)}, p95 {p95_ms:.0f} ms, CPU {cpu_ms:.1f} ms a frame"


def _peers_text(samples: dict[str, list[Sample]], best: dict[str, str], frames: int) -> str:
    texts = [f"{way}: {_text(samples[way], frames)}" for way in best.values()]
    raw = [f"{peer} {_RAW}: {_rate(samples[f'{peer} {_RAW}'], frames)}" for peer in best]
    return "; ".join([*texts, *raw])


def _rate(samples: list[Sample], frames: int) -> str:
    return f"{Spread.of(frames / each.seconds for each in samples).text()} frames/s"


def _roof(samples: dict[str, list[Sample]], frames: int) -> str:
    share = median_of(samples["nginx"]) / median_of(samples["ours"])
    return f"{nginx.version()} {_text(samples['nginx'], frames)}; ours reaches {share:.2f} of it"
