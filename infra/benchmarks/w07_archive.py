"""W7: a study of 500 MB as a ZIP, and the same download resumed in its middle.

Ours is the download of the study's page by a signed-in session; patients and share links get the same archive. The ZIP
must pass its own test and hold every file; what a resumed download gets must be the rest of the whole, byte by byte.
Orthanc compresses as it always does, and can give no range.
"""

import io
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from infra.benchmarks.crowd import Answer, Crowd
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
from infra.benchmarks.multiparts import digests
from infra.benchmarks.peers import nginx
from infra.benchmarks.peers.suites import started_orthancs
from infra.benchmarks.sides import Bare, Ours, Roof
from infra.benchmarks.trees import Trees

SLICES = {Scale.QUICK: 6, Scale.USUAL: 1000, Scale.FULL: 1000}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 2, Scale.FULL: 3}
LEAST_RATIO = 40
MOST_FIRST_BYTE_S = 0.050
_RESUMED = "ours resumed"
_Take = Callable[[int], Sample]


def run(bench: Bench) -> list[Row]:
    """Two rows: the whole, and the rest of it."""
    study = ct_study(SLICES[bench.scale])
    with ExitStack() as running:
        bares = [Bare(each) for each in running.enter_context(started_orthancs(bench))]
        roof = Roof(running.enter_context(nginx.started_nginx(bench.scratch / "nginx")))
        ours = Ours.of(bench)
        for side in (ours, *bares):
            side.store(study)
        ours.await_packed()
        trial = _Trial(bench, study)
        places = _places(study, ours, bares, roof, bench.stack.session("bob"))
        bench.say("warming up")
        whole = trial.fetch(places["ours"])
        require_equal("ours", _holds(whole, study))
        trial.whole = whole
        places["nginx"] = _Place("nginx", roof.origin, roof.nginx.put("study.zip", whole.body), {}, roof.trees)
        takers: dict[str, _Take] = {name: lambda _, p=place: trial.take(p) for name, place in places.items()}
        takers[_RESUMED] = lambda _: trial.resume(places["ours"])
        samples = in_turns(ROUNDS[bench.scale], takers, bench.say)
        return [_row(bench.scale, samples, [bare.name for bare in bares], study.size), _rest(bench.scale, samples)]


@dataclass(frozen=True)
class _Place:
    """Where a side gives its archive."""

    name: str
    origin: str
    path: str
    headers: dict[str, str]
    trees: Callable[[], Trees]


def _places(study: CtStudy, ours: Ours, bares: list[Bare], roof: Roof, session: dict[str, str]) -> dict[str, _Place]:
    page = f"/t/northside/studies/{study.study}/download"
    places = {"ours": _Place("ours", ours.origin, page, session, ours.trees)}
    for bare in bares:
        path = f"/studies/{bare.study_id(study)}/archive"
        places[bare.name] = _Place(bare.name, bare.origin, path, {}, bare.trees)
    return places


class _Trial:
    """Fetches archives; `whole` is ours as it came the first time."""

    def __init__(self, bench: Bench, study: CtStudy) -> None:
        self._bench = bench
        self._study = study
        self._room = study.size + study.size // 64 + MB
        self.whole = Answer("")

    def fetch(self, place: _Place, **headers: str) -> Answer:
        with Crowd(place.origin, place.headers) as crowd:
            return crowd.get([place.path], self._room, **headers)[1][0]

    def take(self, place: _Place) -> Sample:
        """The whole; raises `AnswerWrong`."""
        tree, web = place.trees(), self._bench.stack.web()
        web.forget_peaks()
        before = tree.cpu_s()
        answer = self.fetch(place)
        cpu_s, peak = tree.cpu_s() - before, web.peaks()[0]
        known = place.name not in ("ours", "nginx")
        right = _holds(answer, self._study) if known else answer.body == self.whole.body
        require_equal(place.name, right)
        return Sample(answer.seconds, cpu_s, {"first_byte_s": answer.first_byte_s, "peak_rss": peak})

    def resume(self, place: _Place) -> Sample:
        """What comes after the first half; raises `AnswerWrong`."""
        half, tree = len(self.whole.body) // 2, place.trees()
        before = tree.cpu_s()
        answer = self.fetch(place, Range=f"bytes={half}-", If_Range=self.whole.headers.get("etag", '"none"'))
        cpu_s = tree.cpu_s() - before
        size = len(self.whole.body)
        said = answer.headers.get("content-range") == f"bytes {half}-{size - 1}/{size}"
        require_equal(_RESUMED, answer.status == 206 and said and answer.body == self.whole.body[half:])
        return Sample(answer.seconds, cpu_s, {"first_byte_s": answer.first_byte_s, "bytes": size - half})


def _holds(answer: Answer, study: CtStudy) -> bool:
    """Whether the ZIP passes its own test and holds exactly the study's files, beside what explains them."""
    with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
        names = [each for each in packed.namelist() if each.endswith(".dcm")]
        # Reading an entry checks its CRC-32.
        others = [packed.read(each) for each in packed.namelist() if each not in names]
        kept = digests(packed.read(each) for each in names)
    return len(others) <= 1 and kept == digests(each.content for each in study.slices)


def _row(scale: Scale, samples: dict[str, list[Sample]], peers: list[str], size: int) -> Row:
    best = best_ways(samples, {peer: [peer] for peer in peers})
    fastest = next(iter(best))
    ratio = median_of(samples[fastest]) / median_of(samples["ours"])
    share = median_of(samples["nginx"]) / median_of(samples["ours"])
    rss = max(each.figures["peak_rss"] for each in samples["ours"])
    return Row(
        "W7", f"ZIP of a study of {size / MB:.0f} MB", f"{_text(samples['ours'], size)}, RSS {rss / MB:.0f} MB",
        "; ".join(f"{peer}: {_text(samples[peer], size)}" for peer in best), ratio,
        f"≥ {LEAST_RATIO}×, first byte ≤ {MOST_FIRST_BYTE_S * 1000:.0f} ms",
        judged(scale, ratio >= LEAST_RATIO, _first_byte(samples["ours"]) <= MOST_FIRST_BYTE_S), right=True,
        figures={"bytes": size, "peer": fastest, "samples": as_figures(samples)},
        roof=f"{nginx.version()}, the same ZIP: {_text(samples['nginx'], size)}; ours reaches {share:.2f} of it",
    )  # fmt: skip


def _rest(scale: Scale, samples: dict[str, list[Sample]]) -> Row:
    size = samples[_RESUMED][0].figures["bytes"]
    return Row(
        "W7", f"resumed in its middle: {size / MB:.0f} MB more", _text(samples[_RESUMED], size),
        "Orthanc gives no ranges", None, f"exact, first byte ≤ {MOST_FIRST_BYTE_S * 1000:.0f} ms",
        judged(scale, _first_byte(samples[_RESUMED]) <= MOST_FIRST_BYTE_S), right=True, figures={"bytes": size},
    )  # fmt: skip


def _text(samples: list[Sample], size: float) -> str:
    rate = Spread.of(size / MB / each.seconds for each in samples)
    cpu = median_of(samples, lambda each: each.cpu_s)
    return f"{rate.text()} MB/s, first byte {_first_byte(samples) * 1000:.0f} ms, CPU {cpu:.1f} s"


def _first_byte(samples: list[Sample]) -> float:
    return median_of(samples, lambda each: each.figures["first_byte_s"])
