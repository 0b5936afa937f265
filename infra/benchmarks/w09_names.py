"""W9: searches over QIDO-RS as people make them: how a name begins, an exact id, a part of a name, and `*`.

Names and ids are drawn from the archive, so that the frequent are asked for often. One part of a name in twenty is the
rarest there is. Every answer is compared with a brute-force search of the same rows in Python; one that says it stopped
early must hold the first of what there is. The peer holds fewer studies, and is asked for what it holds.
"""

import random
from collections.abc import Sequence

from infra.benchmarks.measuring import Bench, Row, Sample, Scale, as_figures, in_turns, judged, percentile
from infra.benchmarks.peers.suites import started_orthancs
from infra.benchmarks.searching import Search, fill, grown_archives, take, text_of, times_of, warm_up
from infra.benchmarks.sides import Bare, Ours
from infra.benchmarks.synthetic_index import RARE, Study

ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 5, Scale.FULL: 10}
ASKED = {Scale.QUICK: 8, Scale.USUAL: 60, Scale.FULL: 100}  # searches in a round
PEER_ASKED = {Scale.QUICK: 4, Scale.USUAL: 20, Scale.FULL: 20}
MOST_S, NEVER_S = 0.025, 0.200
_RARELY = 0.05
_Samples = dict[str, list[Sample]]


def run(bench: Bench) -> list[Row]:
    """One row for each size."""
    ours, rows = Ours.of(bench), []
    with started_orthancs(bench) as orthancs:
        stored: list[tuple[Bare, list[Study]]] = [(Bare(each), []) for each in orthancs]
        for archive in grown_archives(bench):
            for orthanc, (_, studies) in zip(orthancs, stored, strict=True):
                fill(bench, orthanc, studies, archive)
            samples = _measure(bench, ours, archive, stored)
            rows.append(_row(bench.scale, len(archive), len(stored[0][1]), samples))
    return rows


def _measure(bench: Bench, ours: Ours, archive: list[Study], stored: list[tuple[Bare, list[Study]]]) -> _Samples:
    chance = random.Random()
    sides = {"ours": lambda _: take(ours, _mix(archive, ASKED[bench.scale], chance), archive)}
    for bare, studies in stored:
        sides[bare.name] = lambda _, bare=bare, studies=studies: take(
            bare, _mix(studies, PEER_ASKED[bench.scale], chance), studies
        )
    for side, studies in ((ours, archive), *stored):
        warm_up(side, _mix(studies, ASKED[bench.scale], chance))
    return in_turns(ROUNDS[bench.scale], sides, bench.say)


def _mix(archive: Sequence[Study], count: int, chance: random.Random) -> list[Search]:
    kinds = (_beginning, _exact_id, _part, lambda *_: Search({"PatientName": "*"}, lambda study: True))
    return [kinds[number % len(kinds)](_someone(archive, chance), chance) for number in range(count)]


def _someone(archive: Sequence[Study], chance: random.Random) -> Study:
    """A study that can be asked for: the demonstration's real files name not every patient."""
    while not ((study := chance.choice(archive)).patient_id and study.patient_name):
        pass
    return study


def _beginning(study: Study, chance: random.Random) -> Search:
    text = study.patient_name.split("^")[0][: chance.randint(3, 6)].upper()
    return Search({"PatientName": f"{text}*"}, lambda each: each.patient_name.upper().startswith(text))


def _exact_id(study: Study, chance: random.Random) -> Search:
    return Search({"PatientID": study.patient_id}, lambda each: each.patient_id == study.patient_id)


def _part(study: Study, chance: random.Random) -> Search:
    family = RARE if chance.random() < _RARELY else study.patient_name.split("^")[0].upper()
    start = chance.randint(0, max(0, len(family) - 3))
    text = family[start : start + chance.randint(2, 4)]
    return Search({"PatientName": f"*{text}*"}, lambda each: text in each.patient_name.upper())


def _row(scale: Scale, size: int, peer_size: int, samples: _Samples) -> Row:
    peers = [name for name in samples if name != "ours"]
    p95 = {name: percentile(times_of(some), 95) for name, some in samples.items()}
    best, most = min(peers, key=lambda name: p95[name]), max(times_of(samples["ours"]))
    partial = sum(each.figures["partial"] for each in samples["ours"])
    return Row(
        "W9", f"searches of {size:,} studies", f"{text_of(samples['ours'])}; {partial:.0f} stopped early and said so",
        f"of {peer_size:,}: " + "; ".join(f"{name} {text_of(samples[name])}" for name in peers),
        p95[best] / p95["ours"], f"p95 ≤ {MOST_S * 1000:.0f} ms, never > {NEVER_S * 1000:.0f} ms",
        judged(scale, p95["ours"] <= MOST_S, most <= NEVER_S), right=True,
        figures={"studies": size, "peer": best, "peer_studies": peer_size, "samples": as_figures(samples)},
    )  # fmt: skip
