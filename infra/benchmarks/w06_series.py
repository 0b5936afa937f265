"""W6: a viewer opens a CT series: its metadata, its first frame and its thumbnail, one after the other.

One kept connection; wall time at a client that parses nothing (`crowd`), so nearly all of it is the server's. Each side
opens each series for the first time once, then again. Ours sends metadata in gzip, as a browser asks for it; Orthanc
without, which is its best setting. Where Orthanc draws no thumbnail over DICOMweb, its `/preview` stands for it.
"""

import gzip
import json
from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO

from PIL import Image

from infra.benchmarks.crowd import Answer, Crowd
from infra.benchmarks.examination import FRAME_BYTES, SIDE, CtStudy, ct_study
from infra.benchmarks.measuring import (
    Bench,
    Row,
    Sample,
    Scale,
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
from infra.benchmarks.sides import FRAME_TYPE, JSON_TYPE, Bare, Ours, Roof, Side, frame_paths, series_path

SLICES = {Scale.QUICK: 5, Scale.USUAL: 200, Scale.FULL: 200}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 5, Scale.FULL: 9}
AGAIN = {Scale.QUICK: 2, Scale.USUAL: 20, Scale.FULL: 20}  # openings of a series after its first
MOST_S = 0.015
MOST_GZIP = 1 / 20
_METADATA_ROOM = 32 << 20
_IMAGE_ROOM = 2 << 20
_PARTS = ("metadata_s", "frame_s", "thumbnail_s")
_Open = Callable[[int], Sample]


def run(bench: Bench) -> list[Row]:
    """Two rows: the first time, and again."""
    studies = [ct_study(SLICES[bench.scale]) for _ in range(ROUNDS[bench.scale] + 1)]
    with ExitStack() as running:
        bares = [Bare(each) for each in running.enter_context(started_orthancs(bench))]
        roof = Roof(running.enter_context(nginx.started_nginx(bench.scratch / "nginx")))
        ours = Ours.of(bench)
        for study in studies:
            ours.store(study)
            for bare in bares:
                bare.store(study)
        ours.await_packed()
        openers: dict[str, _Opener] = {side.name: _Opener(bench, side) for side in (ours, *bares)}
        warm = studies.pop()
        roof_paths = openers["ours"].lay_out(warm, roof)
        openers["nginx"] = _RoofOpener(bench, roof, roof_paths)
        for opener in openers.values():
            opener.open(warm)
        takers: dict[str, _Open] = {
            name: lambda number, opener=opener: opener.open(studies[number]) for name, opener in openers.items()
        }
        samples = in_turns(ROUNDS[bench.scale], takers, bench.say)
        peers = [bare.name for bare in bares]
        return [_row(bench.scale, samples, peers, "first_"), _row(bench.scale, samples, peers, "")]


class _Opener:
    """Opens series of one side."""

    def __init__(self, bench: Bench, side: Side) -> None:
        self._bench = bench
        self._side = side

    def open(self, study: CtStudy) -> Sample:
        """The first time and some more; raises `AnswerWrong`. Seconds are the median of those after the first."""
        tree, times = self._side.trees(), []
        with Crowd(self._side.origin, self._side.headers) as crowd:
            first, read, sizes = self._once(crowd, study)
            before = tree.cpu_s()
            for _ in range(AGAIN[self._bench.scale]):
                times.append(self._once(crowd, study)[0])
        cpu_s = (tree.cpu_s() - before) / len(times)
        totals = [sum(each) for each in times]
        figures = {name: percentile([each[place] for each in times], 50) for place, name in enumerate(_PARTS)}
        figures |= {f"first_{name}": value for name, value in zip(_PARTS, first, strict=True)}
        figures |= {f"opening_{number}_s": total for number, total in enumerate(totals)}
        figures |= {"first_s": sum(first), "metadata_read_bytes": read, **sizes}
        return Sample(percentile(totals, 50), cpu_s, figures)

    def lay_out(self, study: CtStudy, roof: Roof) -> list[str]:
        """Put the three answers of this side below nginx as files; their paths there."""
        with Crowd(self._side.origin, self._side.headers) as crowd:
            answers = [take(crowd, study)[1] for take in (self._metadata, self._frame, self._thumbnail)]
        return [roof.nginx.put(f"w6/{number}", answer.body) for number, answer in enumerate(answers)]

    def _once(self, crowd: Crowd, study: CtStudy) -> tuple[list[float], int, dict[str, float]]:
        tree = self._side.trees()
        before = tree.read_bytes()
        metadata_s, metadata = self._metadata(crowd, study)
        read = tree.read_bytes() - before
        frame_s, frame = self._frame(crowd, study)
        thumbnail_s, thumbnail = self._thumbnail(crowd, study)
        sizes = self._require_right(study, metadata, frame, thumbnail)
        return [metadata_s, frame_s, thumbnail_s], read, sizes

    def _metadata(self, crowd: Crowd, study: CtStudy) -> tuple[float, Answer]:
        encoding = {"Accept_Encoding": "gzip"} if isinstance(self._side, Ours) else {}
        return _get(crowd, f"{series_path(self._side, study)}/metadata", _METADATA_ROOM, Accept=JSON_TYPE, **encoding)

    def _frame(self, crowd: Crowd, study: CtStudy) -> tuple[float, Answer]:
        return _get(crowd, frame_paths(self._side, study)[0], FRAME_BYTES + (64 << 10), Accept=FRAME_TYPE)

    def _thumbnail(self, crowd: Crowd, study: CtStudy) -> tuple[float, Answer]:
        if isinstance(self._side, Bare):
            return _get(crowd, f"/instances/{self._side.ids[study.slices[0].sop]}/preview", _IMAGE_ROOM)
        return _get(crowd, f"{series_path(self._side, study)}/thumbnail", _IMAGE_ROOM)

    def _require_right(self, study: CtStudy, metadata: Answer, frame: Answer, thumbnail: Answer) -> dict[str, float]:
        packed = metadata.headers.get("content-encoding") == "gzip"
        plain = gzip.decompress(metadata.body) if packed else bytes(metadata.body)
        require_equal(f"{self._side.name}, metadata", _tells_of(json.loads(plain), study))
        require_equal(f"{self._side.name}, first frame", only_part(frame) == study.slices[0].frame)
        with Image.open(BytesIO(only_part(thumbnail))) as image:
            image.load()
        return {"metadata_bytes": len(plain), "metadata_sent_bytes": len(metadata.body)}


class _RoofOpener(_Opener):
    """nginx: the answers of ours as files."""

    def __init__(self, bench: Bench, roof: Roof, paths: list[str]) -> None:
        super().__init__(bench, roof)
        self._paths = paths

    def _once(self, crowd: Crowd, study: CtStudy) -> tuple[list[float], int, dict[str, float]]:
        return [_get(crowd, path, _IMAGE_ROOM)[0] for path in self._paths], 0, {}


def _get(crowd: Crowd, path: str, room: int, **headers: str) -> tuple[float, Answer]:
    seconds, (answer,) = crowd.get([path], room, **headers)
    return seconds, answer


def _tells_of(instances: list[dict[str, dict[str, object]]], study: CtStudy) -> bool:
    """Whether there is one data set for each slice, with its numbers, and no pixels among them."""

    def values(keyword: str) -> list[object]:
        return [each[keyword]["Value"][0] for each in instances]

    told = zip(values("00080018"), map(int, values("00200013")), strict=True)
    wanted = [(each.sop, number) for number, each in enumerate(study.slices, 1)]
    inline = any("InlineBinary" in each.get("7FE00010", {}) for each in instances)
    return sorted(told) == sorted(wanted) and set(values("00280010")) == {SIDE} and not inline


def _row(scale: Scale, samples: dict[str, list[Sample]], peers: list[str], which: str) -> Row:
    first = which == "first_"
    judged_s = (lambda each: each.figures["first_s"]) if first else (lambda each: each.seconds)
    best = best_ways(samples, {peer: [peer] for peer in peers})
    fastest = min(peers, key=lambda peer: median_of(samples[peer], judged_s))
    ours = samples["ours"]
    sizes = ours[0].figures
    packed = sizes["metadata_sent_bytes"] / sizes["metadata_bytes"]
    met = judged(scale, median_of(ours, judged_s) <= MOST_S, packed <= MOST_GZIP, _opens_no_pixels(ours, SLICES[scale]))
    note = f"; metadata 1/{1 / packed:.0f} in gzip, {_read(ours) / 1000:.0f} kB of files read for it" if first else ""
    return Row(
        "W6", f"viewer opens a series of {SLICES[scale]}, {'first time' if first else 'again'}",
        _text(ours, which) + note,
        "; ".join(f"{peer}: {_text(samples[peer], which)}" for peer in best),
        median_of(samples[fastest], judged_s) / median_of(ours, judged_s),
        f"p50 ≤ {MOST_S * 1000:.0f} ms; no pixels opened; gzip ≤ 1/{1 / MOST_GZIP:.0f}", met, right=True,
        figures={"slices": SLICES[scale], "peer": fastest, "samples": as_figures(samples) if first else {}},
        roof=f"{nginx.version()}, the same answers as files: {_text(samples['nginx'], which)}",
    )  # fmt: skip


def _read(samples: list[Sample]) -> float:
    return max(each.figures["metadata_read_bytes"] for each in samples)


def _opens_no_pixels(samples: list[Sample], slices: int) -> bool:
    # Had it read the pixels, it would have read at least this much.
    return _read(samples) < slices * FRAME_BYTES / 10


def _text(samples: list[Sample], which: str) -> str:
    parts = [median_of(samples, lambda each, name=name: each.figures[which + name]) * 1000 for name in _PARTS]
    detail = "metadata {:.1f}, frame {:.1f}, thumbnail {:.1f}".format(*parts)
    if which:
        return f"{median_of(samples, lambda each: each.figures['first_s']) * 1000:.1f} ms ({detail})"
    times = [value for each in samples for name, value in each.figures.items() if name.startswith("opening_")]
    p50, p95 = (percentile(times, percent) * 1000 for percent in (50, 95))
    cpu_ms = median_of(samples, lambda each: each.cpu_s) * 1000
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms ({detail}), CPU {cpu_ms:.1f} ms"
