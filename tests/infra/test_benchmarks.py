"""The benchmarks compare answers, and say what they measured. No figure is judged here."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from infra.benchmarks import measuring
from infra.benchmarks.__main__ import WORKLOADS, main
from infra.benchmarks.examination import FRAME_BYTES, ct_slice, write_cbct
from infra.benchmarks.measuring import (
    AnswerWrong,
    Row,
    Sample,
    Spread,
    best_ways,
    fastest,
    in_turns,
    percentile,
    require_equal,
)
from infra.benchmarks.table import table
from infra.benchmarks.trees import Trees
from infra.benchmarks.wire import only_part


def test_the_workloads_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0

    listed = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(WORKLOADS)
    assert {"W1", "W3", "W4", "W5", "W6", "W6b", "W7", "W12", "W16"} <= set(listed)


def test_an_unknown_workload_is_an_error_that_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["W1", "W99"])

    assert stopped.value.code != 0
    message = capsys.readouterr().err
    assert "W99" in message
    assert all(name in message for name in WORKLOADS)


def test_sides_take_turns() -> None:
    order = []

    def side(name: str) -> Sample:
        order.append(name)
        return Sample(1.0 if name == "slow" else 0.5, 0.1)

    samples = in_turns(2, {"slow": lambda _: side("slow"), "fast": lambda _: side("fast")}, lambda line: None)

    assert order == ["slow", "fast", "slow", "fast"]
    assert fastest(samples, ("slow", "fast")) == "fast"


def test_a_wrong_answer_is_no_figure() -> None:
    with pytest.raises(AnswerWrong):
        require_equal("ours", False)


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([5, 1, 4, 2, 3], 50) == 3
    assert percentile(range(1, 101), 95) == 95
    assert Spread.of([3, 1, 2]) == Spread(2, 1, 3)


def test_quick_sizes_judge_nothing() -> None:
    assert measuring.judged(measuring.Scale.QUICK, False) is None
    assert measuring.judged(measuring.Scale.USUAL, True, False) is False


def test_the_table_says_when_an_aim_is_missed() -> None:
    row = Row("W0", "a thing", "1 s", "2 s; Peer 1.0", 2.0, "≥ 3×", False, True, {})

    printed = table([row])

    assert "2×" in printed and "≥ 3×" in printed and "NO" in printed


def test_each_peer_counts_by_its_faster_way_and_the_fastest_peer_comes_first() -> None:
    seconds = {"old raw": 3.0, "old wado": 2.0, "new raw": 1.0, "new wado": 4.0}
    samples = {name: [Sample(value, 0.1)] for name, value in seconds.items()}

    best = best_ways(samples, {"old": ["old raw", "old wado"], "new": ["new raw", "new wado"]})

    assert list(best.items()) == [("new", "new raw"), ("old", "old wado")]


def test_the_table_shows_the_roof_and_why_an_aim_is_missed() -> None:
    row = Row("W0", "a thing", "1 s", "2 s", 2.0, "≥ 3×", False, True, {}, roof="nginx 9 s", cause="SQL takes 6 ms")

    assert "roof: nginx 9 s" in table([row])
    assert "cause: SQL takes 6 ms" in table([row])
    assert "cause" not in table([replace(row, met=True)])


def test_a_synthetic_cbct_is_sound_and_its_frames_are_where_they_are_said_to_be(tmp_path: Path) -> None:
    cbct = write_cbct(tmp_path / "cbct.dcm", 3)

    data_set = pydicom.dcmread(cbct.path)

    assert data_set.SOPInstanceUID == cbct.sop
    assert data_set.pixel_array.shape == (3, 512, 512)
    assert np.frombuffer(cbct.frame(2), "<u2").tobytes() == data_set.pixel_array[1].tobytes()
    assert len(ct_slice(cbct.study, cbct.series, 1)) > FRAME_BYTES


def test_the_part_of_a_short_answer_is_not_taken_for_whole() -> None:
    assert only_part(b"--b\r\nType: x\r\n\r\nabcd\r\n--b--", 4) == b"abcd"
    assert only_part(b"--b\r\nType: x\r\n\r\nab", 4) == b""


def test_cpu_and_peak_memory_of_a_process_are_seen() -> None:
    tree = Trees([os.getpid()])
    tree.forget_peaks()
    before = tree.cpu_s()

    block = bytearray(os.urandom(64 << 20))
    while tree.cpu_s() - before < 0.05:
        sum(range(100_000))

    assert max(tree.peaks()) > len(block)
