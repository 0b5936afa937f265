"""The frame of every workload: sizes, rounds in turns, and what becomes of the samples."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from infra.benchmarks.stack import Stack

MB = 1_000_000


class AnswerWrong(Exception):
    """What came back is not what went in: there is no figure. The text names the side."""


class Scale(StrEnum):
    """How much is measured. `quick` shows that it works, and judges nothing."""

    QUICK = "quick"
    USUAL = "usual"
    FULL = "full"


@dataclass(frozen=True)
class Bench:
    """What a workload is given: our running stack, an empty folder on the same disk, and how much to do."""

    scale: Scale
    stack: Stack
    scratch: Path
    say: Callable[[str], None]


@dataclass(frozen=True)
class Sample:
    """One side's turn in one round: wall seconds, CPU-seconds of its server's process tree, and further figures."""

    seconds: float
    cpu_s: float
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One line of the table. `met` is None where nothing is judged; `right` says that every answer was."""

    workload: str
    what: str
    ours: str
    peer: str
    ratio: float | None
    aim: str
    met: bool | None
    right: bool
    figures: dict[str, object]
    roof: str = ""  # what nginx reaches with the same bytes as plain files
    cause: str = ""  # what a missed aim is made of, where it is known


@dataclass(frozen=True)
class Spread:
    """The median of some values, and the least and greatest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        known = list(values)
        return cls(statistics.median(known), min(known), max(known))

    def text(self, form: str = ".0f") -> str:
        """`310 (290–330)`."""
        return f"{self.median:{form}} ({self.low:{form}}–{self.high:{form}})"


def in_turns(rounds: int, sides: dict[str, Callable[[int], Sample]], say: Callable[[str], None]) -> dict[str, list]:
    """The samples of each side, taken in turns: whatever disturbs the machine disturbs all of them."""
    samples: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, side in sides.items():
            sample = side(number)
            samples[name].append(sample)
            say(f"round {number + 1}/{rounds} {name}: {sample.seconds:.3f} s, CPU {sample.cpu_s:.2f} s")
    return samples


def fastest(samples: dict[str, list[Sample]], names: Iterable[str]) -> str:
    """Which of the peers' ways has the least median: the one to be compared with."""
    return min(names, key=lambda name: Spread.of(each.seconds for each in samples[name]).median)


def best_ways(samples: dict[str, list[Sample]], peers: dict[str, list[str]]) -> dict[str, str]:
    """The faster way of each peer, the fastest peer first; `peers` names the sides of each."""
    best = {peer: fastest(samples, ways) for peer, ways in peers.items()}
    medians = {peer: Spread.of(each.seconds for each in samples[way]).median for peer, way in best.items()}
    return {peer: best[peer] for peer in sorted(best, key=lambda peer: medians[peer])}


def percentile(values: Iterable[float], percent: int) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def median_of(samples: Iterable[Sample], value: Callable[[Sample], float] = lambda each: each.seconds) -> float:
    """The median of the seconds, or of another value, of some samples."""
    return statistics.median(value(each) for each in samples)


def as_figures(samples: dict[str, list[Sample]]) -> dict[str, object]:
    """Every sample, for the JSON."""
    return {
        name: [{"seconds": each.seconds, "cpu_s": each.cpu_s, **each.figures} for each in taken]
        for name, taken in samples.items()
    }


def judged(scale: Scale, *conditions: bool) -> bool | None:
    """Whether all aims are met; sizes of `quick` say nothing about them."""
    return None if scale is Scale.QUICK else all(conditions)


def require_equal(side: str, equal: bool) -> None:
    """Raise `AnswerWrong` unless the answer was right."""
    if not equal:
        raise AnswerWrong(f"{side}: what came back is not what went in")
