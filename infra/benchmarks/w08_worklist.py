"""W8: the latest 25 studies over QIDO-RS, of 1,000, 100,000 and (`--full`) a million, with a bearer token and audit.

The archive is an index without images (`synthetic_index`); every answer is compared with the same rows in Python. The
peer holds fewer studies, as many as can be stored in sane time; its time grows with them.

Orthanc's QIDO-RS knows no order: its 25 are any 25, and stand in the table as that. The latest 25 come from its own
`/tools/find` with `OrderBy`, where the version has it; the ratio is to the fastest of those.
"""

import json
import time

from infra.benchmarks.measuring import (
    Bench,
    Row,
    Sample,
    Scale,
    as_figures,
    in_turns,
    judged,
    percentile,
    require_equal,
)
from infra.benchmarks.peers.suites import started_orthancs
from infra.benchmarks.searching import (
    PAGE,
    Search,
    fill,
    grown_archives,
    take,
    text_of,
    times_of,
    warm_up,
)
from infra.benchmarks.sides import Bare, Ours
from infra.benchmarks.synthetic_index import Study
from infra.benchmarks.wire import Wire

ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 5, Scale.FULL: 10}
ASKED = {Scale.QUICK: 5, Scale.USUAL: 60, Scale.FULL: 100}  # times in a round
PEER_ASKED = {Scale.QUICK: 2, Scale.USUAL: 20, Scale.FULL: 20}
MOST_S, MOST_GROWTH, LEAST_RATIO = 0.010, 1.3, 100
_LATEST = Search({}, lambda study: True)
_ANY = f"any {PAGE} of"  # before the name of a side that is asked for no order
_IN_ORDER = {
    "Level": "Study", "Query": {}, "Expand": True, "Limit": PAGE,
    "OrderBy": [{"Type": "DicomTag", "Key": "StudyDate", "Direction": "DESC"}],
    # What QIDO-RS gives of each study.
    "RequestedTags": ["ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"],
}  # fmt: skip
_Samples = dict[str, list[Sample]]


def run(bench: Bench) -> list[Row]:
    """One row for each size."""
    ours = Ours.of(bench)
    taken: dict[int, tuple[_Samples, int]] = {}
    with started_orthancs(bench) as orthancs:
        stored: list[tuple[Bare, list[Study]]] = [(Bare(each), []) for each in orthancs]
        for archive in grown_archives(bench):
            for orthanc, (_, studies) in zip(orthancs, stored, strict=True):
                fill(bench, orthanc, studies, archive)
            taken[len(archive)] = _measure(bench, ours, archive, stored), len(stored[0][1])
    least, _ = taken[min(taken)]
    return [_row(bench.scale, size, peer_size, samples, least) for size, (samples, peer_size) in taken.items()]


def _measure(bench: Bench, ours: Ours, archive: list[Study], stored: list[tuple[Bare, list[Study]]]) -> _Samples:
    sides = {"ours": lambda _: take(ours, [_LATEST] * ASKED[bench.scale], archive)}
    for bare, studies in stored:
        asked = [_LATEST] * PEER_ASKED[bench.scale]
        sides[f"{_ANY} {bare.name}"] = lambda _, bare=bare, studies=studies, asked=asked: take(bare, asked, studies)
        if bare.finds_in_order:
            sides[bare.name] = lambda _, bare=bare, studies=studies: _take_in_order(bare, studies, bench.scale)
    for side in (ours, *(bare for bare, _ in stored)):
        warm_up(side, [_LATEST])
    return in_turns(ROUNDS[bench.scale], sides, bench.say)


def _take_in_order(bare: Bare, studies: list[Study], scale: Scale) -> Sample:
    """The latest studies as Orthanc's own interface gives them; raise `AnswerWrong` unless they are."""
    expected = sorted((f"{study.study_date:%Y%m%d}" for study in studies), reverse=True)[:PAGE]
    times, tree, body = [], bare.trees(), json.dumps(_IN_ORDER).encode()
    before = tree.cpu_s()
    with Wire(bare.origin) as connection:
        for _ in range(PEER_ASKED[scale]):
            started = time.perf_counter()
            answer = connection.call("POST", "/tools/find", body).read()
            times.append(time.perf_counter() - started)
            found = [each["MainDicomTags"]["StudyDate"] for each in json.loads(answer)]
            require_equal(f"{bare.name}, in order", found == expected)
    figures = {f"search_{number}_s": seconds for number, seconds in enumerate(times, 1)}
    return Sample(percentile(times, 50), (tree.cpu_s() - before) / len(times), figures)


def _row(scale: Scale, size: int, peer_size: int, samples: _Samples, least: _Samples) -> Row:
    p95 = {name: percentile(times_of(some), 95) for name, some in samples.items()}
    peers = [name for name in samples if name != "ours"]
    in_order = [name for name in peers if not name.startswith(_ANY)]
    best = min(in_order or peers, key=lambda name: p95[name])
    ratio, growth = p95[best] / p95["ours"], p95["ours"] / percentile(times_of(least["ours"]), 95)
    aim, met = f"p95 ≤ {MOST_S * 1000:.0f} ms, ≤ {MOST_GROWTH}× that of the smallest", None
    if samples is not least:
        met = judged(scale, p95["ours"] <= MOST_S, growth <= MOST_GROWTH)
    if scale is Scale.FULL and 100_000 <= size < 1_000_000:
        aim, met = f"{aim}; ≥ {LEAST_RATIO}×", judged(scale, bool(met), ratio >= LEAST_RATIO)
    return Row(
        "W8", f"latest {PAGE} of {size:,} studies", f"{text_of(samples['ours'])}; {growth:.2f}× the smallest",
        f"of {peer_size:,}: " + "; ".join(f"{name} {text_of(samples[name])}" for name in peers), ratio, aim,
        met, right=True, figures={"studies": size, "peer": best, "peer_studies": peer_size,
                                  "growth": growth, "samples": as_figures(samples)},
    )  # fmt: skip
