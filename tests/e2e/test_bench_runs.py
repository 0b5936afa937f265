"""The benchmarks run against a whole product, tiny and with the right answers. No figure is judged here."""

import json
import os
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest

from infra.benchmarks.__main__ import main
from infra.benchmarks.stack import Stack
from tests.e2e.stack import RunningStack

pytestmark = pytest.mark.e2e


def test_a_quick_run_prints_a_table_and_keeps_figures_whose_answers_were_right(
    stack: RunningStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["--quick", "--out", str(tmp_path), "W1"], lambda: nullcontext(Stack(stack.var, stack.port)))

    assert status == 0
    printed = capsys.readouterr().out
    assert "W1 CBCT" in printed and "Orthanc" in printed
    (kept,) = (json.loads(path.read_text()) for path in tmp_path.glob("*.json"))
    assert kept["scale"] == "quick"
    assert kept["machine"]["cores"] == os.cpu_count()
    (row,) = kept["rows"]
    assert row["workload"] == "W1"
    assert row["right"] is True
    assert row["figures"]["samples"]["ours"][0]["cpu_s"] >= 0


@pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="infra/bench installs nginx")
def test_a_series_is_opened_and_a_download_resumed_with_the_right_bytes_on_all_sides(
    stack: RunningStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["--quick", "--out", str(tmp_path), "W6", "W7"], lambda: nullcontext(Stack(stack.var, stack.port)))

    assert (status, capsys.readouterr().out.count("roof: nginx")) == (0, 3)
    (kept,) = (json.loads(path.read_text()) for path in tmp_path.glob("*.json"))
    assert [row["workload"] for row in kept["rows"]] == ["W6", "W6", "W7", "W7"]
    assert all(row["right"] for row in kept["rows"])
    assert kept["rows"][0]["figures"]["peer"].startswith("Orthanc 1.")
