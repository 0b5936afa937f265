"""The whole corpus through the gate and every reader behind it, in this one process; prints what happened as JSON.

python -m tests.imaging.hostile [share of 256] [one of so many that pass for DCMTK] [class]
"""

import json
import random
import re
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from imaging.dicom.gate import Passed
from tests.imaging.hostile import dcmtk
from tests.imaging.hostile.cases import Case
from tests.imaging.hostile.corpus import USUAL, generate
from tests.imaging.hostile.oracles import (
    judge_bounded,
    require_readable,
    require_same_in_pieces,
)

_BATCH = 400
_LARGEST_SAMPLE = 64 << 10
_MOST_SHOWN = 50


class Trial:
    """The figures of a run."""

    def __init__(self, dcmtk_share: int) -> None:
        self.counts: dict[str, Counter] = defaultdict(Counter)
        self.reasons: Counter = Counter()
        self.failures: list[str] = []
        self.unreadable_by_pydicom = self.compared = self.read_by_dcmtk = 0
        self._source = random.Random(0)
        self._share = dcmtk_share
        self._sample: list[tuple[Case, Passed]] = []

    def run(self, case: Case) -> None:
        verdict: object = ("RAISED", "")
        try:
            verdict = judge_bounded(case)
            require_same_in_pieces(case.data, verdict, self._source)
            if isinstance(verdict, Passed):
                self._read(case, verdict)
        except Exception as error:
            self._fail(case, f"{type(error).__name__} {error}")
        self._note(case.kind, verdict)

    def _note(self, kind: str, verdict: object) -> None:
        passed = isinstance(verdict, Passed)
        self.counts[kind]["passed" if passed else "refused"] += 1
        if not passed:
            self.reasons[verdict[0]] += 1

    def _read(self, case: Case, passed: Passed) -> None:
        self.unreadable_by_pydicom += not require_readable(case.data, passed)
        if len(case.data) < _LARGEST_SAMPLE and not self._source.randrange(self._share):
            self._sample.append((case, passed))
        if len(self._sample) == _BATCH:
            self.compare()

    def compare(self) -> None:
        """What was sampled, through DCMTK."""
        sample, self._sample = self._sample, []
        self.compared += len(sample)
        for place, difference in dcmtk.compare([(case.data, passed) for case, passed in sample]):
            self.read_by_dcmtk += 1
            if difference:
                self._fail(sample[place][0], f"DCMTK sees {difference}")

    def _fail(self, case: Case, what: str) -> None:
        self.failures.append(f"{case.kind} / {case.name}: {what}"[:300])


def main(share: int = USUAL, dcmtk_share: int = 4, only: str = "") -> None:
    started, trial = time.process_time(), Trial(dcmtk_share)
    for case in generate(share):
        if only in case.kind:
            trial.run(case)
    trial.compare()
    report = {
        "inputs": sum(sum(counts.values()) for counts in trial.counts.values()),
        "kinds": trial.counts,
        "reasons": trial.reasons,
        "failures": len(trial.failures),
        "shown": trial.failures[:_MOST_SHOWN],
        "unreadable_by_pydicom": trial.unreadable_by_pydicom,
        "compared_with_dcmtk": trial.compared,
        "read_by_dcmtk": trial.read_by_dcmtk,
        "peak_kib": int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]),
        "cpu_seconds": round(time.process_time() - started, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*(int(word) if word.isdigit() else word for word in sys.argv[1:]))
